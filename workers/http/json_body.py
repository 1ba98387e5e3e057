"""Reads the body of a call as JSON, strictly, and without a word of what was sent in the answer."""

from email.message import Message

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request

from workers.http.requests import NOT_AS_DESCRIBED, RefusedError
from workers.http.wrong_fields import names_of, wrong_fields

LONGEST_CONTENT_TYPE = 200
NOT_JSON = "not application/json: send the header content-type: application/json"
_HEADER = ("content-type",)


class ReadRequest(Request):
    """A request whose body was read and parsed before FastAPI asks for it."""

    def __init__(self, request: Request, body: bytes, parsed: object) -> None:
        super().__init__(request.scope, request.receive)
        self._read = body
        self._parsed = parsed

    async def body(self) -> bytes:
        return self._read

    async def json(self) -> object:
        return self._parsed


def check_is_json(content_type: str) -> None:
    """Check that a body says of itself that it is JSON.

    Raises:
        RefusedError: it does not.
    """
    if len(content_type) > LONGEST_CONTENT_TYPE:
        raise RefusedError(415, NOT_JSON, _HEADER)
    header = Message()
    header["content-type"] = content_type
    if header.get_content_type() != "application/json":
        raise RefusedError(415, NOT_JSON, _HEADER)
    if header.get_content_charset("utf-8") not in {"utf-8", "utf8", "us-ascii"}:
        raise RefusedError(400, "not in UTF-8, as JSON is: send it in UTF-8", _HEADER)


def parse_json(adapter: TypeAdapter[object], body: bytes, depth: int = 0) -> object:
    """What a body says. `depth` is how many parts of an error's place are not fields.

    Raises:
        RefusedError: it is not JSON, or not as described; the fields are named.
    """
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        # Pydantic's own sentences may quote what was sent.
        errors = error.errors(include_url=False, include_input=False)
    if errors[0]["type"] == "json_invalid":
        raise RefusedError(400, "not JSON: send what /openapi.json describes")
    wrong = wrong_fields(errors, depth)
    raise RefusedError(422, NOT_AS_DESCRIBED, names_of(errors, depth), wrong=wrong)
