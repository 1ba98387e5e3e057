"""The data of events about a loan: payments, promises, disputes, holds, write-offs, notices."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol, Self, TypeVar

from pydantic import (
    Field,
    model_validator,
)

from config.input_errors import UnusableValueError
from domain.compliance.vocabulary import LimitationFact, Proof
from domain.disputes import ComplaintKind, DisputeKind, Finding, MatterStatus, RaisedBy
from domain.holds import HoldKind
from domain.loans import Component
from workers.db.encryption import Cipher
from workers.db.free_text import CAN_PAY, sealed_values, unsealed_value
from workers.inbox.event_data.fields import (
    Amount,
    AmountOrNothing,
    Currency,
    CustomerId,
    Day,
    EventData,
    Identifier,
    Moment,
    Staff,
    StrictModel,
    Why,
)
from workers.payments.restructuring import MOST_INSTALMENTS


class PaymentFacts(EventData):
    payment: Identifier = Field(serialization_alias="external_id")
    loan: Identifier
    amount: Amount
    currency: Currency
    paid_on: Day
    """When the lender's core system booked it."""
    instalment: Day | None = None
    """The due date of the instalment that the payer named; it is paid first."""
    actor: Staff | None = None


class ReversalFacts(EventData):
    payment: Identifier
    sender: Identifier | None = None
    """The sender whose id it is; your own if left out."""
    reversed_on: Day
    amount: Amount | None = None
    """Of a reversal in part; left out: all that is left of the payment."""
    reversal: Identifier | None = None
    """The id of a reversal in part."""
    actor: Staff | None = None

    @model_validator(mode="after")
    def _has_id_if_in_part(self) -> Self:
        if (self.amount is None) != (self.reversal is None):
            raise UnusableValueError("a reversal in part has both an amount and a reversal")
        return self


class ReversalTakenBackFacts(EventData):
    payment: Identifier
    sender: Identifier | None = None
    """The sender whose id it is; your own if left out."""
    loan: Identifier
    reversal: Identifier | None = None
    """Of a reversal in part; left out: the reversal of all of it."""
    reversal_sender: Identifier | None = None
    """The sender whose id of the reversal it is; your own if left out."""
    taken_back_on: Day
    actor: Staff | None = None


class RefundFacts(EventData):
    refund: Identifier
    payment: Identifier
    sender: Identifier | None = None
    """The sender whose id it is; your own if left out."""
    amount: Amount
    refunded_on: Day
    actor: Staff | None = None


class RefundTakenBackFacts(EventData):
    refund: Identifier
    refund_sender: Identifier | None = None
    """The sender whose id of the refund it is; your own if left out."""
    payment: Identifier
    sender: Identifier | None = None
    """The sender whose id of the payment it is; your own if left out."""
    loan: Identifier
    taken_back_on: Day
    actor: Staff | None = None


class ChargeFacts(EventData):
    adjustment: Identifier
    loan: Identifier
    amount: Amount
    currency: Currency
    component: Component
    due_on: Day
    """The due date of the instalment to which it is added; another day: one of its own."""
    booked_on: Day
    """When the lender's core system booked it."""
    why: Why | None = None
    actor: Staff | None = None


class WaiverFacts(EventData):
    adjustment: Identifier
    loan: Identifier
    amount: Amount | None = None
    """Left out: all that is unpaid."""
    currency: Currency
    component: Component | None = None
    """The only one that is lowered; left out: all of them, in the order in which they are paid."""
    instalment: Day | None = None
    """The due date of the only instalment that is lowered; left out: the oldest ones first."""
    booked_on: Day
    why: Why | None = None
    actor: Staff | None = None


class InstalmentLeftOutFacts(EventData):
    adjustment: Identifier
    loan: Identifier
    instalment: Day
    """Its due date."""
    due_on: Day | None = None
    """When what is unpaid of it falls due now; left out: a month after the last instalment."""
    booked_on: Day
    why: Why | None = None
    actor: Staff | None = None

    @model_validator(mode="after")
    def _is_paid_on_another_day(self) -> Self:
        if self.instalment == self.due_on:
            raise UnusableValueError("it must be due on another day than before")
        return self


class AccelerationFacts(EventData):
    adjustment: Identifier
    loan: Identifier
    due_on: Day
    """When all that is unpaid and falls due later falls due now."""
    booked_on: Day
    why: Why | None = None
    actor: Staff | None = None


class AdjustmentReversalFacts(EventData):
    adjustment: Identifier
    sender: Identifier | None = None
    """The sender whose id it is; your own if left out."""
    loan: Identifier
    reversed_on: Day
    actor: Staff | None = None


def means_in(cipher: Cipher, payload: Mapping[str, Any]) -> Decimal | None:
    """What the borrower can pay a month, as such a payload has it; None if it says nothing.

    Raises:
        ArrearsError: it does not open.
    """
    amount = unsealed_value(cipher, payload, CAN_PAY)
    return None if amount is None else Decimal(amount)


class PromisePartFacts(StrictModel):
    """One payment that is promised."""

    amount: Amount
    due_on: Day
    """Paid on this day it is in time."""


PromiseParts = Annotated[tuple[PromisePartFacts, ...], Field(max_length=31, strict=False)]


class _Promised(Protocol):
    @property
    def amount(self) -> str | None: ...
    @property
    def due_on(self) -> date | None: ...
    @property
    def parts(self) -> Sequence[PromisePartFacts]: ...


P = TypeVar("P", bound=_Promised)


def has_amount_and_day(promised: P) -> P:
    """A promise that says how much by when, alone or in parts."""
    if not promised.parts and (promised.amount is None or promised.due_on is None):
        raise UnusableValueError("a promise has an amount and a due_on, or parts")
    return promised


class PromiseFacts(EventData):
    promise: Identifier
    loan: Identifier
    amount: Amount | None = None
    """All of it. With `parts` it may be left out."""
    currency: Currency
    due_on: Day | None = None
    """Paid on this day it is still kept; of `parts`, that of the last one."""
    parts: PromiseParts = ()
    """Several payments, each with its day."""
    agreed_by: Staff | None = None
    """The supervisor who agreed to what goes beyond the limits."""
    can_pay_monthly: Amount | None = None
    """What the borrower said to be able to pay a month. It is personal data, and encrypted before
    the event is stored."""
    actor: Staff

    def payload(self, cipher: Cipher) -> dict[str, Any]:
        """With what the borrower can pay encrypted, and a keyed digest of it, which identifies the
        same event when it comes again."""
        stored = super().payload(cipher)
        amount = stored.pop(CAN_PAY, None)
        return sealed_values(cipher, stored, {CAN_PAY: amount}) if amount else stored

    @model_validator(mode="after")
    def _has_amount_and_day(self) -> Self:
        return has_amount_and_day(self)


class PromiseWithdrawalFacts(EventData):
    promise: Identifier
    sender: Identifier | None = None
    """The sender whose id it is; your own if left out."""
    was_made: bool | None = None
    """Whether the borrower really made it; false, if it was recorded by mistake."""
    actor: Staff | None = None


class DisputeFacts(EventData):
    dispute: Identifier
    loan: Identifier
    starts_on: Day
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
    received_at: Moment | None = None
    """When it came in; null: now, or on `starts_on` if that is earlier."""


class DisputeResolutionFacts(EventData):
    dispute: Identifier
    sender: Identifier | None = None
    """The sender whose id it is; your own if left out."""
    outcome: Literal[
        MatterStatus.UPHELD,
        MatterStatus.PARTLY_UPHELD,
        MatterStatus.REJECTED,
        MatterStatus.WITHDRAWN,
    ]
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
    received_at: Moment | None = None
    """When it came in; null: now."""


class ComplaintResolutionFacts(EventData):
    complaint: Identifier
    sender: Identifier | None = None
    """The sender whose id it is; your own if left out."""
    outcome: Literal[
        MatterStatus.UPHELD,
        MatterStatus.PARTLY_UPHELD,
        MatterStatus.REJECTED,
        MatterStatus.WITHDRAWN,
    ]
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
    starts_on: Day
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
    ends_on: Day
    actor: Staff | None = None


class InstalmentFacts(StrictModel):
    due_on: Day
    principal: AmountOrNothing
    interest: AmountOrNothing = "0"
    fees: AmountOrNothing = "0"


class RestructuringFacts(EventData):
    restructuring: Identifier
    loan: Identifier
    currency: Currency
    restructured_on: Day
    """From then on the new schedule counts."""
    instalments: Annotated[
        tuple[InstalmentFacts, ...],
        Field(min_length=1, max_length=MOST_INSTALMENTS, strict=False),
    ]
    """The whole new schedule. Those of one day are one."""
    paid: AmountOrNothing = "0"
    """What is paid of it by payments that were booked before its day."""
    arrangement: Identifier | None = None
    """The id of the deferral or the instalment plan that it is."""
    arrangement_sender: Identifier | None = None
    """The sender whose id of the arrangement it is; if left out, the only one that gave it."""
    why: Why
    actor: Staff


class WriteOffFacts(EventData):
    loan: Identifier
    written_off_on: Day
    why: Why | None = None
    actor: Staff | None = None


class WriteOffTakenBackFacts(EventData):
    loan: Identifier
    taken_back_on: Day
    why: Why | None = None
    actor: Staff | None = None


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
