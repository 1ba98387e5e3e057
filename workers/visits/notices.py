"""The notice of a visit: without it, printed before the day of the visit, no visit begins."""

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, ScalarSelect, exists, select, update

from domain.actions import ActionStatus
from domain.collectors import business_day
from domain.errors import RefusedError
from domain.language.speak import speak
from domain.reasons import ReasonCode, because
from domain.visits import is_noticed
from workers.db.problems import note_problem
from workers.db.schema import action, document, problem, visit

NOTICE_NOT_PRINTED = "notice_not_printed"


def printed_at() -> ScalarSelect[datetime | None]:
    """When the notice of a visit was first printed, for a query of `visit`; null: it was not.

    A visit that is planned anew has a notice of its own.
    """
    return (
        select(document.c.printed_at)
        .where(document.c.action_id == visit.c.action_id)
        .order_by(document.c.id.desc())
        .limit(1)
        .correlate(visit)
        .scalar_subquery()
    )


def refuse_without_notice(starts_at: datetime, printed: datetime | None, now: datetime) -> None:
    """Refuse a visit if its notice was not printed before its day. `now` is in the lender's zone.

    Raises:
        RefusedError: the visit may not begin.
    """
    day = starts_at.astimezone(now.tzinfo).date()
    printed_on = printed.astimezone(now.tzinfo).date() if printed else None
    if not is_noticed(printed_on, day):
        why = because(ReasonCode.VISIT_WITHOUT_NOTICE, visit_on=day)
        raise RefusedError(speak(why), why)


def to_be_printed(now: datetime) -> ColumnElement[bool]:
    """Whether a visit of tomorrow, or of the rest of today, has no printed notice, and no open
    problem says so yet; for a query of `visit` with its `action`. `now` is in the lender's zone."""
    is_noted = exists().where(
        problem.c.loan_id == visit.c.loan_id,
        problem.c.kind == NOTICE_NOT_PRINTED,
        problem.c.resolved_at.is_(None),
    )
    return _is_ahead(now) & printed_at().is_(None) & ~is_noted


def note_not_printed(connection: Connection, loan_id: int, visit_on: date, now: datetime) -> None:
    """Note the problem that a notice is still to be printed."""
    why = because(ReasonCode.NOTICE_NOT_PRINTED, visit_on=visit_on)
    note_problem(connection, loan_id, NOTICE_NOT_PRINTED, why, now)


def close_what_is_over(connection: Connection, now: datetime) -> None:
    """Close the problems of notices that need not be printed any more: the visit is over or called
    off. One statement."""
    ahead = (
        select(visit.c.id)
        .join(action, action.c.id == visit.c.action_id)
        .where(visit.c.loan_id == problem.c.loan_id, _is_ahead(now), printed_at().is_(None))
    )
    connection.execute(
        update(problem)
        .where(
            problem.c.kind == NOTICE_NOT_PRINTED,
            problem.c.resolved_at.is_(None),
            ~ahead.exists(),
        )
        .values(resolved_at=now)
    )


def _is_ahead(now: datetime) -> ColumnElement[bool]:
    return (
        (action.c.status == ActionStatus.ASSIGNED)
        & visit.c.cancelled_at.is_(None)
        & visit.c.started_at.is_(None)
        & (visit.c.ends_at > now)
        & (visit.c.starts_at < business_day(now + timedelta(days=1)).ends_at)
    )
