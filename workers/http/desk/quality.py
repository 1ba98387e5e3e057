"""The quality of calls at the desk: which are heard, the sheet, how one was judged, what it comes
to; and whose training ends."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field
from starlette.requests import Request

from domain.quality import Mark
from workers.db.pages import Asked
from workers.http.desk.answers import language_for
from workers.http.desk.described import answer_of, described, list_of
from workers.http.desk.next_work import Speaks
from workers.http.desk.signed_in import at_the_desk, context_of_caller, desk_router
from workers.http.desk.work import ROWS_OF_A_PAGE, After, Limit, PageOf, page_of, read
from workers.inbox.event_data.fields import Day, Identifier, StrictModel
from workers.staff.call_results import Results, read_results
from workers.staff.call_reviews import Reviewed, record_review
from workers.staff.call_samples import Sample, draw_sample
from workers.staff.score_sheets import SheetToFill, sheets_to_fill
from workers.workforce.training import SOON, TrainingDue, training_due

router = desk_router("quality")

From = Annotated[
    Day, Query(alias="from", description="The first day of the period: a date of the lender.")
]
To = Annotated[Day, Query(description="The last day of the period, which belongs to it.")]


class SampleAsked(StrictModel):
    """Which calls may be drawn."""

    sheet: Identifier
    """The score sheet by which they are to be judged: it says how many are drawn."""
    first: Day
    """The first day of the period …"""
    last: Day
    """… and the last one, which is over."""
    team: Identifier | None = None
    """Only calls of those who were in this team then; null: of all."""


class Review(StrictModel):
    """How you judge a call of somebody else."""

    attempt: Identifier
    """The id of the call, as the sample has it."""
    sheet: Identifier
    marks: Annotated[dict[Identifier, Mark], Field(min_length=1, max_length=100)]
    """A mark for each item of the sheet."""


@router.get("/quality/sheets", response_model=list_of(SheetToFill))
async def sheets(request: Request, accept_language: Speaks = None) -> Any:
    """The score sheets in force, with their items and the rules that these check."""
    language = language_for(accept_language)
    reading = partial(sheets_to_fill, context_of_caller(request), language)
    return answer_of(await at_the_desk(request, reading), language)


@router.post("/quality/samples", response_model=described(Sample))
async def sample(request: Request, body: SampleAsked) -> Any:
    """The calls of a period that are to be heard. They are drawn once: to ask again gives the same
    ones, with how many have judged each."""
    draw = partial(
        draw_sample, context_of_caller(request), body.first, body.last, body.sheet, body.team
    )
    return answer_of(await at_the_desk(request, draw), "en")


@router.post("/quality/reviews", response_model=described(Reviewed))
async def review(request: Request, body: Review, accept_language: Speaks = None) -> Any:
    """Record how you judged a call. It stays as it is; nobody judges their own calls."""
    ctx, language = context_of_caller(request), language_for(accept_language)
    record = partial(record_review, ctx, body.attempt, body.sheet, body.marks, language)
    return answer_of(await at_the_desk(request, record), language)


@router.get("/quality/results", response_model=described(Results))
async def results(request: Request, first: From, to: To) -> Any:
    """What the calls of a period came to, by team and by collector. It is no ranking: each share
    comes with the interval in which the true one lies."""
    return answer_of(await read(request, lambda at, ctx: read_results(at, ctx, first, to)), "en")


@router.get("/quality/training", response_model=PageOf[TrainingDue])
async def training(
    request: Request,
    days: Annotated[int, Query(ge=0, le=3660, description="Within how many days it ends.")] = SOON,
    limit: Limit = ROWS_OF_A_PAGE,
    after: After = None,
) -> dict[str, Any]:
    """Whose training or certificates end soon or are over, the soonest first."""
    asked = Asked(limit, after)
    return page_of(await read(request, lambda at, ctx: training_due(at, ctx, days, asked)))
