"""What to do next, at the desk: served under a lease, and explained. Nobody chooses."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, TypeVar

from fastapi import Header, Path
from pydantic import BaseModel, Field
from starlette.requests import Request

from domain.compliance.vocabulary import Party
from domain.language.speak import speak
from domain.next_work import WorkKind
from workers.context import Context
from workers.http.desk.answers import language_for
from workers.http.desk.signed_in import at_the_desk, context_of_caller, desk_router
from workers.inbox.event_data.fields import Staff, StrictModel
from workers.staff import next_work
from workers.staff.next_work import NothingToServe, ServedWork

router = desk_router("work")

T = TypeVar("T")


class Whose(StrictModel):
    """For whom it is."""

    actor: Staff | None = None
    """Of a machine: the collector for whom it asks."""


class Served(BaseModel):
    """The next piece of work. It has no personal data."""

    lease: int
    """Keep it alive with `heartbeat` while you work on it."""
    kind: WorkKind
    band: str
    """Why it comes before other work, in a word."""
    why: str
    """The same in a sentence."""
    until: datetime
    """Without a sign of life until then, others may be served it."""
    loan: str | None
    other_loans: list[str]
    record: str
    """The lender's id of the record of whom it is about."""
    party: Party
    item: str
    """Of the ladder; empty for a reply."""
    purpose: str
    language: str
    """BCP 47."""
    attempt: str | None = None
    """The call that was started, and whose outcome has to be reported before anything else."""
    reply: int | None = None


class Next(BaseModel):
    """The next piece of work, or why there is none."""

    work: Served | None = None
    why: str | None = None
    """Why no work is served, in a sentence."""
    ask_again_at: datetime | None = None


class Alive(BaseModel):
    until: datetime
    """Without another sign of life until then, others may be served the work."""


class Takeover(StrictModel):
    """Who takes work over, and why."""

    why: Annotated[str, Field(min_length=1, max_length=500)]
    """In your own words; they are encrypted."""
    to: Staff | None = None
    """Who has it from now on; you, if it is left out."""


class Done(BaseModel):
    done: bool = True


Lease = Annotated[int, Path(ge=1, le=2**62, description="The lease, as `/work/next` gave it.")]
Speaks = Annotated[str | None, Header()]


@router.post("/work/next")
async def serve_next(request: Request, body: Whose, accept_language: Speaks = None) -> Next:
    """The next piece of work, under a lease; what you have not finished comes first. To ask again
    gives the same work."""
    found = await _do(request, lambda ctx: next_work.next_for(ctx, body.actor))
    language = language_for(accept_language)
    if isinstance(found, NothingToServe):
        return Next(why=speak(found.why, language), ask_again_at=found.ask_again_at)
    return Next(work=_served(found, language))


@router.post("/work/{lease}/heartbeat")
async def heartbeat(request: Request, lease: Lease, body: Whose) -> Alive:
    """A sign of life: the lease goes on."""
    until = await _do(request, lambda ctx: next_work.heartbeat(ctx, lease, body.actor))
    return Alive(until=until)


@router.post("/work/{lease}/release")
async def release(request: Request, lease: Lease, body: Whose) -> Done:
    """Give work back."""
    await _do(request, lambda ctx: next_work.release(ctx, lease, body.actor))
    return Done()


@router.post("/work/{lease}/take-over")
async def take_over(request: Request, lease: Lease, body: Takeover) -> Done:
    """Take work from a colleague, for yourself or somebody else. It is on record with why."""
    await _do(request, lambda ctx: next_work.take_over(ctx, lease, body.why, body.to))
    return Done()


def _served(found: ServedWork, language: str) -> Served:
    said = {name: getattr(found, name) for name in Served.model_fields}
    return Served(**{**said, "why": speak(found.why, language)})


async def _do(request: Request, work: Callable[[Context], T]) -> T:
    return await at_the_desk(request, partial(work, context_of_caller(request)))
