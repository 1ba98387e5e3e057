"""Where a confirmed arrangement stands, by its money, its days, and what stopped its clock."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, select, text

from domain.arrangement_clock import (
    milder,
    no_default_yet,
    not_asked_before,
    paid_in_order,
    was_in_default,
    with_days_given_back,
)
from domain.arrangements import Standing, standing_of
from domain.holds import STOP_CLOCKS, Hold, days_held
from domain.loans import ZERO, Instalment
from domain.quote_json import quote_from_json
from workers.context import Context
from workers.db.arrangements import Arrangement, days_of, paid_of
from workers.db.loans import load_schedule, lock_loan_by_id
from workers.db.schema import hold_of_loan
from workers.db.typed_rows import columns_of, typed_rows
from workers.hardship.agreed_numbers import differs, paid_since


def standing_on(
    connection: Connection, ctx: Context, stored: Arrangement, today: date
) -> Standing | None:
    """Where an arrangement of a locked loan stands; None: the schedule does not have its days any
    more. Three statements, and more where its ledger has other amounts."""
    instalments = paid_of(connection, stored)
    if len(instalments) < len(days_of(connection, stored.id)):
        return None
    stops = stops_of(connection, stored.loan_id)
    as_given = with_days_given_back(instalments, stops, today)
    standing = standing_of(as_given, stored, today, stored.deferred_until)
    if standing.missed and differs(connection, stored):
        paid = sum((each.paid for each in instalments), ZERO)
        rest = _rest_of(connection, stored, instalments)
        agreed = _as_agreed(connection, ctx, stored, rest, paid, stops, today)
        standing = milder(standing, agreed, stored, today)
    return no_default_yet(standing, stored.no_default_before, stops, today)


def standing_as_agreed(
    connection: Connection, ctx: Context, stored: Arrangement, today: date
) -> Standing:
    """Where an accepted arrangement of a locked loan stands that its ledger has not confirmed: by
    what was agreed, and by all that was paid since, as payments or tapes say it."""
    stops = stops_of(connection, stored.loan_id)
    quoted = quote_from_json(stored.quote or {}).arranged
    paid = paid_since(connection, stored)
    agreed = _as_agreed(connection, ctx, stored, quoted, paid, stops, today)
    return standing_of(agreed, stored, today, stored.deferred_until)


def _as_agreed(
    connection: Connection,
    ctx: Context,
    stored: Arrangement,
    quoted: Sequence[Instalment],
    paid: Decimal,
    stops: Sequence[Hold],
    today: date,
) -> list[Instalment]:
    """These instalments that the borrower accepted, with so much paid of them, and with the days of
    `stops` given back."""
    ladder = ctx.ladder_of(lock_loan_by_id(connection, stored.loan_id), today)
    agreed = paid_in_order(ladder.with_due_days(quoted) if ladder else quoted, paid)
    return with_days_given_back(agreed, stops, today)


def _rest_of(
    connection: Connection, stored: Arrangement, instalments: Sequence[Instalment]
) -> list[Instalment]:
    """What the borrower accepted, without what was paid before the ledger reported other amounts:
    its schedule has that as paid, and not among the instalments of the arrangement; or does not
    have it any more."""
    of_it = {each.due_on for each in instalments}
    schedule = load_schedule(connection, stored.loan_id)
    before = {each.due_on for each in schedule if each.unpaid == ZERO} - of_it
    quoted = quote_from_json(stored.quote or {}).arranged
    agreed = not_asked_before(quoted, {each.due_on for each in schedule}, of_it)
    return [each for each in agreed if each.due_on not in before]


def stops_of(connection: Connection, loan_id: int) -> list[Hold]:
    """What stops the clock of an arrangement: the disputes of its loan, and what protects the
    borrower, such as a death or an insolvency."""
    of_it = (hold_of_loan.c.loan_id == loan_id) & hold_of_loan.c.kind.in_(STOP_CLOCKS)
    held = select(*columns_of(Hold, hold_of_loan)).where(of_it)
    return typed_rows(Hold, connection.execute(held))


def days_stood_still(connection: Connection, loan_id: int, since: date, today: date) -> timedelta:
    """For how many days since a day the clock of the arrangements of a loan stood still."""
    return timedelta(days=days_held(stops_of(connection, loan_id), since, today))


def ended_rightly(
    connection: Connection,
    ctx: Context,
    stored: Arrangement,
    now: datetime,
    *,
    at_the_earliest: bool = False,
) -> bool:
    """Whether an arrangement in default was in default on the day on which it ended, by the days
    on which its money was paid: some may have been reported later. Four statements, and more where
    its ledger had other amounts.

    Of what only a tape shows, nobody knows the day. It was paid before the day of that tape, and
    not before the day of the one before it. The last day counts, or the first `at_the_earliest`.
    """
    if stored.ended_at is None:
        return False
    ended_on = stored.ended_at.astimezone(now.tzinfo).date()
    stops = stops_of(connection, stored.loan_id)
    instalments = with_days_given_back(paid_of(connection, stored), stops, ended_on)
    money = [
        (each.earliest if at_the_earliest else each.latest, each.amount)
        for each in _money(connection, stored)
    ]
    agreed = None
    if differs(connection, stored):
        rest = _rest_of(connection, stored, instalments)
        agreed = _as_agreed(connection, ctx, stored, rest, ZERO, stops, ended_on)
    return was_in_default(instalments, money, stored, ended_on, agreed)


class _Paid(NamedTuple):
    """Money, and between which days it was paid."""

    earliest: date
    latest: date
    amount: Decimal


# What a tape contains is not allocated; its day is known all the same, if it was reported.
_MONEY = text("""
SELECT p.paid_on AS earliest, p.paid_on AS latest,
       sum(CASE WHEN p.in_tape_as_of IS NOT NULL THEN p.amount - p.returned
                ELSE (SELECT coalesce(sum(a.amount), 0)
                        FROM allocation a
                        JOIN arrangement_instalment i
                          ON i.arrangement_id = r.id AND i.due_on = a.due_on
                       WHERE a.payment_id = p.id) END) AS amount
  FROM arrangement r
  JOIN replaced_schedule s ON s.id = r.replaced_schedule_id
  JOIN payment p ON p.loan_id = r.loan_id AND p.reversed_on IS NULL
   AND (p.in_tape_as_of IS NULL OR p.paid_on >= s.restructured_on)
 WHERE r.id = :arrangement
 GROUP BY p.paid_on
 UNION ALL
SELECT greatest(t.previous_tape, s.restructured_on), t.tape_as_of - 1, t.amount
  FROM arrangement r
  JOIN replaced_schedule s ON s.id = r.replaced_schedule_id
  JOIN paid_by_tape t ON t.loan_id = r.loan_id AND t.tape_as_of > s.restructured_on
   AND t.payment_id IS NULL AND t.amount > 0
 WHERE r.id = :arrangement
""")


def _money(connection: Connection, stored: Arrangement) -> Sequence[_Paid]:
    """What was paid of an arrangement since the ledger confirmed it."""
    rows = connection.execute(_MONEY, {"arrangement": stored.id})
    return [_Paid(row.earliest, row.latest, row.amount) for row in rows]
