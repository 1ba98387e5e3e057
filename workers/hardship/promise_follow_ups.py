"""What follows from promises by the loan's ladder: the reminder, and the contact after it broke."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import Connection

from domain.events import STAFF
from domain.follow_ups import Happened, Trigger
from domain.promises import PromisePart
from workers.context import Context
from workers.db.promises import StoredPromise
from workers.escalation.follow_ups import plan_follow_ups


def cause_of(external_id: str, sender: str) -> str:
    """The cause of what follows from a promise: its id, with whose id it is."""
    return f"promise:{external_id}" if sender == STAFF else f"promise:{external_id} [{sender}]"


def _cause_of_part(external_id: str, sender: str, part: PromisePart, parts: int) -> str:
    """That of a reminder: of several parts, each has its own."""
    cause = cause_of(external_id, sender)
    return cause if parts == 1 else f"{cause} {part.due_on}"


def causes_of_parts(stored: StoredPromise, parts: Sequence[PromisePart]) -> list[str]:
    """The causes of the reminders of some parts of a promise."""
    number = len(stored.days) or 1
    return [_cause_of_part(stored.external_id, stored.sender, part, number) for part in parts]


def causes_of(stored: StoredPromise) -> list[str]:
    """The causes of everything that may follow from a promise."""
    parts = stored.as_made(stored.made_at).parts
    own = cause_of(stored.external_id, stored.sender)
    return list(dict.fromkeys([own, *causes_of_parts(stored, parts)]))


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
            _cause_of_part(external_id, sender, part, len(parts)),
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
