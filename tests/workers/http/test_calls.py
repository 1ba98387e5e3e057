"""`POST /calls/start`: a dialer asks before it dials."""

from decimal import Decimal

import pytest
from sqlalchemy import Engine

from tests.support.lender import OTHER_SECRET, SECRET, listen, tell
from tests.support.loans import PHONE, Book
from workers.calls.assign import assign_call
from workers.db.schema import contact
from workers.http.lender import CallLoan

ASKED = {"attempt": "dialer-1", "loan": "L-1", "actor": "c-1"}


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    listen(book, SECRET)
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    return book


def test_a_dialer_gets_the_number_when_the_gate_allows_the_call(book: Book) -> None:
    answer = tell(book, ASKED, path="/calls/start")
    assert answer.status_code == 200
    assert answer.json()["number"] == PHONE["CN"]
    assert answer.json()["attempt"] == "dialer-1"
    (about,) = answer.json()["loans"]
    assert (about["loan"], about["past_due"], about["currency"]) == ("L-1", "1000.00", "CNY")
    assert book.one(contact).actor == "c-1"
    assert tell(book, ASKED, path="/calls/start").json() == answer.json()
    assert len(book.rows(contact)) == 1


@pytest.mark.parametrize(("currency", "written"), [("JPY", "1000"), ("KWD", "1000.000")])
def test_what_is_past_due_has_the_decimal_places_of_its_currency(
    currency: str, written: str
) -> None:
    about = CallLoan(loan="L-1", item="call", currency=currency, past_due=Decimal(1000))
    assert about.model_dump(mode="json")["past_due"] == written


def test_a_dialer_is_told_why_not_by_which_rule_and_when(book: Book) -> None:
    book.at("2026-03-02 22:30")
    answer = tell(book, ASKED, path="/calls/start")
    assert answer.status_code == 409
    [reason] = answer.json()["reason"]
    assert reason["code"] == "outside_hours"
    assert reason["params"]["citation"] in answer.json()["detail"]
    assert answer.json()["rules"] == ["cn.contact_hours"]
    assert answer.json()["not_before"] == "2026-03-03T00:00:00+00:00"
    assert PHONE["CN"] not in answer.text
    assert book.rows(contact) == []


@pytest.mark.parametrize(
    ("asked", "secret", "status"),
    [
        (ASKED, OTHER_SECRET, 401),
        ({**ASKED, "loan": "L-9"}, SECRET, 409),
        ({**ASKED, "actor": "nobody"}, SECRET, 409),
        ({"attempt": "dialer-1", "loan": "L-1"}, SECRET, 422),
        ({**ASKED, "number": PHONE["CN"]}, SECRET, 422),
    ],
)
def test_what_is_not_signed_or_cannot_be_is_refused(
    book: Book, asked: dict[str, str], secret: str, status: int
) -> None:
    answer = tell(book, asked, path="/calls/start", secret=secret)
    assert answer.status_code == status
    assert PHONE["CN"] not in answer.text
    assert book.rows(contact) == []


def test_a_dialer_is_told_no_command_of_ours(book: Book) -> None:
    tell(book, ASKED, path="/calls/start")
    for asked in (
        {**ASKED, "attempt": "dialer-2"},
        {**ASKED, "item": "another_call"},
        {**ASKED, "actor": "nobody"},
    ):
        answer = tell(book, asked, path="/calls/start")
        assert answer.status_code == 409
        assert "arrears " not in answer.json()["detail"]


def test_the_fields_that_are_wrong_are_named(book: Book) -> None:
    answer = tell(book, {"attempt": "dialer-1", "actor": "c-1", "colour": 1}, path="/calls/start")
    assert answer.json()["fields"] == ["colour", "loan"]
