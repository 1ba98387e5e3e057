"""Close days: each once, in their order, and after each month the book at its end."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from domain.buckets import scheme_on
from domain.daily_totals import Closed
from workers.context import Context
from workers.daily import month_end
from workers.daily.calendar_buckets import note_calendar_buckets
from workers.daily.totals import write_totals
from workers.db.schema import closed_day

SETTLES_AFTER = timedelta(minutes=30)
"""From the end of a day until it is closed: what was recorded before midnight is committed then."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Step:
    """What one run closed, and whether there is more."""

    day: date | None = None
    """The day that was worked on, for its totals or for its month's end; None: all is closed."""
    month_after: int | None = None
    """The last loan of a month's end that is not complete yet; None: it is, or there is none."""


def close_next(ctx: Context, month_after: int | None = None) -> Step:
    """Close the oldest day that is over and not closed, or go on with the book of a month's end.

    It may run at any time, repeatedly, and twice at once: a day is closed once. The very first run
    closes only the last day that is over, because earlier days were not watched.
    """
    now = ctx.now()
    over = last_day_over(now)
    with ctx.engine.begin() as connection:
        day = _open_month(connection)
        if day is not None:
            return _take_month(connection, ctx, day, now, month_after)
        newest = newest_closed(connection)
        day = newest + _ONE_DAY if newest else over
        if day > over or not _mark(connection, day, Closed.TOTALS, now):
            return Step()
        if scheme := scheme_on(ctx.policy.buckets, day):
            note_calendar_buckets(connection, day, scheme, now)
        write_totals(connection, day, now, counts_work=day == over)
    return Step(day)


def last_day_over(now: datetime) -> date:
    """The last day that may be closed at `now`, in the lender's zone."""
    return (now - SETTLES_AFTER).date() - _ONE_DAY


def newest_closed(connection: Connection) -> date | None:
    """The newest day that is closed; None: none ever was."""
    totals = closed_day.c.what == Closed.TOTALS
    found: date | None = connection.execute(
        select(func.max(closed_day.c.day)).where(totals)
    ).scalar_one()
    return found


def _open_month(connection: Connection) -> date | None:
    """The oldest closed day that ends a month whose book is not complete."""
    books = closed_day.alias("books")
    has_book = (
        select(books.c.day)
        .where(books.c.day == closed_day.c.day, books.c.what == Closed.MONTH)
        .exists()
    )
    found: date | None = connection.execute(
        select(func.min(closed_day.c.day)).where(
            closed_day.c.what == Closed.TOTALS,
            func.extract("day", closed_day.c.day + 1) == 1,
            ~has_book,
        )
    ).scalar_one()
    return found


def _take_month(
    connection: Connection, ctx: Context, day: date, now: datetime, after: int | None
) -> Step:
    scheme = scheme_on(ctx.policy.buckets, day)
    take = partial(month_end.take_batch, connection, day, scheme.current if scheme else None, now)
    done = take(month_end.written_up_to(connection, day) if after is None else after)
    if done.loans < month_end.LOANS_AT_ONCE:
        _mark(connection, day, Closed.MONTH, now)
        return Step(day)
    return Step(day, done.last)


def _mark(connection: Connection, day: date, what: Closed, now: datetime) -> bool:
    """Whether it was not closed before. Who closes it at the same time waits here."""
    closed = insert(closed_day).values(day=day, what=what, closed_at=now)
    return connection.execute(closed.on_conflict_do_nothing()).rowcount == 1
