"""Texts that people typed, reduced to what they say: no case, width, accents or repetition."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from domain.errors import ArrearsError

LONGEST = 2_000
"""Characters of a text that are read. The longest text of a provider has 1,600."""

_ACCENT = 10
"""Combining classes below it change a letter (Indic nukta, Japanese dakuten); the rest mark it."""

_INVISIBLE = frozenset("\u034f\u0640\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800")
"""Characters without a shape that are not of category Cf, and the Arabic tatweel."""

_APOSTROPHES = frozenset("'\u2019\u2018\u02bc`\u00b4")
_CALM = ".,!~;:)^_-\u3002\u3001"
"""Marks that ask nothing, of which thanks stay thanks."""

_SENTENCE_END = re.compile("[.!?,;:()\n\u3002\u3001\u0964\u060c\u061b\u061f\u2013\u2014]+")
_DELIMITER = re.compile(r"[-_=*~\u2014]{2,}")
_QUOTE = re.compile(r"[-_=*~\u2014]{2,}|-{3,}.*|_{3,}.*|\u3010.*")
_SENDER = re.compile("\u3010[^\u3010\u3011]{0,60}\u3011")
"""How Chinese texts name their sender: 【…】."""

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHINESE = re.compile(f"[{_IDEOGRAPHS}]")
_WORD = re.compile(f"[{_IDEOGRAPHS}]+|[^ {_IDEOGRAPHS}]+")
_LONG_LETTER = re.compile(r"([^\W\d_])\1{2,}")


class _Kept(dict[int, str | None]):
    """For `str.translate`: accents, apostrophes and what has no shape are left out."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        is_dropped = (
            unicodedata.combining(character) >= _ACCENT
            or unicodedata.category(character) == "Cf"
            or character in _INVISIBLE
            or character in _APOSTROPHES
            or "\ufe00" <= character <= "\ufe0f"  # variation selectors
            or "\U000e0100" <= character <= "\U000e01ef"
            or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
        )
        self[code] = None if is_dropped else character
        return self[code]


class _Spaced(dict[int, str]):
    """For `str.translate`: letters, marks and digits stay, anything else becomes a space."""

    def __missing__(self, code: int) -> str:
        self[code] = chr(code) if unicodedata.category(chr(code))[0] in "LMN" else " "
        return self[code]


_kept = _Kept()
_spaced = _Spaced()


def plain(text: str) -> str:
    """The text in one width and case, without accents, invisible characters and apostrophes.

    It is cut before anything else is done with it, so that a text of any length costs the same.
    """
    decomposed = unicodedata.normalize("NFKD", text[:LONGEST])[: 2 * LONGEST].casefold()
    return unicodedata.normalize("NFC", decomposed.translate(_kept))[:LONGEST]


def is_innocent(text: str, emoji: Collection[str]) -> bool:
    """Whether it has nothing but words, these emoji, and marks that ask nothing; not if empty."""
    marks = [character for character in text if _spaced[ord(character)] == " "]
    return bool(text.strip()) and all(
        mark.isspace() or mark in _CALM or mark in emoji for mark in marks
    )


def words_of(text: str) -> str:
    """The words of a plain text, each between two spaces. Chinese is apart from what it touches."""
    words: list[str] = _WORD.findall(text.translate(_spaced))
    if _LONG_LETTER.search(text):
        words = [_shortened(word) for word in words]
    return "".join([f" {word} " for word in words])


@dataclass(frozen=True, slots=True)
class DroppedWords:
    """Words that say nothing here."""

    words: frozenset[str]
    others: re.Pattern[str]
    """Groups of words, and Chinese: without spaces between its words, it is found anywhere."""


def dropped_words(texts: Iterable[str]) -> DroppedWords:
    """Words and groups of words in the form in which `key_of` drops them, the longest first."""
    found = sorted({words_of(plain(text)) for text in texts} - {""}, key=len, reverse=True)
    others = [
        words.strip() if _CHINESE.search(words) else words
        for words in found
        if " " in words.strip() or _CHINESE.search(words)
    ]
    return DroppedWords(
        frozenset(words.strip() for words in found),
        re.compile("|".join(map(re.escape, others)) or "(?!)"),
    )


NOTHING_DROPPED = dropped_words(())


def key_of(words: str, dropped: DroppedWords = NOTHING_DROPPED) -> str:
    """What a text says, as one string to look up: without these words, and without repetition.

    `words` is from `words_of`.
    """
    words = dropped.others.sub("", words)
    kept: list[str] = []
    for word in words.split():
        is_repeated = bool(kept) and word == kept[-1] and not _is_letter(word)
        if word not in dropped.words and not is_repeated:
            kept.append(word)
    key = "".join(kept)
    period = (key + key).find(key, 1)
    return key if _is_letter(key[:period]) else key[:period]


def _is_letter(word: str) -> bool:
    """One letter asks for something only where it stands alone: T_T is a face and no T."""
    return len(word) == 1 and not _CHINESE.match(word)


def _shortened(word: str) -> str:
    """`stooop` is `stop`."""
    short = _LONG_LETTER.sub(r"\1", word)
    return word if _is_letter(short) else short


def split_sentences(line: str) -> list[str]:
    """The sentences of a line; a comma ends one too."""
    return [part for part in _SENTENCE_END.split(line) if part.strip()]


def without_quotes(
    text: str, signatures: tuple[str, ...], quotes: tuple[str, ...]
) -> tuple[list[str], bool]:
    """The lines of a plain text that the sender typed, and whether anything else was cut off.

    A line that a telephone adds (`signatures`) is left out and does not count as cut off.
    """
    typed: list[str] = []
    is_cut = False
    for line in map(str.strip, text.splitlines()):
        if typed and (_QUOTE.fullmatch(line) or _opens_quote(line, quotes)):
            return typed, True
        unsigned = _SENDER.sub("", line).strip()
        is_cut |= unsigned != line or line.startswith(">")
        is_empty = not unsigned or (not typed and _DELIMITER.fullmatch(line))
        if (
            not is_empty
            and not line.startswith(">")
            and not (typed and line.startswith(signatures))
        ):
            typed.append(unsigned)
    return typed, is_cut


def _opens_quote(line: str, quotes: tuple[str, ...]) -> bool:
    return any(line.startswith(f"{word}:") or line.endswith(f"{word}:") for word in quotes)


def says_something(words: str) -> bool:
    """Whether words that somebody typed have a letter or a digit, of any script."""
    return any(character.isalnum() for character in words)


def assert_says_something(name: str, words: str | None) -> None:
    """Check that what somebody typed, if they did, has a letter or a digit.

    Raises:
        ArrearsError: it has none.
    """
    if words is not None and not says_something(words):
        raise ArrearsError("What is written for {name} says nothing. Write it out.", name=name)
