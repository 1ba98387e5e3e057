"""Who is at what now: the work that was served and has not ended, for supervisors."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from domain.permissions import Permission
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.pages import ALL, Asked, Listing, Page, assert_of, count_rows, maker, read_page
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
def work_under_way(connection: Connection, ctx: Context, asked: Asked = ALL) -> Page[WorkUnderWay]:
    """What collectors were served and have not finished, the earliest first; also what lapsed and
    nobody else was served since. It is counted by the band.

    Raises:
        ArrearsError: the page is of another list.
    """
    assert_of(("work",), asked)
    rows, of = select(UNDER_WAY), UNDER_WAY.c
    listing = Listing(
        "work",
        rows,
        (of.served_at, of.lease),
        maker(WorkUnderWay, ctx.settings.lender_zone),
        count_rows(rows, of.band),
    )
    return read_page(connection, listing, asked)
