"""An outcome that is on record and is reported once more: an outcome is never changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.events import RejectedError
from domain.reasons import ReasonCode


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
