"""The endpoints of the lender's systems: events, and a dialer's question whether it may dial."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Security
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from domain.contact_outcomes import ContactOutcome
from domain.errors import NotPermittedError
from domain.permissions import Permission
from domain.reason_json import reasons_as_json
from domain.reasons import Parameter
from workers.access.admission import Admission
from workers.attempts.attempts import BarredError, StartedAttempt
from workers.calls import start
from workers.context import Context
from workers.http.doors import Door
from workers.http.lender_events import AnyLenderEvent, LenderEvent
from workers.http.openapi import OTHER_CONTENTS, Refusal, refusals
from workers.http.requests import context_of_machine, in_the_store
from workers.http.signed_route import SIGNATURE, SignedRoute, signature_headers
from workers.inbox.event_data.fields import Identifier, Staff, StrictModel
from workers.inbox.store import store_and_commit
from workers.sending.clock_check import assert_clock_right


class CallStart(StrictModel):
    """What a dialer asks before it dials."""

    attempt: Identifier
    """The dialer's own id of this attempt: the same id is the same attempt."""
    loan: Identifier
    item: Identifier | None = None
    """The ladder item of the call; the newest that is open if left out."""
    actor: Staff


class CallLoan(BaseModel, from_attributes=True):
    """A loan that a call is about. What it owes is shown to who has confirmed the person."""

    loan: str
    item: str
    """The ladder item that asks for the call. A loan with several of them stands here several
    times."""
    purpose: str


class CallLeave(BaseModel, from_attributes=True):
    """What a call needs that may start now: a `StartedAttempt`."""

    attempt: str
    """The id under which its outcome is reported."""
    number: str = Field(validation_alias="reach")
    """E.164: personal data, to be dialled and not kept."""
    item: str
    purpose: str
    language: str
    """BCP 47."""
    loans: list[CallLoan]
    """All that the person is called about, the loan that was asked for first."""
    must_learn: list[str]
    may_offer: list[str]
    outcomes: list[ContactOutcome]
    """At most fifteen to choose from. Every other one may be reported too."""
    warnings: list[str]
    """Advisory rules that speak against it and do not stop it."""


class CallReason(BaseModel):
    """One reason why a call may not start, as events for the lender have it."""

    code: str
    """One of `domain/reason_codes.py`."""
    params: dict[str, Parameter]
    """Its values; dates in ISO form, amounts as decimal strings. No personal data."""


class CallBarred(BaseModel):
    """Why a call may not start."""

    detail: str
    """The reason as sentences in English, without personal data."""
    reason: list[CallReason]
    rules: list[str]
    """The rules that speak against it."""
    not_before: str | None
    """The first lawful moment, ISO 8601; null: not before a fact changes."""


def _router() -> APIRouter:
    return APIRouter(
        route_class=SignedRoute,
        dependencies=[Security(SIGNATURE)],
        responses=refusals(
            _400="Not JSON, or not in UTF-8.",
            _401="The signature is missing or wrong, or more than five minutes off.",
            _403="The machine lacks the scope that the answer names, or was revoked.",
            _404="No secret is set, so nothing is taken in here.",
            _409=OTHER_CONTENTS,
            _415="Not application/json.",
            _422="Fields are missing, unknown or wrong; the answer names them.",
            _429="The machine calls more often than it may. Try again after Retry-After seconds.",
        ),
    )


router = _router()
calls = _router()
"""What gives out a number: a service of its own has it, which can decrypt one."""


@router.post(
    "/events",
    status_code=202,
    response_class=Response,
    response_description="Stored, now or before. It is applied soon after.",
)
async def lender_event(
    request: Request, body: AnyLenderEvent, webhook_id: Annotated[str, Depends(signature_headers)]
) -> Response:
    """Store one event of the lender's. Nothing is parsed before its signature is verified."""
    store = partial(_store, context_of_machine(request), webhook_id, body)
    event_id = await in_the_store(request, Door.EVENTS, store)
    # After the answer: the event is stored, and its sender need not wait for the broker.
    return Response(status_code=202, background=BackgroundTask(request.app.state.notify, event_id))


@calls.post(
    "/calls/start",
    dependencies=[Depends(signature_headers)],
    response_model=CallLeave,
    response_description="It may start, and counts from now on. The number is personal data.",
    responses={
        409: {
            "description": "It may not start now; or it is not open, not the person's to make, or "
            "its last attempt has no outcome yet, and then there is only a sentence.",
            "model": CallBarred | Refusal,
        }
    },
)
async def start_call(request: Request, body: CallStart) -> Response:
    """Ask the contact gate for a dialer, and give it the number if it may dial now."""
    try:
        admission: Admission = request.app.state.admission
        start = partial(_start, context_of_machine(request), body, admission)
        started = await in_the_store(request, Door.CALLS, start)
    except BarredError as barred:
        until = barred.until.isoformat() if barred.until else None
        refusal = {
            "detail": str(barred),
            "reason": reasons_as_json(barred.reason),
            "rules": barred.rules,
            "not_before": until,
        }
        return JSONResponse(refusal, status_code=409)
    return JSONResponse(CallLeave.model_validate(started).model_dump(mode="json"))


def _start(ctx: Context, asked: CallStart, admission: Admission) -> StartedAttempt:
    assert_clock_right(ctx)
    try:
        return start.start_call(
            ctx,
            asked.loan,
            caller=asked.actor,
            item=asked.item,
            attempt=asked.attempt,
            opens_callbacks=False,
        )
    except NotPermittedError:
        admission.note_refusal(ctx.actor.reference, Permission.START_CALLS, ctx.now())
        raise


def _store(ctx: Context, webhook_id: str, event: LenderEvent) -> int:
    payload = event.data.payload(ctx.cipher)
    now = ctx.now()
    sender = ctx.actor.reference
    return store_and_commit(ctx, webhook_id, event.type, payload, now, sender=sender, wait=False)
