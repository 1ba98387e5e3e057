"""The desk: a collector works through `/api/v1`, with a token and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from domain.actors import Role
from tests.support.desk import RIGHT, a_call_to_make, at_desk, token_of
from tests.support.lender import allow
from tests.support.loans import NAME, PHONE, Book
from workers.clock import Clock
from workers.db.schema import contact, contact_outcome, hold, permission_use, promise, work_lease
from workers.http.app import create_desk
from workers.http.permission_of import AT_THE_DESK

Token = dict[str, str]

SILENT = "it says nothing: write it out"


@pytest.fixture
def book(engine: Engine) -> Book:
    return a_call_to_make(engine)


@pytest.fixture
def token(book: Book) -> Token:
    return token_of(book.ctx.engine, "c-1", Role.CALLER)


def test_a_collector_calls_and_records_what_was_promised(book: Book, token: Token) -> None:
    """She sees her work, gets the number, and reports the outcome and the promise."""
    work = at_desk(book, token, "/worklist?kind=calls").json()
    assert [call["loan"] for call in work["calls"]["rows"]] == ["L-1"]
    assert PHONE["CN"] not in str(work)

    at_desk(book, token, "/work/next", {})
    call = at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"})
    assert call.status_code == 200, call.json()
    assert call.json()["number"] == PHONE["CN"]
    assert "1000" not in str(call.json()["loans"]), "who answers may be somebody else"
    assert "spoke" in call.json()["outcomes"]
    assert len(call.json()["outcomes"]) == 15, "more are too many to choose from"
    assert at_desk(book, token, "/calls/a-1/right-party", RIGHT).json()["confirmed"]

    spoke = {"attempt": "a-1", "outcome": "spoke", "reason": "forgot"}
    answer = at_desk(book, token, "/outcomes", spoke)
    assert answer.status_code == 200, answer.json()
    assert answer.json()["status"] == "applied"
    assert book.one(contact_outcome).actor == "c-1"

    promised = {
        "promise": "p-1",
        "loan": "L-1",
        "amount": "1000.00",
        "currency": "CNY",
        "due_on": "2026-03-05",
    }
    first, second = (at_desk(book, token, "/promises", promised).json() for _ in range(2))
    assert (first["known"], second["known"]) == (False, True)
    assert len(book.rows(promise)) == 1


def test_a_death_that_is_learnt_later_is_reported_all_the_same(book: Book, token: Token) -> None:
    at_desk(book, token, "/work/next", {})
    at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"})
    for outcome in ("no_answer", "deceased", "deceased"):
        answer = at_desk(book, token, "/outcomes", {"attempt": "a-1", "outcome": outcome})
        assert answer.status_code == 200, answer.json()
    assert [row.kind for row in book.rows(hold)] == ["deceased"]


def test_an_answer_is_in_the_language_of_who_asks(book: Book, token: Token) -> None:
    said = {"hold": "h-9", "ends_on": "2026-03-02"}
    answer = at_desk(book, token, "/holds/releases", said, accept_language="zh-CN,en;q=0.5")
    assert answer.status_code == 403
    assert "c-1没有权限解除暂停催收（events:release）" in answer.json()["detail"]
    no_fields = at_desk(book, token, "/promises", {}, accept_language="zh").json()
    assert no_fields["detail"].startswith("有字段缺失")
    supervisor = token_of(book.ctx.engine, "s-1", Role.SUPERVISOR)
    answer = at_desk(book, supervisor, "/holds/releases", said, accept_language="zh-CN,en;q=0.5")
    assert answer.status_code == 404
    assert "h-9" in answer.json()["detail"]
    assert not answer.json()["detail"].isascii()


def test_the_gate_says_why_a_call_may_not_start_and_from_when(book: Book, token: Token) -> None:
    book.at("2026-03-02 22:30")
    answer = at_desk(book, token, "/calls", {"loan": "L-1"})
    assert answer.status_code == 409
    assert answer.json()["rules"] == ["cn.contact_hours"]
    assert answer.json()["not_before"] == "2026-03-03T00:00:00+00:00"
    assert PHONE["CN"] not in answer.text
    assert book.rows(contact) == []


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer nobody's", "Basic YTpi", "Bearer ü"])
def test_who_is_not_known_is_refused_before_anything_is_read(book: Book, header: str) -> None:
    for path, said in (("/worklist", None), ("/promises", {"amount": "no amount"})):
        answer = at_desk(book, {"authorization": header.encode()}, path, said)  # type: ignore[dict-item]
        assert answer.status_code == 401
        assert set(answer.json()) == {"detail", "fields"}


def test_what_is_wrong_is_named_and_never_repeated(book: Book, token: Token) -> None:
    said = {"promise": "p-1", "loan": "L-1", "amount": "13800138000 Li", "due_on": "soon"}
    answer = at_desk(book, token, "/promises", said)
    assert answer.status_code == 422
    assert answer.json()["fields"] == ["amount", "currency", "due_on"]
    assert answer.json()["wrong"] == {
        "amount": "write more than zero, with a decimal point and no other mark: 2390.67",
        "currency": "it is missing",
        "due_on": "write a day such as 2026-03-31",
    }
    crossed = {"hold": "h-1", "loan": "L-1", "kind": "manual", "why": "x"}
    crossed |= {"starts_on": "2026-03-05", "ends_on": "2026-03-01"}
    answer = at_desk(book, token, "/holds", crossed, accept_language="zh")
    assert (answer.status_code, answer.json()["wrong"]) == (422, {"body": "结束须晚于开始"})
    for words, told in (("", "write something"), (" ", SILENT), (".", SILENT), ("？", SILENT)):
        answer = at_desk(book, token, "/holds", crossed | {"why": words, "ends_on": None})
        assert (answer.status_code, answer.json()["wrong"]) == (422, {"why": told})
    asked = {"attempt": "a-1", "outcome": "callback_requested"}
    answer = at_desk(book, token, "/outcomes", asked)
    assert list(answer.json()["wrong"]) == ["callback_at"]
    heard = {"attempt": "a-1", "outcome": "no_answer", "reason": "illness"}
    answer = at_desk(book, token, "/outcomes", heard)
    assert list(answer.json()["wrong"]) == ["reason"]
    answer = at_desk(book, token, "/quotes", {"loan": "L-1"})
    assert "say one of days, instalments, until and monthly" in answer.json()["wrong"]["body"]
    assert "13800138000" not in answer.text
    answer = at_desk(book, token, "/worklist?kind=calls&staf=c-1", accept_language="zh")
    assert (answer.status_code, answer.json()["fields"]) == (422, ["staf"])
    assert answer.json()["wrong"]["staf"].startswith("没有该参数")
    answer = at_desk(book, token, "/promises", said | {"amount": 400})
    assert answer.json()["wrong"]["amount"].startswith("write a decimal in quotation marks")
    answer = at_desk(book, token, "/worklist?limit=secret")
    assert (answer.status_code, answer.json()["wrong"]) == (422, {"limit": "write a whole number"})
    assert "secret" not in answer.text


def test_too_many_numbers_and_a_wrong_clock_are_said_with_when_to_come_back(
    book: Book, token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for more numbers than anybody dials gets none. While the clock is wrong, nothing is
    answered and nothing done."""
    at_desk(book, token, "/work/next", {})
    settings = book.ctx.settings.model_copy(update={"collector_numbers_a_minute": 1})
    book.ctx = replace(book.ctx, settings=settings)
    assert at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"}).status_code == 200
    at_desk(book, token, "/outcomes", {"attempt": "a-1", "outcome": "no_answer"})
    answer = at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-2"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60"), answer.json()
    assert PHONE["CN"] not in answer.text

    leases = book.rows(work_lease)
    ahead = timedelta(hours=2)
    monkeypatch.setattr(Clock, "machine_now", lambda _: datetime.now(UTC) + ahead)
    answer = at_desk(book, token, "/work/next", {}, accept_language="zh")
    assert (answer.status_code, answer.json()["detail"]) == (503, "服务器时钟有误，请校正。")
    assert answer.headers["retry-after"] == "30"
    assert at_desk(book, token, "/worklist").status_code == 503
    assert book.rows(work_lease) == leases


def test_the_next_work_is_served_and_explained(book: Book, token: Token) -> None:
    """She asks, and gets one call and the reason; to ask again gives the same; then it is done."""
    first = at_desk(book, token, "/work/next", {}, accept_language="zh").json()
    assert (first["loan"], first["kind"]) == ("L-1", "call")
    assert not first["why"]["sentence"].isascii()
    assert not first["purpose"].isascii()
    assert at_desk(book, token, "/work/next", {}).json()["lease"] == first["lease"]
    alive = at_desk(book, token, f"/work/{first['lease']}/heartbeat", {})
    assert alive.status_code == 200
    assert at_desk(book, token, f"/work/{first['lease']}/release", {}).json() == {"done": True}
    assert at_desk(book, token, f"/work/{first['lease']}/heartbeat", {}).status_code == 409


def test_what_is_owed_is_seen_once_the_right_person_speaks(book: Book, token: Token) -> None:
    """Before the call there is no name; before the answers are right there is no amount."""
    lease = at_desk(book, token, "/work/next", {}).json()["lease"]
    claimed = at_desk(book, token, f"/work/{lease}/sheet", {})
    assert claimed.status_code == 200, claimed.json()
    assert (claimed.json()["stage"], claimed.json()["name"]) == ("claimed", None)
    at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"})
    started = at_desk(book, token, f"/work/{lease}/sheet", {}).json()
    assert (started["stage"], started["name"]) == ("started", NAME)
    assert started["money"] == []
    wrong = {"answers": {"name": "Wang", "address_numbers": "77"}}
    answer = at_desk(book, token, "/calls/a-1/right-party", wrong).json()
    assert answer["confirmed"] is False
    assert NAME not in str(answer)
    assert at_desk(book, token, "/calls/a-1/right-party", RIGHT).json()["confirmed"] is True
    confirmed = at_desk(book, token, f"/work/{lease}/sheet", {}).json()
    assert confirmed["money"][0]["past_due"] == "1000.00"


def test_nobody_reports_for_a_colleague(book: Book, token: Token) -> None:
    said = {"dispute": "d-1", "loan": "L-1", "starts_on": "2026-03-02", "why": "paid it before"}
    answer = at_desk(book, token, "/disputes", {**said, "actor": "c-2"})
    assert answer.status_code == 403
    assert at_desk(book, token, "/disputes", {**said, "actor": "c-1"}).status_code == 200


def test_each_use_is_on_record_with_who_asked(book: Book, token: Token) -> None:
    at_desk(book, token, "/worklist")
    at_desk(book, token, "/staff")
    used = {(row.actor, row.permission, row.granted) for row in book.rows(permission_use)}
    assert ("c-1", "loans:read", True) in used
    assert ("c-1", "roster:read", False) in used


def test_every_path_has_its_permission_and_says_how_to_sign_in(book: Book) -> None:
    allow(book, "crm")
    described = create_desk(book.ctx).openapi()
    paths = {
        f"{method.upper()} {path}": operation
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
        if path.startswith("/api/")
    }
    assert set(paths) == set(AT_THE_DESK)
    for operation in paths.values():
        assert operation["security"] == [{"token": []}]
        assert {"401", "403", "409", "422", "503"} <= set(operation["responses"])
