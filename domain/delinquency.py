"""Days past due, the amount past due, and the days from which days past due and ladders count."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.loans import ZERO, Instalment


@dataclass(frozen=True, slots=True)
class Arrears:
    """Where a loan stands on one business date."""

    delinquent_since: date | None
    """The day from which the oldest unpaid instalment that is past due counts; None when nothing is
    past due."""
    days_past_due: int
    """Business date minus `delinquent_since`. The due day itself is day 0 and is not past due."""
    amount: Decimal
    """All that is past due, in the loan's currency."""
    next_due_on: date | None
    """The day on which the next unpaid instalment falls due; `on` itself, or a later due date as it
    is written, where the calendar does not say yet."""

    @property
    def past_due(self) -> bool:
        return self.delinquent_since is not None


def arrears_on(instalments: Iterable[Instalment], on: date) -> Arrears:
    """Work out the arrears on business date `on`.

    A part payment lowers the amount and does not move `delinquent_since`: that moves only when its
    instalment is paid in full. Instalments need not be in order; paid ones may be left out.
    """
    delinquent_since: date | None = None
    next_due_on: date | None = None
    amount = ZERO
    for instalment in instalments:
        unpaid = instalment.unpaid
        if unpaid <= ZERO:
            continue
        falls_due = instalment.counts_from or max(instalment.due_on, on)
        if falls_due < on:
            amount += unpaid
            if delinquent_since is None or falls_due < delinquent_since:
                delinquent_since = falls_due
        elif next_due_on is None or falls_due < next_due_on:
            next_due_on = falls_due
    days = (on - delinquent_since).days if delinquent_since else 0
    return Arrears(delinquent_since, days, amount, next_due_on)


def ladder_start(instalments: Iterable[Instalment], on: date, minimum: Decimal) -> date | None:
    """The day on which what is past due on business date `on` reached `minimum`.

    The ladder is measured from this day. On it that instalment fell due with which the unpaid
    amounts, counted from the oldest on, are at least `minimum`. Thus an older rest that is smaller
    than the minimum does not make later arrears older, and paying that rest does not move the day.
    None: nothing is past due, or less than `minimum`.
    """
    amount = ZERO
    for instalment in sorted(instalments, key=lambda instalment: instalment.due_on):
        falls_due = instalment.counts_from
        if instalment.unpaid <= ZERO or falls_due is None or falls_due >= on:
            continue
        amount += instalment.unpaid
        if amount >= minimum:
            return falls_due
    return None


def days_past_due(instalments: Iterable[Instalment], on: date) -> int:
    """Days past due on business date `on`; 0 when nothing is past due. Holds never pause it."""
    return arrears_on(instalments, on).days_past_due
