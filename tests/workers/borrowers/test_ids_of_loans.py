"""A borrower to whom the lender gave no id is found by the id of the loan that it was made of."""

import pytest
from sqlalchemy import Engine, select

from tests.support.events import is_held_back, store, tell
from tests.support.loans import Book
from workers.db.schema import borrower, inbox_event
from workers.history import loan_history
from workers.inbox.apply import apply_event
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.privacy.erasure import erase
from workers.privacy.subject_export import read_subject_data

NAMED: dict[str, dict[str, object]] = {
    "opt_out": {"channel": None},
    "person_fact": {"fact": "represented"},
    "number_fact": {"fact": "refused"},
    "hold": {
        "hold": "H-1",
        "kind": "deceased",
        "starts_on": "2026-03-02",
        "ends_on": None,
        "why": "a letter came",
    },
    "same_person": {"other": "C-2", "status": "confirmed", "why": "both came in"},
}


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 came in without an id of its borrower; L-2 with one."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", borrower_id="loan:L-1")
    book.loan("L-2", borrower_id="C-2", phone="+8613900139000")
    book.escalate("L-1", "L-2")
    return book


@pytest.mark.parametrize("kind", NAMED)
def test_an_event_that_names_only_the_loan_holds_back_its_borrower_and_waits(
    book: Book, kind: str
) -> None:
    told = tell(book, kind, borrower="L-1", actor="c-1", **NAMED[kind])
    assert told.status == "received"
    assert is_held_back(book, "L-1")
    assert is_held_back(book, "L-2") == (kind == "same_person")
    assert tell(book, kind, borrower="loan:L-1", actor="c-1", **NAMED[kind]).status == "applied"


def test_it_may_have_meant_a_customer_who_is_still_to_come(book: Book) -> None:
    consent = {"fact": "agreed_other_hours", "actor": "c-1"}
    opt_out = store(book, "opt_out", borrower="L-1", channel=None, actor="c-1")
    agreed = store(book, "person_fact", borrower="L-1", **consent)
    assert [apply_event(book.ctx, id).status for id in (opt_out, agreed)] == ["received"] * 2
    book.loan("L-3", borrower_id="L-1", phone="+8613900139002")
    book.escalate("L-3")
    assert [apply_event(book.ctx, id).status for id in (opt_out, agreed)] == ["applied"] * 2
    assert book.may_call("L-3") == "barred"
    assert book.may_call("L-1") == "allowed"


def test_new_contacts_are_told_exported_and_erased(book: Book) -> None:
    change = ContactChangeFacts(borrower="loan:L-1", phone="+8613900139001")
    told = tell(book, "contact_change", **change.payload(book.ctx.cipher))
    assert told.status == "applied"
    with book.ctx.engine.begin() as connection:
        (id,) = connection.execute(
            select(borrower.c.id).where(borrower.c.external_id == "loan:L-1")
        ).scalars()
        exported = read_subject_data(connection, book.ctx.cipher, id)
        story = [line.text for line in loan_history(connection, book.ctx, "L-1")]
        erase(connection, [id], book.ctx.now())
    assert "+8613900139001" in str(exported["inbox_event"])
    assert any("number" in line for line in story)
    assert book.one(inbox_event).payload["phone_encrypted"] is None


def test_a_customer_id_comes_before_the_id_of_a_loan(book: Book) -> None:
    book.loan("L-3", borrower_id="L-1", phone="+8613900139002")
    book.escalate("L-3")
    store(book, "opt_out", borrower="L-1", channel=None, actor="c-1")
    assert is_held_back(book, "L-3")
    assert not is_held_back(book, "L-1")
    tell(book, "opt_out", borrower="L-1", channel=None, actor="c-1")
    book.at("2026-03-02 11:00")
    assert book.send("L-1", "text_day_1") == "accepted"


def test_an_id_that_names_nobody_holds_back_nobody(book: Book) -> None:
    assert tell(book, "opt_out", borrower="L-9", channel=None, actor="c-1").status == "received"
    assert not is_held_back(book, "L-1")
