"""Reasons: why something was done, put off or refused, as codes with parameters.

A reason is stored as a code and put into words only where a person reads it, in that person's
language: see `domain.language`. No sentence is stored.

The codes are in `domain.reason_codes`, the stored form is in `domain.reason_json`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias

from domain.currencies import decimal_string
from domain.reason_codes import NOTHING_CHANGED

# Whoever gives a reason imports its code from here too.
from domain.reason_codes import ReasonCode as ReasonCode

WORDS_PARAM = "why"
"""The parameter of a reason that has the words of a person, where it is read."""

WORDS_ID = "why_id"
"""The parameter that is stored in its place: the id of the text."""

WORDS_ERASED = "why_erased"
"""Instead of the words, where the text was erased."""

Parameter: TypeAlias = "str | int | list[str]"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. What a person or a provider said is a parameter, and is quoted as it was said."""

    code: ReasonCode
    params: Mapping[str, Parameter] = field(default_factory=dict, hash=False)
    """As JSON has them: dates in ISO form, amounts as decimal strings."""


Reasons: TypeAlias = tuple[Reason, ...]
"""One reason or several, in their order. Empty: no reason was given."""


def because(code: ReasonCode, **params: Any) -> Reasons:
    """One reason. Dates, amounts and enumerations become what JSON has for them."""
    currency = currency_of(params)
    return (Reason(code, {name: _as_json(value, currency) for name, value in params.items()}),)


def changed_nothing(reasons: Reasons) -> bool:
    """Whether what was reported was on record already, or there was nothing of it to end."""
    return bool(reasons) and reasons[0].code in NOTHING_CHANGED


def currency_of(params: Mapping[str, Any]) -> str | None:
    """The currency of the amounts among these parameters; None if they do not say it."""
    return next((str(params[name]) for name in _CURRENCIES if params.get(name)), None)


_CURRENCIES = ("currency", "loan_currency")
"""The parameters that say in which currency the amounts of a reason are."""


def _as_json(value: Any, currency: str | None) -> Parameter:
    match value:
        case bool() | StrEnum():
            return str(value)
        case str() | int():
            return value
        case Decimal():
            return decimal_string(value, currency)
        case date():
            return value.isoformat()
        case Iterable():
            return [str(each) for each in value]
    return str(value)
