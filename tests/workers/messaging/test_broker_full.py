"""A broker whose memory is full refuses messages, and workers end over it. Nothing is lost by that.

In production a worker that ends is started again by what watches over it; here the test does so.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from kombu.exceptions import BatchPublishError
from sqlalchemy import Engine, select

from tests.support.commands import eventually, running
from tests.support.environment import an_environment
from tests.support.loans import Book
from tests.support.timetable import Timetable
from workers.clock import write_offset
from workers.db.schema import action
from workers.simulator.providers.twilio import ACCOUNT_SID, SimulatedTwilio
from workers.simulator.servers.postgres_and_valkey import LocalBroker

LOANS = 20
FULL = "1"
"""Bytes of memory that the broker may use: it needs more for itself alone."""


@pytest.fixture
def broker() -> Iterator[LocalBroker]:
    with LocalBroker() as server:
        yield server


def allow_memory(broker: LocalBroker, number_of_bytes: str) -> None:
    """0 allows as much as there is."""
    with redis.Redis.from_url(broker.url) as client:
        client.config_set("maxmemory", number_of_bytes)


@pytest.mark.attack("full broker")
def test_nothing_is_lost_while_the_broker_is_full_and_all_goes_out_when_it_has_room_again(
    engine: Engine, database_url: str, broker: LocalBroker, tmp_path: Path
) -> None:
    book = Book(engine, now="2024-03-04 12:00", zone="America/New_York")
    for n in range(LOANS):
        phone = f"+12125550{100 + n}"
        book.loan(f"L-{n:03d}", due_on="2024-03-03", jurisdiction="US", phone=phone)
    clock = tmp_path / "clock"
    clock.write_text(str((book.clock.at - datetime.now(UTC)).total_seconds()))

    def done() -> int:
        of_texts = select(action.c.status).where(action.c.item == "text_day_1")
        return Counter(row.status for row in book.rows(of_texts))["done"]

    with ExitStack() as stack:
        twilio = stack.enter_context(
            SimulatedTwilio(log=tmp_path / "texts.jsonl", auth_token="secret")
        )
        environment = {
            **an_environment(database_url, broker.url),
            "ARREARS_CLOCK_FILE": str(clock),
            "ARREARS_LEASE_SECONDS": "30",
            "ARREARS_ZONE": str(book.zone),
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_API_BASE": twilio.url,
        }
        timetable = stack.enter_context(closing(Timetable(broker.url)))

        def start_a_worker() -> None:
            log = tmp_path / "worker.log"
            stack.enter_context(
                running("worker", "--concurrency=1", environment=environment, log=log)
            )

        def look(at_least: int) -> bool:
            time.sleep(0.5)  # as beat leaves time between two ticks: a worker cannot do more
            timetable.tick()
            write_offset(clock, timedelta(seconds=float(clock.read_text()) + 2))
            return done() >= at_least

        start_a_worker()
        eventually("some texts go out", lambda: look(1))
        allow_memory(broker, FULL)
        with pytest.raises(BatchPublishError):
            timetable.tick()
        allow_memory(broker, "0")
        start_a_worker()
        eventually("all texts go out", lambda: look(LOANS))

    assert Counter(Counter(text.to for text in twilio.accepted_texts()).values()) == {1: LOANS}
