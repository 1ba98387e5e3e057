"""Records which loans a tape changed, and what was past due before and after."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, text

from domain.delinquency import Arrears
from workers.db.copy import copy_rows
from workers.db.owed import UNPAID


@dataclass(frozen=True, slots=True)
class PastDue:
    """What is past due of a loan, and since when."""

    delinquent_since: date | None
    amount: Decimal


_PAST_DUE = text(f"""
SELECT l.id, min(i.counts_from) AS delinquent_since,
       coalesce(sum({UNPAID}), 0) AS amount
  FROM loan l
  LEFT JOIN instalment i ON i.loan_id = l.id AND i.counts_from < :today
   AND i.paid_principal + i.paid_interest + i.paid_fees < i.principal + i.interest + i.fees
 WHERE l.external_id = ANY(:loans)
 GROUP BY l.id
""")  # noqa: S608 the part is a constant


def past_due_of(
    connection: Connection, external_ids: Collection[str], today: date
) -> dict[int, PastDue]:
    """What is past due of these loans on business date `today`, by loan id. One statement."""
    if not external_ids:
        return {}
    rows = connection.execute(_PAST_DUE, {"loans": list(external_ids), "today": today})
    return {row.id: PastDue(row.delinquent_since, row.amount) for row in rows}


def note_changes(
    connection: Connection,
    import_id: int,
    after: Mapping[int, Arrears],
    before: Mapping[int, PastDue],
    new: Collection[int],
    now: datetime,
) -> None:
    """Record that a tape changed the loans in `after`, with what is past due now and before.

    For a loan that is neither in `before` nor in `new` nothing past due has changed: the tape
    changed something else of it.
    """

    def past_due_before(loan_id: int, owed: Arrears) -> tuple[date | None, Decimal | None]:
        if loan_id in new:
            return None, None
        past_due = before.get(loan_id, PastDue(owed.delinquent_since, owed.amount))
        return past_due.delinquent_since, past_due.amount

    rows = (
        (import_id, id, now, *past_due_before(id, owed), owed.delinquent_since, owed.amount)
        for id, owed in after.items()
    )
    columns = (
        *("tape_import_id", "loan_id", "at", "delinquent_since_before", "past_due_before"),
        *("delinquent_since_after", "past_due_after"),
    )
    copy_rows(connection, "tape_change", rows, columns)


_NEW_LOANS = text("""
INSERT INTO tape_change (tape_import_id, loan_id, at, delinquent_since_after, past_due_after)
SELECT :import_id, l.id, :now, t.delinquent_since, t.past_due
  FROM tape_loan t JOIN loan l ON l.external_id = t.external_id
 WHERE l.id = ANY(:loans)
 ORDER BY l.id
""")


def note_new_loans(
    connection: Connection, import_id: int, loans: Collection[int], now: datetime
) -> None:
    """Record that a tape brought in staged loans of which only the tape knows anything."""
    if loans:
        given = {"import_id": import_id, "loans": list(loans), "now": now}
        connection.execute(_NEW_LOANS, given)
