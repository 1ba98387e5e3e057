"""Duties at the desk: what somebody owes after a conversation, and that it is done."""

from functools import partial
from typing import Annotated, Any

from fastapi import Path, Query
from starlette.requests import Request

from domain.outcome_follows import Owner
from workers.attempts.duties import Duty, end_duty, read_duties
from workers.db.pages import Asked
from workers.http.desk.answers import language_for
from workers.http.desk.described import Said, answer_of
from workers.http.desk.next_work import Speaks
from workers.http.desk.signed_in import at_the_desk, context_of_caller, desk_router
from workers.http.desk.work import ROWS_OF_A_PAGE, After, Limit, PageOf, page_of, read
from workers.inbox.event_data.fields import Identifier, StrictModel

router = desk_router("duties")

Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="Its number in the list.")]


class Doing(StrictModel):
    """Nothing more has to be said."""


@router.get("/duties", response_model=PageOf[Duty])
async def duties(
    request: Request,
    owner: Annotated[list[Owner] | None, Query(description="Only theirs.")] = None,
    loan: Annotated[Identifier | None, Query(description="Only what is about this loan.")] = None,
    limit: Limit = ROWS_OF_A_PAGE,
    after: After = None,
) -> dict[str, Any]:
    """What is owed after conversations and not done yet; the nearest deadline first."""
    asked = Asked(limit, after, loan=loan)
    owners = tuple(owner or Owner)
    return page_of(await read(request, lambda at, ctx: read_duties(at, ctx, asked, owners=owners)))


@router.post("/duties/{duty}/done", response_model=Said)
async def done(request: Request, duty: Number, body: Doing, accept_language: Speaks = None) -> Any:
    """What was owed is done. One of its owners says so, or a supervisor."""
    ending = partial(end_duty, context_of_caller(request), duty)
    return answer_of(await at_the_desk(request, ending), language_for(accept_language))
