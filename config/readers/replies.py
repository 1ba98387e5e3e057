"""Reads `config/replies/*.yaml`: what borrowers' texts mean, language by language."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import NamedTuple

from config.readers.yaml_reader import Section, Value, as_shown, each
from domain.inbound_texts import ALONE, ReplyKind, ReplyLanguage, ReplyVocabulary
from domain.plain_text import NOTHING_DROPPED, DroppedWords, dropped_words, key_of, plain, words_of

STOPS_BY_LAW = ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")
"""Source: 47 CFR 64.1200(a)(10)."""

MOST_VARIANTS = 500
KINDS = tuple(kind for kind in ReplyKind if kind is not ReplyKind.OTHER)
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?")

_KEYS = f"language version polite fillers signatures quotes emoji hardship {' '.join(KINDS)}"
_CHOICE = re.compile(r"\(([^()]*)\)(\?)?")


class _Phrase(NamedTuple):
    kind: ReplyKind
    is_word: bool
    """It counts only as the whole text."""
    value: Value
    variants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReplyReader:
    """Reads the files one by one, and remembers which phrase means what."""

    _languages: dict[str, Value] = field(default_factory=dict)
    _phrases: dict[str, _Phrase] = field(default_factory=dict)

    def read(self, document: Value) -> ReplyLanguage:
        """Convert one file into the words of a language.

        Raises:
            PolicyError: something in the file is wrong, or contradicts a file that was read before.
        """
        top = document.section(_KEYS)
        language = self._read_language(top.need("language"))
        version = top.need("version").whole(at_least=1)
        polite, fillers = top.entries("polite", Value.text), top.entries("fillers", Value.text)
        phrases = each(_listed(top), _read_phrase)
        dropped = dropped_words([*polite, *fillers])
        each(phrases, lambda phrase: self._check(phrase, dropped))
        return ReplyLanguage(
            language=language,
            version=version,
            polite=polite,
            fillers=fillers,
            signatures=top.entries("signatures", Value.text),
            quotes=top.entries("quotes", Value.text),
            words=_by_kind(phrase for phrase in phrases if phrase.is_word),
            phrases=_by_kind(phrase for phrase in phrases if not phrase.is_word),
            emoji=top.maybe("emoji", Value.text) or "",
            hardship=top.entries("hardship", Value.text),
        )

    def _read_language(self, value: Value) -> str:
        language = value.matching(LANGUAGE, "Write a code such as en or zh.")[0]
        if language in self._languages:
            raise value.refuse(
                "{language} is in {other_file} already.",
                "Write all of it in one file, and raise that file's version.",
                language=language,
                other_file=self._languages[language].file,
            )
        self._languages[language] = value
        return language

    def _check(self, phrase: _Phrase, dropped: DroppedWords) -> None:
        whole = phrase.is_word or phrase.kind in ALONE
        for variant in phrase.variants:
            key = key_of(words_of(plain(variant)), NOTHING_DROPPED if whole else dropped)
            if not key:
                raise phrase.value.refuse(
                    "{variant} has nothing but polite words and fillers.",
                    "Write it under words, or take its words out of polite and fillers.",
                    variant=as_shown(variant),
                )
            if len(key) == 1 and key.isascii() and not phrase.is_word:
                raise phrase.value.refuse(
                    "{variant} is one letter, which many sentences are.",
                    "Write it under words.",
                    variant=as_shown(variant),
                )
            other = self._phrases.setdefault(key, phrase)
            if other.kind is not phrase.kind:
                raise phrase.value.refuse(
                    "{variant} stands under {kind}, and under {other_kind} in {other_file} line "
                    "{other_line}.",
                    "Take it out in one of the two places.",
                    variant=as_shown(variant),
                    kind=phrase.kind,
                    other_kind=other.kind,
                    other_file=other.value.file,
                    other_line=other.value.line,
                )


def assert_stops_by_law(
    vocabulary: ReplyVocabulary, read: tuple[tuple[Value, ReplyLanguage], ...]
) -> None:
    """Check that every word that the law names is a stop.

    Raises:
        PolicyError: one is not.
    """
    english = next((file for file, language in read if language.language == "en"), read[0][0])
    for word in STOPS_BY_LAW:
        if vocabulary.read(word).kind is not ReplyKind.STOP:
            raise english.refuse(
                "`{word}` is not read as a stop, and 47 CFR 64.1200(a)(10) names it.",
                "Write {word} under stop, in the file of the language en.",
                word=word,
            )


def _listed(top: Section) -> Iterator[tuple[ReplyKind, bool, Value]]:
    return (
        (kind, key == "words", value)
        for kind in KINDS
        if kind in top.pairs
        for key, values in top.pairs[kind].section("words phrases").pairs.items()
        for value in values.values()
    )


def _read_phrase(listed: tuple[ReplyKind, bool, Value]) -> _Phrase:
    kind, is_word, value = listed
    return _Phrase(kind, is_word, value, tuple(_variants(value)))


def _variants(value: Value) -> Iterator[str]:
    """`no (more)? (texts|calls)` is four phrases."""
    text = value.text()
    if re.search(r"[()|?]", _CHOICE.sub("", text)):
        raise value.wrong("Write a choice as (one|two), and as (one|two)? if it may be left out.")
    choices = [
        (*inside.split("|"), *([""] if optional else []))
        for inside, optional in _CHOICE.findall(text)
    ]
    if (number := prod(map(len, choices))) > MOST_VARIANTS:
        raise value.refuse(
            "Its choices make {number} phrases.", "Write them in several lines.", number=number
        )
    literals = _CHOICE.sub("\0", text).split("\0")
    for chosen in product(*choices):
        pairs = zip(literals, (*chosen, ""), strict=True)
        yield "".join(part for pair in pairs for part in pair)


def _by_kind(phrases: Iterator[_Phrase]) -> dict[ReplyKind, tuple[str, ...]]:
    found: dict[ReplyKind, tuple[str, ...]] = {}
    for phrase in phrases:
        found[phrase.kind] = found.get(phrase.kind, ()) + phrase.variants
    return found
