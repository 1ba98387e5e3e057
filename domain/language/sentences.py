"""Texts of the program, such as what an error says, in the reader's language.

They stand in the code in English; `zh_policy.toml`, `zh_commands.toml` and `zh_help.toml` have them
in Chinese. Reasons are codes instead: `speak.py`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from domain.errors import ArrearsError, ReasonedError, RefusedError, Text
from domain.filling import filled

OF_THE_SYSTEM = ("error", "strerror", "why")
"""The names of values that can hold what the operating system says, such as "Permission denied"."""

_LISTS_OF_CODES = frozenset(
    {"ids", "items", "kinds", "known", "locales", "providers", "scopes", "steps", "templates"}
)
"""The names of values that are codes with commas between them."""

_VOCABULARIES = {
    "permission": "access_permission",
    "channel": "channel",
    "owner": "owner",
    "citation": "citation",
    **dict.fromkeys(("role", "roles", "needed"), "role"),
}
"""The names of values that are codes, and by what name their words are found."""


def say_in(language: str, text: str, /, **values: object) -> str:
    """An English text of the program in a language, `en` or `zh`.

    `values` fill its braces, as `filled` says; a text without values has none.
    """
    said = in_chinese().get(text, text) if language == "zh" else text
    if not values:
        return said
    return filled(said, {name: _value(language, name, each) for name, each in values.items()})


def error_in(language: str, error: ArrearsError) -> str:
    """What is wrong and what to do, in a language."""
    if isinstance(error, RefusedError) or (language != "en" and isinstance(error, ReasonedError)):
        from domain.language.speak import speak

        return speak(error.reason, language)
    return "\n".join(text_in(language, text) for text in error.texts)


def text_in(language: str, text: Text) -> str:
    """A text with its values in a language."""
    return say_in(language, text.text, **text.values)


def word_in(language: str, name: str, code: str) -> str:
    """The word for a code in a language, alone; in English it is the code."""
    return code if language == "en" else chinese_words(name).get(code, code)


def coded_in(language: str, name: str, code: str) -> str:
    """A code that a program reads, and in Chinese the word for it beside it."""
    said = word_in(language, name, code)
    return code if said == code else f"{said}（{code}）"


def _value(language: str, name: str, value: object) -> object:
    """A value of a text, of which a text and a reason of the operating system are words too."""
    if isinstance(value, Text):
        return text_in(language, value)
    if is_dataclass(value):
        from domain.language.speak import speak
        from domain.second_person_text import Spoken

        if isinstance(value, Spoken):
            return speak(value.reasons, language)
    if isinstance(value, list | tuple):
        comma = "、" if language == "zh" else ", "
        return comma.join(str(_value(language, name, each)) for each in value)
    if name in _LISTS_OF_CODES and language == "zh" and isinstance(value, str):
        return value.replace(", ", "、")
    if name == "who_may" and language == "zh":
        return "、".join(coded_in(language, "role", role) for role in str(value).split(", "))
    if name in _VOCABULARIES and language == "zh" and isinstance(value, str):
        return coded_in(language, _VOCABULARIES[name], value)
    if name == "matter" and language == "zh":
        return chinese_words("hold").get(str(value), value)
    if name in OF_THE_SYSTEM and language == "zh":
        return chinese_words("system_error").get(str(value), value)
    return value


@cache
def in_chinese() -> Mapping[str, str]:
    """What the program says in Chinese, by the English text in its code."""
    files = map(_read, ("zh_policy.toml", "zh_commands.toml", "zh_help.toml"))
    sections = [section for file in files for name, section in file.items() if name != "words"]
    return {text: said for section in sections for text, said in section.items()}


def chinese_words(name: str) -> Mapping[str, str]:
    """The Chinese words for the codes of a kind."""
    from domain.language.speak import LANGUAGES

    of_sentences = LANGUAGES["zh"].words
    return of_sentences[name] if name in of_sentences else _read("zh_commands.toml")["words"][name]


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
