"""What Tencent Cloud tells: what became of texts, and what borrowers write back.

It signs nothing. What shows that it is Tencent Cloud is a word in the address that only it was
told; to anybody else the address does not exist.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from domain.errors import ArrearsError
from workers.borrowers.inbound_texts import record_inbound_text
from workers.http.delivery_receipts import store_reports
from workers.http.openapi import TENCENT_INBOUND, TENCENT_STATUS
from workers.http.requests import (
    RefusedError,
    check_identifier,
    context_of,
    in_the_store,
    read_body,
)
from workers.sms.providers.port import StatusReport
from workers.sms.providers.tencent import read_tencent_reply, read_tencent_reports

router = APIRouter()

TAKEN = {"result": 0, "errmsg": "OK"}
"""What Tencent Cloud takes for a yes; after anything else it calls again."""


@router.post("/webhooks/tencent/{token}/status", **TENCENT_STATUS)
async def text_statuses(request: Request) -> Response:
    """Store what became of texts, several of them in one call."""
    _check_word(request)
    reports = _reports(await read_body(request))
    await in_the_store(partial(store_reports, context_of(request), reports))
    return JSONResponse(TAKEN)


@router.post("/webhooks/tencent/{token}/inbound", **TENCENT_INBOUND)
async def inbound_text(request: Request) -> Response:
    """Put a borrower's text on record. A stop counts at once."""
    _check_word(request)
    ctx = context_of(request)
    try:
        text = read_tencent_reply(await read_body(request), ctx.cipher.blind_index)
    except ArrearsError as error:
        raise RefusedError(400, str(error)) from None
    await in_the_store(partial(record_inbound_text, ctx, text, help_is_answered=False))
    return JSONResponse(TAKEN)


def _check_word(request: Request) -> None:
    known = context_of(request).settings.tencent_callback_tokens or []
    given = str(request.path_params["token"]).encode()
    # A list: all are compared, so that the time tells nothing of which one was close.
    matches = [
        hmac.compare_digest(known_value.get_secret_value().encode(), given) for known_value in known
    ]
    if not any(matches):
        raise RefusedError(404, "Not Found")


def _reports(body: bytes) -> Sequence[StatusReport]:
    try:
        reports = read_tencent_reports(body)
    except ArrearsError as error:
        raise RefusedError(400, str(error)) from None
    for report in reports:
        check_identifier(report.sid)
        if "\x00" in (report.code or ""):
            raise RefusedError(400, "a report with a character that no text can hold")
    return reports
