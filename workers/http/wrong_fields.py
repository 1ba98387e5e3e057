"""What is wrong with a request, by the name of the field: a sentence that says what to send
instead.

A field is of the body, of the address or of a header. Nothing that was sent is repeated, except
names of fields.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from config.input_errors import what_to_write
from domain.errors import Text, text_of

NAMED_AT_MOST = 20
"""Fields that are wrong and named in one answer; the rest shows when these are right."""
WHOLE = "body"
"""Stands for the whole body, where no single field is wrong."""
_AMOUNTS = frozenset({"amount", "monthly", "can_pay_monthly"})
_OF_TYPES = {
    "missing": text_of("it is missing"),
    "extra_forbidden": text_of("there is no such field: leave it out"),
    "string_type": text_of("write a text, in quotation marks"),
    "string_too_short": text_of("write something"),
    "too_short": text_of("write at least one"),
    "string_pattern_mismatch": text_of("it does not have the form of the description"),
    "bool_type": text_of("write true or false"),
    "model_type": text_of("write an object, in braces"),
    "model_attributes_type": text_of("write an object, in braces"),
    "dict_type": text_of("write an object, in braces"),
    "list_type": text_of("write a list, in square brackets"),
    "tuple_type": text_of("write a list, in square brackets"),
    "union_tag_not_found": text_of("it is missing"),
    "union_tag_invalid": text_of("there is no such kind of event"),
    "timezone_aware": text_of("write its offset too, such as 2026-03-31T09:00:00+08:00"),
}


def names_of(errors: Iterable[Mapping[str, Any]], depth: int = 0) -> list[str]:
    """The fields that errors of pydantic are about, such as `data.amount`; none for an error of the
    whole. Below the kind of an event (a `depth`), an error of the whole means that no such kind
    exists: then the field is `type`."""
    # A key that is wrong is named as the value at it would be.
    named = (
        ".".join(str(part) for part in error["loc"][depth:] if part != "[key]") for error in errors
    )
    names = {name or "type" for name in named} if depth else {name for name in named if name}
    return [name[:100] for name in sorted(names)[:NAMED_AT_MOST]]


def wrong_fields(errors: Iterable[Mapping[str, Any]], depth: int = 0) -> dict[str, Text]:
    """By the name of the field, the parameter or the header, from errors as pydantic lists them.
    `depth` is how many parts of an error's place are no names."""
    said = {name: _said(error) for error in errors for name in names_of([error], depth) or [WHOLE]}
    return {name: said[name] for name in sorted(said)[:NAMED_AT_MOST]}


def _said(error: Mapping[str, Any]) -> Text:
    kind, name = str(error["type"]), str((error["loc"] or ("",))[-1])
    if name in _AMOUNTS and kind == "string_type":
        return text_of('write a decimal in quotation marks, such as "400.00"')
    if name in _AMOUNTS and kind == "string_pattern_mismatch":
        return text_of("write more than zero, with a decimal point and no other mark: 2390.67")
    if kind.startswith("date_"):
        return text_of("write a day such as 2026-03-31")
    if kind.startswith("datetime_"):
        return text_of("write a moment with its offset, such as 2026-03-31T09:00:00+08:00")
    return _OF_TYPES.get(kind) or what_to_write(error)
