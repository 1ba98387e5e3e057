"""What is recorded while a call is on pauses later ones: this call is left to its outcome."""

import pytest
from sqlalchemy import Engine

from domain.actors import Role
from tests.support.desk import at_desk, token_of
from tests.support.ladders import UNTIL_LEARNT, with_call_plan
from tests.support.loans import Book
from workers.calls.assign import assign_call
from workers.db.schema import call, contact_outcome, hold

Token = dict[str, str]


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 and L-2 are loans of one borrower, past due since 1 March; both are in one call."""
    book = Book(engine, now="2026-03-09 10:00", policy=with_call_plan(UNTIL_LEARNT))
    book.staff("c-1", "caller", shift=("2026-03-09 08:00", "2026-03-09 20:00"))
    book.loan("L-1", borrower_id="B-1")
    book.loan("L-2", borrower_id="B-1")
    book.escalate("L-1")
    book.escalate("L-2")
    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "assigned"
    return book


@pytest.fixture
def token(book: Book) -> Token:
    return token_of(book.ctx.engine, "c-1", Role.CALLER)


_PROMISED = {"amount": "1000.00", "currency": "CNY", "due_on": "2026-03-12"}
_PAUSE = {
    "kind": "vulnerability",
    "starts_on": "2026-03-09",
    "ends_on": "2026-03-20",
    "why": "in hospital",
}
_DISPUTED = {"kind": "amount", "starts_on": "2026-03-09", "why": "paid in cash"}


@pytest.mark.parametrize(
    ("path", "said", "pauses"),
    [
        ("/promises", {"promise": "p-1", "loan": "L-2", **_PROMISED}, ["promise"]),
        ("/disputes", {"dispute": "d-1", "loan": "L-1", **_DISPUTED}, ["dispute"]),
        ("/holds", {"hold": "h-1", "loan": "L-1", **_PAUSE}, ["vulnerability"]),
        ("/arrangements", {"arrangement": "r-1", "loan": "L-1"}, ["manual"]),
    ],
)
def test_a_call_that_goes_on_is_left_to_its_outcome(
    book: Book, token: Token, path: str, said: dict[str, str], pauses: list[str]
) -> None:
    """Nobody takes the call off the list of who makes it. Its outcome completes it, for every loan
    that it was about; what was recorded meanwhile pauses the loan from then on."""
    at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"})
    assert at_desk(book, token, path, said).status_code == 200
    assert [row.cancelled_at for row in book.rows(call)] == [None, None]
    (going,) = at_desk(book, token, "/worklist?kind=calls").json()["calls"]["rows"]
    assert going["started_as"] == "a-1"
    spoke = {"attempt": "a-1", "outcome": "spoke", "reason": "illness"}
    assert at_desk(book, token, "/outcomes", spoke).status_code == 200
    assert [row.outcome for row in book.rows(contact_outcome)] == ["spoke", "spoke"]
    assert {book.actions(each)["enquiry_call"] for each in ("L-1", "L-2")} == {"done"}
    assert [row.kind for row in book.rows(hold)] == pauses


def test_a_call_that_may_be_tried_again_is_not_while_a_hold_lasts(book: Book, token: Token) -> None:
    at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"})
    at_desk(book, token, "/holds", {"hold": "h-1", "loan": "L-1", **_PAUSE})
    later = {
        "attempt": "a-1",
        "outcome": "callback_requested",
        "callback_at": "2026-03-10T10:00:00+08:00",
    }
    assert at_desk(book, token, "/outcomes", later).status_code == 200
    assert {book.actions(each)["enquiry_call"] for each in ("L-1", "L-2")} == {"cancelled"}
