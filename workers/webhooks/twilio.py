"""Twilio's status callbacks."""

from __future__ import annotations

import logging

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from domain.errors import ArrearsError
from workers.gateways.twilio import StatusReport, form_fields, read_status_report, verify_signature
from workers.house import House
from workers.inbox import receive
from workers.receipts import receipt_payload

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024


async def text_status(request: Request) -> Response:
    """Store one status callback.

    204 when it is stored, also when it was stored before; 403 without a valid signature over the
    public URL; 400 when it is not a status callback; 413 when it is far too large. What is refused
    leaves a line in the log, with nothing of what it said.
    """
    house: House = request.app.state.house
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:  # read no further, whatever length was announced
            return _refused(413, "too large")
    # What Twilio signed is the address it called, which a proxy in between may have rewritten.
    url = f"{house.settings.public_url}{request.url.path}?{request.url.query}"
    try:
        fields = form_fields(body.decode())
    except (UnicodeDecodeError, ValueError):
        return _refused(400, "not a form in UTF-8")
    tokens = [token.get_secret_value() for token in house.settings.twilio_auth_tokens]
    signature = request.headers.get("x-twilio-signature", "")
    if not verify_signature(url, fields, signature, tokens):
        return _refused(403, "not signed by the provider")
    try:
        report = read_status_report(request.url.query, fields)
    except ArrearsError as error:
        return _refused(400, str(error))
    await run_in_threadpool(_store, house, report)
    return Response(status_code=204)


def _refused(status: int, why: str) -> Response:
    log.warning("a callback was refused with %s: %s", status, why)
    return PlainTextResponse(why, status_code=status)


def _store(house: House, report: StatusReport) -> None:
    with house.engine.begin() as connection:
        receive(
            connection,
            f"twilio:{report.sid}:{report.word}",
            "receipt",
            receipt_payload(report),
            house.now(),
        )
