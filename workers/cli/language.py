"""The language in which a command answers: that of the locale, or of `--language`."""

import os
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

import domain.language
from domain.errors import ArrearsError, ReasonedError, RefusedError, Text

Name = Literal["en", "zh"]
"""A name in `domain.language.speak.LANGUAGES`."""

Language = Annotated[
    Name | None,
    typer.Option(help="English or Chinese 中文; that of LC_ALL or LANG if left out."),
]


OF_THE_SYSTEM = ("error", "strerror", "why")
"""The names of values that can hold what the operating system says, such as "Permission denied"."""


def language_of_environment() -> Name:
    """Chinese where the locale of messages is Chinese, as in `LANG=zh_CN.UTF-8`, and its characters
    can be shown; else English.
    """
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, names), "")
    return "zh" if locale.lower().startswith("zh") and _shows_chinese() else "en"


def say(text: str, **values: object) -> str:
    """An English text of the command line in the reader's language.

    `values` fill its braces, in the style of `str.format`; a text without values has none.
    """
    said = in_chinese().get(text, text) if language_of_environment() == "zh" else text
    if not values:
        return said
    return said.format(**{name: _value(name, value) for name, value in values.items()})


def said_error(error: ArrearsError) -> str:
    """What is wrong and what to do, in the reader's language."""
    in_other_language = language_of_environment() != "en"
    if isinstance(error, RefusedError) or (in_other_language and isinstance(error, ReasonedError)):
        from domain.language.speak import speak

        return speak(error.reason, language_of_environment())
    return "\n".join(map(said_text, error.texts))


def said_text(text: Text) -> str:
    """A text in the reader's language."""
    return say(text.text, **text.values)


def _value(name: str, value: object) -> object:
    """A value of a text, of which a text and a reason of the operating system are words too."""
    if isinstance(value, Text):
        return said_text(value)
    if is_dataclass(value):
        from domain.language.speak import speak
        from domain.second_person_text import Spoken

        if isinstance(value, Spoken):
            return speak(value.reasons, language_of_environment())
    if name == "who_may" and language_of_environment() == "zh":
        return "、".join(coded("role", role) for role in str(value).split(", "))
    if name in OF_THE_SYSTEM and language_of_environment() == "zh":
        return _chinese_words("system_error").get(str(value), value)
    return value


def coded(name: str, code: str) -> str:
    """A code that a command takes or a program reads. In Chinese the word for it stands beside it.

    `name` is the value's name in `Language.words`.
    """
    said = word(name, code)
    return code if said == code else f"{said}（{code}）"


def word(name: str, code: str) -> str:
    """The word for a code in the reader's language, alone; in English it is the code."""
    return code if language_of_environment() == "en" else _chinese_words(name).get(code, code)


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


@cache
def in_chinese() -> Mapping[str, str]:
    """What the command line says in Chinese, by the English text in its code."""
    files = map(_read, ("zh_policy.toml", "zh_commands.toml", "zh_help.toml"))
    sections = [section for file in files for name, section in file.items() if name != "words"]
    return {text: said for section in sections for text, said in section.items()}


def _chinese_words(name: str) -> Mapping[str, str]:
    from domain.language.speak import LANGUAGES

    of_sentences = LANGUAGES["zh"].words
    return of_sentences[name] if name in of_sentences else _read("zh_commands.toml")["words"][name]


@cache
def _read(name: str) -> dict[str, Any]:
    file = Path(domain.language.__file__).with_name(name)
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _shows_chinese() -> bool:
    try:
        "中".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
