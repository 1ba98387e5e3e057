"""What is wrong with each field of a body, as a sentence that says what to write instead."""

from collections.abc import Iterable, Mapping
from typing import Any

from config.input_errors import what_to_write
from domain.errors import Text, text_of
from workers.http.requests import NAMED_AT_MOST, names_of

WHOLE = "body"
"""Stands for the whole body, where no single field is wrong."""
_AMOUNTS = frozenset({"amount", "monthly", "can_pay_monthly"})
_OF_TYPES = {
    "missing": text_of("it is missing"),
    "extra_forbidden": text_of("there is no such field: leave it out"),
    "string_type": text_of("write a text, in quotation marks"),
    "string_too_short": text_of("write something"),
    "string_pattern_mismatch": text_of("it does not have the form of the description"),
    "bool_type": text_of("write true or false"),
    "model_type": text_of("write an object, in braces"),
    "model_attributes_type": text_of("write an object, in braces"),
    "dict_type": text_of("write an object, in braces"),
    "list_type": text_of("write a list, in square brackets"),
    "tuple_type": text_of("write a list, in square brackets"),
    "timezone_aware": text_of("write its offset too, such as 2026-03-31T09:00:00+08:00"),
}


def wrong_fields(errors: Iterable[Mapping[str, Any]]) -> dict[str, Text]:
    """By the name of the field, from errors as pydantic lists them. Nothing that was sent is in it,
    except names of fields."""
    return {
        name: _said(error)
        for error in list(errors)[:NAMED_AT_MOST]
        for name in names_of([error], depth=0) or [WHOLE]
    }


def _said(error: Mapping[str, Any]) -> Text:
    kind, name = str(error["type"]), str((error["loc"] or ("",))[-1])
    if name in _AMOUNTS and kind in ("string_type", "string_pattern_mismatch"):
        return text_of('write a decimal in quotation marks, such as "400.00"')
    if kind.startswith("date_"):
        return text_of("write a day such as 2026-03-31")
    if kind.startswith("datetime_"):
        return text_of("write a moment with its offset, such as 2026-03-31T09:00:00+08:00")
    return _OF_TYPES.get(kind) or what_to_write(error)
