"""What /openapi.json says that FastAPI cannot read from the endpoints.

They read their bodies themselves, for a body is parsed only after its signature is verified.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from workers.http.lender_events import CALL_START_ASKED, LENDER_EVENT
from workers.http.requests import RETRY_AFTER_SECONDS

_EVENT = LENDER_EVENT.json_schema(ref_template="#/components/schemas/{model}")
_EVENT_PARTS = _EVENT.pop("$defs")
"""What the event's description refers to: it stands with the other components."""


class CallBarred(BaseModel):
    """Why a call may not begin."""

    detail: str
    """A sentence without personal data."""
    rules: list[str] = []
    """The rules that speak against it."""
    not_before: str | None = None
    """The first lawful moment, ISO 8601; null: not before a fact changes."""


class CallLeave(BaseModel):
    """What a call needs that may begin now."""

    attempt: str
    """The id under which its outcome is told."""
    number: str
    """E.164: personal data, to be dialled and not kept."""
    item: str
    purpose: str
    language: str
    """BCP 47."""
    must_learn: list[str]
    may_offer: list[str]
    warnings: list[str]
    """Advisory rules that speak against it and do not stop it."""


class Refusal(BaseModel):
    """Why a call was not taken."""

    detail: str
    """Holds nothing of what the call said."""
    fields: list[str]
    """The names of the fields that are wrong, where it is fields."""


SECURITY_SCHEMES = {
    "lender": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": (
            "Standard Webhooks: `v1,` and the base64 of HMAC-SHA256 over webhook-id, "
            "webhook-timestamp and the raw body, joined by full stops. Several may be given, with "
            "spaces between them; one that a known secret made is enough."
        ),
    },
    "twilio": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Twilio-Signature",
        "description": "Twilio's signature over the public address and the form.",
    },
}


def _refusals(**reasons: str) -> dict[int | str, dict[str, Any]]:
    retry = {
        "Retry-After": {
            "description": f"Seconds: {RETRY_AFTER_SECONDS}.",
            "schema": {"type": "integer"},
        }
    }
    return {
        int(status[1:]): {"description": why, "model": Refusal}
        | ({"headers": retry} if status == "_503" else {})
        for status, why in reasons.items()
    }


def _form(required: list[str], **fields: str) -> dict[str, Any]:
    properties = {
        name: {"type": "string", "description": meaning} for name, meaning in fields.items()
    }
    schema = {"type": "object", "properties": properties, "required": required}
    return {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}


def _parameter(place: str, name: str, meaning: str, pattern: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": pattern}
    said = {"in": place, "name": name, "description": meaning}
    return {**said, "required": True, "schema": schema}


_TOO_LARGE = "Larger than 64 KiB."
_AWAY = "The database is away. Nothing was stored: send it again."
_NOT_A_FORM = "Not a form in UTF-8, or not of the kind that is taken here."
_NOT_SIGNED = "Without a valid signature over the public address."
_OTHER_CONTENTS = "The same id came with other contents, and was applied."
_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


def _signed(conflict: str, body: dict[str, Any]) -> dict[str, Any]:
    """What a call of the lender's, signed, has in common with the others."""
    return {
        "responses": _refusals(
            _400="Not JSON, or not in UTF-8.",
            _401="The signature is missing or wrong, or more than five minutes off.",
            _404="No secret is set, so nothing is taken in here.",
            _409=conflict,
            _413=_TOO_LARGE,
            _415="Not application/json.",
            _422="Fields are missing, unknown or wrong; the answer names them.",
            _503=_AWAY,
        ),
        "openapi_extra": {
            "security": [{"lender": []}],
            "parameters": [
                _parameter(
                    "header",
                    "webhook-id",
                    "Its own id: the same id is the same event, however often it is sent.",
                    "^[A-Za-z0-9_:-]{1,128}$",
                ),
                _parameter(
                    "header",
                    "webhook-timestamp",
                    "When it was signed, in Unix seconds.",
                    "^[0-9]{1,11}$",
                ),
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        },
    }


EVENTS: dict[str, Any] = {
    "status_code": 202,
    "response_description": "Stored, now or before. It is applied soon after.",
    **_signed(_OTHER_CONTENTS, _EVENT),
}

_CALL_START = _signed("The call may not begin now.", CALL_START_ASKED.json_schema())
_CALL_START["responses"][409] = {"description": "It may not begin now.", "model": CallBarred}
CALL_START: dict[str, Any] = {
    "status_code": 200,
    "response_description": "It may begin, and counts from now on. The number is personal data.",
    "response_model": CallLeave,
    **_CALL_START,
}

TWILIO_STATUS: dict[str, Any] = {
    "status_code": 204,
    "response_description": "Stored, now or before.",
    "responses": _refusals(
        _400=_NOT_A_FORM, _403=_NOT_SIGNED, _409=_OTHER_CONTENTS, _413=_TOO_LARGE, _503=_AWAY
    ),
    "openapi_extra": {
        "security": [{"twilio": []}],
        "parameters": [_parameter("query", "message", "The house's own id of the text.", _UUID)],
        "requestBody": _form(
            ["MessageSid", "MessageStatus"],
            MessageSid="Twilio's id of the text.",
            MessageStatus="What became of it, in Twilio's word.",
            ErrorCode="Why it failed, if it did.",
        ),
    },
}

TWILIO_INBOUND: dict[str, Any] = {
    "status_code": 200,
    "response_description": "On record, now or before. TwiML: what is to be answered, if anything.",
    "responses": _refusals(_400=_NOT_A_FORM, _403=_NOT_SIGNED, _413=_TOO_LARGE, _503=_AWAY)
    | {200: {"content": {"text/xml": {"schema": {"type": "string"}}}}},
    "openapi_extra": {
        "security": [{"twilio": []}],
        "requestBody": _form(
            ["MessageSid", "From", "Body"],
            MessageSid="Twilio's id of the text.",
            From="E.164.",
            Body="What the borrower wrote.",
            OptOutType="STOP, START or HELP, where Twilio reads it so.",
        ),
    },
}

_TENCENT_TAKEN = {
    "type": "object",
    "properties": {"result": {"type": "integer"}, "errmsg": {"type": "string"}},
}


def _tencent(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "status_code": 200,
        "response_description": "Stored, now or before.",
        "responses": _refusals(
            _400="Not what Tencent Cloud sends here.",
            _404="The word in the address is not one that Tencent Cloud was told.",
            _409=_OTHER_CONTENTS,
            _413=_TOO_LARGE,
            _503=_AWAY,
        )
        | {200: {"content": {"application/json": {"schema": _TENCENT_TAKEN}}}},
        "openapi_extra": {
            "parameters": [
                _parameter("path", "token", "The word that only Tencent Cloud was told.", "^[^/]+$")
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        },
    }


_WORD = {"type": "string"}

TENCENT_STATUS = _tencent(
    {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "sid": _WORD,
                "report_status": {"enum": ["SUCCESS", "FAIL"]},
                "errmsg": _WORD,
                "ext": _WORD,
            },
            "required": ["sid", "report_status"],
        },
    }
)
TENCENT_INBOUND = _tencent(
    {
        "type": "object",
        "properties": {
            "nationcode": _WORD,
            "mobile": _WORD,
            "text": _WORD,
            "time": {"type": "integer"},
        },
        "required": ["nationcode", "mobile", "text", "time"],
    }
)


_HEALTHY = {"type": "object", "properties": {"healthy": {"type": "boolean"}}}

HEALTH: dict[str, Any] = {
    "response_description": "The database answers.",
    "responses": {
        status: {"description": meaning, "content": {"application/json": {"schema": _HEALTHY}}}
        for status, meaning in (
            (200, "The database answers."),
            (503, "It does not; `arrears check` says why."),
        )
    },
}


class Described(FastAPI):
    """The application, whose description knows the events and the signatures as well."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            described = super().openapi()
            components = described.setdefault("components", {})
            components.setdefault("schemas", {}).update(_EVENT_PARTS)
            components["securitySchemes"] = SECURITY_SCHEMES
        return super().openapi()
