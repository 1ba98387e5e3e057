"""What providers report: stored if signed, refused if not, applied by a task, each once."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine
from starlette.testclient import TestClient
from starlette.types import Message
from twilio.request_validator import RequestValidator

from config.environment import load_settings
from tests.support.environment import an_environment
from tests.support.loans import Book
from workers.db.engine import connect
from workers.db.schema import inbox_event, message, receipt
from workers.history import loan_history
from workers.http.app import create_app
from workers.http.requests import MOST_BYTES
from workers.inbox.apply import apply_event, dispatch_events

TOKEN = "secret"


@pytest.fixture
def book(engine: Engine) -> Book:
    """A loan whose first text is with the provider."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    return book


def report(
    book: Book,
    status: str = "delivered",
    *,
    reference: str = "",
    token: str = TOKEN,
    signed_url: str = "",
    **more: str,
) -> int:
    """Post a status callback as the provider would, and return the answer's status."""
    path = f"/webhooks/twilio/status?message={reference or book.one(message).id}"
    fields = {"MessageSid": "SM1", "MessageStatus": status, "To": "+8613800138000", **more}
    url = (signed_url or book.ctx.settings.public_url) + path
    signature = RequestValidator(token).compute_signature(url, fields)
    with TestClient(create_app(book.ctx)) as client:
        answer = client.post(path, data=fields, headers={"X-Twilio-Signature": signature})
    return answer.status_code


def apply_all(book: Book) -> None:
    for event_id in dispatch_events(book.ctx):
        apply_event(book.ctx, event_id)


def test_a_signed_report_is_stored_and_applied_once_however_often_it_comes(book: Book) -> None:
    assert [report(book) for _ in range(3)] == [204] * 3

    apply_all(book)
    apply_all(book)

    assert book.one(receipt).status == "delivered"
    assert book.one(message).status == "delivered"


def test_what_is_stored_holds_no_number(book: Book) -> None:
    report(book)

    assert "13800138000" not in str(book.one(inbox_event).payload)


def test_reports_out_of_order_never_take_a_text_backwards(book: Book) -> None:
    report(book, "delivered")
    report(book, "sent")

    apply_all(book)

    assert book.one(message).status == "delivered"
    assert len(book.rows(receipt)) == 2


def test_a_report_with_another_token_is_refused_and_nothing_is_stored(book: Book) -> None:
    assert report(book, token="somebody else's") == 403
    assert book.rows(inbox_event) == []


def test_whatever_is_refused_leaves_a_line_in_the_log_with_nothing_of_what_it_said(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    report(book, token="somebody else's")
    report(book, "no word")
    report(book, Body="x" * 100_000)

    refused = [line for line in caplog.messages if "a callback was refused" in line]
    assert [line.split()[5] for line in refused] == ["403", "400", "413"]
    assert not any(personal in line for line in refused for personal in ("138", "no word", "SM1"))


def test_a_slash_at_the_end_of_the_public_url_does_no_harm(book: Book) -> None:
    url = "https://collections.example/arrears"
    written = {"DATABASE_URL": book.ctx.settings.database_url, "ARREARS_PUBLIC_URL": f"{url}/"}
    written |= {"ARREARS_HOSTS": "testserver"}
    book.ctx = replace(book.ctx, settings=load_settings({**an_environment(), **written}))

    assert report(book, signed_url=url) == 204


def test_a_report_that_is_none_is_refused(book: Book) -> None:
    assert report(book, "not a word") == 400
    assert report(book, reference="not-an-id") == 400
    assert book.rows(inbox_event) == []


def test_a_status_that_is_not_known_yet_is_kept_and_shown_and_is_no_delivery(book: Book) -> None:
    assert report(book, "rejoicing") == 204

    apply_all(book)

    assert book.one(receipt).status == "rejoicing"
    assert book.one(message).status == "accepted"
    with book.ctx.engine.connect() as connection:
        story = loan_history(connection, book.ctx, "L-1")
    assert any("rejoicing" in sentence.text for sentence in story)


def test_an_enormous_report_is_refused_unread(book: Book) -> None:
    with TestClient(create_app(book.ctx)) as client:
        answer = client.post("/webhooks/twilio/status?message=x", content=b"x" * 100_000)
    assert answer.status_code == 413


def test_an_enormous_report_that_comes_in_pieces_is_read_no_further(book: Book) -> None:
    piece = b"x" * 10_000
    taken: list[bytes] = []
    answers: list[Message] = []

    async def next_piece() -> Message:
        taken.append(piece)
        return {"type": "http.request", "body": piece, "more_body": len(taken) < 1_000}

    async def answer(message: Message) -> None:
        answers.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/webhooks/twilio/status",
        "query_string": b"message=x",
        "headers": [(b"host", b"127.0.0.1:8000"), (b"transfer-encoding", b"chunked")],
    }
    asyncio.run(create_app(book.ctx)(scope, next_piece, answer))

    assert answers[0]["status"] == 413
    assert len(taken) == MOST_BYTES // len(piece) + 1


def test_the_health_page_says_no_and_nothing_more_when_the_database_is_away(book: Book) -> None:
    away = replace(book.ctx, engine=connect("postgresql+psycopg2://u:secret@127.0.0.1:1/x"))
    with TestClient(create_app(away)) as client:
        answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"healthy": False})


@pytest.mark.attack("read-only database")
def test_while_the_database_is_read_only_everything_is_to_be_sent_again_later(
    book: Book, engine: Engine
) -> None:
    url = engine.url.render_as_string(hide_password=False)
    read_only = create_engine(url, connect_args={"options": "-c default_transaction_read_only=on"})
    book.ctx = replace(book.ctx, engine=read_only)
    assert report(book) == 503
    with TestClient(create_app(book.ctx)) as client:
        answer = client.get("/health")
    read_only.dispose()
    assert (answer.status_code, answer.json()) == (503, {"healthy": False})
    assert int(answer.headers["Retry-After"]) > 0


def test_the_health_page_says_no_when_all_connections_stay_busy(
    book: Book, database_url: str
) -> None:
    engine = create_engine(database_url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    with engine.connect(), TestClient(create_app(replace(book.ctx, engine=engine))) as client:
        answer = client.get("/health")
    engine.dispose()
    assert (answer.status_code, answer.json()) == (503, {"healthy": False})


def test_while_tokens_rotate_either_of_them_signs(book: Book) -> None:
    settings = book.ctx.settings
    tokens = [SecretStr("new"), *settings.twilio_auth_tokens]
    rotating = settings.model_copy(update={"twilio_auth_tokens": tokens})
    book.ctx = replace(book.ctx, settings=rotating)

    assert report(book, token="new") == 204
    assert report(book, token=TOKEN) == 204


def test_a_report_for_a_text_nobody_sent_is_rejected_when_the_text_has_not_turned_up_in_a_day(
    book: Book,
) -> None:
    assert report(book, reference=str(uuid4())) == 204
    apply_all(book)
    assert book.one(inbox_event).status == "received"

    book.at("2026-03-03 10:01")
    apply_all(book)

    assert book.one(inbox_event).status == "rejected"


def test_the_health_page_says_whether_the_database_answers(book: Book) -> None:
    with TestClient(create_app(book.ctx)) as client:
        assert client.get("/health").status_code == 200


def test_a_call_that_names_another_host_is_refused_and_health_is_open(book: Book) -> None:
    def status(path: str, host: str) -> int:
        with TestClient(create_app(book.ctx)) as client:
            return client.get(path, headers={"host": host}).status_code

    settings = book.ctx.settings.model_copy(
        update={"public_url": "https://Collections.example/arrears", "hosts": ["Inside.example"]}
    )
    book.ctx = replace(book.ctx, settings=settings)
    known = ("collections.example", "collections.example:443", "inside.EXAMPLE")
    for host in (*known, "127.0.0.1:8000", "localhost", "[::1]:8000"):
        assert status("/openapi.json", host) == 200, host
    for host in ("evil.example", "collections.example.evil.example", "", "[::2]", "127.0.0.2"):
        assert status("/openapi.json", host) == 400, host
        assert status("/health", host) == 200, host
