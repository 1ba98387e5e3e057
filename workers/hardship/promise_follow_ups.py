"""What follows from promises by the loan's ladder: the reminder, and the contact after it broke."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import Connection

from domain.follow_ups import Happened, Trigger
from domain.promises import PromisePart
from workers.context import Context
from workers.db.promises import StoredPromise, cause_of, cause_of_part
from workers.escalation.follow_ups import plan_follow_ups


def plan_reminders(
    connection: Connection,
    ctx: Context,
    loan_id: int,
    external_id: str,
    sender: str,
    record: int | None,
    parts: Sequence[PromisePart],
    now: datetime,
    *,
    waits_for: PromisePart | None = None,
) -> None:
    """Plan a reminder for the day before each part falls due; none for what is promised for today
    or tomorrow. The loan is locked. `record` is that of who promised; None: the borrower.

    With `waits_for`, only from that part on: those before it are paid. A reminder that was called
    off, because a part was paid, is planned again.
    """
    happened = [
        Happened(
            loan_id,
            Trigger.PROMISE_DUE_TOMORROW,
            cause_of_part(external_id, sender, part, len(parts)),
            datetime.combine(part.due_on - timedelta(days=1), time.min, now.tzinfo),
            record=record,
        )
        for part in parts
        if part.due_on - timedelta(days=1) > now.date() and (waits_for is None or waits_for <= part)
    ]
    plan_follow_ups(connection, ctx, happened, now)


def plan_after_broken(
    connection: Connection,
    ctx: Context,
    broken: Sequence[tuple[StoredPromise, int]],
    now: datetime,
) -> None:
    """Plan what follows now that these promises were not kept; with each goes how many promises of
    its loan by the same person were not kept, itself included. Their loans are locked."""
    happened = [
        Happened(
            stored.loan_id,
            Trigger.PROMISES_BROKEN_TWICE if number > 1 else Trigger.PROMISE_BROKEN,
            cause_of(stored.external_id, stored.sender),
            now,
            record=stored.borrower_id,
        )
        for stored, number in broken
    ]
    plan_follow_ups(connection, ctx, happened, now)
