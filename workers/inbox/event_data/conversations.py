"""The data of events about what somebody said: on the telephone, at a visit, by text."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from config.input_errors import UnusableValueError
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import BY_LETTER, INBOUND, ArrearsReason, ContactOutcome
from domain.disputes import ComplaintKind, DisputeKind
from domain.inbound_texts import Meaning
from domain.persons import PersonFact
from workers.db.encryption import Cipher
from workers.db.free_text import CAN_PAY, WHY, sealed_values
from workers.inbox.event_data.fields import (
    LATELY,
    Amount,
    Currency,
    CustomerId,
    Day,
    EventData,
    Identifier,
    Moment,
    OtherLoans,
    Staff,
    Why,
)
from workers.inbox.event_data.persons import FactDetails
from workers.inbox.event_data.promises import PromiseParts, has_amount_and_day


class SaidFactData(FactDetails):
    """One thing that a person said of when, where and how they want to be contacted."""

    fact: Literal[
        PersonFact.INCONVENIENT_TIME,
        PersonFact.INCONVENIENT_PLACE,
        PersonFact.EMPLOYER_FORBIDS,
        PersonFact.LANGUAGE,
    ]
    until: Moment | None = None
    """Of what is inconvenient: from then on it counts no more; null: until it is withdrawn."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        self.check(self.fact, complete=True, until=self.until)
        return self


Said = Annotated[tuple[SaidFactData, ...], Field(max_length=20, strict=False)]
"""What a person said, thing by thing."""


class ReplyReadFacts(EventData):
    """What a borrower's text means, said by a person who has read it."""

    reply: Annotated[int, Field(ge=1, le=2**62)]
    """Arrears' number of the text, as `arrears worklist` shows it."""
    meaning: Meaning
    actor: Staff
    dispute: Identifier | None = None
    """For a dispute: the lender's own id of it, and `why`."""
    dispute_kind: DisputeKind | None = None
    """For a dispute; null: nobody said."""
    loan: Identifier | None = None
    """For a dispute or a plan; null: the loan that the text is about."""
    why: Why | None = None
    said: Said = ()
    """For `wishes`."""

    @model_validator(mode="after")
    def _says_which_wishes(self) -> Self:
        if (self.meaning is Meaning.WISHES) != bool(self.said):
            raise UnusableValueError("give said with the meaning wishes, and with no other")
        return self

    @model_validator(mode="after")
    def _says_what_a_dispute_needs(self) -> Self:
        if (self.meaning is Meaning.DISPUTE) != (self.dispute is not None):
            raise UnusableValueError("give dispute with the meaning dispute, and with no other")
        if (self.dispute is None) != (self.why is None):
            raise UnusableValueError("give why with the meaning dispute, and with no other")
        return self


class SaidPromiseData(EventData):
    """What the borrower promised in the conversation. As in a promise that is reported alone."""

    amount: Amount | None = None
    """All of it. With `parts` it may be left out."""
    currency: Currency
    due_on: Day | None = None
    """A payment on this day still keeps it; of `parts`, the day of the last one."""
    parts: PromiseParts = ()
    """Several payments, each with its day."""
    loan: Identifier | None = None
    """Null: the loan that the conversation was about."""
    agreed_by: Staff | None = None
    """The supervisor who agreed to what goes beyond the limits."""
    can_pay_monthly: Amount | None = None
    """What the borrower said to be able to pay a month. It is personal data, and encrypted before
    the event is stored."""

    @model_validator(mode="after")
    def _has_amount_and_day(self) -> Self:
        return has_amount_and_day(self)


class OutcomeData(EventData):
    """What the outcomes of attempts and of contacts that the person began have in common."""

    outcome: ContactOutcome
    """What it came to, by whoever had the conversation."""
    reason: ArrearsReason | None = None
    """Why the loan is overdue, where the borrower said so; with an outcome in which the borrower
    was reached, and only then."""
    callback_at: Annotated[Moment | None, Field(validate_default=True)] = None
    """When the person asked to be called again; with `callback_requested`, and only then."""
    also_about: OtherLoans = ()
    """The other loans that were mentioned."""
    promised: SaidPromiseData | None = None
    """What was promised; with `promised`, and only then."""
    dispute_kind: DisputeKind | None = None
    """With `disputes`, and only then."""
    complaint_kind: ComplaintKind | None = None
    """With `complains`, and only then; null: it is not known yet."""
    about_staff: Staff | None = None
    """With `complains`: the staff reference of whom it is about, if it is about somebody."""
    about_attempt: Identifier | None = None
    """With `complains`: the call or the visit in question."""
    stopped_channel: Literal[Channel.SMS, Channel.CALL, Channel.VISIT] | None = None
    """With `stop_channel`: by which there is to be no contact; null: that of the conversation. A
    letter says it."""
    why: Why | None = None
    """What the person said, in words."""
    recording: Identifier | None = None
    """The dialer's reference of the recording; of a letter, under which it is filed. A letter that
    promises or asks for something has one."""
    said: Said = ()
    """When, where and in which language the borrower wants to be contacted."""

    @field_validator("reason")
    @classmethod
    def _said_by_borrower(cls, reason: str | None, info: ValidationInfo) -> str | None:
        outcome: ContactOutcome | None = info.data.get("outcome")
        if reason is not None and outcome is not None and not outcome.with_borrower:
            raise UnusableValueError(
                "it is what the borrower says, and with this outcome nobody spoke with the "
                "borrower: leave it out"
            )
        return reason

    @field_validator("callback_at")
    @classmethod
    def _has_its_moment(cls, at: datetime | None, info: ValidationInfo) -> datetime | None:
        outcome: ContactOutcome | None = info.data.get("outcome")
        asks = outcome is ContactOutcome.CALLBACK_REQUESTED
        if outcome is not None and asks != (at is not None):
            raise UnusableValueError(
                "give callback_at with the outcome callback_requested, and with no other"
            )
        return at

    def payload(self, cipher: Cipher) -> dict[str, Any]:
        """With what the borrower can pay a month encrypted, and then what was said in words, too:
        an event has one digest."""
        stored = super().payload(cipher)
        promised = stored.get("promised")
        if promised is None:
            return stored
        amount = promised.pop(CAN_PAY)
        for name in ("amount", "due_on", "parts", "agreed_by"):
            if not promised[name]:
                del promised[name]
        if amount is None:
            return stored
        words = {WHY: stored[WHY]} if stored.get(WHY) else {}
        return sealed_values(cipher, stored, {CAN_PAY: amount, **words})


class ContactOutcomeFacts(OutcomeData):
    attempt: Identifier
    """The id under which the call or the visit was started."""
    actor: Staff


def _may_be_inbound(outcome: ContactOutcome) -> ContactOutcome:
    if outcome not in {*INBOUND, *BY_LETTER}:
        raise UnusableValueError("a contact that the person began does not end so")
    return outcome


class InboundContactFacts(OutcomeData):
    contact: Identifier
    """The lender's own id of the call, the visit or the letter."""
    loan: Identifier
    channel: Literal[Channel.CALL, Channel.VISIT, Channel.LETTER]
    at: Annotated[Moment, LATELY]
    """When the person called or came, or when their letter arrived."""
    outcome: Annotated[ContactOutcome, AfterValidator(_may_be_inbound)]
    """What it came to, by whoever took it. A letter comes to nothing that takes a conversation:
    `wrote`, if it says nothing else."""
    by_representative: bool = False
    """Whether who acts for the person called, came or wrote. What they said is theirs."""
    borrower: CustomerId | None = None
    """The co-borrower or the guarantor who called, came or signed the letter; null: the borrower of
    the loan."""
    actor: Staff

    def payload(self, cipher: Cipher) -> dict[str, Any]:
        stored = super().payload(cipher)
        if self.callback_at is None:
            del stored["callback_at"]
        return stored


class EventsResentFacts(EventData):
    """A system of the lender's has sent its events again."""

    recovery: Annotated[str, Field(max_length=36)]
    """As the event `events.resend` has it."""
