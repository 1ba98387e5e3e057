"""Reconciling: what became of texts whose answer was lost is found out, and nothing goes twice."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import Engine, select, update

from domain.actions import ActionStatus
from domain.messages import MessageStatus
from domain.reasons import ReasonCode, because
from tests.support.concurrently import concurrently
from tests.support.loans import NAME, PHONE, Book
from tests.support.sending import ANSWER_LOST, Scripted, route
from workers.db.messages import advance_message
from workers.db.places import place_of_text
from workers.db.schema import action, loan, message, problem
from workers.messaging.backoff import MOST_FAILURES
from workers.sms.providers.port import OutgoingText, SendOutcome, SendResult
from workers.sms.reconcile import (
    LOOKUP_INTERVAL,
    ask_providers,
    mark_lost_claims,
    park_old,
    reconcile_texts,
    resolve_confirmed,
)

INSTANT = timedelta(microseconds=1)


class Late(Scripted):
    """Answers after the lease of its sender has ended, and the repairs have been there."""

    book: Book

    def send(self, text: OutgoingText) -> SendResult:
        answer = super().send(text)
        self.book.clock.at += self.book.ctx.settings.lease + timedelta(seconds=1)
        mark_lost_claims(self.book.ctx)
        return answer


@pytest.fixture
def provider() -> Scripted:
    return Scripted(ANSWER_LOST)


@pytest.fixture
def book(engine: Engine, provider: Scripted) -> Book:
    """A loan whose first text may or may not have gone out."""
    book = a_loan(engine, provider)
    assert book.send("L-1", "text_day_1") == "unknown"
    return book


def a_loan(engine: Engine, provider: Scripted) -> Book:
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    book.ctx = replace(book.ctx, sms=route(twilio=provider))
    book.escalate("L-1")
    return book


def standing(book: Book) -> tuple[str, str]:
    """Of the first text: the action's status, and the newest message's."""
    newest = max(book.rows(message), key=lambda row: row.contact_id)
    return book.actions("L-1")["text_day_1"], newest.status


def test_a_text_on_the_providers_list_was_sent(book: Book, provider: Scripted) -> None:
    provider.listed = ("SM1",)

    assert ask_providers(book.ctx) == 1

    assert standing(book) == ("done", "accepted")
    assert book.one(message).sid == "SM1"
    (asked,) = provider.looked_up
    assert asked.to == PHONE["CN"]
    assert asked.body == provider.asked[0].body
    assert NAME not in asked.body


@pytest.mark.parametrize("cannot_say", [True, False])
def test_a_provider_that_knows_nothing_of_it_is_asked_again_in_half_a_minute(
    book: Book, provider: Scripted, cannot_say: bool
) -> None:
    provider.cannot_say = cannot_say
    began = book.clock.at
    for wait in (timedelta(), timedelta(), LOOKUP_INTERVAL - INSTANT):
        book.clock.at = began + wait
        ask_providers(book.ctx)
    assert len(provider.looked_up) == 1

    book.clock.at = began + LOOKUP_INTERVAL
    ask_providers(book.ctx)
    assert len(provider.looked_up) == 2
    assert standing(book) == ("unknown", "unknown")


def test_a_text_that_another_message_has_is_not_taken_for_this_one(
    book: Book, provider: Scripted
) -> None:
    other = Scripted()
    book.loan("L-2", due_on="2026-03-01")
    book.escalate("L-2")
    ctx = book.ctx
    book.ctx = replace(ctx, sms=route(twilio=other))
    book.send("L-2", "text_day_1")
    book.ctx = ctx
    taken = next(row.sid for row in book.rows(message) if row.sid)
    provider.listed = (taken,)

    assert ask_providers(book.ctx) == 0
    provider.listed = (taken, "SM-ours")
    book.clock.at += LOOKUP_INTERVAL
    assert ask_providers(book.ctx) == 1
    assert {row.sid for row in book.rows(message)} == {taken, "SM-ours"}


def test_of_two_equal_texts_one_on_the_list_proves_neither_and_two_prove_both(
    engine: Engine, provider: Scripted
) -> None:
    book = two_loans_of_one_borrower(engine, provider)
    provider.listed = ("SM1",)
    assert ask_providers(book.ctx) == 0, "nobody can tell whose it is"

    provider.listed = ("SM1", "SM2")
    book.clock.at += LOOKUP_INTERVAL
    concurrently(*[partial(ask_providers, book.ctx)] * 2)
    book.clock.at += LOOKUP_INTERVAL
    ask_providers(book.ctx)

    assert {row.sid for row in book.rows(message)} == {"SM1", "SM2"}
    assert book.rows(problem) == []


def two_loans_of_one_borrower(engine: Engine, provider: Scripted) -> Book:
    """Both texted in the same words, and both answers lost."""
    book = a_loan(engine, provider)
    book.loan("L-2", due_on="2026-03-01")
    assert book.send("L-1", "text_day_1") == "unknown"
    with engine.begin() as connection:
        connection.execute(update(loan).values(borrower_id=book.rows(loan)[0].borrower_id))
    book.escalate("L-2")
    assert book.send("L-2", "text_day_1") == "unknown"
    with engine.begin() as connection:
        for row in book.rows(message):
            same = book.ctx.cipher.encrypt("The same words.", place_of_text(row.id))
            this = update(message).where(message.c.id == row.id)
            connection.execute(this.values(body_encrypted=same))
    return book


def test_a_text_that_the_provider_has_twice_is_a_problem_on_the_loan(
    book: Book, provider: Scripted
) -> None:
    provider.listed = ("SM1", "SM2")
    ask_providers(book.ctx)
    assert standing(book) == ("done", "accepted")
    assert book.one(problem).kind == "texted_twice"


def test_repairs_at_the_same_moment_settle_a_text_once(book: Book, provider: Scripted) -> None:
    provider.listed = ("SM1",)
    concurrently(*[partial(reconcile_texts, book.ctx)] * 3)

    assert len(provider.looked_up) == 1
    assert standing(book) == ("done", "accepted")
    assert len(provider.asked) == 1


def test_a_text_that_stays_unknown_is_parked_after_the_time_set_and_asked_about_no_more(
    book: Book, provider: Scripted
) -> None:
    began, limit = book.clock.at, timedelta(seconds=book.ctx.settings.park_after_seconds)
    book.clock.at = began + limit - INSTANT
    assert park_old(book.ctx) == 0

    book.clock.at = began + limit
    assert sum(concurrently(*[partial(park_old, book.ctx)] * 3)) == 1
    assert standing(book) == ("unknown", "parked")
    assert reconcile_texts(book.ctx).found == 0
    assert provider.looked_up == []


def test_before_a_text_is_parked_the_provider_is_asked_once_more(
    book: Book, provider: Scripted
) -> None:
    provider.listed = ("SM1",)
    book.clock.at += timedelta(days=1)
    done = reconcile_texts(book.ctx)
    assert (done.found, done.parked) == (1, 0)
    assert standing(book) == ("done", "accepted")


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (None, ("done", "accepted")),
        (
            SendResult(
                SendOutcome.NOT_SENT, because(ReasonCode.TOO_MANY_REQUESTS, provider="twilio")
            ),
            ("failed", "not_sent"),
        ),
        (
            SendResult(
                SendOutcome.REFUSED,
                because(ReasonCode.PROVIDER_REFUSED, provider_code="21606"),
                code="21606",
            ),
            ("dead", "refused"),
        ),
    ],
)
def test_the_answer_of_a_sender_that_comes_too_late_settles_its_action_after_all(
    engine: Engine, answer: SendResult | None, end: tuple[str, str]
) -> None:
    late = Late(answer)
    book = late.book = a_loan(engine, late)
    book.send("L-1", "text_day_1")
    assert book.actions("L-1")["text_day_1"] == "unknown"

    assert sum(concurrently(*[partial(resolve_confirmed, book.ctx)] * 3)) == 1

    assert standing(book) == end
    assert resolve_confirmed(book.ctx) == 0
    assert len(late.asked) == 1


def test_a_text_that_was_not_sent_goes_again_by_the_same_way_with_the_gate_asked(
    engine: Engine,
) -> None:
    late = Late(
        SendResult(SendOutcome.NOT_SENT, because(ReasonCode.TOO_MANY_REQUESTS, provider="twilio"))
    )
    book = late.book = a_loan(engine, late)
    book.send("L-1", "text_day_1")
    resolve_confirmed(book.ctx)
    assert book.action("L-1", "text_day_1").due_at == book.clock.at

    late.answer = None
    book.send("L-1", "text_day_1")
    resolve_confirmed(book.ctx)
    assert standing(book) == ("done", "accepted")
    in_order = select(message).order_by(message.c.contact_id)
    assert [row.status for row in book.rows(in_order)] == [
        "not_sent",
        "accepted",
    ]


def test_what_was_not_sent_too_often_is_given_up(book: Book, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(action).values(attempts=MOST_FAILURES - 1))
        connection.execute(update(message).values(status="not_sent"))
    assert resolve_confirmed(book.ctx) == 1
    assert book.actions("L-1")["text_day_1"] == ActionStatus.DEAD


def test_an_answer_that_comes_while_the_provider_is_asked_is_not_overwritten(
    book: Book, provider: Scripted, engine: Engine
) -> None:
    class Meanwhile(Scripted):
        def find(self, text: OutgoingText, since: object) -> tuple[str, ...]:
            with engine.begin() as connection:
                advance_message(
                    connection,
                    text.reference,
                    MessageStatus.DELIVERED,
                    book.clock.at,
                    sid="SM-receipt",
                )
            return (f"SM{uuid4().hex}",)

    book.ctx = replace(book.ctx, sms=route(twilio=Meanwhile()))
    assert ask_providers(book.ctx) == 0
    assert resolve_confirmed(book.ctx) == 1
    assert standing(book) == ("done", "delivered")
    assert book.one(message).sid == "SM-receipt"


def test_what_a_provider_without_a_gateway_sent_is_left_to_receipts_and_people(book: Book) -> None:
    book.ctx = replace(book.ctx, sms=route(tencent=Scripted()))
    assert ask_providers(book.ctx) == 0
    assert standing(book) == ("unknown", "unknown")
