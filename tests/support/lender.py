"""The lender's systems: they sign what they tell, and post it."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError
from standardwebhooks import Webhook

from domain.events import LENDER
from domain.permissions import PERMISSIONS, Permission
from tests.support.loans import Book
from workers.access.machines import allow_machine
from workers.http.app import create_api, create_app

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

PAYMENT: dict[str, Any] = {
    "payment": "P-1",
    "loan": "L-1",
    "amount": "1000.00",
    "currency": "CNY",
    "paid_on": "2026-03-02",
}


def listen(book: Book, *secrets: str) -> None:
    """Let Arrears take events of the sender `lender`, signed with any of these secrets."""
    listen_to(book, **({LENDER: secrets} if secrets else {}))


def listen_to(book: Book, **of_senders: Sequence[str]) -> None:
    """Let Arrears take events of these senders, signed with any of their secrets. As machines they
    may do all that a machine may."""
    for sender in of_senders:
        allow(book, sender)
    known = {
        sender: [SecretStr(secret) for secret in secrets] for sender, secrets in of_senders.items()
    }
    settings = book.ctx.settings.model_copy(update={"events_in_secrets": known or None})
    book.ctx = replace(book.ctx, settings=settings)


EVERY_SCOPE = tuple(each for each in Permission if PERMISSIONS[each].machines)


def allow(book: Book, name: str, *scopes: Permission, **more: Any) -> None:
    """Let a machine do this; without scopes, all that any machine may do.

    Where no database is, nothing is allowed.
    """
    with suppress(OperationalError):
        allow_machine(book.ctx, name, scopes or EVERY_SCOPE, **more)


def an_event(kind: str = "payment", /, **data: Any) -> dict[str, Any]:
    """An event as it is posted; a payment has all it needs unless the story says otherwise."""
    facts = {**PAYMENT, **data} if kind == "payment" else data
    return {"type": kind, "timestamp": "2026-03-02T10:00:00+08:00", "data": facts}


def signed(body: bytes, at: datetime, *, id: str = "evt_1", secret: str = SECRET) -> dict[str, str]:
    """The headers with which the lender's systems post a body."""
    return {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, at, body.decode(errors="replace")),
    }


def application_of(book: Book, path: str) -> FastAPI:
    """The application that serves a path: calls are started by one of their own."""
    return create_api(book.ctx) if path == "/calls/start" else create_app(book.ctx)


def tell(
    book: Book,
    event: Mapping[str, Any] | bytes,
    *,
    id: str = "evt_1",
    secret: str = SECRET,
    at: datetime | None = None,
    path: str = "/events",
    **headers: str,
) -> Response:
    """Post an event as the lender's systems would, signed at `at`: now, if left out."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    sent = signed(body, at or book.clock.at, id=id, secret=secret)
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    with TestClient(application_of(book, path)) as client:
        return client.post(path, content=body, headers=sent)
