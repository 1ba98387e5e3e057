"""Dead letters: what was given up goes again when a person says so, and no text goes twice."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Engine, update

from domain.actions import SEND_SMS
from domain.actors import Actor
from domain.errors import ArrearsError
from domain.language.speak import speak
from domain.reasons import ReasonCode, because
from tests.support.acting import acting
from tests.support.concurrently import concurrently
from tests.support.loans import Book
from tests.support.sending import Scripted, route
from workers.actions.dead_letters import DeadAction, discard, read_dead, read_history, retry
from workers.actions.dispatch import dispatch_due_actions
from workers.db.schema import action, action_event, message
from workers.messaging.backoff import MOST_FAILURES
from workers.sms.providers.port import SendOutcome, SendResult

REFUSED = SendResult(SendOutcome.REFUSED, because(ReasonCode.REGION_NOT_PERMITTED), code="21408")
NOT_SENT = SendResult(
    SendOutcome.NOT_SENT, because(ReasonCode.TOO_MANY_REQUESTS, provider="twilio")
)


@pytest.fixture
def provider() -> Scripted:
    return Scripted(REFUSED)


@pytest.fixture
def book(engine: Engine, provider: Scripted) -> Book:
    """A loan whose first text the provider refused, and which was given up."""
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    book.ctx = replace(book.ctx, sms=route(twilio=provider))
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    provider.answer = None
    assert book.actions("L-1")["text_day_1"] == "dead"
    return book


def dead(book: Book) -> int:
    return book.action_id("L-1", "text_day_1")


def test_what_was_given_up_is_listed_with_its_reason(book: Book) -> None:
    with book.ctx.engine.connect() as connection:
        (found,) = read_dead(connection, book.ctx)
    assert (found.action, found.loan, found.item) == (dead(book), "L-1", "text_day_1")
    assert (found.reason, found.attempts) == (REFUSED.reason, 0)
    assert f"{found.since:%Y-%m-%d %H:%M}" == "2026-03-02 10:00"


def test_the_history_of_an_action_is_every_move_and_every_text(book: Book) -> None:
    retry(acting(book.ctx, Actor("op-1")), dead(book))
    book.send("L-1", "text_day_1")

    with book.ctx.engine.connect() as connection:
        found = read_history(connection, dead(book), book.ctx)

    assert found.action.status == "done"
    assert [(move.was, move.became) for move in found.moves] == [
        ("claimed", "dead"),
        ("dead", "planned"),
        ("claimed", "done"),
    ]
    assert [(text.status, text.code) for text in found.texts] == [
        ("refused", "21408"),
        ("accepted", None),
    ]


def test_a_retried_action_is_due_at_once_taken_up_again_and_done(
    book: Book, provider: Scripted
) -> None:
    retry(acting(book.ctx, Actor("op-1")), dead(book))

    retried = book.action("L-1", "text_day_1")
    assert (retried.status, retried.due_at) == ("planned", book.clock.at)
    announced: list[int] = []
    dispatch_due_actions(book.ctx, SEND_SMS, announced.extend, waiting=0)
    assert announced == [dead(book)]
    assert book.send("L-1", "text_day_1") == "accepted"
    assert book.actions("L-1")["text_day_1"] == "done"
    assert len(provider.asked) == 2


def test_a_retried_action_has_all_its_tries_before_it(
    book: Book, provider: Scripted, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(update(action).values(attempts=MOST_FAILURES - 1))
    retry(acting(book.ctx, Actor("op-1")), dead(book))
    provider.answer = NOT_SENT
    book.send("L-1", "text_day_1")
    failed = book.action("L-1", "text_day_1")
    assert (failed.status, failed.attempts) == ("failed", 1)


@pytest.mark.parametrize(("decide", "end"), [(retry, "planned"), (discard, "discarded")])
def test_who_decided_is_on_record(book: Book, decide: Callable[..., DeadAction], end: str) -> None:
    decide(acting(book.ctx, Actor("op-1")), dead(book))
    last = book.rows(action_event)[-1]
    assert (last.from_status, last.to_status) == ("dead", end)
    assert "d by op-1." in speak(last.reason)


def test_what_was_discarded_is_never_taken_up_again(book: Book) -> None:
    discard(acting(book.ctx, Actor("op-1")), dead(book))
    with pytest.raises(ArrearsError, match=r"is discarded: only one that is dead"):
        retry(acting(book.ctx, Actor("op-1")), dead(book))
    book.at("2026-03-02 11:00").escalate("L-1")
    assert book.actions("L-1")["text_day_1"] == "discarded"


@pytest.mark.parametrize("decide", [retry, discard])
def test_only_what_was_given_up_can_be_decided_about(
    book: Book, decide: Callable[..., DeadAction]
) -> None:
    call = book.action("L-1", "friendly_call")
    with pytest.raises(ArrearsError, match=rf"Action {call.id} is {call.status}"):
        decide(acting(book.ctx, Actor("op-1")), call.id)
    assert book.action("L-1", "friendly_call") == call
    with pytest.raises(ArrearsError, match="There is no action 999"):
        decide(acting(book.ctx, Actor("op-1")), 999)


@pytest.mark.parametrize("decide", [retry, discard])
def test_a_dry_run_changes_nothing(book: Book, decide: Callable[..., DeadAction]) -> None:
    assert decide(acting(book.ctx, Actor("op-1")), dead(book), dry_run=True).item == "text_day_1"
    assert book.actions("L-1")["text_day_1"] == "dead"


def test_of_people_who_resume_at_once_one_does(book: Book) -> None:
    def one_resumes() -> str:
        try:
            retry(acting(book.ctx, Actor("op-1")), dead(book))
        except ArrearsError:
            return "told"
        return "done"

    assert sorted(concurrently(*[one_resumes] * 3)) == ["done", "told", "told"]


@pytest.mark.parametrize("status", ["accepted", "sent", "delivered", "unknown", "parked"])
def test_a_text_that_the_provider_took_and_that_may_have_arrived_is_never_sent_again(
    book: Book, engine: Engine, status: str
) -> None:
    with engine.begin() as connection:
        connection.execute(update(message).values(status=status))

    with pytest.raises(ArrearsError, match="the provider took its text"):
        retry(acting(book.ctx, Actor("op-1")), dead(book))
    assert book.actions("L-1")["text_day_1"] == "dead"
