"""Events in and out: their statuses, and why an event is not applied."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias


class OutboxStatus(StrEnum):
    """The life of one event on its way to the lender's systems."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"  # refused or unanswered for days; an operator may send it again


class NotYetError(Exception):
    """Something the event names has not come in yet. It is kept, and tried again."""


class RejectedError(Exception):
    """The event can never be applied as it is. It is kept, with the reason."""


class LoanLockedError(Exception):
    """Somebody else is at the loan just now. Nothing was done; the event is applied by itself."""


Answer: TypeAlias = str | NotYetError | RejectedError | LoanLockedError
"""What came of one of several events: a sentence for people, or why it was not applied."""
