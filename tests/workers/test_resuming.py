"""Resuming: what was given up goes again when a person says so, and no text goes twice."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import Engine, update

from domain.errors import ArrearsError
from domain.ladder import Work
from tests.support.fakes import FakeSmsGateway
from tests.support.loans import Book
from workers.gateways.sms import OutgoingText, SendOutcome, SendResult
from workers.inbox import apply_event, receive
from workers.repairing import wake_due_actions
from workers.resuming import resume
from workers.store.schema import action, action_event, message


class Refusing(FakeSmsGateway):
    """A provider that takes no text."""

    def send(self, text: OutgoingText) -> SendResult:
        return SendResult(SendOutcome.REFUSED, "The account may not text this country.")


@pytest.fixture
def book(engine: Engine) -> Book:
    """A loan whose first text the provider refused, and which was given up."""
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    house = book.house
    book.house = replace(house, sms=Refusing())
    book.send("L-1", "text_day_1")
    book.house = house
    assert book.actions("L-1")["text_day_1"] == "dead"
    return book


def test_a_resumed_action_is_due_at_once_taken_up_again_and_done(book: Book) -> None:
    action_id = resume(book.house, "L-1", "text_day_1", by="op-1")

    resumed = book.action("L-1", "text_day_1")
    assert (resumed.id, resumed.status, resumed.due_at) == (action_id, "planned", book.clock.at)
    announced: list[int] = []
    wake_due_actions(book.house, Work.SEND_SMS, announced.extend, waiting=0)
    assert announced == [action_id]
    assert book.send("L-1", "text_day_1") == "accepted"
    assert book.actions("L-1")["text_day_1"] == "done"
    assert len(book.sms.sent) == 1


def test_who_resumed_it_is_on_record(book: Book) -> None:
    resume(book.house, "L-1", "text_day_1", by="op-1")
    last = book.rows(action_event)[-1]
    assert (last.from_status, last.to_status) == ("dead", "planned")
    assert last.reason == "resumed by op-1"


def test_what_was_not_given_up_is_not_resumed(book: Book) -> None:
    before = book.action("L-1", "friendly_call")
    with pytest.raises(ArrearsError, match="Nothing was given up as friendly_call for loan L-1"):
        resume(book.house, "L-1", "friendly_call", by="op-1")
    assert book.action("L-1", "friendly_call") == before
    with pytest.raises(ArrearsError, match="Loan L-9 is not known"):
        resume(book.house, "L-9", "text_day_1", by="op-1")


def test_of_two_resumptions_the_second_is_told_that_nothing_is_given_up(book: Book) -> None:
    resume(book.house, "L-1", "text_day_1", by="op-1")
    with pytest.raises(ArrearsError, match="Nothing was given up"):
        resume(book.house, "L-1", "text_day_1", by="op-2")


def test_a_text_that_the_provider_took_and_could_not_send_is_never_sent_again(
    engine: Engine,
) -> None:
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    sent = book.one(message)
    with engine.begin() as connection:
        # Its answer was lost, and then the provider reported that it could not be sent.
        connection.execute(
            update(action).where(action.c.id == sent.action_id).values(status="unknown")
        )
        event_id = receive(
            connection,
            f"twilio:{sent.sid}:failed",
            "receipt",
            {
                "message_id": str(sent.id),
                "sid": sent.sid or f"SM{uuid4().hex}",
                "word": "failed",
                "status": "failed",
                "code": "30008",
            },
            book.clock.at,
        )
    apply_event(book.house, event_id)
    assert book.actions("L-1")["text_day_1"] == "dead"

    with pytest.raises(ArrearsError, match="the provider took its text"):
        resume(book.house, "L-1", "text_day_1", by="op-1")
    assert book.actions("L-1")["text_day_1"] == "dead"
