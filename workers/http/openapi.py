"""What FastAPI cannot read from the endpoints for /openapi.json: refusals, and what they read."""

from typing import Any

from pydantic import BaseModel

from workers.http.requests import OF_WHAT_WAS_SENT, RETRY_AFTER_SECONDS

FORM = "application/x-www-form-urlencoded"
OTHER_CONTENTS = "The same id came with other contents, and was applied."


class Refusal(BaseModel):
    """Why a call was not taken."""

    detail: str
    """Holds nothing of what the call said."""
    fields: list[str]
    """The names of the fields, parameters or headers that are wrong, where it is these."""


class NotAsDescribed(Refusal):
    """Where what was sent is wrong, and what to send instead."""

    wrong: dict[str, str]
    """By the name of the field, of the parameter in the address or of the header, or `body` for the
    whole body: what to send instead. At the desk in the language that was asked for."""


def refusals(**reasons: str) -> dict[int | str, dict[str, Any]]:
    """The refusals of an endpoint, for `responses`: `_400="Not JSON."`; 413 and 503 are common."""
    statuses = {int(name[1:]): why for name, why in reasons.items()}
    described: dict[int | str, dict[str, Any]] = {
        status: {
            "description": why,
            "model": NotAsDescribed if status in OF_WHAT_WAS_SENT else Refusal,
        }
        for status, why in (statuses | {413: "Larger than 64 KiB."}).items()
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
