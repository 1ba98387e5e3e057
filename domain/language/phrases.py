"""Telling: what is on record about a loan, as sentences in a person's language.

A record becomes parts: a phrase and the values that go into it. A language is a table of phrases,
so that another language is another table and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum, auto
from typing import TypeAlias

from domain.actions import ActionType


class Phrase(StrEnum):
    """Everything that can be said. Each language has a text for each of these."""

    # The loan, and what came in about it.
    LOAN = auto()
    TRIED_BEFORE = auto()
    NEXT_LOOK = auto()
    NO_NEXT_LOOK = auto()
    NO_LOOK_ANY_MORE = auto()
    PAYMENT = auto()
    LAID_AGAINST = auto()
    ALLOCATION = auto()
    LEFT_OVER = auto()
    REVERSED = auto()
    PROMISE = auto()
    PROMISE_KEPT = auto()
    PROMISE_BROKEN = auto()
    PROMISE_WITHDRAWN = auto()
    WRITTEN_OFF = auto()
    HOLD = auto()
    HOLD_UNTIL_RELEASED = auto()
    HOLD_RELEASED = auto()
    CONTACTS_CHANGED = auto()
    PHONE_CHANGED = auto()
    ADDRESS_CHANGED = auto()
    ZONES_CHANGED = auto()
    LOCALE_CHANGED = auto()
    REPLIED = auto()
    REPLY_ASSIGNED = auto()
    REPLY_HANDLED = auto()
    TAPE_BROUGHT_IN = auto()
    TAPE_CHANGED = auto()
    TAPE_CHANGED_NOTHING_DUE = auto()
    STANDING = auto()
    NOTHING_DUE = auto()
    OPENED_LETTER = auto()
    OPENED_NUMBER = auto()
    OPENED_ADDRESS = auto()
    OPENED_REPLY = auto()
    OPENED_EVERYTHING = auto()
    ERASED = auto()
    OPTED_OUT = auto()
    PROBLEM = auto()
    PROBLEM_RESOLVED = auto()
    PROBLEM_SETTLED = auto()
    EVENT_WAITS = auto()
    EVENT_REJECTED = auto()
    EVENT_DROPPED = auto()
    # A look at the loan.
    PAST_DUE = auto()
    ON_LADDER_DAY = auto()
    IN_STEP = auto()
    IN_NO_STEP = auto()
    BY_LADDER = auto()
    PACKS = auto()
    NO_PACKS = auto()
    OUTCOME_ACT = auto()
    OUTCOME_WAIT = auto()
    OUTCOME_HELD = auto()
    OUTCOME_IN_GRACE = auto()
    OUTCOME_BELOW_MINIMUM = auto()
    OUTCOME_NO_LADDER = auto()
    OUTCOME_NOT_PAST_DUE = auto()
    OUTCOME_WRITTEN_OFF = auto()
    WAITS_FOR = auto()
    CASE_OPENED = auto()
    CASE_CLOSED = auto()
    # An action, and its moves: one phrase for each status that it can reach.
    PLANNED = auto()
    PLANNED_FOR_APPROVAL = auto()
    PLANNED_TOO_LATE = auto()
    APPROVED = auto()
    MOVED_PLANNED = auto()
    MOVED_DEFERRED = auto()
    MOVED_FAILED = auto()
    MOVED_UNKNOWN = auto()
    MOVED_DEAD = auto()
    MOVED_DROPPED = auto()
    MOVED_SKIPPED = auto()
    MOVED_ASSIGNED = auto()
    MOVED_DONE = auto()
    MOVED_CANCELLED = auto()
    MOVED_BARRED = auto()
    UNTIL = auto()
    UNTIL_A_FACT_CHANGES = auto()
    WHY = auto()
    CURED = auto()
    SUPERSEDED = auto()
    RULES = auto()
    RULE = auto()
    RULE_FOR_REVIEW = auto()
    CONFIDENCES = auto()
    RULE_OF_THE_LENDER = auto()
    RULE_NOT_LOADED = auto()
    # What was done.
    CONTACT = auto()
    CONTACT_TO_COME = auto()
    LOCAL_TIME = auto()
    MESSAGE = auto()
    MESSAGE_NOT_SENT = auto()
    MESSAGE_REFUSED = auto()
    MESSAGE_PARKED = auto()
    CODE = auto()
    RECEIPT = auto()
    CALL = auto()
    CALL_CALLED_OFF = auto()
    OUTCOME = auto()
    ARREARS_REASON = auto()
    MUST_LEARN = auto()
    MAY_OFFER = auto()
    VISIT = auto()
    VISIT_CALLED_OFF = auto()
    DOCUMENT = auto()
    LEGAL_FILE = auto()
    LIMITATION = auto()
    MET = auto()
    MISSING = auto()


@dataclass(frozen=True, slots=True)
class Part:
    """One sentence, or a piece of one, before it is put into words."""

    phrase: Phrase
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Kept:
    """A reason as it was kept, in English: sentences, the last one without its full stop."""

    text: str


# A StrEnum or an ActionType is a word that each language has its own for; a plain text is a
# reference or a name that stays as it is. A tuple is a list.
Value: TypeAlias = "str | Kept | int | Decimal | date | datetime | Part | tuple[Value, ...]"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing on record, with the moment it stands under."""

    at: datetime | None
    """Aware; None for what holds throughout."""
    parts: tuple[Part, ...]
    told_at: datetime | None = None
    """Where it stands among the others, if not at its own moment."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What people read: one or more sentences about one moment."""

    at: datetime | None
    """In the lender's zone; None for what holds throughout."""
    text: str


@dataclass(frozen=True, slots=True)
class Language:
    """A table of phrases, and the little that differs beside them."""

    phrases: Mapping[Phrase, str]
    """Templates in the style of `str.format`."""
    words: Mapping[str, str]
    """For words of the house, such as kinds of work; one that is missing is shown as it is."""
    between_sentences: str
    between_listed: str
    full_stop: str = "."
    kept: tuple[tuple[re.Pattern[str], str], ...] = ()
    """What reasons are recognised by, and their words; what is not recognised stays as it is."""


def kept_sentences(translations: Mapping[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    """English sentences with places for values, as patterns, each with its words."""
    return tuple(
        (re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(english))), words)
        for english, words in translations.items()
    )


def say(phrase: Phrase, **values: Value) -> Part:
    """A phrase with its values."""
    return Part(phrase, values)


def tell(entries: Iterable[Entry], language: Language, zone: tzinfo) -> list[Sentence]:
    """Put entries into words, in their order, with every moment shown in `zone`."""
    return [
        Sentence(
            entry.at.astimezone(zone) if entry.at else None,
            language.between_sentences.join(
                _in_words(part, language, zone) for part in entry.parts
            ),
        )
        for entry in entries
    ]


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Sort by moment. What shares a moment keeps its order; what has none keeps the beginning."""
    undated: list[Entry] = []
    dated: list[tuple[datetime, Entry]] = []
    for entry in entries:
        if entry.at is None:
            undated.append(entry)
        else:
            dated.append((entry.told_at or entry.at, entry))
    dated.sort(key=lambda pair: pair[0])
    return undated + [entry for _, entry in dated]


def _in_words(value: Value, language: Language, zone: tzinfo) -> str:
    match value:
        case Part(phrase, values):
            words = {name: _in_words(each, language, zone) for name, each in values.items()}
            return language.phrases[phrase].format(**words)
        case Kept(text):
            return _kept(text, language)
        case tuple():
            return language.between_listed.join(_in_words(each, language, zone) for each in value)
        case datetime():
            return f"{value.astimezone(zone):%Y-%m-%d %H:%M}"
        case Decimal():
            return _amount(value)
        case StrEnum() | ActionType():
            return language.words.get(value, value.replace("_", " "))
    return str(value)


def _kept(text: str, language: Language) -> str:
    """The whole of it, or sentence by sentence. The phrase around it ends the last one."""
    if (whole := _recognised(text, language)) is not None:
        return whole
    sentences = _END_OF_SENTENCE.split(text)
    told = [_recognised(sentence, language) or sentence.removesuffix(".") for sentence in sentences]
    if len(told) == 1 or not language.kept:
        return text
    return language.full_stop.join(told)


def _recognised(text: str, language: Language) -> str | None:
    bare = text.removesuffix(".")
    for pattern, words in language.kept:
        if found := pattern.fullmatch(bare) or pattern.fullmatch(f"{bare}."):
            return words.format(**found.groupdict()).removesuffix(language.full_stop)
    return None


_END_OF_SENTENCE = re.compile(r"(?<=[a-z)\d]\.) (?=[A-Z])")


def _amount(amount: Decimal) -> str:
    """At least two places, and more where there are more: `1000.00`, `0.125`."""
    exact = f"{amount.normalize():f}"
    return f"{amount:.2f}" if len(exact.partition(".")[2]) < 2 else exact
