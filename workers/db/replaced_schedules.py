"""Schedules that another one replaced: kept as history, and compared with what a tape says."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, text, update

from domain.loans import ZERO, Instalment
from workers.db.bulk import insert_rows, is_among
from workers.db.schema import instalment, loan, replaced_instalment, replaced_schedule

Terms: TypeAlias = tuple[tuple[date, Decimal, Decimal, Decimal], ...]
"""What a schedule says falls due: of each instalment its day, principal, interest and fees."""


def terms_of(instalments: Sequence[Instalment]) -> Terms:
    """What falls due by these instalments, without what is paid of them."""
    return tuple((i.due_on, i.principal, i.interest, i.fees) for i in instalments)


@dataclass(frozen=True, slots=True)
class Replacement:
    """How the schedule of a locked loan is replaced."""

    loan_id: int
    restructured_on: date
    """From then on the new schedule counts."""
    new: Sequence[Instalment]
    """The whole new schedule, with what is paid of it, in due order."""
    external_id: str | None = None
    """The lender's id of the restructuring; None: it is from a tape."""
    sender: str | None = None
    """Whose id it is."""
    actor: str | None = None
    why_id: UUID | None = None
    tape_as_of: date | None = None
    """Of the tape that has it."""
    schedule_digest: str | None = None
    """Of the schedule in the event, by which the same event is known."""
    contains_before: date | None = None
    """It contains what was booked before this day, if that is another day than its own."""


_KEEP = text("""
INSERT INTO replaced_instalment (replaced_schedule_id, due_on, principal, interest, fees,
                                 paid_principal, paid_interest, paid_fees)
SELECT s.id, i.due_on, i.principal, i.interest, i.fees,
       i.paid_principal, i.paid_interest, i.paid_fees
  FROM replaced_schedule s JOIN instalment i ON i.loan_id = s.loan_id
 WHERE s.id = ANY(:ids)
""")


def keep_replaced(
    connection: Connection, replacements: Sequence[Replacement], now: datetime
) -> list[int]:
    """Keep the schedules on record as history, before these replace them. Two statements.

    Returns the ids of what is kept.
    """
    rows = [
        {
            "external_id": each.external_id,
            "sender": each.sender,
            "loan_id": each.loan_id,
            "restructured_on": each.restructured_on,
            "recorded_at": now,
            "actor": each.actor,
            "why_id": each.why_id,
            "tape_as_of": each.tape_as_of,
            "instalments": len(each.new),
            "first_due_on": each.new[0].due_on,
            "last_due_on": each.new[-1].due_on,
            "amount": sum((i.amount for i in each.new), ZERO),
            "paid": sum((i.paid for i in each.new), ZERO),
            "schedule_digest": each.schedule_digest,
        }
        for each in replacements
    ]
    if not rows:
        return []
    kept = insert_rows(connection, replaced_schedule, rows, returning=("id",))
    ids = [row.id for row in kept]
    connection.execute(_KEEP, {"ids": ids})
    return ids


def replace_schedule(connection: Connection, replacement: Replacement, now: datetime) -> int:
    """Replace the schedule of a locked loan, and keep the old one; returns the id of that.

    What was booked before its day is in the new schedule, as in a tape of that day. The caller
    reassesses the loan.
    """
    (kept,) = keep_replaced(connection, [replacement], now)
    id = replacement.loan_id
    connection.execute(delete(instalment).where(instalment.c.loan_id == id))
    rows: list[dict[str, Any]] = [
        {
            "loan_id": id,
            **{name: getattr(each, name) for name in Instalment.__dataclass_fields__},
        }
        for each in replacement.new
    ]
    connection.execute(insert(instalment), rows)
    connection.execute(
        update(loan)
        .where(loan.c.id == id)
        .values(
            restructured_on=replacement.restructured_on,
            tape_as_of=replacement.contains_before or replacement.restructured_on,
        )
    )
    return kept


class ReplacedSchedule(NamedTuple):
    """A schedule that was replaced, and what was paid before and after."""

    terms: Terms
    paid: Decimal
    """What was paid of it in all when it ended."""
    new_paid: Decimal
    """What was paid of the new schedule in all when that began."""


_REPLACED = (
    select(replaced_schedule.c.loan_id, replaced_schedule.c.paid.label("new_paid"))
    .add_columns(*(column for column in replaced_instalment.c))
    .join(replaced_instalment)
    .where(is_among(replaced_schedule.c.loan_id, "of_loans"))
    .order_by(replaced_schedule.c.id, replaced_instalment.c.due_on)
)


def read_replaced(
    connection: Connection, loan_ids: Sequence[int]
) -> Mapping[int, Sequence[ReplacedSchedule]]:
    """The replaced schedules of these loans, by loan, the newest last. One statement."""
    parts: dict[int, dict[int, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in connection.execute(_REPLACED, {"of_loans": list(loan_ids)}):
        parts[row.loan_id][row.replaced_schedule_id].append(row)
    return {
        loan_id: [
            ReplacedSchedule(
                tuple((r.due_on, r.principal, r.interest, r.fees) for r in rows),
                sum((r.paid_principal + r.paid_interest + r.paid_fees for r in rows), ZERO),
                rows[0].new_paid,
            )
            for rows in schedules.values()
        ]
        for loan_id, schedules in parts.items()
    }
