"""The state of a loan on a day: what the daily history keeps of each decision."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.buckets import BucketScheme
from domain.decision import Decision, Outcome
from domain.holds import HoldKind


class Standing(StrEnum):
    """Where a loan stands; the outcome of its decision without what was planned on that day."""

    NOT_PAST_DUE = "not_past_due"
    ON_LADDER = "on_ladder"
    HELD = "held"  # a hold pauses the ladder
    IN_GRACE = "in_grace"
    BELOW_MINIMUM = "below_minimum"
    NO_LADDER = "no_ladder"
    WRITTEN_OFF = "written_off"


_PLANNED_OR_NOT = frozenset({Outcome.ACT, Outcome.WAIT})


@dataclass(frozen=True, slots=True)
class LoanState:
    """The state of one loan from one day until its next change."""

    standing: Standing
    delinquent_since: date | None = None
    """From which day its days past due count; None: not past due, or written off."""
    bucket: str | None = None
    """The class of its days past due; None: written off, or the lender has no classes."""
    step: str | None = None
    """The step of the ladder; None: it is not on the ladder, or a hold pauses it."""
    hold: HoldKind | None = None


def state_of(decision: Decision, scheme: BucketScheme | None) -> LoanState:
    """The state of the loan of a decision, on the day of the decision."""
    if decision.outcome is Outcome.WRITTEN_OFF:
        return LoanState(Standing.WRITTEN_OFF)
    planned_or_not = decision.outcome in _PLANNED_OR_NOT
    return LoanState(
        Standing.ON_LADDER if planned_or_not else Standing(decision.outcome.value),
        decision.arrears.delinquent_since,
        scheme.bucket_of(decision.arrears.days_past_due) if scheme else None,
        decision.step.id if decision.step else None,
        decision.hold.kind if decision.hold else None,
    )
