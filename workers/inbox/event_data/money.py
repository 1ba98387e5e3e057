"""The data of events about money: payments, refunds, charges, new schedules, write-offs."""

from typing import Annotated, Self

from pydantic import (
    Field,
    model_validator,
)

from config.input_errors import UnusableValueError
from domain.loans import Component
from workers.inbox.event_data.fields import (
    Amount,
    AmountOrNothing,
    Currency,
    Day,
    EventData,
    Identifier,
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
