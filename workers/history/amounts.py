"""Amounts in the entries of a history, hidden from who may not see what the loan owes."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from domain.hidden_amounts import HIDDEN, is_amount, without_amounts
from domain.language.render import Entry, Part
from domain.reasons import Reason


def hide_amounts(entries: Sequence[Entry]) -> list[Entry]:
    """The entries with `HIDDEN` in the place of every amount."""
    return [
        replace(entry, parts=tuple(_hidden("", each) for each in entry.parts)) for entry in entries
    ]


def _hidden(name: str, value: Any) -> Any:
    match value:
        case Decimal():
            return HIDDEN
        case str() if is_amount(name, value):
            return HIDDEN
        case Reason():
            return without_amounts((value,))[0]
        case Part():
            hidden = {key: _hidden(key, each) for key, each in value.values.items()}
            return replace(value, values=hidden)
        case tuple():
            return tuple(_hidden(name, each) for each in value)
    return value
