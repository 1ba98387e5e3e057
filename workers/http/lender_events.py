"""What the lender's systems may tell: the shape of each event, and what of it is kept.

These models are the description at /openapi.json as well. Unknown fields are refused: a field that
nobody here reads would be lost without a word.
"""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

import phonenumbers
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    model_validator,
)

from config.readers.regions import is_zone
from config.readers.tape_mapping_reader import LOCALE
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ArrearsReason, ContactOutcome
from domain.holds import HoldKind
from workers.db.encryption import Cipher


def _more_than_nothing(amount: str) -> str:
    if not Decimal(amount):
        raise ValueError("it must be more than zero")
    return amount


def _number_in_use(phone: str) -> str:
    try:
        in_use = phonenumbers.is_valid_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        in_use = False
    if not in_use:
        raise ValueError("it must be a telephone number in use")
    return phone


def _known_zone(zone: str) -> str:
    if not is_zone(zone):
        raise ValueError("it must be a zone of the IANA database")
    return zone


_LINE = r"^[^\x00-\x1f\x7f]+$"

Identifier = Annotated[str, StringConstraints(max_length=128, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
"""The lender's own id of something."""
Staff = Annotated[str, StringConstraints(max_length=64, pattern=_LINE)]
"""The lender's own reference of somebody who works there; never a name."""
Why = Annotated[str, StringConstraints(max_length=500, pattern=_LINE)]
"""A sentence without personal data."""
Amount = Annotated[
    str,
    StringConstraints(pattern=r"^(0|[1-9][0-9]{0,10})(\.[0-9]{1,2})?$"),
    AfterValidator(_more_than_nothing),
]
"""More than zero, in whole hundredths, written as a decimal."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217."""
# Far enough on both sides for any loan, and near enough that no sum of days leaves the calendar.
Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2199, 12, 31))]
"""A business date, in the lender's zone."""
Phone = Annotated[
    str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$"), AfterValidator(_number_in_use)
]
"""E.164."""
Address = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]
"""IANA."""
Locale = Annotated[str, StringConstraints(pattern=f"^{LOCALE.pattern}$")]
"""BCP 47: language, script, country."""


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Facts(_Told):
    def payload(self, cipher: Cipher) -> dict[str, Any]:
        """What is stored of it: ids, dates, words, and nothing personal that is not sealed."""
        return self.model_dump(mode="json", by_alias=True)


class _Event(_Told):
    timestamp: AwareDatetime
    """When it happened there."""


class PaymentFacts(_Facts):
    payment: Identifier = Field(serialization_alias="external_id")
    loan: Identifier
    amount: Amount
    currency: Currency
    paid_on: Day
    """When the lender's core system booked it."""


class ReversalFacts(_Facts):
    payment: Identifier
    reversed_on: Day


class PromiseFacts(_Facts):
    promise: Identifier
    loan: Identifier
    amount: Amount
    currency: Currency
    due_on: Day
    """Paid on this day it is still kept."""
    actor: Staff


class PromiseWithdrawalFacts(_Facts):
    promise: Identifier


class DisputeFacts(_Facts):
    dispute: Identifier
    loan: Identifier
    starts_on: Day
    why: Why
    actor: Staff


class HoldFacts(_Facts):
    hold: Identifier
    loan: Identifier
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
    def _ends_after_it_starts(self) -> Self:
        if self.ends_on is not None and self.ends_on <= self.starts_on:
            raise ValueError("it must end after it starts")
        return self


class ReleaseFacts(_Facts):
    hold: Identifier
    """The id of a hold or of a dispute."""
    ends_on: Day


class ContactChangeFacts(_Facts):
    """At least one of what may change; what is left out stays as it is."""

    borrower: Identifier
    phone: Phone | None = None
    phone_at_work: bool | None = None
    """Whether the number is that of a place of work."""
    address: Address | None = None
    zones: Annotated[list[Zone], Field(min_length=1, max_length=8)] | None = None
    locale: Locale | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        changes = (self.phone, self.phone_at_work, self.address, self.zones, self.locale)
        if all(change is None for change in changes):
            raise ValueError("it must change something")
        return self

    def payload(self, cipher: Cipher) -> dict[str, Any]:
        """The number and the address sealed, with a keyed digest of both: a seal is another each
        time, and the same event told twice must be known by something."""
        told = self.model_dump(mode="json", exclude_none=True)
        personal = {name: told.pop(name) for name in ("phone", "address") if name in told}
        if personal:
            digest = cipher.blind_index(json.dumps(personal, sort_keys=True))
            told["digest"] = b64encode(digest).decode()
        for name, value in personal.items():
            told[f"{name}_encrypted"] = b64encode(cipher.encrypt(value)).decode()
        return told


class WriteOffFacts(_Facts):
    loan: Identifier
    written_off_on: Day


class OptOutFacts(_Facts):
    borrower: Identifier
    channel: Literal[Channel.SMS, Channel.CALL, Channel.VISIT] | None
    """null: the borrower asked that nobody contact them any more, by whatever channel."""
    actor: Staff


class ValidationNoticeFacts(_Facts):
    loan: Identifier
    given_on: Day
    """When the borrower was told in writing what is owed, and how to dispute it."""


class AcknowledgementFacts(_Facts):
    loan: Identifier
    acknowledged_on: Day
    """When the borrower acknowledged the debt: where a law says so, the time to sue runs anew."""


class ContactOutcomeFacts(_Facts):
    attempt: Identifier
    """The id under which the call or the visit was begun."""
    outcome: ContactOutcome
    reason: ArrearsReason | None = None
    """Why the loan is overdue, where the borrower said so."""
    actor: Staff


class CallStart(_Told):
    """What a dialer asks before it dials."""

    attempt: Identifier
    """The dialer's own id of this attempt: the same id is the same attempt."""
    loan: Identifier
    item: Identifier | None = None
    """The ladder item of the call; the newest that is open if left out."""
    actor: Staff


class PaymentEvent(_Event):
    type: Literal["payment"]
    data: PaymentFacts


class ReversalEvent(_Event):
    type: Literal["reversal"]
    data: ReversalFacts


class PromiseEvent(_Event):
    type: Literal["promise"]
    data: PromiseFacts


class PromiseWithdrawalEvent(_Event):
    type: Literal["promise_withdrawal"]
    data: PromiseWithdrawalFacts


class DisputeEvent(_Event):
    type: Literal["dispute"]
    data: DisputeFacts


class HoldEvent(_Event):
    type: Literal["hold"]
    data: HoldFacts


class ReleaseEvent(_Event):
    type: Literal["release"]
    data: ReleaseFacts


class ContactChangeEvent(_Event):
    type: Literal["contact_change"]
    data: ContactChangeFacts


class WriteOffEvent(_Event):
    type: Literal["write_off"]
    data: WriteOffFacts


class OptOutEvent(_Event):
    type: Literal["opt_out"]
    data: OptOutFacts


class ValidationNoticeEvent(_Event):
    type: Literal["validation_notice"]
    data: ValidationNoticeFacts


class AcknowledgementEvent(_Event):
    type: Literal["acknowledgement"]
    data: AcknowledgementFacts


class ContactOutcomeEvent(_Event):
    type: Literal["contact_outcome"]
    data: ContactOutcomeFacts


LenderEvent = Annotated[
    PaymentEvent
    | ReversalEvent
    | PromiseEvent
    | PromiseWithdrawalEvent
    | DisputeEvent
    | HoldEvent
    | ReleaseEvent
    | ContactChangeEvent
    | WriteOffEvent
    | OptOutEvent
    | ValidationNoticeEvent
    | AcknowledgementEvent
    | ContactOutcomeEvent,
    Field(discriminator="type"),
]

LENDER_EVENT: TypeAdapter[LenderEvent] = TypeAdapter(LenderEvent)
CALL_START_ASKED: TypeAdapter[CallStart] = TypeAdapter(CallStart)
