"""Visits that nobody reported: they count for nothing, and the next morning somebody is told."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, exists, func, select, update

from domain.actions import ActionStatus
from domain.collectors import business_day
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db.outbox import OutboxEventKind, OutboxMessage, record_events
from workers.db.problems import note_problem
from workers.db.schema import action, contact_outcome, loan, staff, visit, visit_staff
from workers.db.typed_rows import columns_of, typed_rows
from workers.escalation.quarantine import for_each_loan, is_not_quarantined

VISIT_UNREPORTED = "visit_unreported"
BATCH_SIZE = 500


class _Unreported(NamedTuple):
    id: int
    loan_id: int
    action_id: int
    starts_at: datetime
    started_at: datetime | None
    visitors: list[str]


def flag_unreported_visits(ctx: Context, *, limit: int = BATCH_SIZE) -> int:
    """Note the visits of earlier days that have no outcome, each once; returns how many.

    A visit counts by its report only: its action stays assigned, and no later step may rest on it.
    The supervisor has a problem, and the lender's systems get an event. May run any number of
    times.
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
        select(*columns_of(_Unreported, visit, visitors=func.array(of_visit.scalar_subquery())))
        .join(action, action.c.id == visit.c.action_id)
        .join(loan, loan.c.id == visit.c.loan_id)
        .where(
            action.c.status == ActionStatus.ASSIGNED,
            visit.c.cancelled_at.is_(None),
            visit.c.unreported_at.is_(None),
            visit.c.ends_at < business_day(now).starts_at,
            ~exists().where(contact_outcome.c.contact_id == visit.c.contact_id),
            is_not_quarantined(now),
        )
        .order_by(visit.c.id)
        .limit(limit)
        .with_for_update(of=loan, key_share=True, skip_locked=True)
    )

    def find(connection: Connection, loan_id: int | None) -> list[_Unreported]:
        asked = unreported if loan_id is None else unreported.where(loan.c.id == loan_id)
        return typed_rows(_Unreported, connection.execute(asked), ctx.settings.lender_zone)

    def flag(connection: Connection, found: Sequence[_Unreported]) -> int:
        ids = [each.id for each in found]
        connection.execute(update(visit).where(visit.c.id.in_(ids)).values(unreported_at=now))
        for each in found:
            why = because(
                ReasonCode.VISIT_UNREPORTED,
                visit_on=each.starts_at.date(),
                visitors=each.visitors,
            )
            note_problem(connection, each.loan_id, VISIT_UNREPORTED, why, now)
        record_events(connection, [_event(each) for each in found], now)
        return len(found)

    return for_each_loan(ctx, find, flag)


def _event(unreported: _Unreported) -> OutboxMessage:
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
