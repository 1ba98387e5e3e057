"""The language in which a command answers: that of the locale, or of `--language`."""

import os
import sys
from collections.abc import Iterable
from typing import Annotated, Literal

import typer

from domain.errors import ArrearsError, Text
from domain.language.sentences import coded_in, error_in, say_in, text_in, word_in

Name = Literal["en", "zh"]
"""A name in `domain.language.speak.LANGUAGES`."""

Language = Annotated[
    Name | None,
    typer.Option(help="English or Chinese 中文; that of LC_ALL or LANG if left out."),
]


def language_of_environment() -> Name:
    """Chinese where the locale of messages is Chinese, as in `LANG=zh_CN.UTF-8`, and its characters
    can be shown; else English.
    """
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, names), "")
    return "zh" if locale.lower().startswith("zh") and _shows_chinese() else "en"


def say(text: str, /, **values: object) -> str:
    """An English text of the command line in the reader's language.

    `values` fill its braces, in the style of `str.format`; a text without values has none.
    """
    return say_in(language_of_environment(), text, **values)


def said_error(error: ArrearsError) -> str:
    """What is wrong and what to do, in the reader's language."""
    return error_in(language_of_environment(), error)


def said_text(text: Text) -> str:
    """A text in the reader's language."""
    return text_in(language_of_environment(), text)


def coded(name: str, code: str) -> str:
    """A code that a command takes or a program reads. In Chinese the word for it stands beside it.

    `name` is the value's name in `Language.words`.
    """
    return coded_in(language_of_environment(), name, code)


def word(name: str, code: str) -> str:
    """The word for a code in the reader's language, alone; in English it is the code."""
    return word_in(language_of_environment(), name, code)


def said_by(source: str) -> str:
    """Who said a thing: the lender's reference of a person or a system, or a word for a tape, a
    text or a provider."""
    return word("source", source)


def zone_word(zone: str) -> str:
    """A time zone in the reader's language, if there is a word for it; else its IANA name."""
    return words("zone", [zone])


def unit(currency: str) -> str:
    """What stands behind an amount of a currency: its code, or the word for it in Chinese."""
    return currency if language_of_environment() == "en" else words("currency", [currency])


def words(name: str, values: Iterable[str]) -> str:
    """Values as words of the reader's language, listed."""
    from domain.language.speak import LANGUAGES

    language = LANGUAGES[language_of_environment()]
    known = language.words.get(name, {})
    return language.between_listed.join(known.get(value, value) for value in values)


def _shows_chinese() -> bool:
    try:
        "中".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
