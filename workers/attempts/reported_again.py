"""An outcome that is on record and is reported once more: an outcome is never changed.

One comparison, whoever reports it, at whatever door and under whatever id of an event.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from pydantic import TypeAdapter
from sqlalchemy import Connection, select

from domain.contact_outcomes import ContactOutcome
from domain.events import RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.attempts.conversations import Conversation, OutcomeReport
from workers.attempts.said_promises import means_of_conversation, says_another_promise
from workers.context import Context
from workers.db.free_text import CAN_PAY, WHY, digest_of
from workers.db.inbox import PAYLOAD_DIGEST_KEY
from workers.db.said_facts import SaidFact
from workers.db.schema import inbox_event


class Recorded(Protocol):
    """An outcome as its row says it."""

    @property
    def outcome(self) -> str: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def callback_at(self) -> datetime | None: ...
    @property
    def recording(self) -> str | None: ...
    @property
    def event_id(self) -> int | None: ...


_IN_EVENT = (
    "also_about",
    "dispute_kind",
    "complaint_kind",
    "about_staff",
    "about_attempt",
    "stopped_channel",
    "by_representative",
)
"""What the row of an outcome does not say. It is compared with the event that reported it: what
counts now may have been corrected since."""
_SAID = TypeAdapter(tuple[SaidFact, ...])


def what_differs(
    connection: Connection,
    ctx: Context,
    about: Conversation,
    recorded: Recorded,
    reported: OutcomeReport,
) -> list[str]:
    """The fields in which a later report says otherwise than what is on record, or more.

    What it leaves out, it says nothing of; but no reason is another reason. Payments that were
    promised are compared with the promise. What was said of times and places counts from each
    report that is new, so it differs only where a report is not kept. Where the first event is
    deleted, as the lender's retention says, the rest is compared with what stands. One statement,
    and two for a promise.
    """
    same = {
        "outcome": recorded.outcome == reported.outcome,
        "reason": recorded.reason == reported.reason,
        "callback_at": recorded.callback_at == reported.callback_at,
        "recording": reported.recording in (None, recorded.recording),
    }
    differs = [name for name, is_same in same.items() if not is_same]
    if same["outcome"] and says_another_promise(connection, about, ctx.now()):
        differs.append("promised")
    first = connection.execute(
        select(inbox_event.c.payload).where(inbox_event.c.id == recorded.event_id)
    ).scalar()
    if first is None:
        return differs
    for name in _IN_EVENT:
        said = getattr(reported, name, None)
        if said and _listed(said) != _listed(first.get(name)):
            differs.append(name)
    agreed_by = reported.promised.agreed_by if reported.promised else None
    if agreed_by and agreed_by != (first.get("promised") or {}).get("agreed_by"):
        differs.append("agreed_by")
    differs += _words_that_differ(connection, ctx, about, reported, first.get(PAYLOAD_DIGEST_KEY))
    is_kept = reported.event_id is not None
    if not is_kept and reported.said not in ((), _SAID.validate_python(first.get("said", ()))):
        differs.append("said")
    return differs


def differing(attempt: str, recorded: str, differs: Sequence[str]) -> RejectedError:
    """The refusal of a later report that says otherwise: an outcome is never changed."""
    if "outcome" in differs:
        return RejectedError(ReasonCode.OUTCOME_DIFFERS, attempt=attempt, outcome=recorded)
    return RejectedError(
        ReasonCode.OUTCOME_SAYS_OTHERWISE, attempt=attempt, outcome=recorded, fields=differs
    )


def adding(
    attempt: str, recorded: str, reported: ContactOutcome, differs: Sequence[str]
) -> Reasons:
    """That what protects of a later report counts; and of the same outcome, what does not."""
    adds = because(ReasonCode.OUTCOME_ADDS, attempt=attempt, outcome=reported)
    if not differs or "outcome" in differs:
        return adds
    return adds + differing(attempt, recorded, differs).reason


def _words_that_differ(
    connection: Connection,
    ctx: Context,
    about: Conversation,
    reported: OutcomeReport,
    digest: str | None,
) -> list[str]:
    """What of a report is encrypted and says otherwise. The words are kept elsewhere by now, and
    what can be paid a month with the promise: one hash of both stays. So what the report leaves out
    of the two is filled in with what is kept."""
    words = _words(reported)
    if not words or digest_of(ctx.cipher, words) == digest:
        return []
    a_month = means_of_conversation(connection, ctx, about)
    kept = {} if a_month is None else {CAN_PAY: str(a_month)}
    said = reported.promised.can_pay_monthly if reported.promised else None
    differs = [] if said in (None, a_month) else [CAN_PAY]
    if WHY in words and digest_of(ctx.cipher, kept | {WHY: words[WHY]}) != digest:
        differs.append(WHY)
    return differs


def _words(reported: OutcomeReport) -> dict[str, str]:
    """What of a report is encrypted, in the order in which its event seals it."""
    said = {}
    if reported.promised is not None and reported.promised.can_pay_monthly is not None:
        said[CAN_PAY] = str(reported.promised.can_pay_monthly)
    return said | ({WHY: reported.why} if reported.why else {})


def _listed(value: Any) -> Any:
    """In whatever order the loans of a list stand, it is the same list."""
    return sorted(value) if isinstance(value, list | tuple) else value
