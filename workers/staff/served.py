"""Who is at what now: the work that was served and has not ended, for supervisors."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from domain.permissions import Permission
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.schema import borrower, loan, staff, work_lease
from workers.db.typed_rows import columns_of, typed_rows


@dataclass(frozen=True, slots=True)
class WorkUnderWay:
    """A piece of work that somebody was served. It has no personal data."""

    lease: int
    """By which it is taken over."""
    staff: str
    loan: str | None
    record: str
    """The lender's id of the record of whom it is about."""
    reply: int | None
    """The text that is read; null: it is a call."""
    band: str
    """Why it was served before other work, in a word."""
    served_at: datetime
    until: datetime
    """Without a sign of life until then, others may be served it. Both in the lender's zone."""


@permitted(Permission.TAKE_OVER_WORK)
def work_under_way(connection: Connection, ctx: Context) -> list[WorkUnderWay]:
    """What collectors were served and are at, the earliest first; also what lapsed and nobody else
    was served since. One statement."""
    columns = columns_of(
        WorkUnderWay,
        work_lease,
        lease=work_lease.c.id,
        staff=staff.c.external_id,
        loan=loan.c.external_id,
        record=borrower.c.external_id,
        reply=work_lease.c.reply_id,
    )
    rows = (
        select(*columns)
        .join(staff, staff.c.id == work_lease.c.staff_id)
        .join(borrower, borrower.c.id == work_lease.c.borrower_id)
        .outerjoin(loan, loan.c.id == work_lease.c.loan_id)
        .where(work_lease.c.ended_at.is_(None))
        .order_by(work_lease.c.served_at, work_lease.c.id)
    )
    return typed_rows(WorkUnderWay, connection.execute(rows), ctx.now().tzinfo)
