"""Follow-ups: what a ladder asks for because something happened, whatever its day is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.holds import Hold, HoldKind


class Trigger(StrEnum):
    """What may happen that a ladder answers with a follow-up."""

    PROMISE_DUE_TOMORROW = "promise_due_tomorrow"  # a part of a promise falls due on the next day
    PROMISE_BROKEN = "promise_broken"  # a promise was not kept, or only in part
    PROMISES_BROKEN_TWICE = "promises_broken_twice"  # as before, and not for the first time
    ARRANGEMENT_MISSED = "arrangement_missed"  # an instalment of a plan was not paid in time
    ARRANGEMENT_DEFAULTED = "arrangement_defaulted"  # a plan ended because it was not kept
    ARRANGEMENT_DECLINED = "arrangement_declined"  # a person decided that nothing can be offered
    OUTCOME = "outcome"  # an outcome of a conversation that names it, in the ladder's `outcomes`


FOLLOW_UP = "follow_up"
"""The step of every follow-up on record: it is none of the ladder's, and is never tried."""

MAY_REMIND_DURING = frozenset({HoldKind.PROMISE, HoldKind.ARRANGEMENT, HoldKind.DEFERRAL})
"""The holds during which a text may be sent that belongs to them. A promise, a plan and a deferral
bring their holds by the lender's own policy. Where a law stops collection, it does so while they
are kept: a text about what was missed is no longer in that time. What else a law stops, no ladder
lets through."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """When an item acts that follows from something that happened."""

    after: Trigger
    within: int
    """Days after the day on which it is due. Later than that it is not done any more."""
    during: frozenset[HoldKind] = frozenset()
    """The holds that do not stop it, because it belongs to them."""

    def stopped_by(self, holds: Iterable[Hold]) -> tuple[Hold, ...]:
        """Those of the holds that stop it."""
        return tuple(hold for hold in holds if hold.kind not in self.during)


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened to a loan, which its ladder may answer."""

    loan_id: int
    trigger: Trigger
    cause: str
    """What it happened to, such as `promise:P-1`. One item acts once for one cause."""
    due_at: datetime
    """When what follows is due; aware."""
    item: str | None = None
    """The only item that follows; None: all that the ladder has for it."""
    record: int | None = None
    """The record of whose word it is, and whom it is for; None: the borrower."""


def parts_of_cause(cause: str | None) -> dict[str, str]:
    """The kind and the id of a cause, as reasons and histories name them; empty without one."""
    if cause is None:
        return {}
    kind, _, id = cause.partition(":")
    return {"cause_kind": kind, "cause_id": id}
