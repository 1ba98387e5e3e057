"""The fields that events have in common: ids, amounts, days, numbers, and how they are stored."""

import json
from base64 import b64encode
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

import phonenumbers
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

from config.input_errors import UnusableValueError
from config.readers.formats import LOCALE, is_zone
from config.readers.placeholders import is_placeholder
from domain.events import Named
from domain.ids import LONGEST_ID, LONGEST_OF_LOAN, id_of
from domain.plain_text import says_something
from domain.written_numbers import EARLIEST_DAY, LATEST_DAY, in_range
from workers.db.encryption import Cipher
from workers.db.numbers import MOST_NUMBERS
from workers.db.places import place_in_payload


def _more_than_nothing(amount: str) -> str:
    if not Decimal(amount):
        raise UnusableValueError("it must be more than zero")
    return amount


def _an_id(written: str) -> str:
    id = id_of(written)
    if id is None:
        raise UnusableValueError(
            "it must be an id of at most {longest} characters, without a space at its ends and "
            "without invisible characters",
            longest=LONGEST_ID,
        )
    return id


def _number_in_use(phone: str) -> str:
    try:
        in_use = phonenumbers.is_valid_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        in_use = False
    if not in_use:
        raise UnusableValueError("it must be a telephone number in use")
    return phone


def _no_placeholder(text: str) -> str:
    if is_placeholder(text):
        raise UnusableValueError("it stands for nothing; leave it out")
    return text


def _says_something(words: str) -> str:
    if not says_something(words):
        raise UnusableValueError("it says nothing: write it out")
    return words


def _in_range(moment: datetime) -> datetime:
    if not in_range(moment):
        raise UnusableValueError("it must be from 1970 to 2199")
    return moment


def _known_zone(zone: str) -> str:
    if not is_zone(zone):
        raise UnusableValueError("it must be a zone of the IANA database")
    return zone


_LINE = r"^[^\x00-\x1f\x7f]+$"
_ID = r"^[^\s\x00-\x1f\x7f-\x9f\xad]+( [^\s\x00-\x1f\x7f-\x9f\xad]+)*$"
"""What a description of the interface can say of the rule in `domain/ids.py`."""

Identifier = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_OF_LOAN, pattern=_ID),
    AfterValidator(_an_id),
]
"""The lender's own id of something."""
CustomerId = Annotated[Identifier, AfterValidator(_no_placeholder)]
"""The lender's own id of a customer; `loan:` and the id of the loan where there is none."""
Staff = Identifier
"""The lender's own reference of somebody who works there; never a name."""
Why = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, pattern=_LINE),
    AfterValidator(_says_something),
]
"""A sentence without personal data."""
Amount = Annotated[
    str,
    StringConstraints(pattern=r"^(0|[1-9][0-9]{0,10})(\.[0-9]{1,4})?$"),
    AfterValidator(_more_than_nothing),
]
"""More than zero, written as a decimal with no more places than its currency has."""
AmountOrNothing = Annotated[
    str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,10})(\.[0-9]{1,4})?$")
]
"""The same, or zero."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217."""
Day = Annotated[date, Field(ge=EARLIEST_DAY, le=LATEST_DAY)]
"""A business date, in the lender's zone."""
Moment = Annotated[AwareDatetime, AfterValidator(_in_range)]
"""With its offset from UTC."""


@dataclass(frozen=True, slots=True)
class Lately:
    """Of a day or a moment: when a person reports it, it lies as near as `domain/lately.py` says.
    An event of a system may be older."""


LATELY = Lately()
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

    @classmethod
    def lately(cls) -> list[str]:
        """The fields that are a day or a moment of lately."""
        return [name for name, field in cls.model_fields.items() if LATELY in field.metadata]

    def payload(self, cipher: Cipher) -> dict[str, Any]:
        """What is stored: ids, dates and words. Personal data is encrypted."""
        stored = self.model_dump(mode="json", by_alias=True)
        left_out = {name for name in LEFT_OUT if stored.get(name) in (None, [], False)}
        return {name: value for name, value in stored.items() if name not in left_out}


LEFT_OUT = {
    *(
        "about_attempt",
        "about_staff",
        "accepted_on",
        "actor",
        "agreed_by",
        "amount",
        "arrangement",
        "arrangement_sender",
        "asked_in",
        "borrower",
        "by_representative",
        "can_pay_monthly",
        "complaint_kind",
        "component",
        "corrected_by",
        "currency",
        "days",
        "dispute_kind",
        "document",
        "due_on",
        "instalment",
        "kind",
        "loan",
        "monthly",
        "of_representative",
        "promised",
        "parts",
        "proof",
        "recording",
        "raised_by",
        "received_at",
        "refund_sender",
        "reversal",
        "reversal_sender",
        "said",
        "sender",
        "starts_at",
        "stopped_channel",
        "which_number",
        "why",
    ),
}
"""Fields that are not stored where the sender left them out."""


PERSONAL = ("name", "phone", "phones", "another_phone", "address")
"""Fields with personal data. They are encrypted before an event is stored."""


class PersonalEventData(EventData):
    """The data of an event with personal data."""

    def payload(self, cipher: Cipher) -> dict[str, Any]:
        """Personal data is encrypted. A keyed digest of all of it, and the keyed hash of each
        number, are added.

        Each encryption of the same value differs, so the digest is what identifies the same
        event when it comes again. By the hashes the claim finds everybody who has a number. What
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
        if single := personal.get("phone") or personal.get("another_phone"):
            stored[Named.NUMBER] = cipher.blind_index(single).hex()
        if numbers:
            stored[Named.NUMBERS] = [cipher.blind_index(number).hex() for number in numbers]
        for name, value in personal.items():
            key = f"{name}_encrypted"
            place = place_in_payload(key, stored)
            stored[key] = b64encode(cipher.seal(value, place)).decode() if value else None
        return stored
