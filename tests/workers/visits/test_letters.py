"""Letters: opened to be printed, each look logged without a word of them."""

import logging
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from domain.actors import Actor
from domain.errors import ArrearsError
from tests.support.acting import acting
from tests.support.events import store, tell
from tests.support.loans import NAME, Book
from workers.db.schema import access, document
from workers.payments.payments import Payment, record_payment
from workers.visits.letters import open_letter
from workers.visits.schedule import schedule_visit


@pytest.fixture
def book(engine: Engine) -> Book:
    """A loan thirty days past due whose visit is scheduled and announced in a letter."""
    book = Book(engine, now="2026-03-31 10:00")
    for number in (1, 2):
        book.staff(f"v-{number}", "visitor")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    schedule_visit(book.ctx, book.action_id("L-1", "field_visit"))
    return book


def test_the_letter_comes_as_it_was_written_and_the_look_is_logged_without_its_words(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="workers.visits.letters"):
        letter = open_letter(acting(book.ctx, Actor("sup-1")), "L-1")

    assert NAME in letter.body
    assert "2026年4月3日 09:00–11:00" in letter.body
    assert (letter.item, letter.still_due) == ("field_visit", True)
    number = book.one(document).id
    said = f"loan L-1: document {number} was opened by sup-1 for print_and_post"
    assert caplog.messages == [said]
    look = book.one(access)
    assert (look.what, look.item, look.actor) == ("letter", "field_visit", "sup-1")
    assert look.at == book.clock.at
    assert NAME not in repr(letter)


def test_a_letter_can_be_asked_for_by_its_item(book: Book) -> None:
    of_the_item = open_letter(acting(book.ctx, Actor("sup-1")), "L-1", "field_visit")
    assert of_the_item == open_letter(acting(book.ctx, Actor("sup-1")), "L-1")
    with pytest.raises(ArrearsError, match="No letter has been written for legal_notice of loan"):
        open_letter(acting(book.ctx, Actor("sup-1")), "L-1", "legal_notice")


def test_an_unknown_loan_and_a_loan_without_a_letter_are_named(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    book.loan("L-2")
    with pytest.raises(ArrearsError, match="No letter has been written for loan L-2"):
        open_letter(acting(book.ctx, Actor("sup-1")), "L-2")
    with pytest.raises(ArrearsError, match="Loan L-9 is not known"):
        open_letter(acting(book.ctx, Actor("sup-1")), "L-9")
    assert caplog.messages == []
    assert book.rows(access) == [], "nothing was opened"


def test_a_letter_about_arrears_that_were_paid_is_not_due_any_more(book: Book) -> None:
    paid = Payment("P-1", "L-1", Decimal(1000), "CNY", book.ctx.today())
    with book.ctx.engine.begin() as connection:
        record_payment(connection, book.ctx, paid)
    letter = open_letter(acting(book.ctx, Actor("sup-1")), "L-1")
    assert (letter.still_due, letter.body) == (False, None)
    assert book.rows(access) == [], "what nobody may post is not opened"
    assert open_letter(acting(book.ctx, Actor("sup-1")), "L-1", preview=True).body
    assert len(book.rows(access)) == 1


@pytest.mark.parametrize("kind", ["deceased", "insolvency", "dispute"])
def test_a_letter_whose_visit_a_hold_called_off_must_not_be_posted(book: Book, kind: str) -> None:
    event = {"starts_on": "2026-03-31", "why": "a letter came", "actor": "sup-1", "loan": "L-1"}
    if kind == "dispute":
        tell(book, "dispute", dispute="D-1", **event)
    else:
        tell(book, "hold", hold="H-1", kind=kind, ends_on=None, **event)
    assert not open_letter(acting(book.ctx, Actor("sup-1")), "L-1").still_due


@pytest.mark.parametrize("fact", ["ceased", "represented"])
def test_a_letter_to_a_person_who_is_not_to_be_contacted_must_not_be_posted(
    book: Book, fact: str
) -> None:
    noted = tell(book, "person_fact", borrower="B-L-1", fact=fact, actor="sup-1")
    assert noted.status == "applied", noted.reason
    assert not open_letter(acting(book.ctx, Actor("sup-1")), "L-1").still_due


def test_who_wants_no_visits_gets_no_letter_that_announces_one(book: Book) -> None:
    tell(book, "opt_out", borrower="B-L-1", channel="call", actor="c-1")
    assert open_letter(acting(book.ctx, Actor("sup-1")), "L-1").still_due, "said of calls only"
    tell(book, "opt_out", borrower="B-L-1", channel="visit", actor="c-1")
    assert not open_letter(acting(book.ctx, Actor("sup-1")), "L-1").still_due


def test_no_letter_is_posted_while_what_may_stop_it_is_not_applied(book: Book) -> None:
    store(book, "person_fact", borrower="B-L-1", fact="represented", actor="c-1")
    assert not open_letter(acting(book.ctx, Actor("sup-1")), "L-1").still_due


def test_no_letter_goes_to_a_home_that_the_person_called_inconvenient(book: Book) -> None:
    home = {"borrower": "B-L-1", "fact": "inconvenient_place", "place": "home", "actor": "c-1"}
    tell(book, "person_fact", **home, channel="call")
    assert open_letter(acting(book.ctx, Actor("sup-1")), "L-1").still_due, "said of calls only"
    tell(book, "person_fact", **home)
    assert not open_letter(acting(book.ctx, Actor("sup-1")), "L-1").still_due
    tell(book, "person_fact_end", **home)
    assert open_letter(acting(book.ctx, Actor("sup-1")), "L-1").still_due
