"""Schedules: which amount falls due when, and what the totals of a loan tape have paid of it.

Money is rounded to the smallest amount of its currency, half up.
"""

import calendar
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from operator import attrgetter

from domain.loans import ZERO, Component, Instalment

CENT = Decimal("0.01")
MONTHS_OF_RATE_PERCENT = Decimal(1200)
LAST_DAY = 31


def lump_sum(principal: Decimal, interest: Decimal, due_on: date) -> tuple[Instalment, ...]:
    """A loan that is paid back all at once."""
    return (Instalment(due_on, principal, interest),)


def level_payments(
    *,
    principal: Decimal,
    annual_rate_percent: Decimal,
    term_months: int,
    instalment: Decimal,
    first_month: date,
    due_day: int,
    smallest: Decimal = CENT,
) -> tuple[Instalment, ...]:
    """A loan that is paid back by the same amount every month: interest first, then principal.

    The interest of a month is a twelfth of the yearly rate on the principal still owed. Instalments
    fall due from the month of `first_month` on, on `due_day` (1 to 31), or on the last day of a
    shorter month. The last instalment is the rest, so that the principal adds up. `smallest` is the
    smallest amount of the currency, to which interest is rounded.

    Raises:
        ValueError: the instalment does not pay the loan back in exactly this term.
    """
    rate = annual_rate_percent / MONTHS_OF_RATE_PERCENT
    instalments: list[Instalment] = []
    owed = principal
    for months in range(term_months):
        interest = (owed * rate).quantize(smallest, ROUND_HALF_UP)
        part = owed if months == term_months - 1 else instalment - interest
        if not ZERO < part <= owed:
            raise ValueError("the instalment does not pay the loan back in its term")
        due_on = month_after(first_month, months, due_day)
        instalments.append(Instalment(due_on, part, interest))
        owed -= part
    # Lenders round the instalment to the cent, so the last one differs a little. If it differs by
    # more than an instalment, the amount, rate, term and instalment do not fit each other.
    if term_months > 1 and abs(instalments[-1].amount - instalment) > instalment:
        raise ValueError("the instalment does not pay the loan back in its term")
    return tuple(instalments)


@lru_cache(maxsize=4096)  # few different dates, many instalments
def month_after(start: date, months: int, day: int) -> date:
    """The day `months` months after the month of `start`, or that month's last day if shorter."""
    years, month_index = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(years, month_index + 1)[1]
    return date(years, month_index + 1, min(day, last))


def on_due_day(instalments: Sequence[Instalment], day: int) -> tuple[Instalment, ...]:
    """The same instalments, each on this day of its month or, if shorter, on its last day."""
    days = (month_after(instalment.due_on, 0, day) for instalment in instalments)
    return tuple(
        replace(instalment, due_on=due_on, counts_from=due_on)
        for instalment, due_on in zip(instalments, days, strict=True)
    )


def one_a_day(instalments: Iterable[Instalment]) -> tuple[Instalment, ...]:
    """The instalments in due order, with those that are due on one day added up.

    They fall due, and are collected, together. The sums are those of all of them.
    """
    in_order = sorted(instalments, key=attrgetter("due_on"))
    days: list[Instalment] = []
    for instalment in in_order:
        if days and days[-1].due_on == instalment.due_on:
            days[-1] = _added_up(days[-1], instalment)
        else:
            days.append(instalment)
    return tuple(days)


def _added_up(one: Instalment, other: Instalment) -> Instalment:
    return replace(
        one,
        principal=one.principal + other.principal,
        interest=one.interest + other.interest,
        fees=one.fees + other.fees,
        paid_principal=one.paid_principal + other.paid_principal,
        paid_interest=one.paid_interest + other.paid_interest,
        paid_fees=one.paid_fees + other.paid_fees,
    )


def paid_by_component(
    instalments: Sequence[Instalment], paid: Mapping[Component, Decimal], tolerance: Decimal
) -> tuple[Instalment, ...]:
    """Fill the oldest instalments with the totals paid of each component.

    `tolerance` as in `paid_by_total`.
    """
    left = dict(paid)
    filled: list[Instalment] = []
    for instalment in instalments:
        for component in left:
            part = min(left[component], instalment.unpaid_of(component))
            if part:
                instalment = instalment.with_paid(component, part)
                left[component] -= part
        filled.append(instalment)
    return with_tolerance(filled, tolerance)


def with_tolerance(instalments: Sequence[Instalment], tolerance: Decimal) -> tuple[Instalment, ...]:
    """The instalments, those paid in full of which at most `tolerance` of the amount is missing."""
    if not tolerance:
        return tuple(instalments)
    return tuple(
        in_full(instalment) if instalment.unpaid <= instalment.amount * tolerance else instalment
        for instalment in instalments
    )


def paid_by_total(
    instalments: Sequence[Instalment], paid: Decimal, tolerance: Decimal
) -> tuple[Instalment, ...]:
    """Fill the oldest instalments with one paid total: fees, then interest, then principal.

    An instalment counts as paid in full when the missing part is at most `tolerance`, a fraction of
    its amount. Lenders calculate a first period that is not a whole month in different ways, and
    nobody should be contacted about that difference.
    """
    filled: list[Instalment] = []
    for instalment in instalments:
        amount = instalment.amount
        if paid >= amount * (1 - tolerance):
            filled.append(in_full(instalment))
            paid = max(ZERO, paid - amount)
        else:
            filled.append(_in_part(instalment, paid) if paid else instalment)
            paid = ZERO
    return tuple(filled)


def paid_by_principal(
    instalments: Sequence[Instalment],
    paid_principal: Decimal,
    paid_interest: Decimal,
    tolerance: Decimal,
) -> tuple[Instalment, ...]:
    """Fill the oldest instalments by the principal paid, the best sign of how many were paid.

    The interest of a first period depends on its length, the principal does not: after three
    payments the principal paid equals the schedule's to the cent. `tolerance` is a fraction of an
    instalment's principal. Every instalment must have principal.

    Interest beyond that of the paid instalments counts for the next one only if part of its
    principal is paid too. Otherwise it belongs to the first period.
    """
    filled: list[Instalment] = []
    for instalment in instalments:
        if paid_principal >= instalment.principal * (1 - tolerance):
            filled.append(in_full(instalment))
        elif paid_principal > ZERO:
            interest = min(max(ZERO, paid_interest), instalment.interest)
            filled.append(
                replace(instalment, paid_principal=paid_principal, paid_interest=interest)
            )
        else:
            filled.append(instalment)
        paid_principal = max(ZERO, paid_principal - instalment.principal)
        paid_interest -= filled[-1].paid_interest
    return tuple(filled)


def in_full(instalment: Instalment) -> Instalment:
    """The instalment with nothing left to pay."""
    # Not `replace`, which takes several times as long: a tape has millions of them.
    return Instalment(
        *(instalment.due_on, instalment.principal, instalment.interest, instalment.fees),
        *(instalment.principal, instalment.interest, instalment.fees, instalment.counts_from),
    )


def _in_part(instalment: Instalment, paid: Decimal) -> Instalment:
    fees = min(paid, instalment.fees)
    interest = min(paid - fees, instalment.interest)
    principal = min(paid - fees - interest, instalment.principal)
    return replace(instalment, paid_fees=fees, paid_interest=interest, paid_principal=principal)


def drawn_due_day(loan_ref: str, instalments: Sequence[Instalment], seen_on: date) -> int:
    """A day of the month, 1 to 31, for a loan whose tape gives only months. Always the same day.

    A hash of the reference selects it from the days that are consistent with the payments, for a
    tape that was written at the end of `seen_on`. If the payments allow two readings, the loan is
    taken as not yet due: nobody is contacted about an instalment that may not be owed.
    docs/decisions/0003-due-day.md has the figures.
    """
    days = _consistent_days(instalments, seen_on)
    number = int.from_bytes(hashlib.sha256(loan_ref.encode()).digest()[:8])
    return days[number % len(days)]


def _consistent_days(instalments: Sequence[Instalment], seen_on: date) -> range:
    unpaid = next((i.due_on for i in instalments if i.unpaid > ZERO), None)
    seen_month = (seen_on.year, seen_on.month)
    month_end = month_after(seen_on, 0, LAST_DAY).day
    if unpaid is not None and (unpaid.year, unpaid.month) > seen_month:
        return range(1, seen_on.day + 1)
    if unpaid is not None and (unpaid.year, unpaid.month) == seen_month and seen_on.day < month_end:
        return range(seen_on.day + 1, LAST_DAY + 1)
    return range(1, LAST_DAY + 1)
