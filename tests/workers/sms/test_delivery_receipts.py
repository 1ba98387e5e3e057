"""Receipts: found by our own id or by the provider's, in any order, and never lost."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, Row, update

from domain.actors import Actor
from domain.events import NotYetError
from tests.support.acting import acting
from tests.support.loans import Book
from tests.support.sending import Scripted, route
from workers.db.schema import message, problem, receipt
from workers.sms.decide_unconfirmed import mark_unsent
from workers.sms.delivery_receipts import record_receipt
from workers.sms.providers.port import OutgoingText, SendResult
from workers.sms.reconcile import mark_lost_claims


@pytest.fixture
def book(engine: Engine) -> Book:
    """Two loans, each with a text that the provider took."""
    book = Book(engine)
    book.ctx = replace(book.ctx, sms=route(tencent=Scripted()))
    for name in ("L-1", "L-2"):
        book.loan(name, due_on="2026-03-01")
        book.escalate(name)
        book.send(name, "text_day_1")
    return book


def texts(book: Book) -> list[Row[UUID, str, str]]:
    return sorted(book.rows(message), key=lambda row: row.contact_id)


def report(
    book: Book,
    sid: str,
    *,
    message_id: UUID | None = None,
    provider: str = "tencent",
    word: str = "delivered",
) -> None:
    payload = {
        "provider": provider,
        "message_id": str(message_id) if message_id else None,
        "sid": sid,
        "word": word,
        "status": word,
        "code": None,
    }
    with book.ctx.engine.begin() as connection:
        record_receipt(connection, book.ctx, payload)


def test_a_receipt_without_our_id_is_found_by_the_providers(book: Book) -> None:
    first, second = texts(book)
    report(book, first.sid)
    assert [row.status for row in texts(book)] == ["delivered", "accepted"]
    assert book.one(receipt).message_id == first.id

    with pytest.raises(NotYetError):
        report(book, second.sid, provider="twilio")


def test_a_receipt_for_a_text_that_is_not_on_record_is_kept_for_later(book: Book) -> None:
    for unknown in (uuid4(), None):
        with pytest.raises(NotYetError, match="RECEIPT_OF_UNKNOWN_TEXT"):
            report(book, "SM-nobody's", message_id=unknown)
    assert book.rows(receipt) == []


def test_a_receipt_puts_right_which_of_two_equal_texts_is_which(book: Book, engine: Engine) -> None:
    first, second = texts(book)
    with engine.begin() as connection:
        # The first was taken for the second on the provider's list.
        connection.execute(
            update(message).where(message.c.id == first.id).values(sid=None, status="unknown")
        )

    report(book, second.sid, message_id=first.id)
    assert [row.sid for row in texts(book)] == [second.sid, None]
    report(book, first.sid, message_id=second.id)
    assert [row.sid for row in texts(book)] == [second.sid, first.sid]
    assert [row.status for row in texts(book)] == ["delivered", "delivered"]


def test_an_answer_after_a_person_said_not_sent_is_a_problem_on_the_loan(engine: Engine) -> None:
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")

    class SlowerThanPeople(Scripted):
        def send(self, text: OutgoingText) -> SendResult:
            book.clock.at += book.ctx.settings.lease + timedelta(seconds=1)
            mark_lost_claims(book.ctx)
            mark_unsent(acting(book.ctx, Actor("op-1")), text.reference)
            return super().send(text)

    book.ctx = replace(book.ctx, sms=route(twilio=SlowerThanPeople()))
    book.send("L-1", "text_day_1")

    assert book.one(message).status == "not_sent"
    assert book.one(problem).kind == "sent_after_all"
