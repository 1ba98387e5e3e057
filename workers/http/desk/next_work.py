"""What to do next, at the desk: served under a lease, and explained. Nobody chooses."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import Header, Path
from pydantic import BaseModel
from starlette.requests import Request

from workers.context import Context
from workers.http.desk.answers import language_for
from workers.http.desk.described import answer_of, described
from workers.http.desk.signed_in import at_the_desk, context_of_caller, desk_router
from workers.inbox.event_data.fields import Staff, StrictModel, Why
from workers.staff import next_work, served_leases
from workers.staff.call_sheet import CallSheet, Stage, call_sheet
from workers.staff.next_work import NothingToServe, ServedWork

router = desk_router("work")

T = TypeVar("T")


class Whose(StrictModel):
    """For whom it is."""

    actor: Staff | None = None
    """Of a machine: the collector for whom it asks."""


class Alive(BaseModel):
    until: datetime
    """Without another sign of life until then, others may be served the work."""


class Takeover(StrictModel):
    """Who takes work over, and why."""

    why: Why
    """In your own words; they are encrypted."""
    to: Staff | None = None
    """Who has it from now on; you, if it is left out."""


class Done(BaseModel):
    done: bool = True


_Served, _Nothing = described(ServedWork), described(NothingToServe)

Lease = Annotated[int, Path(ge=1, le=2**62, description="The lease, as `/work/next` gave it.")]
Speaks = Annotated[str | None, Header()]


@router.post("/work/next", response_model=_Served | _Nothing)
async def serve_next(request: Request, body: Whose, accept_language: Speaks = None) -> Any:
    """The next piece of work, under a lease, or why there is none. What you have not finished comes
    first. To ask again gives the same work. It has no personal data."""
    found = await _do(request, lambda ctx: next_work.next_for(ctx, body.actor))
    return answer_of(found, language_for(accept_language))


@router.post("/work/{lease}/sheet", response_model=described(CallSheet))
async def sheet(request: Request, lease: Lease, body: Whose, accept_language: Speaks = None) -> Any:
    """What you need for the call, on one page. What may not be seen yet is null, and `hidden` says
    until when: the name until the call has started, what is owed until it is confirmed that the
    right person speaks."""
    found = await _do(request, lambda ctx: call_sheet(ctx, lease, body.actor))
    confirmed = found.stage is Stage.CONFIRMED
    return answer_of(found, language_for(accept_language), amounts=confirmed)


@router.post("/work/{lease}/heartbeat")
async def heartbeat(request: Request, lease: Lease, body: Whose) -> Alive:
    """A sign of life: the lease goes on."""
    until = await _do(request, lambda ctx: served_leases.heartbeat(ctx, lease, body.actor))
    return Alive(until=until)


@router.post("/work/{lease}/release")
async def release(request: Request, lease: Lease, body: Whose) -> Done:
    """Give work back."""
    await _do(request, lambda ctx: served_leases.release(ctx, lease, body.actor))
    return Done()


@router.post("/work/{lease}/take-over")
async def take_over(request: Request, lease: Lease, body: Takeover) -> Done:
    """Take work from a colleague, for yourself or somebody else. It is on record with why."""
    await _do(request, lambda ctx: served_leases.take_over(ctx, lease, body.why, body.to))
    return Done()


async def _do(request: Request, work: Callable[[Context], T]) -> T:
    return await at_the_desk(request, partial(work, context_of_caller(request)))
