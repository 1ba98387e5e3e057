"""Disputes and complaints in the database: one set of statements for both tables."""

from collections.abc import Collection
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Table, null, select, text, update

from domain.compliance.answer_period import ClockState, clock_of
from domain.disputes import MOVES, OPEN, Matter, MatterStatus
from domain.moves import sources
from domain.reasons import ReasonCode, because
from workers.db.matter_staff import hand_to_supervisor
from workers.db.outbox import OutboxEventKind, OutboxMessage, record_events
from workers.db.owed import UNPAID
from workers.db.persons import lock_loans, lock_loans_of_person, lock_person
from workers.db.problems import note_problem, resolve_problems
from workers.db.schema import (
    complaint,
    dispute,
    loan,
)
from workers.db.sender_ids import is_named
from workers.db.typed_rows import columns_of, typed_row

TABLES: dict[Matter, Table] = {Matter.DISPUTE: dispute, Matter.COMPLAINT: complaint}

PROBLEMS: dict[Matter, dict[ClockState, str]] = {
    matter: {
        ClockState.DUE: f"{matter}_answer_due",
        ClockState.LATE: f"{matter}_answer_late",
    }
    for matter in Matter
}
"""The kinds of problem of a deadline that is near, and of one that is over …"""
UNPRINTED: dict[Matter, str] = {matter: f"{matter}_answer_not_printed" for matter in Matter}
"""… and of an answer that was decided, and whose letter nobody has printed."""


class StoredMatter(NamedTuple):
    """A dispute or a complaint, locked with its person and its loan."""

    id: int
    external_id: str
    sender: str
    loan_id: int
    loan: str
    jurisdiction: str
    borrower_id: int
    kind: str
    raised_by: str
    contact_id: int | None
    received_at: datetime
    actor: str
    status: MatterStatus
    acknowledge_by: datetime | None
    acknowledged_at: datetime | None
    answer_by: datetime | None
    rules: list[str]
    extensions: int
    handler: str | None
    hold_id: int | None
    why_id: UUID | None
    about_staff: str | None
    """Of a complaint."""

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


def lock_matter(
    connection: Connection, matter: Matter, external_id: str, sender: str
) -> StoredMatter | None:
    """Lock the person who raised it and the loans, then it; None if there is none under this id.

    The loans are those of the person: a complaint may stop all of them.
    """
    table = TABLES[matter]
    named = is_named(table, external_id, sender)
    whose = connection.execute(
        select(table.c.borrower_id, table.c.loan_id).where(named)
    ).one_or_none()
    if whose is None:
        return None
    lock_person(connection, whose.borrower_id)
    if matter is Matter.COMPLAINT:
        lock_loans_of_person(connection, whose.borrower_id)
    lock_loans(connection, loan.c.id == whose.loan_id)
    about = complaint.c.about_staff if table is complaint else null()
    rows = connection.execute(
        select(*columns_of(StoredMatter, table, loan, loan=loan.c.external_id, about_staff=about))
        .join(loan, loan.c.id == table.c.loan_id)
        .where(named)
        .with_for_update(of=table)
    )
    return typed_row(StoredMatter, rows)


def move_matter(
    connection: Connection,
    matter: Matter,
    stored: StoredMatter,
    to: MatterStatus,
    now: datetime,
    **values: Any,
) -> bool:
    """Move one to another status, if its own allows that. Returns whether it moved."""
    table = TABLES[matter]
    over = {} if to in OPEN else {"resolved_at": now, "check_at": _next_morning(now)}
    moved = connection.execute(
        update(table)
        .where(table.c.id == stored.id, table.c.status.in_(sources(MOVES[matter], to)))
        .values(status=to, **over, **values)
    )
    return bool(moved.rowcount)


def _next_morning(now: datetime) -> datetime:
    """When it is asked again whether a letter was printed: as the next day begins."""
    return datetime.combine(now.date() + timedelta(days=1), time.min, now.tzinfo)


def set_clock(
    connection: Connection, matter: Matter, matter_ids: Collection[int], now: datetime
) -> None:
    """Set the clocks of some matters anew, and say what is near and what is late.

    Their loans are locked, or their rows are. What becomes near or late is a problem of the loan
    and an event for the lender's systems. What becomes late is handed to a supervisor. An answer
    whose letter is not printed by the morning after is a problem until it is. `now` is in the
    lender's zone.
    """
    table = TABLES[matter]
    for row in connection.execute(
        select(table, loan.c.external_id.label("loan"))
        .join(loan, loan.c.id == table.c.loan_id)
        .where(table.c.id.in_(matter_ids))
        .order_by(table.c.id)
    ).all():
        if row.status in OPEN:
            waiting = [row.acknowledge_by if row.acknowledged_at is None else None, row.answer_by]
            clock = clock_of(row.received_at, waiting, now)
            values = {"clock": clock.state, "check_at": clock.changes_at}
            connection.execute(update(table).where(table.c.id == row.id).values(**values))
            if clock.state != row.clock and clock.state is not ClockState.RUNNING:
                kind = OutboxEventKind(f"{matter}.{clock.state}")
                record_events(
                    connection, [OutboxMessage(kind, row.loan_id, said_of(matter, row))], now
                )
                if clock.state is ClockState.LATE:
                    hand_to_supervisor(connection, matter, row, now)
        elif row.check_at is not None:
            waits = row.letter_encrypted is not None and row.letter_printed_at is None
            again = {"check_at": _next_morning(now) if waits else None}
            connection.execute(update(table).where(table.c.id == row.id).values(**again))
        _show_problems(connection, matter, row.loan_id, now)


def _show_problems(connection: Connection, matter: Matter, loan_id: int, now: datetime) -> None:
    """Have the problems of a loan that its matters have now, and no others."""
    table = TABLES[matter]
    found = connection.execute(
        select(table.c.external_id, table.c.clock, table.c.status, table.c.resolved_at)
        .where(table.c.loan_id == loan_id, table.c.status.in_(OPEN) | table.c.check_at.is_not(None))
        .order_by(table.c.id)
    ).all()
    today = datetime.combine(now.date(), time.min, now.tzinfo)
    running = [row for row in found if row.status in OPEN]
    ids = {state: [r.external_id for r in running if r.clock == state] for state in ClockState}
    unprinted = [r.external_id for r in found if r.status not in OPEN and r.resolved_at < today]
    shown = (
        (PROBLEMS[matter][ClockState.DUE], ReasonCode.ANSWER_DUE, ids[ClockState.DUE]),
        (PROBLEMS[matter][ClockState.LATE], ReasonCode.ANSWER_LATE, ids[ClockState.LATE]),
        (UNPRINTED[matter], ReasonCode.ANSWER_NOT_PRINTED, unprinted),
    )
    for problem, code, named in shown:
        if named:
            detail = because(code, matter=matter, ids=tuple(named))
            note_problem(connection, loan_id, problem, detail, now)
    over = tuple(problem for problem, _, named in shown if not named)
    resolve_problems(connection, [loan_id], over, now)


def said_of(matter: Matter, row: Any) -> dict[str, Any]:
    """What an event to the lender's systems says of a dispute or a complaint."""
    return {
        str(matter): row.external_id,
        "kind": row.kind,
        "status": row.status,
        "acknowledge_by": row.acknowledge_by.isoformat() if row.acknowledge_by else None,
        "answer_by": row.answer_by.isoformat() if row.answer_by else None,
    }


def unpaid_of(connection: Connection, loan_id: int) -> Decimal:
    """What a loan owes, due or not."""
    return Decimal(connection.execute(_UNPAID_OF, {"of_loan": loan_id}).scalar_one())


_UNPAID_OF = text(
    f"SELECT coalesce(sum({UNPAID}), 0) FROM instalment i WHERE i.loan_id = :of_loan"  # noqa: S608 a constant
)


def is_unanswered(connection: Connection, matter: Matter, hold_id: int) -> bool:
    """Whether a hold is that of a dispute or a complaint which is not answered yet."""
    table = TABLES[matter]
    is_open = (table.c.hold_id == hold_id) & table.c.status.in_(OPEN)
    return connection.execute(select(table.c.id).where(is_open)).scalar() is not None
