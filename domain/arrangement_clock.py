"""When an arrangement is missed or in default: by the days of payment, by what was agreed, and
without the days on which its clock stood still."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from domain.arrangements import (
    REPORTED_AFTER,
    ArrangementStatus,
    Endings,
    Standing,
    default_counts_from,
    standing_of,
)
from domain.holds import Hold, active_hold, days_held
from domain.loans import ZERO, Instalment

TOMORROW = timedelta(days=1)


def with_days_given_back(
    instalments: Iterable[Instalment], stops: Sequence[Hold], today: date
) -> list[Instalment]:
    """The instalments without the days of `stops`: each falls due later by as many days as a
    dispute or a protection of the person lasted after its due day."""
    on = today - REPORTED_AFTER
    return [
        each.falling_due(each.counts_from + timedelta(days=held))
        if each.counts_from and (held := days_held(stops, each.counts_from, on))
        else each
        for each in instalments
    ]


def milder(by_ledger: Standing, agreed: Sequence[Instalment], ends: Endings, on: date) -> Standing:
    """Where an arrangement stands whose schedule in the ledger is another than was agreed.

    `agreed` are the agreed instalments, with what is paid of them. Nothing counts as missed by
    numbers to which nobody agreed; nor by what was agreed, if the ledger asks for less. By what
    was agreed, it is looked at next when one of these may be missed; when all are paid, each day.
    """
    by_quote = standing_of(agreed, ends, on)
    if len(by_quote.missed) >= len(by_ledger.missed):
        return by_ledger
    is_over = by_quote.status is ArrangementStatus.DEFAULTED
    status = by_quote.status if is_over else ArrangementStatus.ACTIVE
    return Standing(status, by_quote.missed, by_quote.review_on or on + TOMORROW)


def not_left_out(
    agreed: Sequence[Instalment], schedule: Sequence[Instalment], paid: Collection[date]
) -> list[Instalment]:
    """The agreed instalments without those that a schedule of the ledger leaves out because they
    are `paid`. A ledger may list the whole of an arrangement, or only what is still to pay."""
    listed = {each.due_on for each in schedule}
    return [each for each in agreed if each.due_on in listed or each.due_on not in paid]


def not_asked_before(
    agreed: Sequence[Instalment], listed: Collection[date], asked: Collection[date]
) -> list[Instalment]:
    """The agreed instalments without those for which the ledger does not ask: by its schedule, with
    the days `listed`, all that is `asked` of the arrangement falls due on agreed days, and it has
    none of the days before the first of these."""
    days = {each.due_on for each in agreed}
    if not asked or not days.issuperset(asked):
        return list(agreed)
    first = min(asked)
    return [each for each in agreed if each.due_on >= first or each.due_on in listed]


def is_as_agreed(schedule: Sequence[Instalment], agreed: Sequence[Instalment]) -> bool:
    """Whether a schedule of the ledger asks for what was agreed, whatever is paid of it by now.

    What it has besides is of before, and paid.
    """
    amounts = {each.due_on: each.amount for each in agreed}
    asked = [each for each in schedule if each.due_on in amounts or each.unpaid > ZERO]
    return {each.due_on: each.amount for each in asked} == amounts


def no_default_yet(
    standing: Standing, not_before: date | None, stops: Sequence[Hold], today: date
) -> Standing:
    """The standing, but without a default while something stops its clock, or before `not_before`,
    when new days of grace end. While its clock is stopped, the arrangement is looked at each day.
    """
    stopped = active_hold(stops, today) is not None
    again = [standing.review_on] if standing.review_on else []
    again += [today + TOMORROW] if stopped else []
    if standing.status is ArrangementStatus.DEFAULTED:
        if not_before is not None and today < not_before:
            again.append(not_before)
        elif not stopped:
            return standing
        return replace(standing, status=ArrangementStatus.ACTIVE, review_on=min(again))
    return replace(standing, review_on=min(again, default=None)) if stopped else standing


def grace_anew(ends: Endings, on: date) -> date:
    """The first business date on which a default counts, if days of grace begin again on a day:
    because money of the arrangement went back, or its end was taken back."""
    return default_counts_from(on, ends.grace_days)


def paid_in_order(instalments: Sequence[Instalment], amount: Decimal) -> list[Instalment]:
    """The instalments with `amount` paid of them, in due order, and nothing else."""
    found: list[Instalment] = []
    for each in sorted(instalments, key=lambda one: one.due_on):
        paid = min(amount, each.amount)
        amount -= paid
        found.append(
            Instalment(each.due_on, each.amount, paid_principal=paid).falling_due(each.counts_from)
        )
    return found


def was_in_default(
    instalments: Sequence[Instalment],
    money: Iterable[tuple[date, Decimal]],
    ends: Endings,
    today: date,
    agreed: Sequence[Instalment] | None = None,
) -> bool:
    """Whether too much was missed at the beginning of business date `today`, by all that is known
    by now.

    `money` is what was paid of the arrangement, with the days on which it was paid. It may have
    been reported later. Money pays first what fell due first. `agreed` is what was agreed, if the
    ledger's `instalments` were others: the milder of both counts.
    """
    on = today - REPORTED_AFTER
    paid = sum((amount for day, amount in money if day <= on), ZERO)
    standing = standing_of(paid_in_order(instalments, paid), ends, today)
    if agreed is not None:
        standing = milder(standing, paid_in_order(agreed, paid), ends, today)
    return standing.status is ArrangementStatus.DEFAULTED
