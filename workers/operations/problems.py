"""What an operator has to resolve: problems of loans, stuck actions, unapplied events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import Connection, select

from domain.reasons import Reasons
from workers.actions.dead_letters import StuckActions, read_stuck
from workers.db.schema import inbox_event, loan, problem
from workers.operations.resolve import COMPLETED_STATUSES


@dataclass(frozen=True, slots=True)
class OpenProblem:
    """An open problem of a loan; it may prevent some actions."""

    loan: str
    kind: str
    detail: Reasons
    """What is wrong; personal data in it is masked already."""
    since: datetime


@dataclass(frozen=True, slots=True)
class UnappliedEvent:
    """An event that was rejected, or that waits for the loan or the borrower that it names."""

    event: str
    """The id that its sender gave it."""
    kind: str
    status: str
    """`rejected`, or `received` while it waits."""
    reason: Reasons
    """Empty: nobody has tried to apply it yet."""
    since: datetime


@dataclass(frozen=True, slots=True)
class Problems:
    """Everything that is open, oldest first. It has no personal data."""

    loans: tuple[OpenProblem, ...]
    events: tuple[UnappliedEvent, ...]
    actions: tuple[StuckActions, ...]
    """Failing and dead actions by their reason, newest first."""


def read_problems(connection: Connection, zone: tzinfo) -> Problems:
    """Everything that is open now; moments are in `zone`."""
    return Problems(
        _of_loans(connection, zone), _of_events(connection, zone), read_stuck(connection, zone)
    )


def _of_loans(connection: Connection, zone: tzinfo) -> tuple[OpenProblem, ...]:
    rows = connection.execute(
        select(loan.c.external_id, problem.c.kind, problem.c.detail, problem.c.found_at)
        .join_from(problem, loan)
        .where(problem.c.resolved_at.is_(None))
        .order_by(problem.c.id)
    )
    return tuple(
        OpenProblem(loan_id, kind, detail, found_at.astimezone(zone))
        for loan_id, kind, detail, found_at in rows
    )


def _of_events(connection: Connection, zone: tzinfo) -> tuple[UnappliedEvent, ...]:
    event = inbox_event.c
    rows = connection.execute(
        select(event.external_id, event.kind, event.status, event.reason, event.received_at)
        .where(event.status.not_in(COMPLETED_STATUSES))
        .order_by(event.id)
    )
    return tuple(
        UnappliedEvent(external_id, kind, status, reason, received_at.astimezone(zone))
        for external_id, kind, status, reason, received_at in rows
    )
