"""People at the desk: they send their token, and are answered in JSON."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine

from domain.actors import Role
from tests.support.loans import NAME, Book
from tests.support.signed_in import sign_in
from workers.calls.assign import assign_call
from workers.context import Context
from workers.http.app import create_desk

DESK = "/api/v1"


def token_of(engine: Engine, reference: str, *roles: Role) -> dict[str, str]:
    """The header of a member of staff who is signed in, as `sign_in` has it."""
    with engine.begin() as connection:
        secret = sign_in(connection, reference, *roles).read_text()
    return {"authorization": f"Bearer {secret}"}


def at_desk(
    book: Book,
    who: Mapping[str, str],
    path: str,
    said: Mapping[str, Any] | None = None,
    **headers: str,
) -> Response:
    """What a call at the desk is answered: a GET, or a POST of what was said."""
    with TestClient(_desk_on(book.ctx)) as client:
        return asked(client, who, path, said, **headers)


def a_call_to_make(engine: Engine) -> Book:
    """L-1 has been past due since yesterday, and its call is that of c-1, who is on shift."""
    book = Book(engine, now="2026-03-02 10:00")
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    return book


RIGHT = {"answers": {"name": NAME, "address_numbers": "1"}}
"""What the person on the line says of themselves; it is right."""


def call_confirmed(book: Book, who: Mapping[str, str], loan: str = "L-1") -> None:
    """They start the call `a-1` that they are served, and the right person answers."""
    at_desk(book, who, "/work/next", {})
    at_desk(book, who, "/calls", {"loan": loan, "attempt": "a-1"})
    assert at_desk(book, who, "/calls/a-1/right-party", RIGHT).json()["confirmed"]


_made: list[tuple[Context, FastAPI]] = []


def _desk_on(ctx: Context) -> FastAPI:
    """The desk that was made last, if it was made on this context; its first call takes long."""
    if not (_made and _made[0][0] is ctx):
        _made[:] = [(ctx, create_desk(ctx))]
    return _made[0][1]


def asked(
    client: TestClient,
    who: Mapping[str, str],
    path: str,
    said: Mapping[str, Any] | None = None,
    **headers: str,
) -> Response:
    """The same of a desk that is asked more than once."""
    sent = {**who, **{name.replace("_", "-"): value for name, value in headers.items()}}
    if said is None:
        return client.get(DESK + path, headers=sent)
    sent["content-type"] = "application/json"
    return client.post(DESK + path, content=json.dumps(said), headers=sent)
