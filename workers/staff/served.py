"""Who is at what now: the work that was served and has not ended, for supervisors."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.permissions import Permission
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.typed_rows import typed_rows
from workers.db.work_leases import UNDER_WAY


@dataclass(frozen=True, slots=True)
class WorkUnderWay:
    """A piece of work that somebody was served. It has no personal data."""

    lease: int
    """By which it is taken over."""
    staff: str
    loan: str | None
    record: str
    """The lender's id of the borrower record of the person whom it is about."""
    reply: int | None
    """The text that is read; null: it is a call."""
    duty: int | None
    """What is owed after a conversation; null: it is a call or a text."""
    band: str
    """Why it was served before other work, in a word."""
    served_at: datetime
    until: datetime
    """Without a sign of life until then, others may be served it. Both in the lender's zone."""


@permitted(Permission.TAKE_OVER_WORK)
def work_under_way(connection: Connection, ctx: Context) -> list[WorkUnderWay]:
    """What collectors were served and have not finished, the earliest first; also what lapsed and
    nobody else was served since. One statement."""
    return typed_rows(WorkUnderWay, connection.execute(UNDER_WAY), ctx.now().tzinfo)
