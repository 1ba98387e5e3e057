"""The data of events about promises, and what somebody can pay a month."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Protocol, Self, TypeVar

from pydantic import (
    Field,
    model_validator,
)

from config.input_errors import UnusableValueError
from workers.db.encryption import Cipher
from workers.db.free_text import CAN_PAY, sealed_values, unsealed_value
from workers.inbox.event_data.fields import (
    Amount,
    Currency,
    CustomerId,
    Day,
    EventData,
    Identifier,
    Staff,
    StrictModel,
)


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
    borrower: CustomerId | None = None
    """The co-borrower or the guarantor who promises; null: the borrower of the loan."""
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
