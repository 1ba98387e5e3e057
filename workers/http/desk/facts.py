"""What people report at the desk: outcomes, promises, disputes, holds. Applied at once, or refused.

Each is an event of the same kind as the lender's systems post, under the same id as at the command
line. So it is the same fact however it comes in, and twice is once. An event of a system waits for
what it names; a person who names what is not on record has mistyped, and is told so at once.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, Any
from unicodedata import normalize

from fastapi import APIRouter, Header
from pydantic import BaseModel, create_model
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from domain.actors import ActorKind
from domain.errors import RefusedError as NotTaken
from domain.events import InboxStatus
from domain.hidden_amounts import without_amounts
from domain.language.speak import speak
from domain.reason_json import reasons_as_json
from domain.reasons import ReasonCode, because, changed_nothing
from workers.calls.amounts import amounts_are_shown
from workers.calls.confirmed_first import assert_confirmed
from workers.context import Context
from workers.http.desk.answers import Reason, language_for
from workers.http.desk.reported import FACTS, Fact
from workers.http.desk.signed_in import (
    at_the_desk,
    context_of_caller,
    desk_router,
    showing_amounts,
)
from workers.http.requests import RefusedError
from workers.inbox.apply import EventResult
from workers.inbox.event_data.fields import EventData, Staff
from workers.inbox.kinds import EVENT_KINDS
from workers.inbox.submit import submit


class Recorded(BaseModel):
    """What became of a report."""

    status: InboxStatus
    """`applied`."""
    known: bool
    """Whether it was on record before, and nothing changed."""
    detail: str
    """What came of it, as a sentence in the language that was asked for."""
    reason: list[Reason]
    """The same for programs."""


def _router() -> APIRouter:
    """A path for each of `FACTS`."""
    router = desk_router("facts")
    for fact in FACTS:
        router.add_api_route(
            fact.path,
            _endpoint(fact),
            methods=["POST"],
            summary=fact.summary,
            response_model=Recorded,
            response_description="On record and applied.",
        )
    return router


def _model_of(fact: Fact) -> type[EventData]:
    """The event's own model. Who is known by a token need not say who they are."""
    base = EVENT_KINDS[fact.kind].data or EventData
    fields: dict[str, Any] = {"actor": (Staff | None, None)}
    name = base.__name__.removesuffix("Facts")
    return create_model(f"{name}AtDesk", __base__=base, __module__=__name__, **fields)


def _endpoint(fact: Fact) -> Callable[..., Coroutine[Any, Any, Response]]:
    async def report(
        request: Request, body: EventData, accept_language: Annotated[str | None, Header()] = None
    ) -> Response:
        ctx = context_of_caller(request)
        payload = _payload(ctx, body)
        result = await at_the_desk(request, partial(_store, ctx, fact, payload))
        known = result.completed_before or changed_nothing(result.reason)
        answer = {
            "status": result.status,
            "known": known,
            "detail": speak(result.reason, language_for(accept_language)),
            "reason": reasons_as_json(result.reason),
        }
        return JSONResponse(answer)

    report.__annotations__["body"] = _model_of(fact)
    report.__name__ = fact.kind
    return report


def _store(ctx: Context, fact: Fact, payload: dict[str, Any]) -> EventResult:
    """Store and apply a report. What came of it says amounts only to whoever may see them.

    Raises:
        ArrearsError: it cannot be applied as it is, it names what is not on record, whoever
            reports must not handle the person, nobody was confirmed to be the person, or a second
            person must grant it first.
    """
    id = _id_of(ctx, fact, payload)
    check = partial(assert_confirmed, ctx=ctx, kind=fact.kind, said=payload)
    with showing_amounts(partial(_sees, ctx, payload)):
        try:
            result = submit(ctx, id, fact.kind, payload, may_wait=False, check=check)
        except NotTaken as refused:
            raise _with_what_is_lost(refused, payload) from None
    hidden = without_amounts(result.reason)
    if hidden == result.reason or _sees(ctx, payload):
        return result
    return replace(result, reason=hidden)


def _with_what_is_lost(refused: NotTaken, payload: Mapping[str, Any]) -> NotTaken:
    """The refusal of a report that is refused whole. Who said when and where they want no contact
    must not lose it for something else that was wrong."""
    if not payload.get("said"):
        return refused
    reason = refused.reason + because(ReasonCode.WISHES_NOT_KEPT)
    return type(refused)(speak(reason), reason)


def _sees(ctx: Context, payload: Mapping[str, Any]) -> bool:
    loan, actor, attempt = (payload.get(name) for name in ("loan", "actor", "attempt"))
    with ctx.engine.connect() as connection:
        return amounts_are_shown(connection, ctx, loan, actor, attempt)


def _payload(ctx: Context, body: EventData) -> dict[str, Any]:
    """What is stored, with who says it: whoever is signed in, or for whom a machine says it.

    Raises:
        RefusedError: a machine says it for nobody, or somebody for a colleague.
    """
    payload = body.payload(ctx.cipher)
    said: str | None = payload.get("actor")
    if ctx.actor.kind is ActorKind.MACHINE:
        if said is None:
            raise RefusedError(422, "a machine says for whom: `actor` is missing", ("actor",))
    elif said not in (None, ctx.actor.reference):
        raise RefusedError(
            403, "`actor` is somebody else: leave it out, the token says who reports", ("actor",)
        )
    return payload | {"actor": said or ctx.actor.reference}


def _id_of(ctx: Context, fact: Fact, payload: dict[str, Any]) -> str:
    """As the command line names it: `promise:P-1`, `release:H-1:2026-03-02@core`."""
    said = {name: payload[name] for name in fact.named_by if payload.get(name) is not None}
    sender = said.pop("sender", None)
    if "was_made" in said:
        said["was_made"] = "made" if said["was_made"] else "by-mistake"
    parts = [str(value) for value in said.values()]
    if fact.once_a_moment:
        parts.append(ctx.now().isoformat())
    return normalize("NFC", f"{fact.kind}:{':'.join(parts)}{f'@{sender}' if sender else ''}")


router = _router()
