"""Adjustments of what is owed, and the parts of instalments that they change, as rows."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from domain.adjustments import AdjustedPart, Adjustment, AdjustmentKind
from domain.loans import Component, Instalment
from workers.db.schema import adjustment, adjustment_part, instalment, loan
from workers.db.sender_ids import is_named
from workers.db.typed_rows import columns_of, typed_row


class RecordedAdjustment(NamedTuple):
    """An adjustment that is on record."""

    id: int
    loan_id: int
    kind: AdjustmentKind
    amount: Decimal | None
    component: Component | None
    instalment: date | None
    due_on: date | None
    booked_on: date
    in_tape_as_of: date | None
    taken_back_on: date | None

    @property
    def adjustment(self) -> Adjustment:
        return Adjustment(
            AdjustmentKind(self.kind),
            self.booked_on,
            self.amount,
            Component(self.component) if self.component else None,
            self.instalment,
            self.due_on,
        )


def adjustment_known_as(
    connection: Connection, external_id: str, sender: str
) -> RecordedAdjustment | None:
    """The adjustment with the sender's id; None if there is none."""
    known = select(*columns_of(RecordedAdjustment, adjustment)).where(
        is_named(adjustment, external_id, sender)
    )
    return typed_row(RecordedAdjustment, connection.execute(known))


def loan_of_adjustment(connection: Connection, adjustment_id: int) -> str | None:
    """The lender's id of the loan that an adjustment belongs to."""
    named: str | None = connection.execute(
        select(loan.c.external_id)
        .join(adjustment, adjustment.c.loan_id == loan.c.id)
        .where(adjustment.c.id == adjustment_id)
    ).scalar()
    return named


def insert_adjustment(
    connection: Connection,
    external_id: str,
    sender: str,
    loan_id: int,
    booked: Adjustment,
    *,
    actor: str | None,
    why_id: UUID | None,
    now: datetime,
    in_tape_as_of: date | None,
) -> int:
    """Insert an adjustment; returns its id."""
    values = {
        "external_id": external_id,
        "sender": sender,
        "loan_id": loan_id,
        "kind": booked.kind,
        "amount": booked.amount,
        "component": booked.component,
        "instalment": booked.instalment,
        "due_on": booked.due_on,
        "booked_on": booked.booked_on,
        "actor": actor,
        "why_id": why_id,
        "recorded_at": now,
        "in_tape_as_of": in_tape_as_of,
    }
    inserted: int = connection.execute(
        insert(adjustment).values(values).returning(adjustment.c.id)
    ).scalar_one()
    return inserted


def parts_of_adjustment(connection: Connection, adjustment_id: int) -> list[AdjustedPart]:
    """What it changed when it was applied. Empty if it never was."""
    part = adjustment_part.c
    rows = connection.execute(
        select(part.due_on, part.component, part.amount, part.counts_from)
        .where(part.adjustment_id == adjustment_id)
        .order_by(part.due_on, part.component)
    )
    return [
        AdjustedPart(row.due_on, Component(row.component), row.amount, row.counts_from)
        for row in rows
    ]


class RecordedWaiver(NamedTuple):
    """A waiver that is on record, and what it changed."""

    id: int
    waiver: Adjustment
    parts: list[AdjustedPart]


def waivers_of(connection: Connection, loan_id: int) -> list[RecordedWaiver]:
    """The waivers of a loan that were not taken back, in order."""
    rows = connection.execute(
        select(*columns_of(RecordedAdjustment, adjustment))
        .where(
            adjustment.c.loan_id == loan_id,
            adjustment.c.kind == AdjustmentKind.WAIVER,
            adjustment.c.taken_back_on.is_(None),
        )
        .order_by(adjustment.c.booked_on, adjustment.c.id)
    )
    waivers = [RecordedAdjustment(*row) for row in rows]
    return [
        RecordedWaiver(row.id, row.adjustment, parts_of_adjustment(connection, row.id))
        for row in waivers
    ]


def save_schedule(
    connection: Connection,
    loan_id: int,
    before: Iterable[Instalment],
    after: Sequence[Instalment],
) -> None:
    """Write the instalments of a locked loan that differ from those before, and delete the others.
    Two statements at most."""
    unchanged = set(before)
    gone = {due.due_on for due in unchanged} - {due.due_on for due in after}
    columns = [column.name for column in instalment.c if column.name != "loan_id"]
    rows = [
        {"loan_id": loan_id, **{name: getattr(due, name) for name in columns}}
        for due in after
        if due not in unchanged
    ]
    if rows:
        statement = insert(instalment)
        changed = {name: statement.excluded[name] for name in columns if name != "due_on"}
        keys = [instalment.c.loan_id, instalment.c.due_on]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)
    if gone:
        key = tuple_(instalment.c.loan_id, instalment.c.due_on)
        connection.execute(
            delete(instalment).where(key.in_([(loan_id, due_on) for due_on in sorted(gone)]))
        )
