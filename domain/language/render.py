"""Rendering: phrases and reasons become sentences in a person's language.

A language is a file with a table of templates and tables of words, such as `en.toml`. Another
language is another file, a name in `LANGUAGES`, and a word for each action type.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any, TypeAlias, cast

from domain.currencies import decimal_string
from domain.filling import moment_shown
from domain.hidden_amounts import AMOUNTS
from domain.language.phrases import Phrase
from domain.reasons import (
    WORDS_ERASED,
    WORDS_ID,
    WORDS_PARAM,
    Reason,
    ReasonCode,
    Reasons,
    currency_of,
)

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Part:
    """One sentence, or a piece of one, before it is put into words."""

    phrase: Phrase
    values: Mapping[str, Value]


# A tuple is a list of values, or the reasons of something. Which texts are words that a language
# translates follows from the name of the value: see `Language.words`.
Value: TypeAlias = "object | Part | Reason | tuple[Value, ...]"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing on record, with the moment it is listed under."""

    at: datetime | None
    """Aware; None for what holds throughout."""
    parts: tuple[Part, ...]
    sort_at: datetime | None = None
    """Where it is listed among the others, if not at its own moment."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What people read: one or more sentences about one moment."""

    at: datetime | None
    """In the lender's zone; None for what holds throughout."""
    text: str
    reason: Reasons = ()
    """The reasons that the text gives, for programs."""


@dataclass(frozen=True, slots=True)
class Language:
    """Templates and words of one language, and how it joins sentences and lists."""

    templates: Mapping[str, str]
    """By `Phrase` and `ReasonCode`, in the style of `str.format`. Every reason is one or more whole
    sentences."""
    words: Mapping[str, Mapping[str, str]]
    """By the name of a value, the words for it: `channel` has those of the channels. A word that is
    missing is shown as it is, with spaces; a value whose name is missing is a reference and stays
    as it is."""
    between_sentences: str
    between_listed: str

    def with_names(self, names: Mapping[str, Mapping[str, str]]) -> Language:
        """The same language with more words, by the name of a value."""
        return replace(self, words={**self.words, **names})


def part(phrase: Phrase, **values: Value) -> Part:
    """A phrase with its values."""
    return Part(phrase, values)


def render(entries: Iterable[Entry], language: Language, zone: tzinfo) -> list[Sentence]:
    """Put entries into words, in their order, with every moment shown in `zone`."""
    return [
        Sentence(
            entry.at.astimezone(zone) if entry.at else None,
            language.between_sentences.join(
                _in_words("", each, language, zone) for each in entry.parts
            ),
            tuple(reason for each in entry.parts for reason in _reasons_in(each)),
        )
        for entry in entries
    ]


def render_reasons(reasons: Reasons, language: Language) -> str:
    """Reasons as sentences; an empty text where there are none. A moment in them is shown in the
    zone that it was stored with."""
    return language.between_sentences.join(_reason(each, language) for each in reasons)


def _reason(reason: Reason, language: Language) -> str:
    try:
        return _template(reason.code, _for_people(_with_words(reason.params)), language, None)
    except (AttributeError, KeyError, TypeError, ValueError):
        # Its row was not written by this release. The rows listed beside it must be shown.
        return language.templates[ReasonCode.UNREADABLE]


def _with_words(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters, with something in the place of words that are not shown here."""
    if WORDS_ID not in params or WORDS_PARAM in params:
        return params
    phrase = Phrase.WORDS_ERASED if WORDS_ERASED in params else Phrase.WORDS_NOT_SHOWN
    return {**params, WORDS_PARAM: part(phrase)}


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?")
_STORED_AMOUNT = re.compile(r"-?\d+\.\d{3,}")
_ZEROS = re.compile(r"-?\d+\.\d*0")
_PERCENTS = frozenset({"percent", "rate"})
"""The parameters that are percentages; beside one of them `at_most` is one too."""


def _for_people(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Parameters of a reason, as JSON has them, in the form in which people read them."""
    currency = currency_of(params)
    percents = _PERCENTS | ({"at_most"} if _PERCENTS & params.keys() else set())
    return {
        name: f"{Decimal(value).normalize():f}"
        if name in percents and isinstance(value, str) and _ZEROS.fullmatch(value)
        else _shown(name, value, currency)
        for name, value in params.items()
    }


def _shown(name: str, value: Any, currency: str | None) -> Any:
    match value:
        case str() if _MOMENT.fullmatch(value):
            return moment_shown(datetime.fromisoformat(value))
        case str() if name in AMOUNTS and _STORED_AMOUNT.fullmatch(value):
            return decimal_string(Decimal(value), currency)
        case list() | tuple():
            return [_shown(name, each, currency) for each in value]
    return value


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Sort by moment. What shares a moment keeps its order; what has none keeps the beginning."""

    def place(entry: Entry) -> datetime:
        return (entry.sort_at or entry.at) if entry.at else _BEGINNING

    return sorted(entries, key=place)


def _reasons_in(value: Value) -> Reasons:
    match value:
        case Reason():
            return (value,)
        case Part():
            return _reasons_in(tuple(value.values.values()))
        case tuple():
            return tuple(reason for each in value for reason in _reasons_in(each))
    return ()


def _template(
    code: Phrase | ReasonCode, values: Mapping[str, Any], language: Language, zone: tzinfo | None
) -> str:
    currency = currency_of(values)
    words = {
        name: _in_words(name, value, language, zone, currency) for name, value in values.items()
    }
    if currency:
        # Whatever name the currency has among the values, it stands behind an amount in one way.
        words.setdefault("currency", _in_words("currency", currency, language, zone))
    return language.templates[code].format(**words)


def _in_words(
    name: str,
    value: Value,
    language: Language,
    zone: tzinfo | None,
    currency: str | None = None,
) -> str:
    match value:
        case Part():
            return _template(value.phrase, value.values, language, zone)
        case (Reason(), *_):
            return render_reasons(cast(Reasons, value), language)
        case tuple() | list():
            listed = (_in_words(name, each, language, zone) for each in value)
            return language.between_listed.join(listed)
        case datetime():
            return moment_shown(value.astimezone(zone))
        case Decimal():
            return decimal_string(value, currency)
        case str() if name in language.words:
            return language.words[name].get(value, value.replace("_", " "))
    return str(value)
