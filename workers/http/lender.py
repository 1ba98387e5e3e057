"""What the lender's systems tell, verified, stored and answered; and a dialer's leave to dial."""

from __future__ import annotations

from collections.abc import Iterable
from email.message import Message
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter
from pydantic import TypeAdapter, ValidationError
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from domain.actors import Actor
from workers.attempts.attempts import BarredError, StartedAttempt
from workers.calls import start
from workers.context import Context
from workers.http.lender_events import CALL_START_ASKED, LENDER_EVENT, CallStart, LenderEvent
from workers.http.openapi import CALL_START, EVENTS
from workers.http.requests import RefusedError, context_of, in_the_store, read_body
from workers.http.signatures import SignatureHeaders, check_signature
from workers.inbox.process import store_and_commit

router = APIRouter()

Told = TypeVar("Told")

NAMED_AT_MOST = 20
"""Fields that are wrong and named in one answer; the rest shows when these are right."""


@router.post("/events", **EVENTS)
async def lender_event(request: Request) -> Response:
    """Store one event of the lender's. Nothing is parsed before its signature is verified."""
    ctx = context_of(request)
    body, webhook_id = await _signed(request, ctx)
    event = _read(LENDER_EVENT, body)
    event_id = await in_the_store(partial(_store, ctx, webhook_id, event))
    # After the answer: the event is stored, and nobody need wait for who works on it.
    return Response(status_code=202, background=BackgroundTask(request.app.state.wake, event_id))


@router.post("/calls/start", **CALL_START)
async def start_call(request: Request) -> Response:
    """Ask the contact gate for a dialer, and give it the number if it may dial now."""
    ctx = context_of(request)
    body, _ = await _signed(request, ctx)
    asked = _read(CALL_START_ASKED, body)
    try:
        begun = await in_the_store(partial(_begin, ctx, asked))
    except BarredError as barred:
        until = barred.until.isoformat() if barred.until else None
        told = {"detail": str(barred), "rules": list(barred.rules), "not_before": until}
        return JSONResponse(told, status_code=409)
    return JSONResponse(
        {
            "attempt": begun.attempt,
            "number": begun.reach,
            "item": begun.item,
            "purpose": begun.purpose,
            "language": begun.language,
            "must_learn": begun.must_learn,
            "may_offer": begun.may_offer,
            "warnings": begun.warnings,
        }
    )


async def _signed(request: Request, ctx: Context) -> tuple[bytes, str]:
    """The body of a call that a known secret signed, and the id under which it was."""
    secrets = ctx.settings.events_in_secrets
    if not secrets:
        raise RefusedError(404, "no events are taken here: ARREARS_EVENTS_IN_SECRETS is not set")
    body = await read_body(request)
    signed = SignatureHeaders.of(request.headers)
    known = [secret.get_secret_value() for secret in secrets]
    check_signature(body, signed, known, ctx.now())
    _check_is_json(request.headers.get("content-type", ""))
    return body, signed.id


def _check_is_json(content_type: str) -> None:
    header = Message()
    header["content-type"] = content_type
    if header.get_content_type() != "application/json":
        raise RefusedError(415, "not application/json")
    if header.get_content_charset("utf-8") not in {"utf-8", "utf8", "us-ascii"}:
        raise RefusedError(400, "not in UTF-8, as JSON is")


def _read(kind: TypeAdapter[Told], body: bytes) -> Told:
    try:
        return kind.validate_json(body)
    except ValidationError as error:
        # Pydantic's own sentences may quote what was sent.
        errors = error.errors(include_url=False, include_context=False, include_input=False)
    if errors[0]["type"] == "json_invalid":
        raise RefusedError(400, "not JSON")
    # An event's errors are told under its kind.
    told_under = 1 if kind is LENDER_EVENT else 0
    raise RefusedError(
        422,
        "fields are missing, unknown or not as /openapi.json describes them",
        _names(errors, told_under),
    )


def _names(errors: Iterable[Any], told_under: int) -> list[str]:
    """The fields that errors are about, as `data.amount`; `type` where it is no kind of event."""
    names = {
        ".".join(str(part) for part in error["loc"][told_under:]) or "type" for error in errors
    }
    return [name[:100] for name in sorted(names)[:NAMED_AT_MOST]]


def _begin(ctx: Context, asked: CallStart) -> StartedAttempt:
    return start.start_call(
        ctx, asked.loan, actor=Actor(asked.actor), item=asked.item, attempt=asked.attempt
    )


def _store(ctx: Context, webhook_id: str, event: LenderEvent) -> int:
    payload = event.data.payload(ctx.cipher)
    return store_and_commit(ctx, f"lender:{webhook_id}", event.type, payload, ctx.now())
