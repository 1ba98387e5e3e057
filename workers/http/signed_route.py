"""A route that verifies a Standard Webhooks signature before the body is parsed."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, get_type_hints

from fastapi import Header
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader
from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from workers.http.json_body import ReadRequest, check_is_json, parse_json
from workers.http.lender_events import AnyLenderEvent
from workers.http.machines import admit
from workers.http.permission_of import assert_named, permission_for
from workers.http.requests import RefusedError, context_of, read_body
from workers.http.signatures import check_signature


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
            parsed = parse_json(adapter, body, depth)
            request.state.machine = await admit(request, sender, permission_for(self.path, parsed))
            return await handle(ReadRequest(request, body, parsed))

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
    check_is_json(request.headers.get("content-type", ""))
    return sender, body
