"""What is true of a telephone number: it reaches everybody who has the number."""

from enum import StrEnum

from domain.compliance.vocabulary import Channel


class NumberFact(StrEnum):
    """A lasting fact about a number. It ends with a new fact about the number, never because the
    number changes hands."""

    OPTED_OUT = "opted_out"  # by text, or refused by the provider because of that
    REACHES_NOBODY = "reaches_nobody"
    SOMEBODY_ELSE = "somebody_else"  # whoever answers is not the borrower
    NO_TEXTS = "no_texts"  # a fixed line, or a line that takes no texts
    AT_WORK = "at_work"  # it belongs to a place of work
    REFUSED = "refused"  # a third party who answers it wants no contact
    UNREAD_REPLY = "unread_reply"  # a text from it waits to be read: not recorded, but read off it


TEXTS_ONLY = frozenset({NumberFact.OPTED_OUT, NumberFact.NO_TEXTS, NumberFact.UNREAD_REPLY})
"""Facts that stop texts and leave calls open."""

NEW_NUMBER_NEEDED = frozenset(
    {NumberFact.REACHES_NOBODY, NumberFact.SOMEBODY_ELSE, NumberFact.REFUSED, NumberFact.NO_TEXTS}
)
"""Facts after which only another number lets the contact go on."""

STOPS: tuple[NumberFact, ...] = (
    NumberFact.SOMEBODY_ELSE,
    NumberFact.REFUSED,
    NumberFact.REACHES_NOBODY,
    NumberFact.OPTED_OUT,
    NumberFact.NO_TEXTS,
    NumberFact.UNREAD_REPLY,
)
"""Facts that stop a contact, the gravest first."""

BY_NUMBER = frozenset({Channel.SMS, Channel.CALL})


def stopped_by(facts: frozenset[NumberFact], channel: Channel) -> NumberFact | None:
    """The gravest fact of a number that stops a contact through `channel`; None if none does."""
    if channel not in BY_NUMBER:
        return None
    for fact in STOPS:
        if fact in facts and (channel is Channel.SMS or fact not in TEXTS_ONLY):
            return fact
    return None
