"""The data of events about notices, and about how long a claim can be brought to court."""

from typing import Self

from pydantic import (
    model_validator,
)

from config.input_errors import UnusableValueError
from domain.compliance.vocabulary import LimitationFact, Proof
from workers.inbox.event_data.fields import (
    CustomerId,
    Day,
    EventData,
    Identifier,
    Staff,
)


class ValidationNoticeFacts(EventData):
    loan: Identifier
    given_on: Day
    """When the borrower got a written notice of what is owed and how to dispute it."""
    actor: Staff | None = None


class AcknowledgementFacts(EventData):
    loan: Identifier
    acknowledged_on: Day
    """When the borrower acknowledged the debt: where a law says so, the time to sue runs anew."""
    proof: Proof | None = None
    """How the lender can prove it. Left out, it counts only where a law asks for no proof."""
    document: Identifier | None = None
    """The lender's reference of the proof."""
    borrower: CustomerId | None = None
    """The record of another party to the loan, if it was not the borrower who acknowledged it."""
    actor: Staff | None = None


class AcknowledgementWithdrawalFacts(EventData):
    loan: Identifier
    acknowledged_on: Day
    proof: Proof | None = None
    """Left out: whatever its proof."""
    borrower: CustomerId | None = None
    """The record of who acknowledged it; left out: whoever did."""
    actor: Staff | None = None


class LimitationFactWithdrawalFacts(EventData):
    loan: Identifier
    fact: LimitationFact
    starts_on: Day
    actor: Staff | None = None


class LimitationFactFacts(EventData):
    loan: Identifier
    fact: LimitationFact
    """What interrupts or suspends the limitation period, where a law says so."""
    starts_on: Day
    ends_on: Day | None = None
    """Of a `suit`, the day on which the proceedings ended; of what suspends, the first day without
    it. Left out: it lasts. The other facts are of one day."""
    document: Identifier | None = None
    """The lender's reference of the proof."""
    actor: Staff | None = None

    @model_validator(mode="after")
    def _ends_in_order(self) -> Self:
        if self.ends_on is not None and not self.fact.lasts:
            raise UnusableValueError("{fact} is of one day: leave out ends_on", fact=self.fact)
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise UnusableValueError("it must not end before it starts")
        return self
