"""The endpoints of Tencent Cloud: delivery receipts of texts, and what borrowers write back.

It signs nothing. A secret token in the address, which only Tencent Cloud was given, verifies it; to
anybody else the address does not exist.
"""

import hmac
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Path
from pydantic import BaseModel
from starlette.requests import Request

from workers.http.delivery_receipts import store_reports
from workers.http.doors import Door
from workers.http.inbound_texts import store_text
from workers.http.notify_workers import wake_worker
from workers.http.openapi import described_request, refusals
from workers.http.requests import (
    RefusedError,
    check_identifier,
    context_of,
    context_of_provider,
    in_the_store,
    read_body,
)
from workers.sms.providers.port import StatusReport
from workers.sms.providers.tencent import (
    PROVIDER,
    TencentReply,
    TencentReport,
    read_tencent_reply,
    read_tencent_reports,
)


class Taken(BaseModel):
    """What Tencent Cloud takes for a yes; after anything else it calls again."""

    result: int = 0
    errmsg: str = "OK"


async def check_token(
    request: Request,
    token: Annotated[str, Path(description="The secret token that only Tencent Cloud was given.")],
) -> None:
    """Refuse a call whose address has no token that Tencent Cloud was given."""
    known = context_of(request).settings.tencent_callback_tokens or []
    # A list: all are compared, so that the time it takes does not reveal which one was close.
    matches = [
        hmac.compare_digest(secret.get_secret_value().encode(), token.encode()) for secret in known
    ]
    if not any(matches):
        raise RefusedError(404, "Not Found")


router = APIRouter(
    prefix="/webhooks/tencent/{token}",
    dependencies=[Depends(check_token)],
    responses=refusals(
        _400="Not what Tencent Cloud sends here.",
        _422="The address has no token.",
        _404="The token in the address is not one that Tencent Cloud was given.",
    ),
)


@router.post(
    "/status",
    response_description="Stored, now or before.",
    openapi_extra=described_request({"type": "array", "items": TencentReport.model_json_schema()}),
)
async def text_statuses(request: Request, background: BackgroundTasks) -> Taken:
    """Store the delivery receipts of texts, several of them in one call."""
    reports = _reports(await read_body(request))
    store = partial(store_reports, context_of_provider(request, PROVIDER), reports)
    ids = await in_the_store(request, Door.RECEIPTS, store)
    background.tasks += wake_worker(request, ids).tasks
    return Taken()


@router.post(
    "/inbound",
    response_description="Stored, now or before.",
    openapi_extra=described_request(TencentReply.model_json_schema()),
)
async def inbound_text(request: Request, background: BackgroundTasks) -> Taken:
    """Store a borrower's text. Nobody is contacted at its number before it is read."""
    ctx = context_of_provider(request, PROVIDER)
    text = read_tencent_reply(await read_body(request), ctx.cipher.blind_index)
    stored = await in_the_store(
        request, Door.TEXTS, partial(store_text, ctx, text, help_is_answered=False)
    )
    background.tasks += wake_worker(request, [stored.event_id]).tasks
    return Taken()


def _reports(body: bytes) -> Sequence[StatusReport]:
    reports = read_tencent_reports(body)
    for report in reports:
        check_identifier(report.sid)
        check_identifier(report.word)
        if "\x00" in (report.code or ""):
            raise RefusedError(400, "a report with a character that no text can hold")
    return reports
