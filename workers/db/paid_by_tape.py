"""What tapes showed as paid more than was on record, and what explains it when it comes late."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, select, text

from domain.loans import ZERO
from workers.db.schema import paid_by_tape


class Shown(NamedTuple):
    """How much more a tape shows as paid of a loan than is on record."""

    spent: Decimal
    """Of what payments of before its day had left over."""
    unexplained: Decimal


# Of the oldest payment first, as it is allocated.
_KEEP = text("""
WITH shown AS (
    SELECT l.id AS loan_id, l.tape_as_of AS previous_tape, s.spent, s.unexplained
      FROM unnest(CAST(:loan_ids AS bigint[]), CAST(:spent AS numeric[]),
                  CAST(:unexplained AS numeric[])) s (loan_id, spent, unexplained)
      JOIN loan l ON l.id = s.loan_id
), left_over AS (
    SELECT p.id, p.loan_id, s.previous_tape,
           least(p.unallocated,
                 s.spent + p.unallocated - sum(p.unallocated)
                     OVER (PARTITION BY p.loan_id ORDER BY p.paid_on, p.id)) AS amount
      FROM payment p JOIN shown s ON s.loan_id = p.loan_id
     WHERE p.unallocated > 0 AND p.reversed_on IS NULL AND p.paid_on < :as_of
), lowered AS (
    UPDATE payment p SET unallocated = p.unallocated - o.amount
      FROM left_over o
     WHERE o.id = p.id AND o.amount > 0
)
INSERT INTO paid_by_tape (loan_id, tape_as_of, previous_tape, payment_id, amount)
SELECT loan_id, CAST(:as_of AS date), previous_tape, id, amount FROM left_over WHERE amount > 0
 UNION ALL
SELECT loan_id, CAST(:as_of AS date), previous_tape, NULL, unexplained FROM shown
 WHERE unexplained > 0
""")

# The oldest first: `up_to` is what these rows and the ones before explain in all.
_EXPLAIN = text("""
WITH found AS (
    SELECT id, payment_id, least(amount, :amount + amount - sum(amount) OVER (ORDER BY id)) AS used
      FROM paid_by_tape
     WHERE loan_id = :loan_id AND amount > 0 AND tape_as_of > :on AND previous_tape <= :since
       AND (payment_id IS NOT NULL) = :of_payments
), explained AS (
    UPDATE paid_by_tape t SET amount = t.amount - f.used
      FROM found f WHERE f.id = t.id AND f.used > 0
)
SELECT payment_id, sum(used) AS amount FROM found WHERE used > 0 GROUP BY payment_id
""")

_GIVE_BACK = text("""
UPDATE payment SET unallocated = unallocated + least(:amount, amount - returned - unallocated)
 WHERE id = :id
""")


def keep_shown(connection: Connection, shown: Mapping[int, Shown], as_of: date) -> None:
    """Keep how much more a tape of `as_of` shows as paid than is on record, by loan, and lower what
    payments have left over by the part of it that the tape shows. One statement, or none if the
    tape shows nothing.

    It must be called before the date of the tape is recorded.
    """
    some = {loan_id: each for loan_id, each in shown.items() if any(each)}
    if some:
        given = {
            "loan_ids": list(some),
            "spent": [each.spent for each in some.values()],
            "unexplained": [each.unexplained for each in some.values()],
            "as_of": as_of,
        }
        connection.execute(_KEEP, given)


def explain_return(connection: Connection, loan_id: int, on: date, amount: Decimal) -> Decimal:
    """How much of money that the lender has again since a day, and of which the event comes now,
    tapes of later days show as paid already. No other money explains it any more."""
    given = {"loan_id": loan_id, "on": on, "amount": amount}
    return _explain(connection, {**given, "of_payments": False, "since": date.max}).get(None, ZERO)


def explain_payment(
    connection: Connection, loan_id: int, on: date, amount: Decimal, since: date | None = None
) -> bool:
    """Money of a payment of which the event comes after a tape that contains it. If that tape was
    taken to show what other payments had left over, they have it left over again; returns whether
    any has. It is the first tape of after that day, or any of which the tape before it is not
    later than `since`."""
    given = {"loan_id": loan_id, "on": on, "amount": amount, "since": since or on}
    explained = _explain(connection, {**given, "of_payments": False})
    given["amount"] = amount - explained.get(None, ZERO)
    given_back = _explain(connection, {**given, "of_payments": True})
    for id, spent in given_back.items():
        connection.execute(_GIVE_BACK, {"id": id, "amount": spent})
    return bool(given_back)


def loans_to_explain(connection: Connection, loan_ids: Collection[int]) -> set[int]:
    """Those of which a tape showed more as paid than was on record."""
    among = select(paid_by_tape.c.loan_id).where(paid_by_tape.c.loan_id.in_(loan_ids))
    return set(connection.execute(among).scalars())


def _explain(connection: Connection, given: Mapping[str, object]) -> dict[int | None, Decimal]:
    return {row.payment_id: row.amount for row in connection.execute(_EXPLAIN, given)}
