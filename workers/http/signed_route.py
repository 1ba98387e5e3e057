"""A route that verifies a Standard Webhooks signature before the body is parsed."""

from collections.abc import Callable, Coroutine, Iterable
from email.message import Message
from typing import Annotated, Any, get_type_hints

from fastapi import Header
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from domain.actors import Actor
from workers.http.lender_events import AnyLenderEvent
from workers.http.machines import admit
from workers.http.permission_of import assert_named, permission_for
from workers.http.requests import RefusedError, context_of, read_body
from workers.http.signatures import check_signature

LONGEST_CONTENT_TYPE = 200
NAMED_AT_MOST = 20
"""Fields that are wrong and named in one answer; the rest shows when these are right."""


class SignedRequest(Request):
    """A request whose body was verified and parsed before FastAPI asks for it."""

    def __init__(self, request: Request, machine: Actor, body: bytes, parsed: object) -> None:
        super().__init__(request.scope, request.receive)
        self.state.machine = machine
        self._verified = body
        self._parsed = parsed

    async def body(self) -> bytes:
        return self._verified

    async def json(self) -> object:
        return self._parsed


class SignedRoute(APIRoute):
    """A route that verifies the signature first, and then asks whether its machine may do this.
    FastAPI's own route parses the body first.

    The body is parsed as JSON by pydantic itself, which is strict about JSON types and whose errors
    become sentences without anything of what was sent.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        body_type = get_type_hints(self.endpoint, include_extras=True)["body"]
        adapter: TypeAdapter[object] = TypeAdapter(body_type)
        # An event's errors stand below its kind, which the sender knows.
        depth = 1 if body_type == AnyLenderEvent else 0
        assert_named(self.path)

        async def verify_and_handle(request: Request) -> Response:
            sender, body = await _read_signed(request)
            parsed = _parse(adapter, body, depth)
            machine = await admit(request, sender, permission_for(self.path, parsed))
            return await handle(SignedRequest(request, machine, body, parsed))

        return verify_and_handle


def signature_headers(
    webhook_id: Annotated[
        str,
        Header(
            description="The sender's own id: the same id is the same event, however often sent.",
            pattern="^[A-Za-z0-9_:-]{1,128}$",
        ),
    ],
    webhook_timestamp: Annotated[
        str, Header(description="When it was signed, in Unix seconds.", pattern="^[0-9]{1,11}$")
    ],
) -> str:
    """The id under which the call was signed. `SignedRoute` has verified both headers."""
    del webhook_timestamp
    return webhook_id


SIGNATURE = APIKeyHeader(
    name="webhook-signature",
    scheme_name="lender",
    auto_error=False,
    description=(
        "Standard Webhooks: `v1,` and the base64 of HMAC-SHA256 over webhook-id, "
        "webhook-timestamp and the raw body, joined by full stops. Several may be given, with "
        "spaces between them; one that a known secret made is enough."
    ),
)


async def _read_signed(request: Request) -> tuple[str, bytes]:
    """The sender and the body of a call that a known secret signed.

    Raises:
        RefusedError: no secret is set, it is not signed with one, or it is not JSON in UTF-8.
    """
    ctx = context_of(request)
    of_senders = ctx.settings.events_in_secrets
    if not of_senders:
        raise RefusedError(404, "no events are taken here: ARREARS_EVENTS_IN_SECRETS is not set")
    body = await read_body(request)
    known = {
        sender: [secret.get_secret_value() for secret in secrets]
        for sender, secrets in of_senders.items()
    }
    sender = check_signature(body, request.headers, known, ctx.now())
    _check_is_json(request.headers.get("content-type", ""))
    return sender, body


def _check_is_json(content_type: str) -> None:
    if len(content_type) > LONGEST_CONTENT_TYPE:
        raise RefusedError(415, "not application/json")
    header = Message()
    header["content-type"] = content_type
    if header.get_content_type() != "application/json":
        raise RefusedError(415, "not application/json")
    if header.get_content_charset("utf-8") not in {"utf-8", "utf8", "us-ascii"}:
        raise RefusedError(400, "not in UTF-8, as JSON is")


def _parse(adapter: TypeAdapter[object], body: bytes, depth: int) -> object:
    """What a verified body says. `depth` is how many parts of an error's place are not fields.

    Raises:
        RefusedError: it is not JSON, or not as described; the fields are named.
    """
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        # Pydantic's own sentences may quote what was sent.
        errors = error.errors(include_url=False, include_context=False, include_input=False)
    if errors[0]["type"] == "json_invalid":
        raise RefusedError(400, "not JSON")
    raise RefusedError(
        422,
        "fields are missing, unknown or not as /openapi.json describes them",
        _names(errors, depth),
    )


def _names(errors: Iterable[Any], depth: int) -> list[str]:
    """The fields that errors are about, as `data.amount`; `type` where it is no kind of event."""
    names = {".".join(str(part) for part in error["loc"][depth:]) or "type" for error in errors}
    return [name[:100] for name in sorted(names)[:NAMED_AT_MOST]]
