"""What follows from promises by the loan's ladder: the reminder, and the contact after it broke."""

from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection

from domain.events import STAFF
from domain.follow_ups import Happened, Trigger
from workers.context import Context
from workers.escalation.follow_ups import plan_follow_ups


def cause_of(promise: str, sender: str) -> str:
    """The cause of what follows from a promise: its id, with whose id it is."""
    return f"promise:{promise}" if sender == STAFF else f"promise:{promise} [{sender}]"


def plan_reminders(
    connection: Connection,
    ctx: Context,
    loan_id: int,
    cause: str,
    due_days: list[date],
    now: datetime,
) -> None:
    """Plan a reminder for the day before each of these days; none for what is due tomorrow already,
    when it is promised. The loan is locked."""
    days = [due_on - timedelta(days=1) for due_on in due_days]
    plan_follow_ups(
        connection,
        ctx,
        [
            Happened(
                loan_id,
                Trigger.PROMISE_DUE_TOMORROW,
                cause,
                datetime.combine(day, time.min, now.tzinfo),
            )
            for day in days
            if day > now.date()
        ],
        now,
    )
