"""What a provider says of a number for good closes it for everybody who has it, until it ends."""

from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor
from domain.contact_points import NumberFact
from domain.messages import MessageStatus
from tests.support.encrypted import in_payload
from tests.support.events import tell
from tests.support.loans import Book
from workers.db.closed_numbers import reopen_number
from workers.db.schema import message, problem
from workers.history import loan_history
from workers.http.delivery_receipts import store_reports
from workers.inbox.apply import apply_event, dispatch_events
from workers.sms.providers.port import StatusReport

PHONE = "+12125550{}"


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2026-03-02 10:00", zone="America/New_York")


def texted(book: Book, last_digits: int, loan: str = "U-1") -> str:
    book.loan(loan, jurisdiction="US", phone=PHONE.format(last_digits))
    book.escalate(loan)
    return book.send(loan, "text_day_1")


def receipt(book: Book, fact: NumberFact | None, word: str = "undelivered") -> None:
    """The provider reports that the last text did not arrive, and what it says of the number."""
    sent = book.rows(message)[-1]
    status = MessageStatus(word)
    reports = [StatusReport(UUID(str(sent.id)), "twilio", str(sent.sid), word, status, "x", fact)]
    store_reports(book.ctx, reports)
    for event_id in dispatch_events(book.ctx):
        apply_event(book.ctx, event_id)


def problems(book: Book) -> list[tuple[str, bool]]:
    return [(row.kind, row.resolved_at is None) for row in book.rows(problem)]


def new_number(book: Book, phone: str, borrower: str = "B-U-1") -> None:
    sealed = in_payload(book, "phone_encrypted", phone, borrower)
    assert tell(book, "contact_change", borrower=borrower, phone_encrypted=sealed).status == (
        "applied"
    )


def test_the_history_has_the_receipt_before_what_it_shows(book: Book) -> None:
    texted(book, 150)
    receipt(book, NumberFact.REACHES_NOBODY)
    with book.ctx.engine.connect() as connection:
        said = [sentence.text for sentence in loan_history(connection, book.ctx, "U-1")]
    shown = ("The provider reports", "Known of the borrower's number", "A problem was found")
    places = [next(n for n, line in enumerate(said) if line.startswith(text)) for text in shown]
    assert places == sorted(places)


def test_a_fixed_line_gets_no_text_and_can_be_called(book: Book) -> None:
    assert texted(book, 189) == "refused"
    assert book.number_facts() == ["no_texts"]
    assert problems(book) == [("number_closed", True)]
    assert book.may_call("U-1") == "allowed"

    book.at("2026-03-04 10:00").escalate("U-1")
    assert book.send("U-1", "text_day_3") == "nothing to do"
    assert book.action("U-1", "text_day_3").rules == ["lender.number_not_to_be_used"]

    new_number(book, PHONE.format(150))
    assert problems(book) == [("number_closed", False)]
    assert book.send("U-1", "text_day_3") == "accepted"


@pytest.mark.parametrize(
    ("fact", "call"),
    [(NumberFact.REACHES_NOBODY, "deferred"), (NumberFact.NO_TEXTS, "allowed")],
)
def test_a_receipt_closes_the_number_on_every_loan_of_everybody_who_has_it(
    book: Book, fact: NumberFact, call: str
) -> None:
    book.loan("relative", jurisdiction="US", phone=PHONE.format(140))
    assert texted(book, 140) == "accepted"

    receipt(book, fact)

    assert (book.may_call("U-1"), book.may_call("relative")) == (call, call)
    assert problems(book) == [("number_closed", True), ("number_closed", True)]
    book.escalate("relative")
    assert book.send("relative", "text_day_1") == "nothing to do"


def test_a_receipt_that_says_nothing_of_the_number_leaves_it_open(book: Book) -> None:
    texted(book, 140)
    receipt(book, None)
    assert (book.number_facts(), problems(book)) == ([], [])


def test_a_number_that_a_person_opened_again_is_not_closed_by_the_same_receipt(book: Book) -> None:
    texted(book, 140)
    receipt(book, NumberFact.REACHES_NOBODY)
    number = book.ctx.cipher.blind_index(PHONE.format(140))
    with book.ctx.engine.begin() as connection:
        found_out = Actor("c-1")
        facts = {NumberFact.REACHES_NOBODY}
        assert reopen_number(connection, number, facts, found_out, book.clock.at)
    assert (book.number_facts(), problems(book)) == ([], [("number_closed", False)])

    receipt(book, NumberFact.REACHES_NOBODY)

    assert book.number_facts() == []


def test_a_problem_stays_open_while_another_fact_closes_the_number(book: Book) -> None:
    texted(book, 189)
    number = book.ctx.cipher.blind_index(PHONE.format(189))
    book.note_number_fact(NumberFact.REACHES_NOBODY, Actor("c-1"), PHONE.format(189))
    with book.ctx.engine.begin() as connection:
        reopen_number(connection, number, {NumberFact.NO_TEXTS}, Actor("c-1"), book.clock.at)
    assert problems(book) == [("number_closed", True)]


def test_another_number_of_which_the_same_is_known_leaves_the_problem_open(book: Book) -> None:
    texted(book, 189)
    book.note_number_fact(NumberFact.NO_TEXTS, Actor("c-1"), PHONE.format(150))
    new_number(book, PHONE.format(150))
    assert problems(book) == [("number_closed", True)]


def test_the_same_number_once_more_is_no_new_number(book: Book) -> None:
    texted(book, 189)
    new_number(book, PHONE.format(189))
    assert problems(book) == [("number_closed", True)]
    assert book.rows(select(problem.c.loan_id).where(problem.c.resolved_at.is_not(None))) == []
