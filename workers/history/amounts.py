"""Amounts in the entries of a history, hidden from who may not see what the loan owes."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from domain.language.render import Entry, Part
from domain.reasons import AMOUNTS, HIDDEN, Reason, without_amounts


def hide_amounts(entries: Sequence[Entry]) -> list[Entry]:
    """The entries with `HIDDEN` in the place of every amount."""
    return [
        replace(entry, parts=tuple(_hidden("", each) for each in entry.parts)) for entry in entries
    ]


def _hidden(name: str, value: Any) -> Any:
    match value:
        case Decimal():
            return HIDDEN
        case str() if name in AMOUNTS and value.replace(".", "", 1).lstrip("-").isdigit():
            return HIDDEN
        case Reason():
            return without_amounts((value,))[0]
        case Part():
            hidden = {key: _hidden(key, each) for key, each in value.values.items()}
            return replace(value, values=hidden)
        case tuple():
            return tuple(_hidden(name, each) for each in value)
    return value
