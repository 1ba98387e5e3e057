"""The lender's systems get every event at least once, signed, and in order for each loan."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Engine, select, update
from standardwebhooks.webhooks import Webhook

from domain.errors import ArrearsError
from domain.language.speak import speak
from domain.reason_json import reasons_as_json
from domain.reasons import ReasonCode, because
from tests.support.concurrently import concurrently
from tests.support.loans import ADDRESS, NAME, PHONE, Book
from tests.support.receiver import OLDER_SECRET, SECRET, LendersSystems, telling
from workers.db import outbox
from workers.db.outbox import OutboxEventKind, OutboxMessage
from workers.db.schema import outbox_event
from workers.outbox.deliver import BATCH_SIZE, MAX_TRIES, deliver_events, dispatch_outbox
from workers.outbox.lender_webhook import LenderWebhook
from workers.queues import QUEUE_HOLDS
from workers.simulator.providers.magic_numbers import SimulatedOutcome


@pytest.fixture
def book(engine: Engine, systems: LendersSystems) -> Book:
    """L-1 has been texted, and its lender is to be told of it."""
    book = telling(Book(engine, now="2026-03-02 10:00"), systems.url)
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    return book


def deliver(book: Book) -> int:
    return deliver_events(book.ctx, book.loan_id("L-1"))


def woken(book: Book) -> list[int]:
    announced: list[int] = []
    dispatch_outbox(book.ctx, announced.extend, waiting=0)
    return announced


def tell_numbers(book: Book, count: int) -> None:
    """Events that can be told apart by their number."""
    messages = [
        OutboxMessage(OutboxEventKind.ACTION_DEAD, book.loan_id("L-1"), {"number": number})
        for number in range(count)
    ]
    with book.ctx.engine.begin() as connection:
        outbox.record_events(connection, messages, book.ctx.now())


def statuses(book: Book) -> list[str]:
    return [row.status for row in book.rows(select(outbox_event).order_by(outbox_event.c.id))]


def tries(book: Book, systems: LendersSystems, until: timedelta) -> list[datetime]:
    """Deliver whenever something is due, for as long as `until`; when something was posted.

    It looks every minute, and after an hour, when the waits have grown, every four."""
    posted_at = []
    begun_at = book.clock.at
    while (passed := book.clock.at - begun_at) < until:
        seen = len(systems.got)
        if woken(book):
            deliver(book)
        posted_at += [book.clock.at] * (len(systems.got) - seen)
        book.clock.at += timedelta(minutes=1 if passed < timedelta(hours=1) else 4)
    return posted_at


def test_an_event_is_signed_so_that_the_library_of_the_receiver_trusts_it(
    book: Book, systems: LendersSystems
) -> None:
    book.clock.at = datetime.now(UTC)
    assert deliver(book) == 2

    for delivery in systems.got:
        for secret in (SECRET, OLDER_SECRET):
            assert Webhook(secret).verify(delivery.body, delivery.headers) == delivery.payload
    assert systems.got[0].headers["content-type"] == "application/json"


def test_the_body_says_what_happened_when_and_to_which_loan(
    book: Book, systems: LendersSystems
) -> None:
    deliver(book)

    first = systems.got[0].payload
    assert set(first) == {"type", "timestamp", "data"}
    assert first["type"] == "loan.escalated"
    assert first["timestamp"] == "2026-03-02T02:00:00Z"
    assert first["data"]["loan"] == "L-1"
    in_order = book.rows(select(outbox_event.c.event_id).order_by(outbox_event.c.id))
    assert systems.got[0].id == str(in_order[0].event_id)


def test_an_action_that_was_given_up_says_why_in_codes_and_in_a_sentence(
    engine: Engine, systems: LendersSystems
) -> None:
    book = telling(Book(engine, now="2026-03-02 10:00"), systems.url)
    book.loan("L-1", due_on="2026-03-01", phone=f"+1212555{SimulatedOutcome.LANDLINE}")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    deliver(book)

    dead = systems.got[-1].payload
    assert dead["type"] == "action.dead"
    assert dead["data"]["reason"] == reasons_as_json(book.action("L-1", "text_day_1").reason)
    assert dead["data"]["sentence"] == speak(book.action("L-1", "text_day_1").reason)


def test_no_body_holds_personal_data_or_is_large(book: Book, systems: LendersSystems) -> None:
    deliver(book)

    assert systems.kinds == ["loan.escalated", "text.sent"]
    for delivery in systems.got:
        assert len(delivery.body) < 20_000
        for secret in (NAME, ADDRESS, *PHONE.values(), "1000", "B-L-1"):
            assert secret.encode() not in delivery.body


def test_what_was_taken_is_not_delivered_again(book: Book, systems: LendersSystems) -> None:
    assert deliver(book) == 2
    assert deliver(book) == 0
    assert statuses(book) == ["delivered", "delivered"]
    assert woken(book) == []


def test_two_workers_deliver_each_event_once_and_in_order(
    book: Book, systems: LendersSystems
) -> None:
    deliver(book)
    systems.got.clear()
    tell_numbers(book, BATCH_SIZE - 5)

    concurrently(*[lambda: deliver(book)] * 3)

    numbers = [event.payload["data"]["number"] for event in systems.got]
    assert numbers == list(range(BATCH_SIZE - 5))
    assert systems.most_at_once == 1


def test_a_long_queue_is_delivered_in_several_goes(book: Book, systems: LendersSystems) -> None:
    tell_numbers(book, BATCH_SIZE)
    assert woken(book) == [book.loan_id("L-1")]

    assert deliver(book) == BATCH_SIZE
    assert woken(book) == [book.loan_id("L-1")], "the rest is announced at once"
    assert deliver(book) == 2


def test_an_event_is_announced_again_when_its_message_was_lost(book: Book) -> None:
    assert woken(book) == [book.loan_id("L-1")]
    assert woken(book) == []

    book.clock.at += book.ctx.settings.lease + timedelta(seconds=1)
    assert woken(book) == [book.loan_id("L-1")]


def test_a_full_queue_is_left_alone(book: Book) -> None:
    announced: list[int] = []
    assert dispatch_outbox(book.ctx, announced.extend, waiting=QUEUE_HOLDS) == 0
    assert announced == []


def test_an_event_that_is_not_taken_is_tried_again_under_its_id_and_the_others_wait(
    book: Book, systems: LendersSystems
) -> None:
    systems.status = 503
    assert deliver(book) == 0
    assert systems.kinds == ["loan.escalated"]
    assert woken(book) == [], "not at once"
    assert book.rows(outbox_event)[0].reason == because(ReasonCode.RECEIVER_ANSWERED, status=503)

    systems.status = 200
    book.clock.at += timedelta(minutes=1)
    assert woken(book) == [book.loan_id("L-1")]
    assert deliver(book) == 2
    assert systems.kinds == ["loan.escalated", "loan.escalated", "text.sent"]
    assert systems.got[0].id == systems.got[1].id
    assert systems.got[0].body == systems.got[1].body


def test_what_happens_while_an_event_waits_to_be_tried_again_waits_behind_it(
    book: Book, systems: LendersSystems
) -> None:
    systems.status = 503
    deliver(book)
    tell_numbers(book, 1)

    assert woken(book) == [book.loan_id("L-1")], "nobody knows yet that it must wait"
    assert deliver(book) == 0
    book.clock.at += timedelta(seconds=1)
    assert woken(book) == []
    assert len(systems.got) == 1


def test_a_receiver_that_is_down_for_a_day_gets_everything_in_order_afterwards(
    book: Book, systems: LendersSystems
) -> None:
    systems.status = 500
    posted_at = tries(book, systems, until=timedelta(days=1))
    waits = [later - earlier for earlier, later in pairwise(posted_at)]
    assert 25 <= len(posted_at) <= 50, "often enough, and no more"
    assert waits[0] <= timedelta(minutes=2)
    assert timedelta(minutes=40) < max(waits) < timedelta(minutes=80)
    assert set(systems.kinds) == {"loan.escalated"}

    systems.status, seen = 204, len(systems.got)
    tries(book, systems, until=timedelta(hours=2))
    assert systems.kinds[seen:] == ["loan.escalated", "text.sent"]
    assert statuses(book) == ["delivered", "delivered"]


def test_an_event_is_given_up_after_about_two_days_and_the_next_has_its_turn(
    book: Book, systems: LendersSystems
) -> None:
    systems.status = 500
    posted_at = tries(book, systems, until=timedelta(days=3))

    first = [event for event in systems.got if event.kind == "loan.escalated"]
    assert len(first) == MAX_TRIES
    assert timedelta(days=1.5) < posted_at[MAX_TRIES - 1] - posted_at[0] < timedelta(days=2.5)
    assert statuses(book) == ["dead", "waiting"]
    assert book.rows(select(outbox_event.c.reason).order_by(outbox_event.c.id))[0][0] == because(
        ReasonCode.RECEIVER_ANSWERED, status=500
    )
    assert systems.kinds[-1] == "text.sent"


def test_a_receiver_that_is_gone_is_not_asked_again(book: Book, systems: LendersSystems) -> None:
    systems.status = 410
    deliver(book)
    assert statuses(book) == ["dead", "dead"]


def test_a_redirect_is_not_followed(book: Book, systems: LendersSystems) -> None:
    systems.status = 307
    assert deliver(book) == 0
    assert len(systems.got) == 1


def test_a_receiver_that_hangs_is_left_in_time(book: Book, systems: LendersSystems) -> None:
    systems.hangs = True
    began = time.monotonic()
    assert deliver(book) == 0
    assert time.monotonic() - began < 5
    assert book.rows(outbox_event)[0].reason == because(ReasonCode.RECEIVER_SILENT)


def test_an_answer_without_an_end_is_not_read(book: Book, systems: LendersSystems) -> None:
    systems.endless = True
    began = time.monotonic()
    assert deliver(book) == 2
    assert time.monotonic() - began < 5


def test_a_receiver_that_is_not_there_is_tried_again(book: Book) -> None:
    telling(book)
    assert deliver(book) == 0
    (first, _) = book.rows(select(outbox_event).order_by(outbox_event.c.id))
    assert (first.status, first.attempts) == ("waiting", 1)
    assert first.reason == because(ReasonCode.RECEIVER_UNREACHABLE, error="ConnectionError")


def test_a_worker_that_dies_after_the_post_leaves_the_same_event_to_the_next_one(
    book: Book, systems: LendersSystems, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("workers.outbox.deliver._complete", dies)
        with pytest.raises(KeyboardInterrupt):
            deliver(book)
    assert deliver(book) == 0, "its claim holds until the lease ends"

    book.clock.at += book.ctx.settings.lease + timedelta(seconds=1)
    assert deliver(book) == 2
    assert systems.kinds == ["loan.escalated", "loan.escalated", "text.sent"]
    assert systems.got[0].id == systems.got[1].id


def test_a_worker_whose_claim_has_lapsed_changes_nothing(
    book: Book, systems: LendersSystems
) -> None:
    lease = book.ctx.settings.lease
    with book.ctx.engine.begin() as connection:
        slow = outbox.claim_next(connection, book.loan_id("L-1"), book.ctx.now(), lease)
    assert slow is not None
    book.clock.at += lease + timedelta(seconds=1)
    systems.status = 503
    deliver(book)

    with book.ctx.engine.begin() as connection:
        assert not outbox.postpone(
            connection, slow, book.ctx.now(), because(ReasonCode.RECEIVER_SILENT)
        )
    assert book.rows(outbox_event)[0].reason == because(ReasonCode.RECEIVER_ANSWERED, status=503)


def test_without_a_receiver_any_more_nothing_is_posted(
    engine: Engine, systems: LendersSystems, book: Book
) -> None:
    silent = Book(engine, now="2026-03-02 11:00")
    assert deliver_events(silent.ctx, book.loan_id("L-1")) == 0
    assert woken(silent) == []
    assert systems.got == []


def test_a_secret_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(ArrearsError, match="ARREARS_EVENTS_OUT_SECRETS is not usable") as error:
        LenderWebhook("http://127.0.0.1:1", ["whsec_not base64!"])
    assert "not base64" not in str(error.value)


@pytest.mark.attack("poisonous rows")
def test_an_event_that_cannot_be_read_is_given_up_and_the_loans_others_go_on(
    book: Book, systems: LendersSystems
) -> None:
    tell_numbers(book, 1)
    first = select(outbox_event.c.id).order_by(outbox_event.c.id).limit(1).scalar_subquery()
    with book.ctx.engine.begin() as connection:
        connection.execute(update(outbox_event).where(outbox_event.c.id == first).values(payload=7))

    deliver(book)

    assert statuses(book) == ["dead", "delivered", "delivered"]
    assert book.rows(outbox_event)[0].reason == because(ReasonCode.UNREADABLE)
