"""Which item names a call that is about several: the order is stated, and nobody chooses.

All that one collector has to speak about with one person is one call. The item that comes first
gives it its name, its place in the order of work and the ladder by which its outcome is read.
"""

from dataclasses import dataclass
from datetime import datetime

from domain.follow_ups import Trigger

FOLLOW_UPS_FIRST = (
    Trigger.ARRANGEMENT_DEFAULTED,
    Trigger.ARRANGEMENT_MISSED,
    Trigger.ARRANGEMENT_DECLINED,
    Trigger.PROMISES_BROKEN_TWICE,
    Trigger.PROMISE_BROKEN,
    Trigger.OUTCOME,
    Trigger.PROMISE_DUE_TOMORROW,
)
"""What happened comes before a day of the ladder, and what weighs more before what weighs less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOfCall:
    """An item that asks for a call."""

    action_id: int
    callback_at: datetime | None = None
    """When the person asked to be called again about it, if nobody has called since."""
    follows: Trigger | None = None
    """What it follows from; None: a day of the ladder asks for it."""
    caused_at: datetime | None = None
    """When that happened."""


def place_in_call(item: ItemOfCall) -> tuple[object, ...]:
    """The place of an item in its call, the smallest first: what the person asked to be called
    again about, the earlier moment first; what follows from something that happened, in the order
    of `FOLLOW_UPS_FIRST` and of what happened; then what days of the ladder ask for, as planned."""
    callback, caused = item.callback_at, item.caused_at
    return (
        callback.timestamp() if callback else float("inf"),
        FOLLOW_UPS_FIRST.index(item.follows) if item.follows else len(FOLLOW_UPS_FIRST),
        caused.timestamp() if caused else float("inf"),
        item.action_id,
    )
