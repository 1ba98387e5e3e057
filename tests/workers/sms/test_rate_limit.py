"""The pace of a sender: evenly spaced turns, whoever takes them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

from sqlalchemy import Engine

from tests.support.concurrently import concurrently
from tests.support.counting import statements
from tests.support.fakes import FakeSmsGateway
from tests.support.loans import SENDER, Book, FixedClock
from workers.context import Context
from workers.db.schema import message, sender_pace
from workers.sms.providers.routing import Sender
from workers.sms.rate_limit import LONGEST_WAIT, reserve_send_slot
from workers.sms.send import send_sms

ONE = Sender("twilio", SENDER, FakeSmsGateway())
ANOTHER = Sender("twilio", "+15005550007", FakeSmsGateway())
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def turn(engine: Engine, sender: Sender, now: datetime, per_second: float = 1) -> datetime | None:
    with engine.begin() as connection:
        return reserve_send_slot(connection, sender, now, per_second)


def a_paced_book(engine: Engine, loans: int, per_second: float = 1) -> Book:
    book = Book(engine)
    names = [f"L-{n}" for n in range(loans)]
    for name in names:
        book.loan(name, due_on="2026-03-01")
    book.escalate(*names)
    paced = book.ctx.settings.model_copy(update={"sms_per_second": per_second})
    book.ctx = replace(book.ctx, settings=paced)
    return book


def test_turns_follow_one_another_at_the_pace_of_the_sender(engine: Engine) -> None:
    assert [turn(engine, ONE, NOW) for _ in range(3)] == [NOW, NOW + SECOND, NOW + 2 * SECOND]
    assert turn(engine, ANOTHER, NOW) == NOW, "every sender has a pace of its own"


def test_time_in_which_nothing_was_sent_is_not_made_up_for(engine: Engine) -> None:
    turn(engine, ONE, NOW)
    later = NOW + timedelta(hours=1)
    assert [turn(engine, ONE, later), turn(engine, ONE, later)] == [later, later + SECOND]


def test_a_turn_too_far_off_is_not_taken(engine: Engine) -> None:
    turns = [turn(engine, ONE, NOW, per_second=0.1) for _ in range(5)]
    assert turns == [NOW, NOW + 10 * SECOND, NOW + LONGEST_WAIT, None, None]
    assert turn(engine, ONE, NOW + 10 * SECOND, per_second=0.1) == NOW + 30 * SECOND


def test_workers_at_the_same_moment_get_different_turns(engine: Engine) -> None:
    taken = concurrently(*[partial(turn, engine, ONE, NOW, 10)] * 8)

    turns = sorted(event for event in taken if event)
    assert len(turns) == 8
    assert {later - earlier for earlier, later in pairwise(turns)} == {SECOND / 10}


def test_texts_leave_at_the_pace_of_their_sender_and_the_gate_is_asked_at_that_moment(
    engine: Engine,
) -> None:
    book = a_paced_book(engine, loans=4)
    began = book.clock.at
    stopped = {name: FixedClock(began) for name in ("L-0", "L-1", "L-2", "L-3")}

    for name, clock in stopped.items():
        ctx: Context = replace(book.ctx, clock=clock)
        assert send_sms(ctx, book.action_id(name, "text_day_1")) == "accepted"

    sent_at = sorted(row.created_at for row in book.rows(message))
    assert sent_at == [began + n * SECOND for n in range(4)]


def test_a_text_whose_turn_is_far_off_stays_due_and_nothing_is_written(engine: Engine) -> None:
    book = a_paced_book(engine, loans=1)
    for _ in range(22):
        turn(engine, ONE, book.clock.at)
    action_id = book.action_id("L-0", "text_day_1")

    assert send_sms(book.ctx, action_id) == "not its turn"

    waiting = book.action("L-0", "text_day_1")
    assert (waiting.status, waiting.attempts) == ("planned", 0)
    assert book.rows(message) == []


def test_what_has_nothing_to_send_takes_no_turn(engine: Engine) -> None:
    book = a_paced_book(engine, loans=1)
    action_id = book.action_id("L-0", "text_day_1")
    assert send_sms(book.ctx, action_id) == "accepted"
    (before,) = book.rows(sender_pace)

    assert send_sms(book.ctx, action_id) == "nothing to do"
    assert book.rows(sender_pace) == [before]


def test_a_pace_costs_two_statements_and_none_where_it_is_not_set(engine: Engine) -> None:
    book = a_paced_book(engine, loans=2)
    unpaced = replace(
        book.ctx, settings=book.ctx.settings.model_copy(update={"sms_per_second": None})
    )
    with statements(engine) as with_pace:
        send_sms(book.ctx, book.action_id("L-0", "text_day_1"))
    with statements(engine) as without:
        send_sms(unpaced, book.action_id("L-1", "text_day_1"))

    assert len(with_pace) == len(without) + 2
