"""Failover: another provider is asked only where the first said no for a reason of its own."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor
from domain.contact_points import NumberFact
from domain.reasons import ReasonCode, because
from tests.support.acting import acting
from tests.support.loans import Book
from tests.support.sending import (
    ANSWER_LOST,
    REFUSED_FOR_ITS_OWN_SAKE,
    Scripted,
    asked,
    route,
)
from workers.actions.dead_letters import retry
from workers.db.schema import contact, message
from workers.payments.payments import Payment, record_payment
from workers.sms.providers.port import SendOutcome, SendResult

OPTED_OUT = SendResult(
    SendOutcome.REFUSED,
    because(ReasonCode.OPTED_OUT_OF_SENDER),
    number_fact=NumberFact.OPTED_OUT,
    other_provider_may_accept=True,
)
INVALID = SendResult(
    SendOutcome.REFUSED,
    because(ReasonCode.NUMBER_INVALID),
    number_fact=NumberFact.REACHES_NOBODY,
    other_provider_may_accept=True,
)
REFUSED = SendResult(
    SendOutcome.REFUSED, because(ReasonCode.PROVIDER_REFUSED, provider_code="none")
)
NOT_SENT = SendResult(
    SendOutcome.NOT_SENT, because(ReasonCode.TOO_MANY_REQUESTS, provider="twilio")
)


def a_due_text(engine: Engine, **gateways: Scripted) -> Book:
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    book.ctx = replace(book.ctx, sms=route(**gateways))
    book.escalate("L-1")
    return book


def send(book: Book) -> str:
    book.clock.at += timedelta(seconds=1)
    return book.send("L-1", "text_day_1")


def test_after_a_refusal_for_its_own_sake_the_next_provider_is_asked(engine: Engine) -> None:
    first, second = Scripted(REFUSED_FOR_ITS_OWN_SAKE), Scripted()
    book = a_due_text(engine, first=first, second=second)

    assert [send(book), send(book), send(book)] == ["refused", "accepted", "nothing to do"]

    assert asked(first, second) == [1, 1]
    in_order = select(message).order_by(message.c.contact_id)
    tried = [(row.provider, row.status) for row in book.rows(in_order)]
    assert tried == [("first", "refused"), ("second", "accepted")]
    assert book.actions("L-1")["text_day_1"] == "done"
    assert len(book.rows(contact)) == 2, "each attempt counts as a contact, to be on the safe side"


def test_between_two_providers_the_gate_is_asked_again(engine: Engine) -> None:
    first, second = Scripted(REFUSED_FOR_ITS_OWN_SAKE), Scripted()
    book = a_due_text(engine, first=first, second=second)
    send(book)
    with engine.begin() as connection:
        paid = Payment("P-1", "L-1", Decimal(1000), "CNY", book.ctx.today())
        record_payment(connection, book.ctx, paid)

    assert send(book) == "nothing to do"
    assert asked(first, second) == [1, 0]


def test_when_all_have_refused_the_action_is_dead_and_resumed_it_asks_the_first_again(
    engine: Engine,
) -> None:
    first, second = Scripted(REFUSED_FOR_ITS_OWN_SAKE), Scripted(REFUSED_FOR_ITS_OWN_SAKE)
    book = a_due_text(engine, first=first, second=second)

    assert [send(book), send(book), send(book)] == ["refused", "refused", "nothing to do"]
    assert book.actions("L-1")["text_day_1"] == "dead"

    retry(acting(book.ctx, Actor("op-1")), book.action_id("L-1", "text_day_1"))
    first.answer = None
    assert send(book) == "accepted"
    assert asked(first, second) == [2, 1]


@pytest.mark.parametrize("answer", [OPTED_OUT, INVALID, REFUSED, NOT_SENT, ANSWER_LOST])
def test_any_other_answer_is_no_reason_to_ask_somebody_else(
    engine: Engine, answer: SendResult
) -> None:
    first, second = Scripted(answer), Scripted()
    book = a_due_text(engine, first=first, second=second)

    send(book)
    book.clock.at += timedelta(seconds=50)
    send(book)

    assert asked(first, second) == [2 if answer is NOT_SENT else 1, 0]
