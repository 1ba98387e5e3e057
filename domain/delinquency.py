"""Days past due, the amount past due, and the days from which days past due and ladders count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.loans import ZERO, Instalment


@dataclass(frozen=True, slots=True)
class Arrears:
    """Where a loan stands on one business date."""

    delinquent_since: date | None
    """Due date of the oldest unpaid instalment that is past due; None when nothing is past due."""
    days_past_due: int
    """Business date minus `delinquent_since`. The due day itself is day 0 and is not past due."""
    amount: Decimal
    """All that is past due, in the loan's currency."""
    next_due_on: date | None
    """Due date of the first unpaid instalment that is not past due yet."""

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
        due_on = instalment.due_on
        if due_on < on:
            amount += unpaid
            if delinquent_since is None or due_on < delinquent_since:
                delinquent_since = due_on
        elif next_due_on is None or due_on < next_due_on:
            next_due_on = due_on
    days = (on - delinquent_since).days if delinquent_since else 0
    return Arrears(delinquent_since, days, amount, next_due_on)


def ladder_start(instalments: Iterable[Instalment], on: date, minimum: Decimal) -> date | None:
    """The day on which what is past due on business date `on` reached `minimum`.

    The ladder is measured from this day. It is the due date of the instalment with which the unpaid
    amounts, counted from the oldest on, are at least `minimum`. Thus an older rest that is smaller
    than the minimum does not make later arrears older, and paying that rest does not move the day.
    None: nothing is past due, or less than `minimum`.
    """
    amount = ZERO
    for instalment in sorted(instalments, key=lambda instalment: instalment.due_on):
        unpaid = instalment.unpaid
        if unpaid <= ZERO or instalment.due_on >= on:
            continue
        amount += unpaid
        if amount >= minimum:
            return instalment.due_on
    return None


def days_past_due(instalments: Iterable[Instalment], on: date) -> int:
    """Days past due on business date `on`; 0 when nothing is past due. Holds never pause it."""
    return arrears_on(instalments, on).days_past_due
