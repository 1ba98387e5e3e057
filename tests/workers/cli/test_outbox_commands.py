"""What operators see of events out, and the way from an installation's settings to a receiver."""

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, select
from standardwebhooks.webhooks import Webhook

from domain.errors import ArrearsError
from domain.reasons import ReasonCode, because
from tests.support.commands import arrears, python
from tests.support.environment import an_environment
from tests.support.loans import Book
from tests.support.receiver import SECRET, LendersSystems, telling
from workers.db.schema import outbox_event
from workers.operations.status import EventsOut, ReasonCount, read_status
from workers.outbox.deliver import deliver_events
from workers.outbox.resend import resend, resend_dead


@pytest.fixture
def book(engine: Engine, systems: LendersSystems) -> Book:
    """L-1 and L-2 have been looked at, and nobody has told their lender yet."""
    book = telling(Book(engine, now="2026-03-02 10:00"), systems.url)
    for name in ("L-1", "L-2"):
        book.loan(name, due_on="2026-03-01")
        book.escalate(name)
    return book


@pytest.fixture
def environment(database_url: str, broker_url: str, systems: LendersSystems) -> dict[str, str]:
    variables = {"ARREARS_EVENTS_OUT_URL": systems.url, "ARREARS_EVENTS_OUT_SECRETS": SECRET}
    return an_environment(database_url, broker_url) | variables


def events_out(book: Book) -> EventsOut:
    with book.ctx.engine.connect() as connection:
        return read_status(connection, book.ctx.now()).events_out


def give_up(book: Book, systems: LendersSystems, name: str = "L-1") -> str:
    """The receiver wants nothing of a loan. Gives the id of its event."""
    systems.status = 410
    deliver_events(book.ctx, book.loan_id(name))
    systems.status = 204
    of_loan = outbox_event.c.loan_id == book.loan_id(name)
    return str(book.one(select(outbox_event.c.event_id).where(of_loan)).event_id)


def test_an_installation_with_a_receiver_wakes_and_tells_it(
    book: Book, environment: dict[str, str], systems: LendersSystems
) -> None:
    wake_and_tell = f"""
from workers.tasks.dispatch import dispatch_outbox
from workers.tasks.outbox import deliver_events

print(dispatch_outbox())
print(deliver_events({book.loan_id("L-1")}))
"""
    said = python(environment, "-c", wake_and_tell).stdout.splitlines()
    assert said == ["2 dispatched", "1 taken"]
    (delivery,) = systems.got
    assert Webhook(SECRET).verify(delivery.body, delivery.headers)["data"]["loan"] == "L-1"


def test_a_receiver_without_a_secret_is_refused_at_start_up(environment: dict[str, str]) -> None:
    del environment["ARREARS_EVENTS_OUT_SECRETS"]
    done = arrears(environment, "status")

    assert done.returncode == 2
    assert "ARREARS_EVENTS_OUT_SECRETS is not: the receiver could not verify" in done.stderr


def test_events_that_were_not_taken_are_there_for_people_and_for_programs(
    book: Book, environment: dict[str, str], systems: LendersSystems
) -> None:
    dead = give_up(book, systems)

    listed = arrears(environment, "outbox", "list").stdout
    assert dead in listed, "in one piece"
    assert "given up" in listed
    found = json.loads(arrears(environment, "outbox", "list", "--dead", "--json").stdout)
    assert sum(found["dead"]["counts"].values()) == 1
    assert [(row["event"], row["loan"]) for row in found["dead"]["rows"]] == [(dead, "L-1")]


def test_an_event_that_was_given_up_is_sent_again_under_its_id(
    book: Book, environment: dict[str, str], systems: LendersSystems
) -> None:
    dead = give_up(book, systems)

    done = arrears(environment, "outbox", "resend", dead)
    assert done.stdout.strip() == f"The event {dead} is sent again."
    book.clock.at = datetime.now(UTC)
    assert deliver_events(book.ctx, book.loan_id("L-1")) == 1
    assert [event.id for event in systems.got] == [dead, dead]


def test_all_events_that_were_given_up_are_sent_again(book: Book, systems: LendersSystems) -> None:
    for name in ("L-1", "L-2"):
        give_up(book, systems, name)
    assert resend_dead(book.ctx) == 2
    assert events_out(book).waiting == 2


def test_which_event_is_sent_again_must_be_said(environment: dict[str, str]) -> None:
    done = arrears(environment, "outbox", "resend")
    assert done.returncode == 2
    assert "Name either the event to send again, or all with --dead." in done.stderr


def test_an_event_that_waits_goes_by_itself(book: Book) -> None:
    waiting = book.rows(outbox_event)[0].event_id
    with pytest.raises(ArrearsError, match="still waits, and goes out by itself"):
        resend(book.ctx, waiting)


def test_the_status_counts_what_waits_and_says_why_events_were_given_up(
    book: Book, systems: LendersSystems
) -> None:
    give_up(book, systems)
    book.at("2026-03-02 10:01")

    out = events_out(book)
    assert (out.waiting, out.oldest_seconds) == (1, 60)
    assert out.dead_by_reason == (ReasonCount(because(ReasonCode.RECEIVER_GONE), 1),)
