"""A route of whoever sends a token: known and permitted before anything of the body is read."""

from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar, get_type_hints

from fastapi import APIRouter, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from domain.actors import ActorKind
from domain.errors import (
    ArrearsError,
    AskedForError,
    NoOpenCallError,
    NotKnownError,
    NotOnRosterError,
    NotPermittedError,
    NotSignedInError,
    TooOftenError,
    text_of,
)
from domain.errors import RefusedError as RefusedByRuleError
from domain.hidden_amounts import amounts_hidden_in, without_amounts
from domain.language.sentences import error_in
from domain.language.speak import speak
from domain.permissions import Permission
from domain.reason_json import reasons_as_json
from domain.reasons import ReasonCode
from workers.access.authenticate import authenticate
from workers.attempts.attempts import BarredError
from workers.context import Context
from workers.http.desk.answers import ANSWERS, language_for
from workers.http.doors import Door
from workers.http.json_body import ReadRequest, check_is_json, parse_json
from workers.http.machines import admit
from workers.http.permission_of import AT_THE_DESK, DESK
from workers.http.requests import (
    NOT_AS_DESCRIBED,
    RefusedError,
    context_of,
    in_the_store,
    read_body,
)
from workers.http.wrong_fields import NAMED_AT_MOST
from workers.sending.clock_check import assert_clock_right

T = TypeVar("T")

TOKEN = HTTPBearer(
    scheme_name="token",
    description="The token that `arrears token new` made and an administrator enrolled, of the "
    "member of staff who works, or of a machine.",
    auto_error=False,
)
_LONGEST_TOKEN = 200
_NOT_KNOWN = frozenset(
    {
        ReasonCode.ARRANGEMENT_NOT_KNOWN,
        ReasonCode.ATTEMPT_NOT_KNOWN,
        ReasonCode.BORROWER_NOT_KNOWN,
        ReasonCode.COMPLAINED_OF_NOT_KNOWN,
        ReasonCode.CORRECTION_NOT_KNOWN,
        ReasonCode.HOLD_NOT_KNOWN,
        ReasonCode.LETTER_NOT_KNOWN,
        ReasonCode.LOAN_NOT_KNOWN,
        ReasonCode.MATTER_NOT_KNOWN,
        ReasonCode.PROMISE_NOT_KNOWN,
        ReasonCode.REPLY_NOT_KNOWN,
        ReasonCode.STAFF_NOT_KNOWN,
    }
)
"""Something that whoever calls has named is not on record."""


class DeskRoute(APIRoute):
    """A route that first asks who calls and whether they may, and only then reads what they say.

    The body is parsed by pydantic itself, whose errors become the names of fields.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        body_type = get_type_hints(self.endpoint, include_extras=True).get("body")
        adapter: TypeAdapter[object] | None = TypeAdapter(body_type) if body_type else None
        (method,) = self.methods or {""}
        permission = AT_THE_DESK[f"{method} {self.path}"]
        known = {each.alias for each in self.dependant.query_params}

        async def authenticate_and_handle(request: Request) -> Response:
            secret = _token_of(request)
            request.state.ctx = ctx = await at_the_desk(
                request, partial(_who_calls, context_of(request), secret, permission)
            )
            if ctx.actor.kind is ActorKind.MACHINE:
                machine = await admit(request, ctx.actor.reference, permission)
                request.state.ctx = ctx.acting(machine, is_noted_elsewhere=True)
            _refuse_unknown(request, known)
            if adapter is None:
                return await handle(request)
            body = await read_body(request)
            check_is_json(request.headers.get("content-type", ""))
            return await handle(ReadRequest(request, body, parse_json(adapter, body)))

        return authenticate_and_handle


def _refuse_unknown(request: Request, known: Collection[str]) -> None:
    """
    Raises:
        RefusedError: the address has a parameter that the path does not take. What it was to leave
            out would be answered, or done, all the same.
    """
    said = text_of("there is no such parameter here: leave it out, or correct its name")
    unknown = sorted(set(request.query_params) - set(known))[:NAMED_AT_MOST]
    if wrong := {name[:100]: said for name in unknown}:
        raise RefusedError(422, NOT_AS_DESCRIBED, list(wrong), wrong=wrong)


def desk_router(tag: str) -> APIRouter:
    """A router of paths at the desk. `tag` is the heading under which the description has them."""
    return APIRouter(
        prefix=DESK,
        route_class=DeskRoute,
        dependencies=[Security(TOKEN)],
        tags=[tag],
        responses=ANSWERS,
    )


def context_of_caller(request: Request) -> Context:
    """The context of whoever sent the token."""
    ctx: Context = request.state.ctx
    return ctx


async def at_the_desk(request: Request, work: Callable[[], T]) -> T:
    """Run a use case in a thread, with a connection of the desk.

    Raises:
        RefusedError: 401, the token is not taken; 403, its holder may not do this, or another
            person must grant it first; 404, what is named is not on record; 409, it cannot
            be done; 503, the database is away. It says so in the language that was asked for.
    """
    language = language_for(request.headers.get("accept-language"))
    return await in_the_store(request, Door.DESK, partial(_refusing, work, language))


def _refusing(work: Callable[[], T], language: str) -> T:
    try:
        return work()
    except TooOftenError:
        raise  # as the machines' door answers it
    except ArrearsError as error:
        raise _refusal(error, language) from None


class AmountsShownError(RefusedByRuleError):
    """A refusal for whoever may see what the loan owes. Any other says no amounts."""


class AskedInFullError(AskedForError):
    """What was asked for, for whoever may see what the loan owes."""


@contextmanager
def showing_amounts(may_see: Callable[[], bool]) -> Iterator[None]:
    """Refuse with the amounts if whoever calls may see them. It is asked only about a refusal."""
    try:
        yield
    except RefusedByRuleError as refused:
        if refused.reason != without_amounts(refused.reason) and may_see():
            raise AmountsShownError(str(refused), refused.reason) from None
        raise
    except AskedForError as asked:
        if may_see():
            raise AskedInFullError(*asked.texts) from None
        raise


def _refusal(error: ArrearsError, language: str) -> RefusedError:
    said = error_in(language, error)
    match error:
        case NotSignedInError():
            return RefusedError(401, said)
        case AskedInFullError():
            return RefusedError(403, said)
        case AskedForError():  # it says what was asked for
            return RefusedError(403, amounts_hidden_in(said))
        case NotPermittedError():
            return RefusedError(403, said)
        case NotKnownError() | NotOnRosterError() | NoOpenCallError():
            return RefusedError(404, said)
        case AmountsShownError():
            return RefusedError(409, said, more={"reason": reasons_as_json(error.reason)})
        case RefusedByRuleError():
            reason = without_amounts(error.reason)
            more: dict[str, Any] = {}
            if reason != error.reason:
                said = speak(reason, language)
            if isinstance(error, BarredError):
                until = error.until.isoformat() if error.until else None
                more = {"rules": list(error.rules), "not_before": until}
            unknown = bool(error.reason) and all(each.code in _NOT_KNOWN for each in error.reason)
            more = {"reason": reasons_as_json(reason), **more}
            return RefusedError(404 if unknown else 409, said, more=more)
    return RefusedError(409, said)


def _token_of(request: Request) -> str:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and 0 < len(secret) <= _LONGEST_TOKEN:
        with suppress(UnicodeEncodeError):
            secret.encode("ascii")
            return secret
    raise RefusedError(401, "no token: send it as `Authorization: Bearer TOKEN`")


def _who_calls(ctx: Context, secret: str, permission: Permission) -> Context:
    return authenticate(ctx, secret, permission, _clock_is_right)


def _clock_is_right(ctx: Context) -> None:
    """
    Raises:
        RefusedError: it is wrong, so nobody knows what is lawful now.
    """
    try:
        assert_clock_right(ctx)
    except ArrearsError as error:
        raise RefusedError(503, error.texts[0]) from None
