"""The endpoints of Twilio: delivery receipts of texts, and what borrowers write back."""

import logging
from functools import partial

from fastapi import APIRouter, Security
from fastapi.security import APIKeyHeader
from pydantic import BaseModel
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import Response
from twilio.twiml.messaging_response import MessagingResponse

from domain.errors import ArrearsError
from workers.context import Context
from workers.http.delivery_receipts import store_reports
from workers.http.doors import Door
from workers.http.inbound_texts import store_text
from workers.http.notify_workers import wake_worker
from workers.http.openapi import (
    FORM,
    described_request,
    refusals,
)
from workers.http.requests import (
    RefusedError,
    check_identifier,
    context_of,
    context_of_provider,
    in_the_store,
    read_body,
    read_form,
    refuse_zeros,
    without_zeros,
)
from workers.sms.providers.twilio import (
    PROVIDER,
    read_inbound_text,
    read_status_report,
    verify_signature,
)

log = logging.getLogger(__name__)
HELP_TEMPLATE = "help_reply"

MESSAGE = {
    "in": "query",
    "name": "message",
    "description": "The id of the text, given when it was sent.",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
"""The parameter of a status callback."""


class StatusForm(BaseModel):
    """Twilio's status callback, as far as it is read."""

    MessageSid: str
    MessageStatus: str
    ErrorCode: str | None = None


class InboundForm(BaseModel):
    """Twilio's call about a text that somebody wrote, as far as it is read."""

    MessageSid: str
    From: str
    Body: str
    OptOutType: str | None = None
    """STOP, START or HELP, where Twilio reads it so."""


SIGNATURE = APIKeyHeader(
    name="X-Twilio-Signature",
    scheme_name="twilio",
    auto_error=False,
    description="Twilio's signature over the public address and the form.",
)

router = APIRouter(
    prefix="/webhooks/twilio",
    dependencies=[Security(SIGNATURE)],
    responses=refusals(
        _400="Not a form in UTF-8, or not of the kind that is taken here.",
        _403="Without a valid signature over the public address.",
    ),
)


@router.post(
    "/status",
    status_code=204,
    response_description="Stored, now or before.",
    openapi_extra=described_request(StatusForm.model_json_schema(), FORM)
    | {"parameters": [MESSAGE]},
)
async def text_status(request: Request) -> Response:
    """Store what became of one text, as Twilio's status callback has it."""
    fields = refuse_zeros(await _signed_fields(request))
    report = read_status_report(request.url.query, fields)
    check_identifier(report.sid)
    check_identifier(report.word)
    store = partial(store_reports, context_of_provider(request, PROVIDER), [report])
    ids = await in_the_store(request, Door.RECEIPTS, store)
    return Response(status_code=204, background=wake_worker(request, ids))


@router.post(
    "/inbound",
    response_description="Stored, now or before. TwiML: what is to be answered, if anything.",
    responses={200: {"content": {"text/xml": {"schema": {"type": "string"}}}}},
    response_class=Response,
    openapi_extra=described_request(InboundForm.model_json_schema(), FORM),
)
async def inbound_text(request: Request) -> Response:
    """Store a borrower's text. Nobody is contacted at its number before it is read; a call for help
    is answered."""
    fields = without_zeros(await _signed_fields(request))
    ctx = context_of_provider(request, PROVIDER)
    text = read_inbound_text(fields, ctx.cipher.blind_index)
    stored = await in_the_store(
        request, Door.TEXTS, partial(store_text, ctx, text, help_is_answered=True)
    )
    wake = wake_worker(request, [stored.event_id])
    return Response(_answer(ctx, stored.help_in), media_type="text/xml", background=wake)


async def _signed_fields(request: Request) -> ImmutableMultiDict[str, str]:
    ctx = context_of(request)
    fields = read_form(await read_body(request))
    # What Twilio signed is the address it called, which a proxy in between may have rewritten.
    query = f"?{request.url.query}" if request.url.query else ""
    url = f"{ctx.settings.public_url}{request.url.path}{query}"
    tokens = [token.get_secret_value() for token in ctx.settings.twilio_auth_tokens or ()]
    signature = request.headers.get("x-twilio-signature", "")
    if not verify_signature(url, fields, signature, tokens):
        raise RefusedError(403, "not signed by the provider")
    return fields


def _answer(ctx: Context, help_in: str | None) -> str:
    """TwiML. Twilio itself confirms a stop, and nothing else needs words from a machine."""
    answer = MessagingResponse()
    if help_in is not None:
        values = {"lender": ctx.settings.lender, "phone": ctx.settings.lender_phone}
        try:
            answer.message(ctx.templates.render(HELP_TEMPLATE, help_in, values))
        except ArrearsError as error:
            # A lender's own templates may lack this one, or this language.
            log.warning("a call for help was not answered: %s", error)
    return str(answer)
