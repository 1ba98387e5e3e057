"""Visits that nobody reported, and notices that nobody printed: each becomes a problem in time."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, exists, func, or_, select, update

from domain.actions import ActionStatus
from domain.collectors import business_day
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db.outbox import OutboxEventKind, OutboxMessage, record_events
from workers.db.problems import VISIT_UNREPORTED, note_problem
from workers.db.schema import action, contact_outcome, loan, staff, visit, visit_staff
from workers.db.typed_rows import columns_of, typed_rows
from workers.escalation.quarantine import for_each_loan, is_not_quarantined
from workers.visits.notices import close_what_is_over, note_not_printed, to_be_printed

BATCH_SIZE = 500


class _Visit(NamedTuple):
    id: int
    loan_id: int
    action_id: int
    starts_at: datetime
    ends_at: datetime
    started_at: datetime | None
    visitors: list[str]


def flag_unreported_visits(ctx: Context, *, limit: int = BATCH_SIZE) -> int:
    """Note the visits of earlier days that have no outcome, each once; returns how many.

    A visit counts by its report only: its action stays assigned, and no later step may rest on it.
    The supervisor has a problem, and the lender's systems get an event. A visit of tomorrow whose
    notice is not printed is a problem as well. May run any number of times.
    """
    now = ctx.now()
    of_visit = (
        select(staff.c.external_id)
        .join(visit_staff, visit_staff.c.staff_id == staff.c.id)
        .where(visit_staff.c.visit_id == visit.c.id)
        .order_by(staff.c.external_id)
        .correlate(visit)
    )
    unreported = (
        visit.c.unreported_at.is_(None)
        & (visit.c.ends_at < business_day(now).starts_at)
        & ~exists().where(contact_outcome.c.contact_id == visit.c.contact_id)
    )
    to_tell = (
        select(*columns_of(_Visit, visit, visitors=func.array(of_visit.scalar_subquery())))
        .join(action, action.c.id == visit.c.action_id)
        .join(loan, loan.c.id == visit.c.loan_id)
        .where(
            action.c.status == ActionStatus.ASSIGNED,
            visit.c.cancelled_at.is_(None),
            or_(unreported, to_be_printed(now)),
            is_not_quarantined(now),
        )
        .order_by(visit.c.id)
        .limit(limit)
        .with_for_update(of=loan, key_share=True, skip_locked=True)
    )

    def find(connection: Connection, loan_id: int | None) -> list[_Visit]:
        close_what_is_over(connection, now)
        asked = to_tell if loan_id is None else to_tell.where(loan.c.id == loan_id)
        return typed_rows(_Visit, connection.execute(asked), ctx.settings.lender_zone)

    def flag(connection: Connection, found: Sequence[_Visit]) -> int:
        for each in found:
            if each.ends_at > now:
                note_not_printed(connection, each.loan_id, each.starts_at.date(), now)
        return _flag(connection, [each for each in found if each.ends_at <= now], now)

    return for_each_loan(ctx, find, flag)


def _flag(connection: Connection, unreported: Sequence[_Visit], now: datetime) -> int:
    ids = [each.id for each in unreported]
    if not ids:
        return 0
    connection.execute(update(visit).where(visit.c.id.in_(ids)).values(unreported_at=now))
    for each in unreported:
        why = because(
            ReasonCode.VISIT_UNREPORTED,
            visit_on=each.starts_at.date(),
            visitors=each.visitors,
        )
        note_problem(connection, each.loan_id, VISIT_UNREPORTED, why, now)
    record_events(connection, [_event(each) for each in unreported], now)
    return len(unreported)


def _event(unreported: _Visit) -> OutboxMessage:
    return OutboxMessage(
        OutboxEventKind.VISIT_UNREPORTED,
        unreported.loan_id,
        {
            "action": unreported.action_id,
            "visit_on": unreported.starts_at.date(),
            "started": unreported.started_at is not None,
            "visitors": unreported.visitors,
        },
    )
