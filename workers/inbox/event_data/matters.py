"""The data of events about disputes, complaints and holds."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import model_validator

from config.input_errors import UnusableValueError
from domain.disputes import ComplaintKind, DisputeKind, Finding, MatterStatus, RaisedBy
from domain.holds import HoldKind
from workers.inbox.event_data.fields import (
    LATELY,
    Amount,
    Currency,
    CustomerId,
    Day,
    EventData,
    Identifier,
    Moment,
    Staff,
    Why,
)

Answered: TypeAlias = Literal[
    MatterStatus.UPHELD,
    MatterStatus.PARTLY_UPHELD,
    MatterStatus.REJECTED,
    MatterStatus.WITHDRAWN,
]
"""How a dispute or a complaint ends."""


class DisputeFacts(EventData):
    dispute: Identifier
    loan: Identifier
    starts_on: Annotated[Day, LATELY]
    why: Why
    actor: Staff
    kind: DisputeKind | None = None
    """Null: nobody said."""
    amount: Amount | None = None
    """How much of the loan is disputed; null: all of it, or nobody said."""
    currency: Currency | None = None
    """Of the amount."""
    raised_by: RaisedBy | None = None
    """How it came in; null: nobody said."""
    borrower: CustomerId | None = None
    """The co-borrower or the guarantor who disputes; null: the borrower of the loan."""
    about_attempt: Identifier | None = None
    """The call or the visit in question: who had it does not handle the dispute."""
    received_at: Annotated[Moment | None, LATELY] = None
    """When it came in; null: now, or on `starts_on` if that is earlier."""


class DisputeResolutionFacts(EventData):
    dispute: Identifier
    sender: Identifier | None = None
    """The sender whose id it is; your own if left out."""
    outcome: Answered
    finding: Finding
    corrected_by: Identifier | None = None
    """The id of the adjustment or the payment that corrects what is owed."""
    why: Why | None = None
    actor: Staff


class ComplaintFacts(EventData):
    complaint: Identifier
    loan: Identifier
    """The loan in the collection of which it arose."""
    kind: ComplaintKind
    why: Why
    actor: Staff
    raised_by: RaisedBy | None = None
    """How it came in; null: nobody said."""
    borrower: CustomerId | None = None
    """The co-borrower or the guarantor who complains; null: the borrower of the loan."""
    about_staff: Staff | None = None
    """The person complained of; null: nobody in particular."""
    about_attempt: Identifier | None = None
    """The call or the visit in question."""
    received_at: Annotated[Moment | None, LATELY] = None
    """When it came in; null: now."""


class ComplaintResolutionFacts(EventData):
    complaint: Identifier
    sender: Identifier | None = None
    """The sender whose id it is; your own if left out."""
    outcome: Answered
    finding: Finding
    why: Why | None = None
    actor: Staff


class HoldFacts(EventData):
    """Of a loan, or of a person, as its kind says."""

    hold: Identifier
    loan: Identifier | None = None
    """For a hold of a person, any of their loans; or `borrower` instead."""
    borrower: CustomerId | None = None
    kind: Literal[
        HoldKind.ARRANGEMENT,
        HoldKind.DEFERRAL,
        HoldKind.VULNERABILITY,
        HoldKind.MORATORIUM,
        HoldKind.BREATHING_SPACE,
        HoldKind.MENTAL_HEALTH_CRISIS,
        HoldKind.INSOLVENCY,
        HoldKind.DECEASED,
        HoldKind.LEGAL_STAY,
        HoldKind.MANUAL,
    ]
    """A promise and a dispute are events of their own."""
    starts_on: Annotated[Day, LATELY]
    ends_on: Day | None
    """The first day without it; null: as long as a law says, or until it is released."""
    why: Why
    actor: Staff

    @model_validator(mode="after")
    def _names_whom_it_protects(self) -> Self:
        if (self.loan is None) == (self.borrower is None):
            raise UnusableValueError("it must name a loan or a borrower, and not both")
        if self.loan is None and not self.kind.of_person:
            raise UnusableValueError("it is a hold of a loan and must name one")
        return self

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.ends_on is not None and self.ends_on <= self.starts_on:
            raise UnusableValueError("it must end after it starts")
        return self


class ReleaseFacts(EventData):
    hold: Identifier
    """The id of a hold or of a dispute."""
    sender: Identifier | None = None
    """The sender whose id it is; your own if left out."""
    ends_on: Annotated[Day, LATELY]
    actor: Staff | None = None
