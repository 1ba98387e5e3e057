"""Calls of one kind that wait for the database leave connections for those of every other kind."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from itertools import islice

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import Engine, select

from tests.support.lender import SECRET, an_event, application_of, listen, signed
from tests.support.loans import Book
from workers.calls.assign import assign_call
from workers.db.engine import connect
from workers.db.schema import inbox_event, person
from workers.http import doors
from workers.http.app import create_app
from workers.http.doors import Door

WORD = "word"
BOUND = 15
"""Seconds: less than a lock is waited for."""


@pytest.fixture
def book(engine: Engine) -> Iterator[Book]:
    """A loan with a call to make, on as many connections as the webhook has."""
    own = connect(engine.url.render_as_string(hide_password=False), pool_size=doors.POOL_SIZE)
    book = Book(own, now="2026-03-02 10:00")
    listen(book, SECRET)
    tokens = {"tencent_callback_tokens": [SecretStr(WORD)]}
    book.ctx = replace(book.ctx, settings=book.ctx.settings.model_copy(update=tokens))
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    yield book
    own.dispose()


def test_calls_that_wait_for_a_borrower_stop_no_event_no_text_and_no_receipt(
    book: Book, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "WAIT_AT_MOST", 0.2)
    asked = {"loan": "L-1", "actor": "c-1"}
    a_text = {"extend": "", "mobile": "13900139000", "nationcode": "86", "sign": "s"}

    def post(path: str, body: object, id: str = "evt_1") -> int:
        content = json.dumps(body).encode()
        headers = signed(content, book.clock.at, id=id)
        asks = dialer if path == "/calls/start" else client
        return asks.post(path, content=content, headers=headers).status_code

    with (
        TestClient(create_app(book.ctx)) as client,
        TestClient(application_of(book, "/calls/start")) as dialer,
        ThreadPoolExecutor(Door.CALLS.connections + 2) as dialers,
    ):
        with engine.begin() as importing:
            importing.execute(select(person.c.id).with_for_update())
            waiting = [
                dialers.submit(post, "/calls/start", {**asked, "attempt": f"d-{n}"}, f"d-{n}")
                for n in range(Door.CALLS.connections + 2)
            ]
            with ThreadPoolExecutor(4) as others:
                told = [
                    others.submit(post, "/events", an_event()),
                    others.submit(
                        post,
                        f"/webhooks/tencent/{WORD}/inbound",
                        {**a_text, "text": "TD", "time": 1772416800},
                    ),
                    others.submit(
                        post,
                        f"/webhooks/tencent/{WORD}/status",
                        [{"sid": "T-1", "ext": "", "report_status": "SUCCESS"}],
                    ),
                    others.submit(lambda: client.get("/health").status_code),
                ]
                assert [each.result(BOUND) for each in told] == [202, 200, 200, 200]
            refused = list(islice(as_completed(waiting, BOUND), 2))
        answers = [each.result(BOUND) for each in waiting]
    assert len(book.rows(inbox_event)) == 3
    assert {each.result() for each in refused} == {503}, "two had no connection in time"
    assert answers.count(503) == 2
