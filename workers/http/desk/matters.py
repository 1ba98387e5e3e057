"""Disputes and complaints at the desk: those that are open, by their clock, and who handles one."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import Path
from pydantic import Field
from starlette.requests import Request

from domain.disputes import ComplaintKind, DisputeKind, Matter
from domain.reasons import Reasons
from workers.context import Context
from workers.db.pages import Asked
from workers.hardship import handling
from workers.hardship.corrections import Correction, correct
from workers.hardship.matter_lists import ListedMatter, ShownMatter, read_matter, read_matters
from workers.http.desk.answers import language_for
from workers.http.desk.described import Said, answer_of, described
from workers.http.desk.next_work import Speaks
from workers.http.desk.signed_in import at_the_desk, context_of_caller, desk_router
from workers.http.desk.work import ROWS_OF_A_PAGE, After, Limit, PageOf, WhoseId, page_of, read
from workers.inbox.event_data.fields import Identifier, Staff, StrictModel, Why

router = desk_router("disputes and complaints")

Id = Annotated[Identifier, Path(description="The id under which it was recorded.")]


class Taking(StrictModel):
    """Nothing more has to be said."""

    sender: Identifier | None = None
    """Whose id it is, if several senders have given it; `staff`: typed here."""


class MoreTime(StrictModel):
    """Why an answer takes longer."""

    why: Annotated[str, Field(min_length=1, max_length=500)]
    """In your own words; they are encrypted."""
    sender: Identifier | None = None
    """Whose id it is, if several senders have given it; `staff`: typed here."""


class RightDispute(StrictModel):
    """What is right of a dispute, and why it is changed."""

    kind: DisputeKind
    why: Why
    sender: Identifier | None = None
    """Whose id it is, if several senders have given it; `staff`: typed here."""


class RightComplaint(StrictModel):
    """What is right of a complaint, and why it is changed. What is left out stays."""

    kind: ComplaintKind | None = None
    about_staff: Staff | None = None
    """The staff reference of whom it is about."""
    about_nobody: bool = False
    """It is about nobody in particular."""
    why: Why
    sender: Identifier | None = None
    """Whose id it is, if several senders have given it; `staff`: typed here."""


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


_SHOWN = described(ShownMatter)


@router.get("/disputes/{dispute}", response_model=_SHOWN)
async def dispute(request: Request, dispute: Id, sender: WhoseId = None) -> Any:
    """One dispute, with what people wrote about it: personal data."""
    return await _shown(request, Matter.DISPUTE, dispute, sender)


@router.get("/complaints/{complaint}", response_model=_SHOWN)
async def complaint(request: Request, complaint: Id, sender: WhoseId = None) -> Any:
    """One complaint, with what people wrote about it: personal data."""
    return await _shown(request, Matter.COMPLAINT, complaint, sender)


@router.post("/disputes/{dispute}/acknowledge", response_model=Said)
async def acknowledge_dispute(
    request: Request, dispute: Id, body: Taking, accept_language: Speaks = None
) -> Any:
    """Note that the person was told that their dispute is being dealt with."""
    acknowledge = partial(handling.acknowledge, sender=body.sender)
    return await _handle(request, acknowledge, Matter.DISPUTE, dispute, accept_language)


@router.post("/complaints/{complaint}/acknowledge", response_model=Said)
async def acknowledge_complaint(
    request: Request, complaint: Id, body: Taking, accept_language: Speaks = None
) -> Any:
    """Note that the person was told that their complaint is being dealt with."""
    acknowledge = partial(handling.acknowledge, sender=body.sender)
    return await _handle(request, acknowledge, Matter.COMPLAINT, complaint, accept_language)


@router.post("/disputes/{dispute}/extend", response_model=Said)
async def extend_dispute(
    request: Request, dispute: Id, body: MoreTime, accept_language: Speaks = None
) -> Any:
    """Make the time to answer longer, as far as the law allows. Another person grants it first:
    then repeat the call."""
    extend = partial(handling.extend, why=body.why, sender=body.sender)
    return await _handle(request, extend, Matter.DISPUTE, dispute, accept_language)


@router.post("/complaints/{complaint}/extend", response_model=Said)
async def extend_complaint(
    request: Request, complaint: Id, body: MoreTime, accept_language: Speaks = None
) -> Any:
    """Make the time to answer longer, as far as the law allows. Another person grants it first:
    then repeat the call."""
    extend = partial(handling.extend, why=body.why, sender=body.sender)
    return await _handle(request, extend, Matter.COMPLAINT, complaint, accept_language)


@router.post("/disputes/{dispute}/take", response_model=Said)
async def take_dispute(
    request: Request, dispute: Id, body: Taking, accept_language: Speaks = None
) -> Any:
    """Handle a dispute from now on. Whoever had the contact in question may not."""
    take = partial(handling.take, sender=body.sender)
    return await _handle(request, take, Matter.DISPUTE, dispute, accept_language)


@router.post("/complaints/{complaint}/take", response_model=Said)
async def take_complaint(
    request: Request, complaint: Id, body: Taking, accept_language: Speaks = None
) -> Any:
    """Handle a complaint from now on. Whom it is about may not."""
    take = partial(handling.take, sender=body.sender)
    return await _handle(request, take, Matter.COMPLAINT, complaint, accept_language)


@router.post("/disputes/{dispute}/correction", response_model=Said)
async def correct_dispute(
    request: Request, dispute: Id, body: RightDispute, accept_language: Speaks = None
) -> Any:
    """Correct the kind of an open dispute. Its clock is set anew, and never longer."""
    right = Correction(kind=body.kind, why=body.why)
    doing = partial(correct, right=right, sender=body.sender)
    return await _handle(request, doing, Matter.DISPUTE, dispute, accept_language)


@router.post("/complaints/{complaint}/correction", response_model=Said)
async def correct_complaint(
    request: Request, complaint: Id, body: RightComplaint, accept_language: Speaks = None
) -> Any:
    """Correct the kind of an open complaint, or whom it is about."""
    right = Correction(
        kind=body.kind,
        about_staff=body.about_staff,
        about_nobody=body.about_nobody,
        why=body.why,
    )
    doing = partial(correct, right=right, sender=body.sender)
    return await _handle(request, doing, Matter.COMPLAINT, complaint, accept_language)


async def _open(request: Request, matter: Matter, asked: Asked) -> dict[str, Any]:
    return page_of(await read(request, lambda at, ctx: read_matters(at, ctx, matter, asked)))


async def _shown(request: Request, matter: Matter, id: str, sender: str | None) -> Any:
    shown = await read(request, lambda at, ctx: read_matter(at, ctx, matter, id, sender=sender))
    return answer_of(shown, "en")


async def _handle(
    request: Request,
    do: Callable[[Context, Matter, str], Reasons],
    matter: Matter,
    id: str,
    accept_language: str | None,
) -> Any:
    doing = partial(do, context_of_caller(request), matter, id)
    return answer_of(await at_the_desk(request, doing), language_for(accept_language))
