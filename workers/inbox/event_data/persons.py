"""The data of events about persons: wishes, consents, parties of loans, who is one person."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    model_validator,
)

from config.input_errors import UnusableValueError
from domain.compliance.vocabulary import Channel, Party
from domain.inconvenient import Location, Weekday
from domain.parties import RepresentativeKind
from domain.persons import MAY_EXPIRE, OF_REPRESENTATIVES, Link, PersonFact
from workers.db.encryption import Cipher
from workers.inbox.event_data.fields import (
    Address,
    Clock,
    CustomerId,
    EventData,
    Identifier,
    Locale,
    Moment,
    Name,
    NumberInOrder,
    PersonalEventData,
    Phone,
    Staff,
    StrictModel,
    Why,
    Zones,
)


def _midnight(clock: str) -> str:
    return "00:00" if clock == "24:00" else clock


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
            raise UnusableValueError("only a request for no contact at all can be about one loan")
        return self


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
    """For `inconvenient_place`; `number` is a number that the borrower has now, or through which
    this was said."""
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
                raise UnusableValueError(
                    "{name} goes only with {facts}", name=name, facts=", ".join(sorted(facts))
                )
            if (
                complete
                and name not in {"channel", "which_number"}
                and fact in facts
                and getattr(self, name) is None
            ):
                raise UnusableValueError("it must say which time, which place or which language")
        if self.which_number is not None and self.place is not Location.NUMBER:
            raise UnusableValueError("which_number goes only with the place number")
        if until is not None and fact not in MAY_EXPIRE:
            raise UnusableValueError("only a consent, a time or a place ends by itself")


def without_details(stored: dict[str, Any]) -> dict[str, Any]:
    """What is stored of a fact, without the details of other facts."""
    return {n: v for n, v in stored.items() if v is not None or n not in FactDetails.model_fields}


class PersonFactEndFacts(EventData, FactDetails):
    borrower: Identifier
    fact: PersonFactKind
    loan: Identifier | None = None
    """The only loan that it is about; null: all of them."""
    of_representative: bool = False
    """Whether it is a wish of who acts for the person. It holds for their number, whomever they act
    for."""
    actor: Staff

    def payload(self, cipher: Cipher) -> dict[str, Any]:
        return without_details(EventData.payload(self, cipher))

    @model_validator(mode="after")
    def _says_nothing_of_another_fact(self) -> Self:
        self.check(self.fact, complete=False)
        if self.of_representative and self.fact not in OF_REPRESENTATIVES:
            raise UnusableValueError(
                "who acts for the person can call a time or a place inconvenient, and name their "
                "language"
            )
        return self


class PersonFactFacts(PersonFactEndFacts):
    until: Moment | None = None
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
    """Whether they may be contacted instead of the person, where a rule says so; else nobody is."""
    name: Name | None = None
    phone: Phone | None = None
    address: Address | None = None
    zones: Zones = ()
    """null: those of the person."""
    actor: Staff


class SamePersonFacts(EventData):
    borrower: CustomerId
    other: CustomerId
    status: Literal[Link.CONFIRMED, Link.PARTED]
    why: Why
    actor: Staff
