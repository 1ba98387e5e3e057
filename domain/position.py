"""Where a loan stands: what is past due, since when its ladder counts, when it is reviewed next."""

from dataclasses import dataclass
from datetime import date, datetime

from domain.decision import Snapshot, next_review
from domain.delinquency import Arrears, arrears_on, ladder_start
from domain.ladder import Ladder


@dataclass(frozen=True, slots=True)
class LoanPosition:
    """Where a loan stands on one business date."""

    arrears: Arrears
    ladder_since: date | None
    """Since when its ladder counts, also if it was written off; None: it has not started."""
    review_on: date | None
    """None: it is not reviewed again until its facts change."""


def position_of(snapshot: Snapshot, ladder: Ladder | None, now: datetime) -> LoanPosition:
    """Where the loan stands at `now`, in the lender's zone. Paid instalments may be left out."""
    on = now.date()
    instalments = snapshot.instalments
    return LoanPosition(
        arrears_on(instalments, on),
        ladder_start(instalments, on, ladder.minimum_amount) if ladder else None,
        next_review(snapshot, now),
    )
