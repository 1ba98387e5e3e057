"""The data of events about telephone numbers and addresses."""

from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    model_validator,
)

from config.input_errors import UnusableValueError
from domain.contact_points import NumberFact
from workers.db.numbers import MOST_NUMBERS
from workers.inbox.event_data.fields import (
    Address,
    CustomerId,
    EventData,
    Identifier,
    Locale,
    NumberInOrder,
    PersonalEventData,
    Phone,
    Staff,
    Zone,
)


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
    actor: Staff | None = None
    """Who recorded it, if it was a member of staff and not the lender's systems."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        changes = (
            *(self.phone_at_work, self.phones, self.another_phone),
            *(self.zones, self.locale),
        )
        removes = {"phone", "address"} & self.model_fields_set
        if not removes and all(change is None for change in changes):
            raise UnusableValueError("it must change something")
        given = {"phone", "phones", "another_phone"} & self.model_fields_set
        if len(given) > 1:
            raise UnusableValueError(
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
            raise UnusableValueError("it must name each place once")
        return self


class NumberFactFacts(EventData):
    """What is true of a telephone number. The number itself is not given."""

    borrower: CustomerId | None = None
    """Whose number it is; or `reply` instead."""
    reply: Annotated[int, Field(ge=1, le=2**62)] | None = None
    """Arrears' number of a text that came from it, as `arrears worklist` shows it."""
    which_number: NumberInOrder | None = None
    """Which of the borrower's numbers; it may be left out if there is only one."""
    of_representative: bool = False
    """Whether it is the number of who acts for the borrower, and not the borrower's."""
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
            raise UnusableValueError("it must name a borrower or a reply, and not both")
        if self.reply is not None and self.which_number is not None:
            raise UnusableValueError("a reply came from one number: leave which_number out")
        if self.of_representative and (self.borrower is None or self.which_number is not None):
            raise UnusableValueError("of_representative names a borrower, and no which_number")
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
