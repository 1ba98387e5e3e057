"""What a text counts for: delivered it was tried, failed it was not, and silence ends."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, delete

from domain.messages import MessageStatus
from tests.support.loans import Book
from tests.support.sending import Scripted, route
from workers.db.loan_facts import load_facts
from workers.db.schema import borrower_number, document, message, receipt
from workers.history import loan_history
from workers.sms.delivery_receipts import record_receipt
from workers.sms.missing_receipts import ask_about_receipts, take_texts
from workers.visits.schedule import schedule_visit


@pytest.fixture
def book(engine: Engine) -> Book:
    """A loan whose first text was accepted at ten in the morning."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    assert book.send("L-1", "text_day_1") == "accepted"
    return book


def report(book: Book, status: MessageStatus) -> None:
    sent = book.one(message)
    payload = {
        "provider": sent.provider,
        "message_id": str(sent.id),
        "sid": sent.sid or "SM1",
        "word": str(status),
        "status": str(status),
        "code": None,
    }
    with book.ctx.engine.begin() as connection:
        record_receipt(connection, book.ctx, payload)


def tried(book: Book, item: str = "text_day_1", loan: str = "L-1") -> bool:
    with book.ctx.engine.connect() as connection:
        loan_id = book.loan_id(loan)
        actions = load_facts(connection, [loan_id], book.ctx.now())[loan_id].actions
    (past,) = (stored.past for stored in actions if stored.past.item == item)
    return past.tried


def test_a_text_counts_as_tried_once_it_was_delivered(book: Book) -> None:
    assert book.actions("L-1")["text_day_1"] == "done"
    assert not tried(book), "it was accepted, and nobody knows whether it arrived"
    report(book, MessageStatus.SENT)
    assert not tried(book)
    report(book, MessageStatus.DELIVERED)
    assert tried(book)


@pytest.mark.parametrize("status", [MessageStatus.UNDELIVERED, MessageStatus.SEND_FAILED])
def test_accepted_and_then_failed_it_was_not(book: Book, status: MessageStatus) -> None:
    report(book, status)
    assert not tried(book)
    assert ask_about_receipts(book.at("2026-03-09 10:00").ctx) == 0
    assert not tried(book), "time does not turn a failure into an attempt"


def test_failed_before_the_answer_was_recorded_it_was_not_either(engine: Engine) -> None:
    """The receipt overtakes the provider's answer."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")

    class Overtaken(Scripted):
        def send(self, text):  # type: ignore[no-untyped-def]
            answer = super().send(text)
            report(book, MessageStatus.SEND_FAILED)
            return answer

    book.ctx = replace(book.ctx, sms=route(twilio=Overtaken()))
    book.send("L-1", "text_day_1")

    assert book.one(message).status == "send_failed"
    assert not tried(book)


def test_without_a_receipt_the_provider_is_asked_and_its_answer_is_the_receipt(book: Book) -> None:
    (sent,) = book.sms.sent
    book.sms.receipts[sent.sid] = MessageStatus.DELIVERED
    assert ask_about_receipts(book.at("2026-03-02 10:59").ctx) == 0, "it may still come"

    assert ask_about_receipts(book.at("2026-03-02 11:00").ctx) == 1

    assert (book.one(message).status, book.one(receipt).status) == ("delivered", "delivered")
    assert tried(book)
    assert ask_about_receipts(book.at("2026-03-03 11:00").ctx) == 0


def test_a_provider_that_says_it_failed_is_believed(book: Book) -> None:
    (sent,) = book.sms.sent
    book.sms.receipts[sent.sid] = MessageStatus.UNDELIVERED
    ask_about_receipts(book.at("2026-03-02 12:00").ctx)
    assert (book.one(message).status, tried(book)) == ("undelivered", False)


def test_if_it_does_not_know_after_72_hours_the_text_counts_for_the_ladder_alone(
    book: Book,
) -> None:
    for moment in ("2026-03-03 10:00", "2026-03-04 10:00", "2026-03-05 09:59"):
        ask_about_receipts(book.at(moment).ctx)
        assert book.one(message).presumed_at is None, moment
    assert not tried(book)

    ask_about_receipts(book.at("2026-03-05 16:00").ctx)

    assert tried(book)
    stored = book.one(message)
    assert (stored.status, stored.presumed_at) == ("accepted", book.ctx.now())
    assert book.rows(receipt) == [], "nothing proves that it arrived"
    with book.ctx.engine.connect() as connection:
        told = " ".join(s.text for s in loan_history(connection, book.ctx, "L-1"))
    assert "No receipt came for text_day_1 within 72 hours" in told


def test_a_receipt_that_comes_later_still_says_what_it_says(book: Book) -> None:
    ask_about_receipts(book.at("2026-03-05 16:00").ctx)
    assert tried(book)
    report(book, MessageStatus.UNDELIVERED)
    assert not tried(book)


def test_a_provider_that_does_not_answer_is_asked_again(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    silent = Scripted()
    book.ctx = replace(book.ctx, sms=route(twilio=silent))
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    silent.cannot_say = True
    ask_about_receipts(book.at("2026-03-03 10:00").ctx)
    assert not tried(book)
    silent.cannot_say = False
    ask_about_receipts(book.at("2026-03-05 09:00").ctx)
    assert not tried(book)
    ask_about_receipts(book.at("2026-03-05 14:00").ctx)
    assert not tried(book), "asked six hours ago or less"
    ask_about_receipts(book.at("2026-03-05 15:00").ctx)
    assert tried(book)


def test_a_provider_that_never_answers_is_asked_for_72_hours(engine: Engine) -> None:
    """Two texts: of a run that fails, the second is not asked about at all."""
    book = Book(engine, now="2026-03-02 10:00")
    silent = Scripted()
    book.ctx = replace(book.ctx, sms=route(twilio=silent))
    for name in ("L-1", "L-2"):
        book.loan(name, due_on="2026-03-01")
        book.escalate(name)
        book.send(name, "text_day_1")
    silent.cannot_say = True
    ask_about_receipts(book.at("2026-03-05 09:59").ctx)
    assert [row.presumed_at for row in book.rows(message)] == [None, None]
    ask_about_receipts(book.at("2026-03-05 15:59").ctx)
    assert all(row.presumed_at == book.ctx.now() for row in book.rows(message))
    assert tried(book)
    asked_at = [row.asked_at for row in book.rows(message)]
    ask_about_receipts(book.at("2026-03-07 10:00").ctx)
    assert [row.asked_at for row in book.rows(message)] == asked_at, "nobody is asked any more"


def two_loans(engine: Engine) -> Book:
    """Two loans of one person, whose text was accepted at ten in the morning."""
    book = Book(engine, now="2026-03-02 10:00")
    for name in ("L-1", "L-2"):
        book.loan(name, due_on="2026-03-01", borrower_id="HOB")
    book.escalate("L-1", "L-2")
    assert book.send("L-2", "text_day_1") == "accepted"
    return book


def test_a_text_about_two_loans_is_asked_about_once_and_was_tried_for_both(engine: Engine) -> None:
    book = two_loans(engine)
    (sent,) = book.sms.sent
    book.sms.receipts[sent.sid] = MessageStatus.DELIVERED
    assert ask_about_receipts(book.at("2026-03-02 11:00").ctx) == 1
    assert (tried(book, loan="L-1"), tried(book, loan="L-2")) == (True, True)
    assert len(book.rows(receipt)) == 1


def test_a_text_about_two_loans_is_presumed_for_both(engine: Engine) -> None:
    book = two_loans(engine)
    ask_about_receipts(book.at("2026-03-05 10:00").ctx)
    assert (tried(book, loan="L-1"), tried(book, loan="L-2")) == (True, True)
    with book.ctx.engine.begin() as connection:
        assert take_texts(connection, book.at("2026-03-06 10:00").ctx.now()) == []


def test_nobody_can_be_asked_by_a_number_that_was_erased_and_the_text_is_presumed(
    book: Book,
) -> None:
    (sent,) = book.sms.sent
    book.sms.receipts[sent.sid] = MessageStatus.DELIVERED
    with book.ctx.engine.begin() as connection:
        connection.execute(delete(borrower_number))
    ask_about_receipts(book.at("2026-03-05 10:00").ctx)
    assert (book.one(message).status, tried(book)) == ("accepted", True)


def test_a_visit_was_tried_when_its_visitors_reported_it_and_not_by_its_notice(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-03-31 10:00")
    book.staff("v-1", "visitor", shift=("2026-03-31 08:00", "2026-06-30 20:00"))
    book.staff("v-2", "visitor", shift=("2026-03-31 08:00", "2026-06-30 20:00"))
    book.loan("L-1", due_on="2026-03-01", steps_tried=["remind", "enquire"])
    book.escalate("L-1")
    book.send("L-1", "legal_notice")
    report(book, MessageStatus.DELIVERED)
    assert tried(book, "legal_notice")
    schedule_visit(book.ctx, book.action_id("L-1", "field_visit"))
    assert book.actions("L-1")["field_visit"] == "assigned"
    assert len(book.rows(document)) == 1, "the letter that announces the visit"

    book.at("2026-04-30 10:00").escalate("L-1")
    assert "legal_file" not in book.actions("L-1"), "neither notice is the visit"

    book.visited("L-1", "v-1")
    book.at("2026-05-01 10:00").escalate("L-1")
    assert book.actions("L-1")["legal_file"] == "awaiting_approval"
