"""An outcome that is on record and is reported once more: an outcome is never changed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, select

from domain.events import InboxStatus, RejectedError
from domain.reasons import ReasonCode
from workers.db.encryption import Cipher
from workers.db.free_text import WHY, sealed
from workers.db.inbox import PAYLOAD_DIGEST_KEY
from workers.db.schema import inbox_event


class Recorded(Protocol):
    """What an outcome on record says, and what a later report of it says."""

    @property
    def outcome(self) -> str: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def callback_at(self) -> datetime | None: ...
    @property
    def recording(self) -> str | None: ...


def what_differs(recorded: Recorded, reported: Recorded) -> list[str]:
    """The fields in which a later report says otherwise than the outcome on record. Where it names
    no recording, it says nothing of it."""
    same = {
        "outcome": recorded.outcome == reported.outcome,
        "reason": recorded.reason == reported.reason,
        "callback_at": recorded.callback_at == reported.callback_at,
        "recording": reported.recording in (None, recorded.recording),
    }
    return [name for name, is_same in same.items() if not is_same]


def differing(attempt: str, recorded: str, differs: Sequence[str]) -> RejectedError:
    """The refusal of a later report that says otherwise: an outcome is never changed."""
    if "outcome" in differs:
        return RejectedError(ReasonCode.OUTCOME_DIFFERS, attempt=attempt, outcome=recorded)
    return RejectedError(
        ReasonCode.OUTCOME_SAYS_OTHERWISE, attempt=attempt, outcome=recorded, fields=differs
    )


_ONLY_REPORTED = (
    "also_about",
    "dispute_kind",
    "complaint_kind",
    "about_staff",
    "about_attempt",
    "stopped_channel",
    "said",
)
"""What the outcome on record does not hold. It is compared with the report that was applied: what
counts now may have been corrected since. A promise is compared with the promise on record."""


def assert_same_report(
    connection: Connection,
    cipher: Cipher,
    external_id: str,
    payload: Mapping[str, Any],
    *,
    but: Collection[str] = (),
) -> None:
    """Check that an outcome which is on record is reported as it was, whoever reports it now. What
    a later report leaves out, it says nothing of. `but` are fields that were taken already.

    Raises:
        RejectedError: it says something else, or something more.
    """
    first = connection.execute(
        select(inbox_event.c.payload)
        .where(
            inbox_event.c.external_id == external_id,
            inbox_event.c.kind == "contact_outcome",
            inbox_event.c.status == InboxStatus.APPLIED,
        )
        .order_by(inbox_event.c.id)
        .limit(1)
    ).scalar()
    if first is None or first.get("attempt") != payload["attempt"]:
        return
    differs = [
        name
        for name in _ONLY_REPORTED
        if name not in but
        and payload.get(name)
        and _listed(payload[name]) != _listed(first.get(name))
    ]
    # Words are kept elsewhere once they are applied: their keyed hash stays. With a promise it is
    # that of what can be paid a month, too.
    if payload.get(WHY) and not payload.get("promised"):
        words = sealed(cipher, {WHY: payload[WHY]})
        if words[PAYLOAD_DIGEST_KEY] != first.get(PAYLOAD_DIGEST_KEY):
            differs.append(WHY)
    if differs:
        raise differing(payload["attempt"], payload["outcome"], differs)


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
