"""No door shows whether a loan, a person or a number is known to whoever may not know it."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, select
from twilio.request_validator import RequestValidator

from domain.permissions import PERMISSIONS, Permission
from tests.support.lender import OTHER_SECRET, SECRET, allow, an_event, listen_to, tell
from tests.support.loans import PHONE, Book
from workers.db.schema import inbox_event
from workers.http.app import create_app
from workers.inbox.kinds import EVENT_KINDS

INBOUND = "/webhooks/twilio/inbound"
STRANGER = "whsec_" + "A" * 32


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 of B-L-1 is known; `core` may send payments, `dialer` may do nothing."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1")
    listen_to(book, core=[SECRET], dialer=[OTHER_SECRET])
    allow(book, "core", Permission.RECORD_PAYMENTS)
    allow(book, "dialer", Permission.READ_RETENTION)
    return book


def payment(secret: str) -> Callable[[Book, bool], Response]:
    return lambda book, known: tell(
        book, an_event(loan="L-1" if known else "L-9"), id=f"evt_{known}", secret=secret
    )


def call(secret: str) -> Callable[[Book, bool], Response]:
    asked = {"attempt": "d-1", "actor": "c-1"}
    return lambda book, known: tell(
        book, {**asked, "loan": "L-1" if known else "L-9"}, secret=secret, path="/calls/start"
    )


def opt_out(book: Book, known: bool) -> Response:
    said = {"borrower": "B-L-1" if known else "B-9", "channel": None, "actor": "c-1"}
    return tell(book, an_event("opt_out", **said), secret=SECRET)


def inbound(token: str) -> Callable[[Book, bool], Response]:
    def post(book: Book, known: bool) -> Response:
        number = PHONE["CN"] if known else "+8613900139009"
        fields = {"MessageSid": f"SM{known}", "From": number, "Body": "who is this"}
        url = book.ctx.settings.public_url + INBOUND
        signature = RequestValidator(token).compute_signature(url, fields)
        with TestClient(create_app(book.ctx)) as client:
            return client.post(INBOUND, data=fields, headers={"X-Twilio-Signature": signature})

    return post


@pytest.mark.attack("beyond the scope")
@pytest.mark.parametrize(
    ("post", "status"),
    [
        (payment(SECRET), 202),
        (payment(OTHER_SECRET), 403),
        (payment(STRANGER), 401),
        (call(SECRET), 403),
        (call(STRANGER), 401),
        (opt_out, 403),
        (inbound("secret"), 200),
        (inbound("guessed"), 403),
    ],
)
def test_what_is_known_is_answered_like_what_is_not(
    book: Book, post: Callable[[Book, bool], Response], status: int
) -> None:
    known, unknown = post(book, True), post(book, False)

    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert known.status_code == status
    assert set(known.headers) == set(unknown.headers)


@pytest.mark.attack("colliding event ids")
def test_an_id_that_comes_again_with_another_kind_is_refused_and_changes_nothing(
    book: Book,
) -> None:
    allow(book, "core")
    assert tell(book, an_event(), secret=SECRET).status_code == 202
    write_off = {"loan": "L-1", "written_off_on": "2026-03-02", "why": "sold", "actor": "s-1"}

    again = tell(book, an_event("write_off", **write_off), secret=SECRET)

    assert again.status_code == 409
    assert "its kind never changes" in again.json()["detail"]
    assert book.one(select(inbox_event.c.kind)).kind == "payment"
    assert tell(book, an_event(), secret=SECRET).status_code == 202, "the first one again"


@pytest.mark.attack("forged actor")
def test_whom_a_machine_names_gives_it_no_right(book: Book) -> None:
    book.staff("sup-1", "supervisor")
    for actor in ("sup-1", "ghost"):
        hold = {"hold": "H-1", "loan": "L-1", "kind": "vulnerability", "why": "ill", "actor": actor}
        refused = tell(
            book, an_event("hold", **hold, starts_on="2026-03-02", ends_on=None), secret=SECRET
        )
        assert (refused.status_code, "events:hold" in refused.text) == (403, True)
    assert book.rows(inbox_event) == []


@pytest.mark.attack("forged actor")
def test_what_needs_a_second_person_is_no_event_except_a_write_off() -> None:
    posted = {kind.name for kind in EVENT_KINDS.values() if kind.data}
    needs_two = {kind for kind in posted if PERMISSIONS[EVENT_KINDS[kind].permission].second_person}
    assert needs_two == {"write_off", "write_off_taken_back"}
