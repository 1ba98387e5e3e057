"""How long somebody may pause a ladder alone, and what nobody may: the limits of holds by kind.

What a policy or a law places has its own length. These limits are for what people type. A lender's
staffing policy may have others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, auto

from domain.holds import Hold, HoldKind


@dataclass(frozen=True, slots=True)
class HoldLimit:
    """Up to when a hold of a kind may last, counted in days from today."""

    alone: int | None
    """Without a supervisor or a lawyer. None: as long as it is true, because it protects a person
    or a court asks for it, and nobody knows until when."""
    at_most: int
    """With an end of its own, whoever agrees."""


_MONTH, _YEAR, _TEN_YEARS = 31, 366, 3653

HOLD_LIMITS: Mapping[HoldKind, HoldLimit] = {
    HoldKind.MANUAL: HoldLimit(14, _YEAR),
    HoldKind.DEFERRAL: HoldLimit(_MONTH, _YEAR),
    HoldKind.ARRANGEMENT: HoldLimit(_MONTH, _TEN_YEARS),
    HoldKind.VULNERABILITY: HoldLimit(2 * _MONTH, _TEN_YEARS),
    HoldKind.BREATHING_SPACE: HoldLimit(2 * _MONTH, _YEAR),
    HoldKind.MORATORIUM: HoldLimit(None, _TEN_YEARS),
    HoldKind.MENTAL_HEALTH_CRISIS: HoldLimit(None, _TEN_YEARS),
    HoldKind.INSOLVENCY: HoldLimit(None, _TEN_YEARS),
    HoldKind.DECEASED: HoldLimit(None, _TEN_YEARS),
    HoldKind.LEGAL_STAY: HoldLimit(None, _TEN_YEARS),
}
"""Every kind that is placed as a hold, where the lender's policy says nothing else."""

STARTS_WITHIN = timedelta(days=_YEAR)
"""How far ahead a hold may start."""


class Length(Enum):
    """What the limits say of a hold."""

    ALONE = auto()  # whoever may place holds places it
    AGREED = auto()  # a supervisor or a lawyer agrees
    TOO_LONG = auto()  # nobody places it


def paused_since(pauses: Iterable[Hold], starts_on: date) -> date:
    """The first day of the pauses that reach up to a day without a gap; the day itself, if there
    are none."""
    first = starts_on
    for pause in sorted(pauses, key=lambda pause: pause.starts_on, reverse=True):
        if pause.starts_on < first and (pause.ends_on is None or first <= pause.ends_on):
            first = pause.starts_on
    return first


def review_length(
    limit: HoldLimit, ends_on: date | None, today: date, since: date | None = None
) -> Length:
    """What its limit says of a hold that ends on a day, with the length that a law gives it. None:
    it lasts until its release. `since` is its first day, or that of the pauses right before it:
    what somebody places alone counts from then."""
    if ends_on is not None and ends_on > today + timedelta(days=limit.at_most):
        return Length.TOO_LONG
    first = min(since or today, today)
    if limit.alone is None or (
        ends_on is not None and ends_on <= first + timedelta(days=limit.alone)
    ):
        return Length.ALONE
    return Length.AGREED
