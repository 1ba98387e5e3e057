"""What follows by the loan's ladder from an arrangement that is declined, or not kept."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection

from domain.follow_ups import Happened, Trigger
from workers.context import Context
from workers.db.arrangements import Arrangement, cause_of, declined_arrangements
from workers.escalation.follow_ups import end_follow_ups, plan_follow_ups


def follow_missed(
    connection: Connection,
    ctx: Context,
    stored: Arrangement,
    missed: Sequence[date],
    now: datetime,
) -> None:
    """Plan what the ladder asks for because of each missed instalment, once for each."""
    causes = (cause_of(stored, day) for day in missed)
    happened = [
        Happened(stored.loan_id, Trigger.ARRANGEMENT_MISSED, cause, now) for cause in causes
    ]
    plan_follow_ups(connection, ctx, happened, now)


def follow_default(
    connection: Connection,
    ctx: Context,
    stored: Arrangement,
    missed: Sequence[date],
    now: datetime,
) -> None:
    """The arrangement is over: what was still to be done about one instalment is not done any more,
    and the ladder's notice is planned. Its loan is reassessed already. An end that was taken back
    may come once more: it is another cause."""
    end_missed(connection, stored, missed, now)
    cause = cause_of(stored, now.date() if stored.no_default_before else None)
    happened = Happened(stored.loan_id, Trigger.ARRANGEMENT_DEFAULTED, cause, now)
    plan_follow_ups(connection, ctx, [happened], now)


def follow_declined(
    connection: Connection, ctx: Context, stored: Arrangement, now: datetime
) -> None:
    """Plan the text to whoever asked that nothing can be offered. The loan is locked and up to
    date."""
    happened = Happened(
        stored.loan_id,
        Trigger.ARRANGEMENT_DECLINED,
        cause_of(stored),
        now,
        record=stored.borrower_id,
    )
    plan_follow_ups(connection, ctx, [happened], now)


def end_declined(connection: Connection, loan_id: int, now: datetime) -> None:
    """Call off what still waits to tell whoever asked that nothing can be offered: they have asked
    again, or a plan goes on."""
    causes = [cause_of(each) for each in declined_arrangements(connection, loan_id)]
    end_follow_ups(connection, [loan_id], causes, now)


def end_missed(
    connection: Connection, stored: Arrangement, days: Sequence[date], now: datetime
) -> None:
    """Call off what waits because of these instalments, which were paid or are past it."""
    causes = [cause_of(stored, day) for day in days]
    end_follow_ups(connection, [stored.loan_id], causes, now)


def end_default(connection: Connection, stored: Arrangement, now: datetime) -> None:
    """Call off what waits because an arrangement ended, which was wrong."""
    end_follow_ups(connection, [stored.loan_id], causes_of_default(stored, now), now)


def causes_of_default(stored: Arrangement, now: datetime) -> list[str]:
    """The causes of what may follow from the end of an arrangement. `now`: in the lender's zone."""
    if stored.ended_at is None:
        return []
    return [cause_of(stored), cause_of(stored, stored.ended_at.astimezone(now.tzinfo).date())]
