"""What is true of a telephone number or of an address: it reaches everybody who has it."""

import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum

from domain.compliance.vocabulary import Channel
from domain.unicode_forms import normalized


class PointKind(StrEnum):
    """What a contact point is."""

    NUMBER = "number"
    EXTENSION = "extension"  # a number that is reached through a switchboard
    ADDRESS = "address"


class NumberFact(StrEnum):
    """A lasting fact about a number or an address. It ends with a new fact about it, never because
    it changes hands."""

    OPTED_OUT = "opted_out"  # by text, or refused by the provider because of that
    REACHES_NOBODY = "reaches_nobody"  # of an address: the person has moved away
    SOMEBODY_ELSE = "somebody_else"  # whoever answers, or lives there, is not the borrower
    NO_TEXTS = "no_texts"  # a fixed line, or a line that takes no texts
    AT_WORK = "at_work"  # it belongs to a place of work
    SHARED = "shared"  # several people have it, and any of them reads what is texted
    REFUSED = "refused"  # a third party who answers it wants no contact
    HAS_EXTENSION = "has_extension"  # not recorded, but read off the number
    INCONVENIENT = "inconvenient"  # the person asked to be left alone there: a fact of the person
    UNREAD_REPLY = "unread_reply"  # a text from it waits to be read: not recorded, but read off it
    NOT_DELIVERED = "not_delivered"  # an earlier try of the same text did not arrive: read off it


OF_ADDRESS = frozenset(
    {
        NumberFact.REACHES_NOBODY,
        NumberFact.SOMEBODY_ELSE,
        NumberFact.AT_WORK,
        NumberFact.SHARED,
        NumberFact.REFUSED,
    }
)
"""The facts that may be true of an address."""

TEXTS_ONLY = frozenset(
    {
        NumberFact.OPTED_OUT,
        NumberFact.NO_TEXTS,
        NumberFact.SHARED,
        NumberFact.HAS_EXTENSION,
        NumberFact.UNREAD_REPLY,
    }
)
"""Facts that stop texts and leave calls, visits and letters open. Who calls or comes can ask for
the borrower first, and a letter is closed; a text is read by whoever holds the telephone."""

NEW_NUMBER_NEEDED = frozenset(
    {
        NumberFact.REACHES_NOBODY,
        NumberFact.SOMEBODY_ELSE,
        NumberFact.REFUSED,
        NumberFact.NO_TEXTS,
        NumberFact.SHARED,
        NumberFact.HAS_EXTENSION,
    }
)
"""Facts after which only another number, or another address, lets the contact go on."""

REACH_NOT_THE_BORROWER = frozenset({NumberFact.REACHES_NOBODY, NumberFact.SOMEBODY_ELSE})
"""Facts after which nobody can be reached at the number for whom it was given."""

STOPS: tuple[NumberFact, ...] = (
    NumberFact.SOMEBODY_ELSE,
    NumberFact.REFUSED,
    NumberFact.REACHES_NOBODY,
    NumberFact.OPTED_OUT,
    NumberFact.HAS_EXTENSION,
    NumberFact.NO_TEXTS,
    NumberFact.SHARED,
    NumberFact.UNREAD_REPLY,
)
"""Facts that stop a contact, the gravest first."""

BY_NUMBER = frozenset({Channel.SMS, Channel.CALL})


def stopped_by(facts: frozenset[NumberFact], channel: Channel) -> NumberFact | None:
    """The gravest fact of a contact point that stops a contact through `channel`; None if none
    does. A visit and a letter go to an address."""
    if channel is Channel.LEGAL:
        return None
    for fact in STOPS:
        if fact in facts and (channel is Channel.SMS or fact not in TEXTS_ONLY):
            return fact
    return None


CLOSED_TO_REPRESENTATIVES = frozenset(
    {*(fact for fact in STOPS if stopped_by(frozenset({fact}), Channel.CALL)), NumberFact.OPTED_OUT}
)
"""Facts that close the number of who acts for somebody. They are only ever called, so a stop that
comes from their number is about calls."""


def address_key(address: str) -> str:
    """What is equal for one address, however it is written.

    Spaces, punctuation, case and full-width letters make no difference, except that two numbers
    beside each other stay two.
    """
    written = normalized("NFKC", normalized("NFKC", address).casefold())
    key = ""
    apart = False
    for letter in written:
        if unicodedata.category(letter)[0] not in "LMN":
            apart = True
            continue
        if apart and key and key[-1].isdigit() and letter.isdigit():
            key += " "
        key += letter
        apart = False
    return key


@dataclass(frozen=True, slots=True)
class NumberOnRecord:
    """One of the numbers of a record, with what is known of it."""

    key: str
    """Equal for equal numbers; never the number itself."""
    facts: frozenset[NumberFact] = field(default=frozenset())
