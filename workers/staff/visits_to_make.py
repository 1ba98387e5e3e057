"""The visits of the work list: who goes where, when, and whether the notice is printed."""

from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, ScalarSelect, Select, exists, func, select, true

from domain.actions import ActionStatus
from domain.compliance.vocabulary import Party
from workers.access.may_handle import readable
from workers.context import Context
from workers.db.actions import action_is_current
from workers.db.pages import Asked, Listing, Page, count_rows, of_loan, read_page
from workers.db.parties import role_of_contacted, with_contacted
from workers.db.schema import action, borrower, loan, staff, visit, visit_staff
from workers.staff.work_items import Kind, VisitToMake
from workers.visits.notices import printed_at


def read_visits(
    connection: Connection, ctx: Context, staff_id: int | None, asked: Asked
) -> Page[VisitToMake]:
    """The open visits, of one visitor or of all."""
    rows = _rows(ctx, staff_id, asked)
    listing = Listing(
        Kind.VISITS,
        rows,
        (visit.c.starts_at, visit.c.id),
        lambda row: _visit(row, ctx),
        count_rows(rows, action.c.item),
    )
    return read_page(connection, listing, asked)


_IS_VISITOR = visit_staff.c.visit_id == visit.c.id


def _rows(ctx: Context, staff_id: int | None, asked: Asked) -> Select[Any]:
    by_one = exists().where(_IS_VISITOR, visit_staff.c.staff_id == staff_id)
    return (
        select(
            loan.c.external_id.label("loan"),
            role_of_contacted().label("party"),
            borrower.c.external_id.label("record"),
            action.c.item,
            visit.c.purpose,
            func.array(_visitors()).label("staff"),
            visit.c.starts_at,
            visit.c.ends_at,
            visit.c.started_at,
            printed_at().label("printed_at"),
            borrower.c.zones,
        )
        .select_from(with_contacted(action.join(loan, loan.c.id == action.c.loan_id)))
        .join(visit, visit.c.action_id == action.c.id)
        .where(
            visit.c.cancelled_at.is_(None),
            action.c.status == ActionStatus.ASSIGNED,
            action_is_current(),
            by_one if staff_id is not None else true(),
            *of_loan(visit.c.loan_id, asked),
            *readable(ctx.actor, borrower.c.id, loan.c.borrower_id),
        )
    )


def _visitors() -> ScalarSelect[str]:
    return (
        select(staff.c.external_id)
        .join(visit_staff, visit_staff.c.staff_id == staff.c.id)
        .where(_IS_VISITOR)
        .order_by(staff.c.external_id)
        .correlate(visit)
        .scalar_subquery()
    )


def _visit(row: Row[Any], ctx: Context) -> VisitToMake:
    zone = row.zones[0] if row.zones else ctx.settings.zone
    there, here = ZoneInfo(zone), ctx.settings.lender_zone
    return VisitToMake(
        loan=row.loan,
        party=Party(row.party),
        record=row.record,
        item=row.item,
        purpose=row.purpose,
        staff=tuple(row.staff),
        starts_at=row.starts_at.astimezone(here),
        ends_at=row.ends_at.astimezone(here),
        zone=zone,
        local_starts_at=row.starts_at.astimezone(there),
        local_ends_at=row.ends_at.astimezone(there),
        started=row.started_at is not None,
        notice_printed_at=row.printed_at and row.printed_at.astimezone(here),
    )
