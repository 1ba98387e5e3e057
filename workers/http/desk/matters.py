"""Disputes and complaints at the desk: those that are open, by their clock, and who takes one."""

from functools import partial
from typing import Annotated, Any

from fastapi import Path
from starlette.requests import Request

from domain.disputes import Matter
from workers.db.pages import Asked
from workers.hardship import handling
from workers.hardship.matter_lists import ListedMatter, read_matters
from workers.http.desk.answers import language_for
from workers.http.desk.described import Said, answer_of
from workers.http.desk.next_work import Speaks
from workers.http.desk.signed_in import at_the_desk, context_of_caller, desk_router
from workers.http.desk.work import ROWS_OF_A_PAGE, After, Limit, PageOf, page_of, read
from workers.inbox.event_data.fields import Identifier, StrictModel

router = desk_router("disputes and complaints")

Id = Annotated[Identifier, Path(description="The id under which it was recorded.")]


class Taking(StrictModel):
    """Nothing more has to be said."""


@router.get("/disputes", response_model=PageOf[ListedMatter])
async def disputes(
    request: Request, limit: Limit = ROWS_OF_A_PAGE, after: After = None
) -> dict[str, Any]:
    """The open disputes; what is late, or late soonest, comes first."""
    return await _open(request, Matter.DISPUTE, Asked(limit, after))


@router.get("/complaints", response_model=PageOf[ListedMatter])
async def complaints(
    request: Request, limit: Limit = ROWS_OF_A_PAGE, after: After = None
) -> dict[str, Any]:
    """The open complaints; what is late, or late soonest, comes first."""
    return await _open(request, Matter.COMPLAINT, Asked(limit, after))


@router.post("/disputes/{dispute}/take", response_model=Said)
async def take_dispute(
    request: Request, dispute: Id, body: Taking, accept_language: Speaks = None
) -> Any:
    """Handle a dispute from now on. Whoever had the contact in question may not."""
    return await _take(request, Matter.DISPUTE, dispute, accept_language)


@router.post("/complaints/{complaint}/take", response_model=Said)
async def take_complaint(
    request: Request, complaint: Id, body: Taking, accept_language: Speaks = None
) -> Any:
    """Handle a complaint from now on. Whom it is about may not."""
    return await _take(request, Matter.COMPLAINT, complaint, accept_language)


async def _open(request: Request, matter: Matter, asked: Asked) -> dict[str, Any]:
    return page_of(await read(request, lambda at, ctx: read_matters(at, ctx, matter, asked)))


async def _take(request: Request, matter: Matter, id: str, accept_language: str | None) -> Any:
    taking = partial(handling.take, context_of_caller(request), matter, id)
    return answer_of(await at_the_desk(request, taking), language_for(accept_language))
