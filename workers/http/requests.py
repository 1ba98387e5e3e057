"""Reads a call from outside, up to a limit, and refuses it in a sentence."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from psycopg2.errors import LockNotAvailable
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from domain.actors import Actor, ActorKind
from domain.errors import ArrearsError, Text, TooOftenError
from domain.hidden_amounts import amounts_hidden_in
from domain.language.sentences import text_in
from workers.attempts.attempts import BarredError
from workers.context import Context
from workers.db.engine import is_read_only
from workers.failures import log_summary
from workers.http.doors import Door, Doors
from workers.http.wrong_fields import WHOLE, wrong_fields
from workers.sms.providers.twilio import form_fields

log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
RETRY_AFTER_SECONDS = 30
NOT_AS_DESCRIBED = "fields are missing, unknown or not as /openapi.json describes them"
OF_WHAT_WAS_SENT = frozenset({400, 413, 415, 422})
"""Statuses of what cannot be read as it was sent. The answer says where that is, and what to send
instead. Who may not call, and what cannot be done, is another matter."""
_IDENTIFIER = re.compile(r"[!-~]{1,128}")

Result = TypeVar("Result")


@dataclass(eq=False)
class RefusedError(Exception):
    """A call that is not taken. Neither `why` nor `fields` hold anything of what it said."""

    status: int
    """HTTP."""
    why: str | Text
    fields: Sequence[str] = ()
    """The names of the fields, parameters or headers that are wrong."""
    retry_after: int | None = None
    """Seconds after which it may be taken."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """What else the answer says, for programs: reasons as codes, rules, moments."""
    wrong: Mapping[str, Text] | None = None
    """What to send instead, by these names, or `body` for the whole; None: `why` says it."""


def refuse(request: Request, error: Exception, language: str = "en") -> Response:
    """Answer a call that is not taken. The log has only the reason: the sender chose the names of
    the fields.

    An `ArrearsError` from outside the store is about what the call said.
    """
    if isinstance(error, RequestValidationError):  # of the address or a header; it may quote them
        named = wrong_fields(error.errors(), depth=1)
        error = RefusedError(422, NOT_AS_DESCRIBED, list(named), wrong=named)
    if not isinstance(error, RefusedError):
        error = RefusedError(400, str(error))
    # The pattern of the route: the address that was called may hold a secret token.
    route = getattr(request.scope.get("route"), "path", "no route")
    codes = [each["code"] for each in error.more.get("reason", ())]
    why = ", ".join(codes) or amounts_hidden_in(str(error.why))
    log.warning("a callback was refused with %s at %s: %s", error.status, route, why)
    said = error.why if isinstance(error.why, Text) else Text(error.why)
    refusal = {"detail": text_in(language, said), "fields": list(error.fields), **error.more}
    if error.status in OF_WHAT_WAS_SENT:
        wrong = error.wrong or dict.fromkeys(error.fields or (WHOLE,), said)
        refusal["wrong"] = {name: text_in(language, each) for name, each in wrong.items()}
    retry_after = RETRY_AFTER_SECONDS if error.status == 503 else error.retry_after
    headers = {"Retry-After": str(retry_after)} if retry_after else None
    return JSONResponse(refusal, status_code=error.status, headers=headers)


def context_of(request: Request) -> Context:
    """The context of a call before anybody is authenticated: it may do nothing."""
    ctx: Context = request.app.state.ctx
    return ctx


def context_of_machine(request: Request) -> Context:
    """The context of a call that a machine has signed. What it is permitted is on record with what
    it does, and `Admission` puts on record what it is refused."""
    machine: Actor = request.state.machine
    return context_of(request).acting(machine, is_noted_elsewhere=True)


def context_of_provider(request: Request, name: str) -> Context:
    """The context of a call that a provider has signed, or sent with its secret."""
    return context_of(request).acting(Actor(name, ActorKind.PROVIDER))


async def read_body(request: Request) -> bytes:
    """The raw body.

    Raises:
        RefusedError: it is larger than `MOST_BYTES`; no more is read, whatever was announced. Or
            the caller is gone.
    """
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise RefusedError(413, "larger than 64 KiB: send less at once")
    except ClientDisconnect:
        raise RefusedError(408, "its connection ended before its body did") from None
    return body


def read_form(body: bytes) -> ImmutableMultiDict[str, str]:
    """The fields of a form.

    Raises:
        RefusedError: it is not text in UTF-8.
    """
    try:
        return form_fields(body.decode())
    except ValueError:
        raise RefusedError(400, "not a form in UTF-8: send one") from None


def refuse_zeros(fields: ImmutableMultiDict[str, str]) -> ImmutableMultiDict[str, str]:
    """The fields of a form, if none holds the character that no text in the database can hold.

    Raises:
        RefusedError: one of them does.
    """
    if any("\x00" in value for _, value in fields.multi_items()):
        raise RefusedError(400, "a form with a character that no text can hold")
    return fields


def without_zeros(fields: ImmutableMultiDict[str, str]) -> ImmutableMultiDict[str, str]:
    """The fields of a form with � instead of that character: what a borrower wrote is not lost."""
    items = fields.multi_items()
    return ImmutableMultiDict([(name, value.replace("\x00", "\ufffd")) for name, value in items])


def check_identifier(written: str) -> None:
    """Refuse an id that the database cannot hold or people cannot read.

    Raises:
        RefusedError: it is not one.
    """
    if not _IDENTIFIER.fullmatch(written):
        raise RefusedError(400, "its id is no id: write 1 to 128 visible ASCII characters")


async def in_the_store(request: Request, door: Door, work: Callable[[], Result]) -> Result:
    """Run what waits for the database in a thread, with a connection of the door, so that other
    calls are served meanwhile.

    Raises:
        RefusedError: the database is away, too busy or read only, or what came contradicts what
            is on record.
    """
    doors: Doors = request.app.state.doors
    try:
        await doors.enter(door)
    except TimeoutError:
        raise RefusedError(503, "too many such calls at once; try again later") from None
    try:
        return await run_in_threadpool(work)
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise RefusedError(503, "it is being changed right now; try again later") from None
        raise RefusedError(503, "the database is away; try again later") from None
    except DBAPIError as error:
        if is_read_only(error):
            raise RefusedError(503, "the database is read only; try again later") from None
        if door is not Door.TEXTS:
            raise
        # It may ask for no contact at all. So it is never taken for stored, and comes again.
        log.error("a text was not stored: %s", log_summary(error))
        raise RefusedError(503, "the database refuses it; try again later") from None
    except BarredError:
        raise
    except TooOftenError as error:
        raise RefusedError(429, error.texts[0], retry_after=error.retry_after) from None
    except ArrearsError as error:
        if door is Door.TEXTS:
            log.error("a text was not stored: %s", log_summary(error))
            raise RefusedError(503, "it cannot be stored now; try again later") from None
        raise RefusedError(409, str(error)) from None
    finally:
        doors.leave(door)
