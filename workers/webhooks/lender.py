"""`POST /events`: what the lender's systems tell, verified, stored and answered."""

from __future__ import annotations

from collections.abc import Iterable
from email.message import Message
from functools import partial
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from workers.house import House
from workers.inbox import receive
from workers.webhooks.description import EVENTS
from workers.webhooks.lender_events import LENDER_EVENT, LenderEvent
from workers.webhooks.reading import RefusedError, in_the_store, read_body, the_house_of
from workers.webhooks.signing import SignatureHeaders, check_signature

router = APIRouter()

NAMED_AT_MOST = 20
"""Fields that are wrong and named in one answer; the rest shows when these are right."""


@router.post("/events", **EVENTS)
async def lender_event(request: Request) -> Response:
    """Store one event of the lender's. Nothing is parsed before its signature is verified."""
    house = the_house_of(request)
    secrets = house.settings.events_in_secrets
    if not secrets:
        raise RefusedError(404, "no events are taken here: ARREARS_EVENTS_IN_SECRETS is not set")
    body = await read_body(request)
    signed = SignatureHeaders.of(request.headers)
    known = [secret.get_secret_value() for secret in secrets]
    check_signature(body, signed, known, house.now())
    _check_is_json(request.headers.get("content-type", ""))
    event = _read(body)
    await in_the_store(partial(_store, house, signed.id, event))
    return Response(status_code=202)


def _check_is_json(content_type: str) -> None:
    header = Message()
    header["content-type"] = content_type
    if header.get_content_type() != "application/json":
        raise RefusedError(415, "not application/json")
    if header.get_content_charset("utf-8") not in {"utf-8", "utf8", "us-ascii"}:
        raise RefusedError(400, "not in UTF-8, as JSON is")


def _read(body: bytes) -> LenderEvent:
    try:
        return LENDER_EVENT.validate_json(body)
    except ValidationError as error:
        # Pydantic's own sentences may quote what was sent.
        errors = error.errors(include_url=False, include_context=False, include_input=False)
    if errors[0]["type"] == "json_invalid":
        raise RefusedError(400, "not JSON")
    raise RefusedError(
        422, "fields are missing, unknown or not as /openapi.json describes them", _names(errors)
    )


def _names(errors: Iterable[Any]) -> list[str]:
    """The fields that errors are about, as `data.amount`; `type` where it is no kind of event."""
    names = {".".join(str(part) for part in error["loc"][1:]) or "type" for error in errors}
    return [name[:100] for name in sorted(names)[:NAMED_AT_MOST]]


def _store(house: House, webhook_id: str, event: LenderEvent) -> None:
    payload = event.data.payload(house.vault)
    with house.engine.begin() as connection:
        receive(connection, f"lender:{webhook_id}", event.type, payload, house.now())
