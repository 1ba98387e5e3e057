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
    public URL; 400 when it is not a status callback; 413 when it is far too large.
    """
    house: House = request.app.state.house
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:  # read no further, whatever length was announced
            return PlainTextResponse("too large", status_code=413)
    # What Twilio signed is the address it called, which a proxy in between may have rewritten.
    url = f"{house.settings.public_url}{request.url.path}?{request.url.query}"
    try:
        fields = form_fields(body.decode())
    except (UnicodeDecodeError, ValueError):
        return PlainTextResponse("not a form in UTF-8", status_code=400)
    tokens = [token.get_secret_value() for token in house.settings.twilio_auth_tokens]
    signature = request.headers.get("x-twilio-signature", "")
    if not verify_signature(url, fields, signature, tokens):
        log.warning("a callback was refused: its signature fits none of the tokens")
        return PlainTextResponse("not signed by the provider", status_code=403)
    try:
        report = read_status_report(request.url.query, fields)
    except ArrearsError as error:
        return PlainTextResponse(str(error), status_code=400)
    await run_in_threadpool(_store, house, report)
    return Response(status_code=204)


def _store(house: House, report: StatusReport) -> None:
    with house.engine.begin() as connection:
        receive(
            connection,
            f"twilio:{report.sid}:{report.word}",
            "receipt",
            receipt_payload(report),
            house.now(),
        )
