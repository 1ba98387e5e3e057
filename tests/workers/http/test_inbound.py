"""What borrowers write back, as the providers pass it on: on record once, and a stop at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import SecretStr
from sqlalchemy import Engine, text
from twilio.request_validator import RequestValidator

from config.readers.templates import Templates
from domain.reasons import ReasonCode, because
from domain.sending import StoppedBecause
from tests.support.encrypted import opened
from tests.support.loans import PHONE, Book
from workers.db.inbox_queue import lock_event
from workers.db.schema import inbox_event, message, receipt, reply
from workers.db.sending_holds import set_sending_hold
from workers.http.app import create_app
from workers.inbox.apply import apply_events, dispatch_events

PATH = "/webhooks/twilio/inbound"
TOKEN = "secret"
WORD = "only-tencent-was-told"


@pytest.fixture
def book(engine: Engine) -> Book:
    """A loan whose borrower was texted, in a house that both providers may call."""
    book = Book(engine, now="2026-03-02 10:00")
    settings = book.ctx.settings.model_copy(
        update={"tencent_callback_tokens": [SecretStr("older-word"), SecretStr(WORD)]}
    )
    book.ctx = replace(book.ctx, settings=settings)
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    return book


def twilio(book: Book, body: str, *, sid: str = "SM1", token: str = TOKEN, **more: str) -> Response:
    """Post a borrower's text as Twilio would."""
    fields = {"MessageSid": sid, "From": PHONE["CN"], "Body": body, **more}
    url = book.ctx.settings.public_url + PATH
    signature = RequestValidator(token).compute_signature(url, fields)
    with TestClient(create_app(book.ctx)) as client:
        answer = client.post(PATH, data=fields, headers={"X-Twilio-Signature": signature})
    work(book)
    return answer


def work(book: Book) -> None:
    """A worker applies what waits."""
    apply_events(book.ctx, dispatch_events(book.ctx))


def tencent(book: Book, what: str, posted: Any, word: str = WORD) -> Response:
    """Post what Tencent Cloud would."""
    with TestClient(create_app(book.ctx)) as client:
        answer = client.post(f"/webhooks/tencent/{word}/{what}", json=posted)
    work(book)
    return answer


def a_reply(text: str, time: int = 1772416800) -> dict[str, Any]:
    return {
        "extend": "",
        "mobile": PHONE["CN"].removeprefix("+86"),
        "nationcode": "86",
        "sign": "Example",
        "text": text,
        "time": time,
    }


# --- Twilio


def test_a_stop_opts_out_at_once_and_twilio_confirms_it(book: Book) -> None:
    answer = twilio(book, "STOP")

    assert (answer.status_code, answer.headers["content-type"]) == (
        200,
        "text/xml; charset=utf-8",
    )
    assert "<Message>" not in answer.text
    assert (book.one(reply).kind, book.number_facts()) == ("stop", ["opted_out"])
    book.at("2026-03-04 10:00").escalate("L-1")
    book.send("L-1", "text_day_3")
    assert book.actions("L-1")["text_day_3"] == "barred"


def test_a_call_for_help_is_answered_in_the_borrowers_language(book: Book) -> None:
    answer = twilio(book, "帮助").text
    assert "<Message>【Example Lender】" in answer
    assert "400-000-0000" in answer
    stranger = twilio(book, "help", sid="SM2", From="+12125550199").text
    assert "please call 400-000-0000" in stranger


STOPPED = because(ReasonCode.SENDING_STOPPED, why="texts name a wrong sum")


def test_a_call_for_help_is_answered_while_sending_is_stopped_and_nothing_else_is(
    book: Book,
) -> None:
    """The carriers' rules ask for it, and who asks is not contacted by the lender."""
    before = len(book.sms.sent)
    with book.ctx.engine.begin() as connection:
        set_sending_hold(connection, StoppedBecause.PERSON, STOPPED, "root", book.ctx.now())
    assert "400-000-0000" in twilio(book, "help").text
    for number, body in enumerate(("STOP", "I have paid", "START"), start=2):
        assert "<Message>" not in twilio(book, body, sid=f"SM{number}").text
    assert len(book.rows(reply)) == 4, "what comes in is on record"
    assert len(book.sms.sent) == before


def test_a_call_for_help_without_a_template_is_on_record_and_read_by_a_person(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    book.ctx = replace(book.ctx, templates=Templates({}))
    assert "<Message>" not in twilio(book, "help").text
    assert (book.one(reply).kind, book.one(reply).to_read) == ("other", True)

    assert "<Message>" not in twilio(book, "help", sid="SM2", From="+12125550199").text
    assert "was not answered" in caplog.text


def test_a_text_that_comes_again_is_on_record_once_and_answered_again(book: Book) -> None:
    first, second = twilio(book, "help"), twilio(book, "help")
    assert first.text == second.text
    assert len(book.rows(reply)) == 1


def test_a_text_signed_by_somebody_else_is_refused_and_opts_nobody_out(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    assert twilio(book, "STOP", token="somebody else's").status_code == 403
    assert twilio(book, "STOP", From="").status_code == 200  # signed, from nobody
    assert book.number_facts() == []
    assert "STOP" not in caplog.text


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"body": "x" * 70_000}, 413),
        ({"token": "somebody else's"}, 403),
    ],
)
def test_a_form_that_is_no_text_is_refused(
    book: Book, changed: dict[str, str], status: int
) -> None:
    assert twilio(book, **{"body": "hello", **changed}).status_code == status
    assert book.rows(reply) == []


def test_a_form_in_another_charset_is_refused(book: Book) -> None:
    with TestClient(create_app(book.ctx)) as client:
        assert client.post(PATH, content=b"Body=\xff").status_code == 400


# --- a stop is never lost


STOP_BY_TWILIO = [
    {"sid": "SM 1"},
    {"sid": "x" * 200},
    {"sid": ""},
    {"body": "STOP \x00", "OptOutType": "STOP"},
]


@pytest.mark.parametrize("written", STOP_BY_TWILIO)
def test_a_stop_whose_id_or_words_are_odd_is_taken_in_once(
    book: Book, written: dict[str, str]
) -> None:
    for _ in range(2):
        assert twilio(book, **{"body": "STOP", **written}).status_code == 200
    assert (book.one(reply).kind, book.number_facts()) == ("stop", ["opted_out"])


@pytest.mark.parametrize("number", [{"mobile": "unknown"}, {"mobile": None}, {"nationcode": "+"}])
def test_a_stop_whose_number_cannot_be_read_waits_for_a_person(
    book: Book, number: dict[str, Any]
) -> None:
    assert tencent(book, "inbound", {**a_reply("TD"), **number}).status_code == 200
    assert twilio(book, "STOP", From="").status_code == 200
    kept = book.rows(reply)
    assert [(row.kind, row.to_read, row.contact_point_id) for row in kept] == [
        ("stop", True, None)
    ] * 2
    assert opened(book, reply.c.body_encrypted) == ["TD", "STOP"]


def test_a_stop_with_half_a_character_is_taken_in(book: Book) -> None:
    cut = json.dumps(a_reply("TD")).replace('"TD"', r'"TD \ud83d"').encode()
    with TestClient(create_app(book.ctx)) as client:
        assert client.post(f"/webhooks/tencent/{WORD}/inbound", content=cut).status_code == 200
    work(book)
    assert opened(book, reply.c.body_encrypted) == ["TD \ufffd"]


REFUSALS = {
    "no permission": "REVOKE INSERT ON inbox_event FROM CURRENT_USER",
    "no table": "ALTER TABLE inbox_event RENAME TO gone",
    "a constraint": "ALTER TABLE inbox_event ADD CHECK (kind <> 'inbound_text') NOT VALID",
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
@pytest.mark.attack("read-only database")
def test_a_stop_that_the_database_refuses_is_to_be_sent_again(
    book: Book, refusal: str, caplog: pytest.LogCaptureFixture
) -> None:
    with book.ctx.engine.begin() as connection:
        superuser = connection.execute(text("SELECT usesuper FROM pg_user WHERE usename = user"))
        if superuser.scalar() and "REVOKE" in refusal:
            refusal = "ALTER TABLE inbox_event ALTER kind TYPE varchar(3) USING 'x'"
        connection.execute(text(refusal))
    fields = {"MessageSid": "SM1", "From": PHONE["CN"], "Body": "STOP"}
    url = book.ctx.settings.public_url + PATH
    signature = RequestValidator(TOKEN).compute_signature(url, fields)
    with TestClient(create_app(book.ctx), raise_server_exceptions=False) as client:
        by_twilio = client.post(PATH, data=fields, headers={"X-Twilio-Signature": signature})
        by_tencent = client.post(f"/webhooks/tencent/{WORD}/inbound", json=a_reply("TD"))
    for answer in (by_twilio, by_tencent):
        assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
    assert "a text was not stored" in caplog.text
    assert PHONE["CN"] not in caplog.text


# --- a worker is woken


def test_a_text_and_a_receipt_wake_a_worker_at_once_and_only_once(book: Book) -> None:
    woken: list[int] = []

    async def wake(event_id: int) -> None:
        woken.append(event_id)

    sent = {"sid": "T-1", "ext": str(book.one(message).id), "report_status": "SUCCESS"}
    with TestClient(create_app(book.ctx, wake)) as client:
        for _ in range(2):
            client.post(f"/webhooks/tencent/{WORD}/inbound", json=a_reply("你好"))
        client.post(f"/webhooks/tencent/{WORD}/status", json=[sent])
    stored = [row.id for row in book.rows(inbox_event)]
    assert (woken, len(stored)) == (stored, 2)


def test_a_receipt_that_comes_again_does_not_wait_while_the_first_is_applied(book: Book) -> None:
    sent = {"sid": "T-1", "ext": str(book.one(message).id), "report_status": "SUCCESS"}
    with TestClient(create_app(book.ctx)) as client:
        client.post(f"/webhooks/tencent/{WORD}/status", json=[sent])
        with book.ctx.engine.begin() as worker:
            lock_event(worker, book.one(inbox_event).id)
            with ThreadPoolExecutor(1) as provider:
                again = provider.submit(
                    client.post, f"/webhooks/tencent/{WORD}/status", json=[sent]
                )
                assert again.result(timeout=10).status_code == 200


# --- Tencent Cloud


def test_a_stop_by_way_of_tencent_cloud_opts_out_at_once(book: Book) -> None:
    answer = tencent(book, "inbound", a_reply("TD"))
    assert (answer.status_code, answer.json()) == (200, {"result": 0, "errmsg": "OK"})
    assert (book.one(reply).provider, book.number_facts()) == ("tencent", ["opted_out"])


def test_the_same_reply_told_twice_is_one_and_another_is_another(book: Book) -> None:
    for posted in (a_reply("你好"), a_reply("你好"), a_reply("你好", time=1772416900)):
        assert tencent(book, "inbound", posted).status_code == 200
    assert len(book.rows(reply)) == 2


def test_a_call_for_help_that_cannot_be_answered_there_is_for_a_person(book: Book) -> None:
    tencent(book, "inbound", a_reply("帮助"))
    assert book.one(reply).kind == "other"


def test_reports_of_several_texts_are_stored_in_one_call_and_applied(book: Book) -> None:
    sent = book.one(message)
    posted = [
        {
            "sid": "T-1",
            "ext": str(sent.id),
            "report_status": "SUCCESS",
            "errmsg": "DELIVRD",
            "nationcode": "86",
            "mobile": "13800138000",
        },
        {"sid": "T-2", "report_status": "FAIL", "errmsg": "MX:0001"},
    ]
    for _ in range(2):
        assert tencent(book, "status", posted).status_code == 200
    assert len(book.rows(inbox_event)) == 2
    assert "138" not in str([row.payload for row in book.rows(inbox_event)])

    assert book.one(receipt).status == "SUCCESS"
    assert book.one(message).status == "delivered"


def test_either_word_opens_the_address_and_without_one_it_does_not_exist(book: Book) -> None:
    assert tencent(book, "inbound", a_reply("你好"), word="older-word").status_code == 200
    for word in ("guessed", "é", WORD + "x"):
        assert tencent(book, "inbound", a_reply("TD"), word=word).status_code == 404
        assert tencent(book, "status", [], word=word).status_code == 404
    settings = book.ctx.settings.model_copy(update={"tencent_callback_tokens": None})
    book.ctx = replace(book.ctx, settings=settings)
    assert tencent(book, "inbound", a_reply("TD")).status_code == 404
    assert book.number_facts() == []


@pytest.mark.parametrize(
    "posted", [{}, [], 5, [{"sid": "T 1", "report_status": "FAIL"}], [{"sid": "x" * 200}]]
)
def test_a_call_that_tells_nothing_stores_nothing(book: Book, posted: Any) -> None:
    expected = 200 if posted == [] else 400
    assert tencent(book, "status", posted).status_code == expected
    assert tencent(book, "inbound", posted).status_code == 400
    assert (book.rows(inbox_event), book.rows(reply)) == ([], [])
