"""What an operator has to resolve: problems of loans, unread replies, stuck actions and events.

A problem of a loan can be resolved here by hand.
"""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import Connection, select, update

from domain.actors import Actor
from domain.errors import ArrearsError
from domain.events import COMPLETED
from domain.inbound_texts import READ_WITHIN
from domain.reasons import Reasons
from workers.actions.dead_letters import StuckActions, read_stuck
from workers.borrowers.reply_queue import UNHANDLED
from workers.context import Context
from workers.db.loans import lock_known_loan
from workers.db.schema import inbox_event, loan, problem, reply
from workers.db.staff import roles_of
from workers.db.typed_rows import columns_of, typed_rows
from workers.operations.calendars import EndingCalendar, ending_calendars
from workers.operations.persons import RecordLink, read_presumed


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
class UnreadReply:
    """A borrower's text that waits to be read. Until it is, no text goes to its number."""

    reply: int
    loan: str | None
    """The lender's id of the loan that it is about; None: no borrower has its number."""
    since: datetime
    read_by: datetime
    """The deadline. Nothing goes on by itself when it is over."""


@dataclass(frozen=True, slots=True)
class Problems:
    """Everything that is open, oldest first. It has no personal data."""

    loans: tuple[OpenProblem, ...]
    replies: tuple[UnreadReply, ...]
    events: tuple[UnappliedEvent, ...]
    actions: tuple[StuckActions, ...]
    """Failing and dead actions by their reason, newest first."""
    persons: tuple[RecordLink, ...]
    """Records that count as one person until somebody confirms or parts them."""
    calendars: tuple[EndingCalendar, ...]
    """Calendars that end soon, or have ended."""


def read_problems(connection: Connection, ctx: Context) -> Problems:
    """Everything that is open now; moments are in the lender's zone."""
    zone = ctx.settings.lender_zone
    return Problems(
        _of_loans(connection, zone),
        _of_replies(connection, zone),
        _of_events(connection, zone),
        read_stuck(connection, zone),
        read_presumed(connection, zone),
        ending_calendars(ctx.policy, ctx.today()),
    )


def _of_loans(connection: Connection, zone: tzinfo) -> tuple[OpenProblem, ...]:
    columns = columns_of(OpenProblem, problem, loan=loan.c.external_id, since=problem.c.found_at)
    rows = connection.execute(
        select(*columns)
        .join_from(problem, loan)
        .where(problem.c.resolved_at.is_(None))
        .order_by(problem.c.id)
    )
    return tuple(typed_rows(OpenProblem, rows, zone))


def _of_replies(connection: Connection, zone: tzinfo) -> tuple[UnreadReply, ...]:
    unread = connection.execute(
        select(reply.c.id, loan.c.external_id, reply.c.received_at)
        .outerjoin(loan, loan.c.id == reply.c.loan_id)
        .where(UNHANDLED)
        .order_by(reply.c.id)
    )
    return tuple(
        UnreadReply(
            row.id,
            row.external_id,
            row.received_at.astimezone(zone),
            (row.received_at + READ_WITHIN).astimezone(zone),
        )
        for row in unread
    )


def _of_events(connection: Connection, zone: tzinfo) -> tuple[UnappliedEvent, ...]:
    event = inbox_event.c
    columns = columns_of(
        UnappliedEvent, inbox_event, event=event.external_id, since=event.received_at
    )
    rows = connection.execute(
        select(*columns).where(event.status.not_in(COMPLETED)).order_by(event.id)
    )
    return tuple(typed_rows(UnappliedEvent, rows, zone))


def resolve_problem(
    ctx: Context, loan_external_id: str, kind: str, *, actor: Actor, why: str, dry_run: bool = False
) -> None:
    """Close an open problem of a loan. If its cause comes back, a new problem is recorded.

    Raises:
        ArrearsError: the loan has no such problem, or `actor` is not on the roster.
    """
    with ctx.engine.begin() as connection:
        known = lock_known_loan(connection, loan_external_id)
        roles_of(connection, actor)
        is_open = (
            (problem.c.loan_id == known.id)
            & (problem.c.kind == kind)
            & problem.c.resolved_at.is_(None)
        )
        if connection.execute(select(problem.c.id).where(is_open)).first() is None:
            raise ArrearsError(
                "Loan {loan} has no open problem {kind}. `arrears problems list` "
                "shows those that are open.",
                loan=loan_external_id,
                kind=kind,
            )
        if not dry_run:
            resolved = {"resolved_at": ctx.now(), "actor": actor.reference, "why": why}
            connection.execute(update(problem).where(is_open).values(**resolved))
