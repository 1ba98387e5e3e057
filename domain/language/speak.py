"""Speaking: the languages, and reasons as sentences wherever a person reads them."""

import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from domain.actions import ACTION_TYPES
from domain.currencies import decimal_string
from domain.language.render import Language, render_reasons
from domain.reason_json import reasons_as_json, reasons_from_json
from domain.reasons import Reason, Reasons


def _read_language(name: str) -> Language:
    """The language in the files `<name>.toml` and `<name>_rules.toml` beside this module."""
    language, of_rules = (_read(f"{name}.toml"), _read(f"{name}_rules.toml"))
    words = {**language["words"], **of_rules["words"]}
    same = {**language.get("same_words", {}), **of_rules.get("same_words", {})}
    words |= {value: words[other] for value, other in same.items()}
    words["action_type"] = {each.name: each.words[name] for each in ACTION_TYPES.values()}
    return Language(
        {**language["templates"], **of_rules["templates"]},
        words,
        language["between_sentences"],
        language["between_listed"],
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


LANGUAGES = {name: _read_language(name) for name in ("en", "zh")}
"""The languages that a history and its reasons can be read in, by BCP 47."""

REASON_FIELDS = ("reason", "detail")
"""The names under which records hold reasons."""


def speak(reasons: Reasons, language: str = "en") -> str:
    """Reasons as sentences in one of `LANGUAGES`; an empty text where there are none."""
    return render_reasons(reasons, LANGUAGES[language])


def spoken(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A stored payload; beside the reason in it, if there is one, the sentence in English."""
    if "reason" not in payload:
        return dict(payload)
    return {**payload, "sentence": speak(reasons_from_json(payload["reason"]))}


def with_sentence(value: Any) -> Any:
    """A dataclass as programs read it: amounts are decimal strings with the places of its currency,
    and beside each reason stands the sentence in English."""
    match value:
        case (Reason(), *_):
            return {"reason": reasons_as_json(value), "sentence": speak(value)}
        case tuple() if hasattr(value, "_asdict"):
            return {name: with_sentence(each) for name, each in value._asdict().items()}
        case list() | tuple():
            return [with_sentence(each) for each in value]
        case dict():
            return {name: with_sentence(each) for name, each in value.items()}
    if not is_dataclass(value):
        return value
    plain: dict[str, Any] = {}
    for field in fields(value):
        held = getattr(value, field.name)
        if field.name in REASON_FIELDS:
            plain |= {field.name: reasons_as_json(held), "sentence": speak(held)}
        elif isinstance(held, Decimal):
            plain[field.name] = decimal_string(held, getattr(value, "currency", None))
        else:
            plain[field.name] = with_sentence(held)
    return plain
