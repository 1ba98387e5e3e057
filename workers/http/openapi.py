"""What FastAPI cannot read from the endpoints for /openapi.json: refusals, and what they read."""

from typing import Any

from pydantic import BaseModel

from workers.http.requests import RETRY_AFTER_SECONDS

FORM = "application/x-www-form-urlencoded"
OTHER_CONTENTS = "The same id came with other contents, and was applied."


class Refusal(BaseModel):
    """Why a call was not taken."""

    detail: str
    """Holds nothing of what the call said."""
    fields: list[str]
    """The names of the fields that are wrong, where it is fields."""


def refusals(**reasons: str) -> dict[int | str, dict[str, Any]]:
    """The refusals of an endpoint, for `responses`: `_400="Not JSON."`; 413 and 503 are common."""
    described: dict[int | str, dict[str, Any]] = {
        int(status[1:]): {"description": reason, "model": Refusal}
        for status, reason in (reasons | {"_413": "Larger than 64 KiB."}).items()
    }
    retry_after = {
        "description": f"Seconds: {RETRY_AFTER_SECONDS}.",
        "schema": {"type": "integer"},
    }
    described[503] = {
        "description": "The database is away. Nothing was stored: send it again.",
        "model": Refusal,
        "headers": {"Retry-After": retry_after},
    }
    return described


def described_request(
    schema: dict[str, Any], media_type: str = "application/json"
) -> dict[str, Any]:
    """The body of an endpoint that parses it by itself, for `openapi_extra`."""
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}}
