"""What use cases return, as an answer and as the model that describes it: both are made from the
dataclass itself, so that nothing is written twice."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import cache, partial
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, create_model

from domain.currencies import decimal_string
from domain.hidden_amounts import without_amounts
from domain.language.sentences import say_in
from domain.language.speak import speak
from domain.quote_json import quote_as_json
from domain.quotes import Quote
from domain.reason_json import reasons_as_json
from domain.reasons import Reason, Reasons
from workers.http.desk import answers
from workers.http.desk.quoted import Quoted


class Said(BaseModel):
    """Reasons: as a sentence for people, and as codes for programs."""

    sentence: str
    codes: list[answers.Reason]


@cache
def described(kind: type) -> type[BaseModel]:
    """The model of a dataclass or a named tuple: amounts are decimal strings, and reasons are said
    in a sentence, too."""
    hints = get_type_hints(kind)
    model: dict[str, Any] = {name: (_described(hints[name]), ...) for name in _names(kind)}
    return create_model(kind.__name__, __module__=kind.__module__, __doc__=kind.__doc__, **model)


def list_of(kind: type) -> Any:
    """The model of a list of these."""
    return types.GenericAlias(list, (described(kind),))


def answer_of(
    value: Any, language: str, currency: str | None = None, *, amounts: bool = False
) -> Any:
    """A value as `described` describes it. Amounts have the places of the currency that stands
    beside them. Sentences say amounts only to whoever may see them."""
    answer = partial(answer_of, language=language, amounts=amounts)
    match value:
        case Quote():
            return quote_as_json(value)
        case (Reason(), *_):
            said = value if amounts else without_amounts(value)
            return {"sentence": speak(said, language), "codes": reasons_as_json(said)}
        case Decimal():
            return decimal_string(value, currency)
        case Mapping():
            return {key: answer(each, currency=currency) for key, each in value.items()}
    if _is_record(type(value)):
        beside = getattr(value, "currency", currency)
        hints = get_type_hints(type(value))
        return say_purpose(
            {
                name: {"sentence": "", "codes": []}
                if hints[name] == Reasons and not getattr(value, name)
                else answer(getattr(value, name), currency=beside)
                for name in _names(type(value))
            },
            language,
        )
    if isinstance(value, list | tuple | set | frozenset):
        return [answer(each, currency=currency) for each in value]
    return value


def say_purpose(answer: dict[str, Any], language: str) -> dict[str, Any]:
    """The answer with its purpose in the reader's language. A ladder that comes with Arrears has it
    in both; any other is said as the lender wrote it."""
    if purpose := answer.get("purpose"):
        answer["purpose"] = say_in(language, purpose)
    if others := answer.get("other_purposes"):
        answer["other_purposes"] = [say_in(language, other) for other in others]
    return answer


def _described(hint: Any) -> Any:
    if hint == Reasons:
        return Said
    if hint is Quote:
        return Quoted
    if hint is Decimal:
        return str
    if isinstance(hint, type) and _is_record(hint):
        return described(hint)
    parts = tuple(_described(part) for part in get_args(hint) if part is not Ellipsis)
    match get_origin(hint):
        case None:
            return hint
        case types.UnionType:
            return Union[parts]  # noqa: UP007 - of parts that are known only now
        case origin if isinstance(origin, type) and issubclass(origin, Mapping):
            return types.GenericAlias(dict, parts)
        case origin if isinstance(origin, type) and issubclass(origin, Sequence | frozenset):
            return types.GenericAlias(list, parts[:1])
    return hint


def _is_record(kind: type) -> bool:
    return is_dataclass(kind) or hasattr(kind, "_fields")


def _names(kind: type) -> list[str]:
    if is_dataclass(kind):
        return [field.name for field in fields(kind)]
    return list(kind._fields)  # type: ignore[attr-defined]
