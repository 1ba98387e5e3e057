"""What every answer of the desk has in common: refusals, reasons for programs, and the language."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from domain.errors import text_of
from domain.language.sentences import text_in
from domain.language.speak import LANGUAGES
from domain.reasons import Parameter
from workers.http.openapi import refusals
from workers.http.requests import refuse


class Reason(BaseModel):
    """One reason, as events for the lender have it."""

    code: str
    """One of `domain/reason_codes.py`."""
    params: dict[str, Parameter]
    """Its values; dates in ISO form, amounts as decimal strings. No personal data."""


class NotDone(BaseModel):
    """Why a call changed nothing."""

    detail: str
    """What is wrong and what to do, in the language that was asked for; without personal data."""
    fields: list[str] = []
    """The fields that are wrong, where it is fields."""
    reason: list[Reason] = []
    """The same for programs, where a rule refuses it."""
    rules: list[str] = []
    """The rules that speak against a contact."""
    not_before: str | None = None
    """The first lawful moment of a contact, ISO 8601."""


ANSWERS: dict[int | str, dict[str, Any]] = {
    **refusals(
        _400="Not JSON, or not in UTF-8.",
        _401="No token, or one that is not taken here.",
        _403="The holder may not do this, or another person must grant it first.",
        _415="Not application/json.",
        _422="What was sent is missing, unknown or wrong; the answer says where.",
        _429="A machine calls more often than it may. Try again after Retry-After seconds.",
    ),
    404: {
        "description": "What is named is not on record, or no such call is open.",
        "model": NotDone,
    },
    409: {"description": "It cannot be done; nothing is changed.", "model": NotDone},
}


_WEIGHT = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")


def language_for(accept_language: str | None) -> str:
    """The language of an answer, from `Accept-Language`: of those that are spoken the one with the
    highest weight, the first of several (RFC 9110, 12.5.4); else English."""
    wished: dict[str, float] = {}
    for part in (accept_language or "").split(","):
        tag, *parameters = part.lower().split(";")
        if (language := tag.strip().split("-")[0]) in LANGUAGES:
            wished.setdefault(language, _weight(parameters))
    language = max(wished, key=wished.__getitem__, default="en")
    return language if wished.get(language) else "en"


def _weight(parameters: Sequence[str]) -> float:
    """The weight of a language: 1 if none is said, 0 if it cannot be read."""
    for each in parameters:
        name, _, value = each.partition("=")
        if name.strip() == "q":
            return float(value) if _WEIGHT.fullmatch(value.strip()) else 0
    return 1


async def refuse_path(request: Request, error: Exception) -> Response:
    """Answer a call to a path that there is not, or by a method that the path does not take."""
    if not isinstance(error, HTTPException):
        raise error
    language = language_for(request.headers.get("accept-language"))
    said = text_of(error.detail)
    if error.status_code == 404:
        said = text_of("There is no such path. /openapi.json lists all.")
    elif methods := (error.headers or {}).get("Allow"):
        said = text_of("This path takes another method: {methods}.", methods=methods)
    answer = {"detail": text_in(language, said), "fields": []}
    return JSONResponse(answer, status_code=error.status_code, headers=error.headers)


def refuse_at_desk(request: Request, error: Exception) -> Response:
    """Answer a call that is not taken, in the language that was asked for."""
    return refuse(request, error, language_for(request.headers.get("accept-language")))
