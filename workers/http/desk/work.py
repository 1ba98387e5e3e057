"""Who works here, and what waits for them: the worklist and the roster at the desk."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Header, Query
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.requests import Request

from workers.borrowers.reply_queue import ReplyToRead
from workers.context import Context
from workers.db.pages import Asked, Page
from workers.http.desk.answers import language_for
from workers.http.desk.described import say_purpose
from workers.http.desk.signed_in import at_the_desk, context_of_caller, desk_router
from workers.inbox.event_data.fields import Identifier
from workers.staff.roster import RosterEntry, list_roster
from workers.staff.served import WorkUnderWay, work_under_way
from workers.staff.work_items import ApprovalToGive, CallToMake, Kind, VisitToMake
from workers.staff.worklist import read_work

router = desk_router("work")

T = TypeVar("T")
ROWS_OF_A_PAGE = 50
MOST_ROWS = 200


class PageOf(BaseModel, Generic[T]):
    """Some rows of a list, in its order."""

    counts: dict[str, int]
    """How many rows of each kind the whole list has."""
    rows: list[T]
    after: str | None
    """What continues the list; null: these are its last rows."""


class FileAtDesk(BaseModel):
    """A legal file, and the evidence that a person must still attach. The file has the claim."""

    loan: str
    item: str
    limitation_on: date | None
    """The last day on which the claim can be brought; null if it is not known."""
    missing: dict[str, str]
    """The evidence of the checklist that is missing: its id, and its text in the language that was
    asked for."""
    opened_at: datetime
    """In the lender's zone."""


class Work(BaseModel):
    """What waits for people. A kind that was not asked for is left out."""

    calls: PageOf[CallToMake] | None = None
    visits: PageOf[VisitToMake] | None = None
    files: PageOf[FileAtDesk] | None = None
    approvals: PageOf[ApprovalToGive] | None = None
    replies: PageOf[ReplyToRead] | None = None


Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="The most rows of each list.")]
WhoseId = Annotated[
    Identifier | None,
    Query(description="Whose id it is, if several senders have given it; `staff`: typed here."),
]
After = Annotated[
    str | None, Query(max_length=500, description="`after` of the page before, of the same list.")
]


@router.get("/worklist", response_model=Work, response_model_exclude_unset=True)
async def worklist(
    request: Request,
    kind: Annotated[Kind | None, Query(description="Only this kind.")] = None,
    staff: Annotated[Identifier | None, Query(description="Only what this person has.")] = None,
    loan: Annotated[Identifier | None, Query(description="Only what is about this loan.")] = None,
    limit: Limit = ROWS_OF_A_PAGE,
    after: After = None,
    accept_language: Annotated[str | None, Header()] = None,
) -> dict[str, Any]:
    """What waits for people today: calls, visits, legal files, approvals, replies.

    It has no personal data. What to do next is served by `/work/next`.
    """
    kinds = (kind,) if kind else tuple(Kind)
    asked = Asked(limit, after, loan=loan)
    language = language_for(accept_language)
    found = await read(
        request,
        lambda at, ctx: read_work(at, ctx, ctx.today(), kinds, staff, asked, language=language),
    )
    return {each: page_of(getattr(found, each), language) for each in kinds if asked.reads(each)}


@router.get("/staff", response_model=PageOf[RosterEntry])
async def roster(
    request: Request, limit: Limit = ROWS_OF_A_PAGE, after: After = None
) -> dict[str, Any]:
    """Who is on the roster, by the lender's references."""
    asked = Asked(limit, after)
    return page_of(await read(request, lambda at, ctx: list_roster(at, ctx, asked)))


@router.get("/work", response_model=PageOf[WorkUnderWay])
async def under_way(
    request: Request, limit: Limit = ROWS_OF_A_PAGE, after: After = None
) -> dict[str, Any]:
    """Who is at what now: what was served and has not ended, with the lease by which it is taken
    over; the earliest first. It has no personal data."""
    asked = Asked(limit, after)
    return page_of(await read(request, lambda at, ctx: work_under_way(at, ctx, asked)))


async def read(request: Request, query: Callable[[Connection, Context], T]) -> T:
    """What a query finds for whoever calls."""
    return await at_the_desk(request, partial(_ask, context_of_caller(request), query))


def _ask(ctx: Context, query: Callable[[Connection, Context], T]) -> T:
    with ctx.engine.connect() as connection:
        return query(connection, ctx)


def page_of(found: Page[Any], language: str = "en") -> dict[str, Any]:
    """A page of a list, as `PageOf` describes it."""
    rows = [say_purpose(asdict(row), language) for row in found.rows]
    return {"counts": found.counts, "rows": rows, "after": found.after}
