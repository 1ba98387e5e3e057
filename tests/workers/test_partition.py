"""A host that is cut off from everything in the middle of its work, and comes back."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Row, make_url, select

from domain.actors import Actor
from domain.messages import MessageStatus
from tests.support.acting import acting
from tests.support.commands import eventually, running
from tests.support.environment import an_environment
from tests.support.links import LOOPBACK, Link, a_link
from tests.support.loans import Book
from tests.support.timetable import Timetable
from workers.clock import Clock
from workers.db.schema import action, loan, message
from workers.simulator.providers.twilio import ACCOUNT_SID, SimulatedTwilio
from workers.simulator.servers.postgres_and_valkey import LocalBroker
from workers.sms.decide_unconfirmed import mark_sent, mark_unsent

pytestmark = pytest.mark.timeout(400)

LOANS = 30
NOON = "2024-03-04 12:00"
SKIP = 5.0
"""Seconds by which the clock is helped along at every look: leases lapse while nobody waits."""


@dataclass(slots=True)
class TwoHosts:
    """A worker here and one there; all that the one over there reaches, it reaches by a link."""

    book: Book
    twilio: SimulatedTwilio
    timetable: Timetable
    environment: dict[str, str]
    links: dict[str, Link]
    folder: Path

    def worker(self, stack: ExitStack, name: str, **more: str) -> None:
        command = ("worker", "--concurrency=1", f"--name={name}")
        log = self.folder / f"{name}.log"
        stack.enter_context(running(*command, environment=self.environment | more, log=log))

    def worker_here(self, stack: ExitStack) -> None:
        self.worker(stack, "here")

    def worker_there(self, stack: ExitStack) -> None:
        """Ends before the links do, so that nothing of it waits for an answer for ever."""
        by_link = {
            name: make_url(self.environment[name]).set(port=link.port)
            for name, link in self.links.items()
        }
        urls = {name: url.render_as_string(hide_password=False) for name, url in by_link.items()}
        self.worker(stack, "there", **urls)

    def cut_off(self) -> None:
        for link in self.links.values():
            link.cut()

    def heal(self) -> None:
        for link in self.links.values():
            link.heal()

    def work_until(self, what: str, holds: Callable[[], bool], *, skip: float = 0) -> None:
        def look() -> bool:
            self.timetable.tick()
            self._skip(skip)
            return holds()

        eventually(what, look)

    def texts(self) -> Counter[str]:
        """The first texts, by the state of their actions."""
        rows = self.book.rows(select(action.c.status).where(action.c.item == "text_day_1"))
        return Counter(row.status for row in rows)

    def all_are_done(self) -> bool:
        """Whether every first text went out, after a person has seen to those that are parked."""
        for text in self._parked():
            self._see_to(text)
        return self.texts() == {"done": LOANS}

    def _parked(self) -> list[Row[*tuple[Any, ...]]]:
        texts = message.join(action, action.c.id == message.c.action_id).join(loan)
        parked = select(message.c.id, loan.c.external_id).select_from(texts)
        return self.book.rows(parked.where(message.c.status == MessageStatus.PARKED))

    def _see_to(self, text: Row[*tuple[Any, ...]]) -> None:
        """What a person does: asks the provider, and says what it said."""
        ctx = replace(self.book.ctx, clock=Clock(self._clock))
        if number_of(text.external_id) in {sent.to for sent in self.twilio.accepted_texts()}:
            mark_sent(acting(ctx, Actor("tester")), text.id)
        else:
            mark_unsent(acting(ctx, Actor("tester")), text.id)

    @property
    def _clock(self) -> Path:
        return Path(self.environment["ARREARS_CLOCK_FILE"])

    def _skip(self, seconds: float) -> None:
        file = self._clock
        written = file.with_suffix(".new")
        written.write_text(str(float(file.read_text()) + seconds))
        written.replace(file)


def number_of(external_id: str) -> str:
    return f"+121255501{external_id.removeprefix('L-0')}"


@pytest.fixture
def hosts(engine: Engine, database_url: str, tmp_path: Path) -> Iterator[TwoHosts]:
    book = Book(engine, now=NOON, zone="America/New_York")
    for n in range(LOANS):
        name = f"L-{n:03d}"
        book.loan(name, due_on="2024-03-03", jurisdiction="US", phone=number_of(name))
    clock = tmp_path / "clock"
    clock.write_text(str((book.clock.at - datetime.now(UTC)).total_seconds()))
    with ExitStack() as stack:
        broker = stack.enter_context(LocalBroker())
        twilio = stack.enter_context(
            SimulatedTwilio(log=tmp_path / "texts.jsonl", auth_token="secret")
        )
        environment = {
            **an_environment(database_url, broker.url),
            "ARREARS_CLOCK_FILE": str(clock),
            "ARREARS_LEASE_SECONDS": "30",
            "ARREARS_PARK_AFTER_SECONDS": "3600",
            "ARREARS_ZONE": str(book.zone),
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_API_BASE": twilio.url,
        }
        links = {
            name: stack.enter_context(a_link(LOOPBACK, int(make_url(environment[name]).port or 0)))
            for name in ("DATABASE_URL", "REDIS_URL", "TWILIO_API_BASE")
        }
        timetable = stack.enter_context(closing(Timetable(broker.url)))
        yield TwoHosts(book, twilio, timetable, environment, links, tmp_path)


def assert_everybody_was_texted_once(hosts: TwoHosts) -> None:
    """Judged by what the provider accepted."""
    everybody = [number_of(f"L-{n:03d}") for n in range(LOANS)]
    assert sorted(text.to for text in hosts.twilio.accepted_texts()) == everybody


def test_a_host_cut_off_mid_run_texts_nobody_twice_and_its_work_is_done_elsewhere(
    hosts: TwoHosts,
) -> None:
    to_provider = hosts.links["TWILIO_API_BASE"]
    with ExitStack() as stack:
        hosts.worker_there(stack)
        hosts.work_until("the host over there sends", lambda: to_provider.answers >= 3)
        hosts.cut_off()
        hosts.worker_here(stack)
        all_but_one = "all texts went out but that in the hands of the host over there"
        hosts.work_until(all_but_one, lambda: hosts.texts()["done"] >= LOANS - 1, skip=SKIP)
        hosts.heal()
        hosts.work_until("all texts went out", hosts.all_are_done, skip=SKIP)

    assert_everybody_was_texted_once(hosts)


def test_a_host_cut_off_after_the_provider_accepted_and_before_it_answered_texts_nobody_twice(
    hosts: TwoHosts,
) -> None:
    to_provider = hosts.links["TWILIO_API_BASE"]
    to_provider.cut_before_answer(lambda answer: b" 201 " in answer)
    with ExitStack() as stack:
        hosts.worker_there(stack)
        hosts.work_until("the provider has accepted a text", to_provider.was_cut.is_set)
        hosts.cut_off()
        assert len(hosts.twilio.accepted_texts()) == 1
        hosts.worker_here(stack)
        all_went_out = "all texts went out, found on the provider's list or sent from here"
        hosts.work_until(all_went_out, lambda: hosts.texts() == {"done": LOANS}, skip=SKIP)
        hosts.heal()
        eventually("what was on its way arrives", lambda: to_provider.answers >= 1)

    assert hosts.texts() == {"done": LOANS}
    assert_everybody_was_texted_once(hosts)
