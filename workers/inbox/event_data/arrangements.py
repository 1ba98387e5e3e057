"""The data of events about deferrals and instalment plans."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from config.input_errors import UnusableValueError
from domain.arrangements import AcceptanceProof, AskedBy, Refusal
from workers.db.encryption import Cipher
from workers.db.free_text import MONTHLY, sealed_values
from workers.inbox.event_data.fields import (
    Amount,
    CustomerId,
    Day,
    EventData,
    Identifier,
    Staff,
    Why,
)

MOST_INSTALMENTS = 600
LONGEST_IN_DAYS = 3650
MOST_OFFERS = 32767


class ArrangementRequestFacts(EventData):
    arrangement: Identifier
    loan: Identifier
    asked_by: AskedBy = Field(default=AskedBy.EVENT, strict=False)
    asked_in: Identifier | None = None
    """The id of the text, the call, the letter or the form in which it was asked for."""
    days: Annotated[int, Field(ge=1, le=LONGEST_IN_DAYS)] | None = None
    """Of a deferral: for how long nothing is to be paid."""
    instalments: Annotated[int, Field(ge=1, le=MOST_INSTALMENTS)] | None = None
    """Of a plan: how many it has."""
    until: Day | None = None
    """Of a plan: the day by which it is paid."""
    monthly: Amount | None = None
    """Of a plan: what the borrower can pay a month. It is personal data, and encrypted before the
    event is stored."""
    borrower: CustomerId | None = None
    """The co-borrower or the guarantor who asks; null: the borrower of the loan."""
    actor: Staff | None = None

    def payload(self, cipher: Cipher) -> dict[str, Any]:
        stored = super().payload(cipher)
        amount = stored.pop(MONTHLY, None)
        return sealed_values(cipher, stored, {MONTHLY: amount}) if amount else stored

    @model_validator(mode="after")
    def _wishes_for_one_thing(self) -> Self:
        wishes = (self.days, self.instalments, self.until, self.monthly)
        if sum(each is not None for each in wishes) > 1:
            raise UnusableValueError("only one of days, instalments, until and monthly is said")
        return self


class ArrangementAcceptanceFacts(EventData):
    arrangement: Identifier
    sender: Identifier | None = None
    """The sender whose id it is; your own if left out."""
    loan: Identifier
    offer: Annotated[int, Field(ge=1, le=MOST_OFFERS)] | None = None
    """The number of the offer that the borrower was shown; it is said where an arrangement was
    offered more than once."""
    accepted_on: Day
    """The day on which the borrower agreed."""
    proof: AcceptanceProof = Field(strict=False)
    proof_reference: Identifier
    """The id of the recording, the text, the letter or the form. No personal data."""
    actor: Staff | None = None


class ArrangementWithdrawalFacts(EventData):
    arrangement: Identifier
    sender: Identifier | None = None
    """The sender whose id it is; your own if left out."""
    why: Why | None = None
    actor: Staff | None = None


class ArrangementRefusalFacts(EventData):
    arrangement: Identifier
    sender: Identifier | None = None
    """The sender whose id it is; your own if left out."""
    refusal: Refusal | None = Field(default=None, strict=False)
    """Why nothing is offered; of a person, always said, and of `other` in words as well."""
    why: Why | None = None
    actor: Staff | None = None
