"""The lender's systems are asked to send their events since the backup again; ids make it harmless.

The request is posted at once, and again each time that the recovery is run, under the same id,
until the system says that it is done (`workers/inbox/resent.py`).
"""

from collections.abc import Iterator

from sqlalchemy import select

from domain.errors import Text, text_of
from domain.events import InboxStatus
from domain.recovery import RecoveryStep, StepStatus
from workers.db.outbox import OutboxEventKind
from workers.db.recoveries import Recovery, reference_of
from workers.db.schema import inbox_event
from workers.outbox.lender_webhook import DeliveryOutcome, OutgoingEvent
from workers.recovery.step import Result, Task


def ask_for_events(task: Task) -> Iterator[Result]:
    """Ask for the events again; one result for each system that sends events."""
    of = task.recovery
    senders = sorted(task.ctx.settings.events_in_secrets or {})
    if not senders:
        yield Result(RecoveryStep.EVENTS, StepStatus.DONE)
        return
    if of is None:
        for sender in senders:
            yield _open(
                sender, text_of("{sender} will be asked to send them again.", sender=sender)
            )
        return
    answered = _answered(task, of)
    asked = _ask(task, of) if set(senders) - answered else None
    for sender in senders:
        if sender in answered:
            yield Result(RecoveryStep.EVENTS, StepStatus.DONE, {}, sender)
            continue
        yield _open(sender, asked or _not_asked(task, of, sender))


def _open(sender: str, why: Text) -> Result:
    return Result(RecoveryStep.EVENTS, StepStatus.OPEN, {}, sender, why)


def _answered(task: Task, of: Recovery) -> set[str]:
    """Those that have said that they are done."""
    with task.ctx.engine.connect() as connection:
        rows = connection.execute(
            select(inbox_event.c.sender).where(
                inbox_event.c.kind == "events_resent",
                inbox_event.c.status == InboxStatus.APPLIED,
                inbox_event.c.received_at >= of.started_at,
                inbox_event.c.payload["recovery"].astext == str(reference_of(of)),
            )
        )
        return set(rows.scalars())


def _ask(task: Task, of: Recovery) -> Text | None:
    """Post the request; what is wrong if it does not arrive."""
    webhook = task.ctx.lender_webhook
    if task.dry_run or webhook is None:
        return None
    data = {"recovery": str(reference_of(of)), "since": of.since.isoformat()}
    event = OutgoingEvent(reference_of(of), OutboxEventKind.RESEND_EVENTS, of.started_at, data)
    posted = webhook.post(event, task.ctx.now())
    if posted.outcome is DeliveryOutcome.DELIVERED:
        return None
    return text_of(
        "The lender's systems could not be asked: nothing answers at ARREARS_EVENTS_OUT_URL. Run "
        "this again when it does."
    )


def _not_asked(task: Task, of: Recovery, sender: str) -> Text:
    if task.ctx.lender_webhook is None:
        return text_of(
            "ARREARS_EVENTS_OUT_URL is not set. Ask {sender} yourself to send its events since "
            "{since} again, and then the event `events_resent` with the recovery {recovery}.",
            sender=sender,
            since=of.since.astimezone(task.ctx.settings.lender_zone).isoformat(" ", "minutes"),
            recovery=reference_of(of),
        )
    return text_of(
        "{sender} was asked, and has not said yet that it has sent its events again.",
        sender=sender,
    )
