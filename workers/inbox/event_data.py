"""The data of each kind of event that the lender posts: its fields, and what of it is stored.

These models are the request schema at /openapi.json as well. Unknown fields are refused, because a
field that no code reads would be lost without notice.
"""

import json
from base64 import b64encode
from datetime import date, datetime
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
    model_validator,
)

from config.readers.formats import LOCALE, is_zone
from config.readers.placeholders import is_placeholder
from domain.compliance.vocabulary import Channel, Party, Proof
from domain.contact_outcomes import ArrearsReason, ContactOutcome
from domain.contact_points import NumberFact
from domain.events import Named
from domain.holds import HoldKind
from domain.inbound_texts import Meaning
from domain.inconvenient import Location, Weekday
from domain.parties import RepresentativeKind
from domain.persons import MAY_EXPIRE, Link, PersonFact
from workers.db.encryption import Cipher
from workers.db.numbers import MOST_NUMBERS


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


def _no_placeholder(text: str) -> str:
    if is_placeholder(text):
        raise ValueError("it stands for nothing; leave it out")
    return text


def _midnight(clock: str) -> str:
    return "00:00" if clock == "24:00" else clock


def _known_zone(zone: str) -> str:
    if not is_zone(zone):
        raise ValueError("it must be a zone of the IANA database")
    return zone


_LINE = r"^[^\x00-\x1f\x7f]+$"

Identifier = Annotated[str, StringConstraints(max_length=128, pattern=r"^[^\s\x00-\x1f\x7f]+$")]
"""The lender's own id of something."""
CustomerId = Annotated[Identifier, AfterValidator(_no_placeholder)]
"""The lender's own id of a customer; `loan:` and the id of the loan where there is none."""
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
    str,
    StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}(;ext=[0-9]{1,7})?$"),
    AfterValidator(_number_in_use),
]
"""E.164; an extension follows as in RFC 3966: `+12125550100;ext=5`."""
NumberInOrder = Annotated[int, Field(ge=1, le=MOST_NUMBERS)]
"""The place of a number among those of its borrower, from 1."""
Address = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]+$"),
    AfterValidator(_no_placeholder),
]
Name = Annotated[
    str, StringConstraints(max_length=200, pattern=_LINE), AfterValidator(_no_placeholder)
]
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]
"""IANA."""
Zones = Annotated[tuple[Zone, ...], Field(max_length=8, strict=False)]
Locale = Annotated[str, StringConstraints(pattern=f"^{LOCALE.pattern}$")]
"""BCP 47: language, script, country."""


Clock = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
"""Hours and minutes."""

OtherLoans = Annotated[tuple[Identifier, ...], Field(max_length=50, strict=False)]
"""The lender's own ids of loans."""


class StrictModel(BaseModel):
    """What the lender posts: no unknown field, no value of another JSON type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class EventData(StrictModel):
    """The member `data` of an event."""

    def payload(self, cipher: Cipher) -> dict[str, Any]:
        """What is stored: ids, dates and words. Personal data is encrypted."""
        stored = self.model_dump(mode="json", by_alias=True)
        left_out = {name for name in LEFT_OUT if stored.get(name) in (None, [])}
        return {name: value for name, value in stored.items() if name not in left_out}


LEFT_OUT = {
    *("actor", "borrower", "document", "loan", "proof", "said", "which_number", "why"),
}
"""Fields that are not stored where the sender left them out."""


PERSONAL = ("name", "phone", "phones", "another_phone", "address")
"""Fields with personal data. They are encrypted before an event is stored."""


class PersonalEventData(EventData):
    """The data of an event with personal data."""

    def payload(self, cipher: Cipher) -> dict[str, Any]:
        """Personal data is encrypted. A keyed digest of all of it, and the keyed hash of the
        number, are added.

        Each encryption of the same value differs, so the digest is what identifies the same
        event when it comes again. By the hash the claim finds everybody who has the number. What
        the sender left out is left out here too.
        """
        stored = self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
        personal = {
            name: stored.pop(name, None) for name in PERSONAL if name in self.model_fields_set
        }
        if (numbers := personal.get("phones")) is not None:
            personal["phones"] = json.dumps(numbers)
        if personal:
            digest = cipher.blind_index(json.dumps(personal, sort_keys=True))
            stored["digest"] = b64encode(digest).decode()
        single = personal.get("phone") or personal.get("another_phone")
        if first := single or next(iter(numbers or ()), None):
            stored[Named.NUMBER] = cipher.blind_index(first).hex()
        for name, value in personal.items():
            encrypted = b64encode(cipher.encrypt(value)).decode() if value else None
            stored[f"{name}_encrypted"] = encrypted
        return stored


class PaymentFacts(EventData):
    payment: Identifier = Field(serialization_alias="external_id")
    loan: Identifier
    amount: Amount
    currency: Currency
    paid_on: Day
    """When the lender's core system booked it."""
    actor: Staff | None = None


class ReversalFacts(EventData):
    payment: Identifier
    reversed_on: Day
    actor: Staff | None = None


class PromiseFacts(EventData):
    promise: Identifier
    loan: Identifier
    amount: Amount
    currency: Currency
    due_on: Day
    """Paid on this day it is still kept."""
    actor: Staff


class PromiseWithdrawalFacts(EventData):
    promise: Identifier
    actor: Staff | None = None


class DisputeFacts(EventData):
    dispute: Identifier
    loan: Identifier
    starts_on: Day
    why: Why
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
            raise ValueError("it must name a loan or a borrower, and not both")
        if self.loan is None and not self.kind.of_person:
            raise ValueError("it is a hold of a loan and must name one")
        return self

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.ends_on is not None and self.ends_on <= self.starts_on:
            raise ValueError("it must end after it starts")
        return self


class ReleaseFacts(EventData):
    hold: Identifier
    """The id of a hold or of a dispute."""
    ends_on: Day
    actor: Staff | None = None


class ContactChangeFacts(PersonalEventData):
    """At least one of what may change; what is left out stays as it is. A number or an address that
    is null is removed."""

    borrower: CustomerId
    phone: Phone | None = None
    """Stands instead of the first number; null: the first number is removed. Others stay."""
    phones: Annotated[list[Phone], Field(max_length=MOST_NUMBERS)] | None = None
    """All numbers, in the order in which they are tried; `phone` is left out then."""
    another_phone: Phone | None = None
    """One more number, tried after the others; with neither `phone` nor `phones`."""
    phone_at_work: bool | None = None
    """Whether the number is that of a place of work."""
    address: Address | None = None
    zones: Annotated[list[Zone], Field(min_length=1, max_length=8)] | None = None
    locale: Locale | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        changes = (
            *(self.phone_at_work, self.phones, self.another_phone),
            *(self.zones, self.locale),
        )
        removes = {"phone", "address"} & self.model_fields_set
        if not removes and all(change is None for change in changes):
            raise ValueError("it must change something")
        given = {"phone", "phones", "another_phone"} & self.model_fields_set
        if len(given) > 1:
            raise ValueError(
                "phone is the first number, phones are all of them, and another_phone is one more: "
                "give one of the three"
            )
        return self


class NumberOrderFacts(EventData):
    """The numbers of a borrower in another order. What it leaves out is removed."""

    borrower: CustomerId
    order: Annotated[list[NumberInOrder], Field(max_length=MOST_NUMBERS)]
    """The places that the numbers have now, in the order in which they are tried from now on."""
    actor: Staff

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len(set(self.order)) < len(self.order):
            raise ValueError("it must name each place once")
        return self


class WriteOffFacts(EventData):
    loan: Identifier
    written_off_on: Day
    why: Why | None = None
    actor: Staff | None = None


class OptOutFacts(EventData):
    borrower: CustomerId
    channel: Literal[Channel.SMS, Channel.CALL, Channel.VISIT] | None
    """null: the borrower asked that nobody contact them any more, by whatever channel."""
    loan: Identifier | None = None
    """The only loan that the request was about, where it named one; null: all of them."""
    actor: Staff

    @model_validator(mode="after")
    def _names_a_loan_only_for_all_channels(self) -> Self:
        if self.loan is not None and self.channel is not None:
            raise ValueError("only a request for no contact at all can be about one loan")
        return self


class NumberFactFacts(EventData):
    """What is true of a telephone number. The number itself is not given."""

    borrower: CustomerId | None = None
    """Whose number it is; or `reply` instead."""
    reply: Annotated[int, Field(ge=1, le=2**62)] | None = None
    """Arrears' number of a text that came from it, as `arrears worklist` shows it."""
    which_number: NumberInOrder | None = None
    """Which of the borrower's numbers; it may be left out if there is only one."""
    fact: Literal[
        NumberFact.OPTED_OUT,
        NumberFact.REACHES_NOBODY,
        NumberFact.SOMEBODY_ELSE,
        NumberFact.NO_TEXTS,
        NumberFact.AT_WORK,
        NumberFact.SHARED,
        NumberFact.REFUSED,
    ]
    actor: Staff

    @model_validator(mode="after")
    def _names_one_number(self) -> Self:
        if (self.borrower is None) == (self.reply is None):
            raise ValueError("it must name a borrower or a reply, and not both")
        if self.reply is not None and self.which_number is not None:
            raise ValueError("a reply came from one number: leave which_number out")
        return self


class NumberFactEndFacts(NumberFactFacts):
    """What is not true of a telephone number any more."""


class AddressFactFacts(EventData):
    """What is true of an address. The address itself is not given."""

    borrower: CustomerId
    """Whose address it is."""
    fact: Literal[
        NumberFact.REACHES_NOBODY,
        NumberFact.SOMEBODY_ELSE,
        NumberFact.AT_WORK,
        NumberFact.SHARED,
        NumberFact.REFUSED,
    ]
    actor: Staff


class AddressFactEndFacts(AddressFactFacts):
    """What is not true of an address any more."""


class LetterReturnedFacts(EventData):
    """A letter that the post brought back."""

    loan: Identifier
    """The loan that the letter was about."""
    item: str | None = None
    """The ladder item of the letter; null: the newest letter."""
    fact: Literal[NumberFact.REACHES_NOBODY, NumberFact.SOMEBODY_ELSE, NumberFact.REFUSED] = (
        NumberFact.REACHES_NOBODY
    )
    """What the post says: moved away or unknown there, somebody else lives there, or not taken."""
    actor: Staff


PersonFactKind = Literal[
    PersonFact.CEASED,
    PersonFact.REPRESENTED,
    PersonFact.EMPLOYER_FORBIDS,
    PersonFact.AGREED_MORE_CONTACTS,
    PersonFact.AGREED_OTHER_HOURS,
    PersonFact.INCONVENIENT_TIME,
    PersonFact.INCONVENIENT_PLACE,
    PersonFact.LANGUAGE,
]
"""That one channel is refused is an `opt_out`."""


class InconvenientTimeData(StrictModel):
    """Hours of these days; from one day into the next, if `ends` is not after `starts`."""

    days: Annotated[list[Weekday], Field(min_length=1, max_length=7)]
    starts: Clock = "00:00"
    ends: Annotated[Clock, AfterValidator(_midnight)] = "00:00"
    """Local time of the person; 24:00 or 00:00 is the midnight that ends the day."""


class FactDetails(StrictModel):
    """Of what is inconvenient, and of a language: which, and by which channel."""

    channel: Literal[Channel.SMS, Channel.CALL, Channel.VISIT] | None = None
    """Of what is inconvenient: the only channel; null: all of them."""
    time: InconvenientTimeData | None = None
    """For `inconvenient_time`."""
    place: Location | None = None
    """For `inconvenient_place`; `number` is one that the borrower has now, or that through which it
    was said."""
    which_number: NumberInOrder | None = None
    """For the place `number`: which of them; it may be left out if there is only one."""
    locale: Locale | None = None
    """For `language`."""

    def check(self, fact: PersonFact, *, complete: bool, until: datetime | None = None) -> None:
        """Check that it says what the fact needs, and nothing of another fact.

        Raises:
            ValueError: it does not.
        """
        belongs = {
            "channel": {PersonFact.INCONVENIENT_TIME, PersonFact.INCONVENIENT_PLACE},
            "time": {PersonFact.INCONVENIENT_TIME},
            "place": {PersonFact.INCONVENIENT_PLACE},
            "which_number": {PersonFact.INCONVENIENT_PLACE},
            "locale": {PersonFact.LANGUAGE},
        }
        for name, facts in belongs.items():
            if getattr(self, name) is not None and fact not in facts:
                raise ValueError(f"{name} is said only with {' or '.join(sorted(facts))}")
            if (
                complete
                and name not in {"channel", "which_number"}
                and fact in facts
                and getattr(self, name) is None
            ):
                raise ValueError("it must say which time, which place or which language")
        if self.which_number is not None and self.place is not Location.NUMBER:
            raise ValueError("which_number is said only with the place number")
        if until is not None and fact not in MAY_EXPIRE:
            raise ValueError("only a consent, a time or a place ends by itself")


def _without_details(stored: dict[str, Any]) -> dict[str, Any]:
    """What is stored of a fact, without the details of other facts."""
    return {n: v for n, v in stored.items() if v is not None or n not in FactDetails.model_fields}


class PersonFactEndFacts(EventData, FactDetails):
    borrower: Identifier
    fact: PersonFactKind
    loan: Identifier | None = None
    """The only loan that it is about; null: all of them."""
    actor: Staff

    def payload(self, cipher: Cipher) -> dict[str, Any]:
        return _without_details(EventData.payload(self, cipher))

    @model_validator(mode="after")
    def _says_nothing_of_another_fact(self) -> Self:
        self.check(self.fact, complete=False)
        return self


class PersonFactFacts(PersonFactEndFacts):
    until: AwareDatetime | None = None
    """Of a consent, or of what is inconvenient: from then on it counts no more; null: until it is
    withdrawn."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        self.check(self.fact, complete=True, until=self.until)
        return self


class LoanPartyFacts(PersonalEventData):
    """Somebody who is party to a loan besides its borrower."""

    loan: Identifier
    borrower: CustomerId
    """The party's own record. One that is not known is made, if a name is given."""
    role: Literal[Party.CO_BORROWER, Party.GUARANTOR]
    name: Name | None = None
    phone: Phone | None = None
    address: Address | None = None
    zones: Zones = ()
    locale: Locale | None = None
    """null: that of the borrower."""
    actor: Staff


class LoanPartyEndFacts(EventData):
    loan: Identifier
    borrower: CustomerId
    role: Literal[Party.CO_BORROWER, Party.GUARANTOR]
    actor: Staff


class RepresentativeFacts(PersonalEventData):
    """Who acts for a person. It ends with a `person_fact_end` of `represented`."""

    borrower: CustomerId
    kind: RepresentativeKind
    loan: Identifier | None = None
    """The only loan that it is about; null: all of them."""
    contacted: bool = True
    """Whether the lender's people may turn to them instead of the person. The ladder does not."""
    name: Name | None = None
    phone: Phone | None = None
    address: Address | None = None
    zones: Zones = ()
    """null: those of the person."""
    actor: Staff


class SaidFactData(FactDetails):
    """One thing that a person said of when, where and how they want to be contacted."""

    fact: Literal[
        PersonFact.INCONVENIENT_TIME,
        PersonFact.INCONVENIENT_PLACE,
        PersonFact.EMPLOYER_FORBIDS,
        PersonFact.LANGUAGE,
    ]
    until: AwareDatetime | None = None
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
    loan: Identifier | None = None
    """For a dispute; null: the loan that the text is about."""
    why: Why | None = None
    said: Said = ()
    """For `wishes`."""

    @model_validator(mode="after")
    def _says_which_wishes(self) -> Self:
        if (self.meaning is Meaning.WISHES) != bool(self.said):
            raise ValueError("`wishes`, and nothing else, has what was said")
        return self

    @model_validator(mode="after")
    def _says_what_a_dispute_needs(self) -> Self:
        if (self.meaning is Meaning.DISPUTE) != (self.dispute is not None):
            raise ValueError("a dispute, and nothing else, has an id")
        if (self.dispute is None) != (self.why is None):
            raise ValueError("a dispute, and nothing else, has a reason")
        return self


class SamePersonFacts(EventData):
    borrower: CustomerId
    other: CustomerId
    status: Literal[Link.CONFIRMED, Link.PARTED]
    why: Why
    actor: Staff


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
    actor: Staff | None = None


class ContactOutcomeFacts(EventData):
    attempt: Identifier
    """The id under which the call or the visit was started."""
    outcome: ContactOutcome
    reason: ArrearsReason | None = None
    """Why the loan is overdue, where the borrower said so."""
    also_about: OtherLoans = ()
    """The other loans that were mentioned."""
    callback_at: AwareDatetime | None = None
    """When the borrower asked to be called again; with `callback_requested`, and only then."""
    said: Said = ()
    """When, where and in which language the borrower wants to be contacted."""
    actor: Staff

    @model_validator(mode="after")
    def _callback_has_its_moment(self) -> Self:
        if (self.outcome is ContactOutcome.CALLBACK_REQUESTED) != (self.callback_at is not None):
            raise ValueError("callback_requested has a callback_at, and no other outcome has one")
        return self


class InboundContactFacts(EventData):
    contact: Identifier
    """The lender's own id of the call or the visit."""
    loan: Identifier
    channel: Literal[Channel.CALL, Channel.VISIT]
    at: AwareDatetime
    """When the person called or came."""
    outcome: Literal[
        ContactOutcome.SPOKE, ContactOutcome.SPOKE_WITH_OTHER, ContactOutcome.NO_ANSWER
    ]
    """Whom the lender spoke with; `no_answer`: nobody took it."""
    reason: ArrearsReason | None = None
    """Why the loan is overdue, where the borrower said so."""
    also_about: OtherLoans = ()
    """The other loans that were mentioned."""
    said: Said = ()
    """When, where and in which language the person wants to be contacted."""
    actor: Staff
