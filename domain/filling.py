"""How a text of the program is filled with values, so that people can read them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from string import Formatter
from typing import Any

from domain.currencies import decimal_string
from domain.reasons import currency_of


def filled(text: str, values: Mapping[str, object]) -> str:
    """The text with the values in its braces, in the style of `str.format`.

    A moment is shown to the minute, in the zone that it is given in. An amount has the places of
    the currency among the values, and another decimal number no zeros at its end. A list has commas
    between its values. What the text formats itself, as `{at:%H:%M}` does, stays so.
    """
    return _Filling(currency_of(values)).vformat(text, (), values)


class _Filling(Formatter):
    def __init__(self, currency: str | None) -> None:
        self._currency = currency

    def format_field(self, value: Any, format_spec: str) -> Any:
        match value:
            case _ if format_spec:
                return super().format_field(value, format_spec)
            case datetime():
                return moment_shown(value)
            case Decimal() if self._currency:
                return decimal_string(value, self._currency)
            case Decimal():
                return f"{value.normalize():f}"
            case list() | tuple():
                return ", ".join(self.format_field(each, "") for each in value)
        return super().format_field(value, format_spec)


def moment_shown(moment: datetime) -> str:
    """As people read it: `2026-03-03 09:00`, in the zone that it is given in."""
    return f"{moment:%Y-%m-%d %H:%M}"
