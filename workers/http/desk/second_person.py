"""What needs two people, at the desk: what one asked for, another grants or refuses."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel
from starlette.requests import Request

from domain.actors import Actor
from domain.hidden_amounts import amounts_hidden_in
from domain.language.sentences import text_in
from domain.permissions import Permission, may
from domain.second_person import RequestStatus
from workers.access import requests
from workers.access.requests import Request as Asked
from workers.db import pages
from workers.http.desk.answers import language_for
from workers.http.desk.next_work import Speaks
from workers.http.desk.signed_in import at_the_desk, context_of_caller, desk_router
from workers.http.desk.work import ROWS_OF_A_PAGE, After, Limit, PageOf
from workers.inbox.event_data.fields import StrictModel

router = desk_router("second person")


class Deciding(StrictModel):
    """Nothing more has to be said."""


class RequestShown(BaseModel):
    """Something that needs a second person."""

    request: int
    permission: Permission
    """What whoever grants it needs."""
    lines: list[str]
    """What it will do, and all that decides it, in the language that was asked for. What somebody
    typed is in it for those who may decide: personal data."""
    status: RequestStatus
    """`granted`: whoever asked repeats the same call now."""
    asked_by: str
    asked_at: datetime
    """In the lender's zone."""
    decided_by: str | None


Number = Annotated[int, Path(ge=1, le=2**62, description="The number of the request.")]


@router.get("/requests", response_model=PageOf[RequestShown])
async def waiting(
    request: Request,
    limit: Limit = ROWS_OF_A_PAGE,
    after: After = None,
    accept_language: Speaks = None,
) -> Any:
    """The requests that you may decide, and your own, oldest first."""
    ctx, language = context_of_caller(request), language_for(accept_language)
    reading = partial(requests.waiting_requests, ctx, pages.Asked(limit, after))
    found = await at_the_desk(request, reading)
    rows = [_shown(each, ctx.actor, language) for each in found]
    return {"counts": found.counts, "rows": rows, "after": found.after}


@router.post("/requests/{number}/grant", response_model=RequestShown)
async def grant(
    request: Request, number: Number, body: Deciding, accept_language: Speaks = None
) -> Any:
    """Grant what somebody else asked for. Whoever asked repeats the same call then."""
    return await _decide(request, number, RequestStatus.GRANTED, language_for(accept_language))


@router.post("/requests/{number}/refuse", response_model=RequestShown)
async def refuse(
    request: Request, number: Number, body: Deciding, accept_language: Speaks = None
) -> Any:
    """Refuse a request, or take your own back."""
    return await _decide(request, number, RequestStatus.REFUSED, language_for(accept_language))


async def _decide(
    request: Request, number: int, status: RequestStatus, language: str
) -> dict[str, Any]:
    deciding = partial(
        requests.decide, context_of_caller(request), number, status, language=language
    )
    who = context_of_caller(request).actor
    return _shown(await at_the_desk(request, deciding), who, language)


def _shown(asked: Asked, who: Actor, language: str) -> dict[str, Any]:
    """As it is shown to somebody. Who may not decide it, and asked for it, sees no amounts: what
    they may see of a loan is shown by other calls."""
    lines = [text_in(language, line) for line in asked.lines()]
    if not may(who, asked.permission):
        lines = [amounts_hidden_in(line) for line in lines]
    return {"request": asked.id, "lines": lines} | {
        name: getattr(asked, name)
        for name in ("permission", "status", "asked_by", "asked_at", "decided_by")
    }
