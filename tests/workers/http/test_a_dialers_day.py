"""A dialer is played against the desk for a day: from eight to eight it asks what to do next for
each of its collectors, dials, and reports what came of it.

What the borrowers do is made up, the same in every run. What may not happen on such a day is asked
of the database afterwards.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select

from domain.permissions import Permission
from tests.support.desk import DESK, RIGHT
from tests.support.lender import allow
from tests.support.loans import Book
from workers.access.secrets import digest_of
from workers.calls.assign import assign_call
from workers.db.schema import action, contact, contact_outcome, machine, token
from workers.http.app import create_desk

COLLECTORS = ("c-1", "c-2", "c-3")
LOANS = 16
DAY = "2026-03-09"
PAUSE = timedelta(minutes=15)
"""From one call of a collector to the next question what to do."""
MOST_EFFECTIVE_CALLS = 3  # a day and debtor: GB/T 45251-2025, as the pack cites it
LAWFUL = (time(8), time(22))

OUTCOMES: Mapping[str, dict[str, Any]] = {
    "spoke": {"reason": "income_fell"},
    "no_answer": {},
    "busy": {},
    "voicemail": {},
    "spoke_with_other": {},
    "refused": {},
    "callback_requested": {},
    "hung_up": {},
}


class Dialer:
    """A machine with a token of its own, which names the collector it works for."""

    def __init__(self, book: Book, client: TestClient) -> None:
        self.book = book
        self.client = client
        self.random = Random(45)
        self.answers: Counter[int] = Counter()
        self.attempts = 0
        self.served: list[tuple[datetime, str, str]] = []
        """When, to whom, and whose record."""

    def post(self, path: str, **said: Any) -> tuple[int, Any]:
        answer = self.client.post(
            DESK + path,
            content=json.dumps(said),
            headers={"authorization": "Bearer dialer", "content-type": "application/json"},
        )
        self.answers[answer.status_code] += 1
        return answer.status_code, answer.json()

    def work(self, collector: str) -> None:
        """One piece of work from the question to the outcome, if there is one."""
        status, found = self.post("/work/next", actor=collector)
        assert status == 200, found
        if "lease" not in found:
            assert found["why"]["sentence"]
            return
        work = found
        self.served.append((self.book.clock.at, collector, work["record"]))
        self.attempts += 1
        attempt = f"d-{self.attempts}"
        status, _ = self.post("/calls", loan=work["loan"], attempt=attempt, actor=collector)
        if status == 409:  # the gate has the last word; the work is given back
            assert self.post(f"/work/{work['lease']}/release", actor=collector)[0] == 200
            return
        assert status == 200
        outcome = self.random.choice(list(OUTCOMES))
        said = dict(OUTCOMES[outcome])
        if outcome == "spoke":
            told: dict[str, Any] = {"attempt": attempt, "outcome": outcome, **said}
            assert self.post("/outcomes", **told, actor=collector)[0] == 409, "nobody is confirmed"
            _, check = self.post(f"/calls/{attempt}/right-party", **RIGHT, actor=collector)
            assert check["confirmed"], check
        if outcome == "callback_requested":
            said["callback_at"] = (self.book.clock.at + timedelta(hours=2)).isoformat()
        status, answer = self.post(
            "/outcomes", attempt=attempt, outcome=outcome, actor=collector, **said
        )
        if status == 409:  # nobody may call them then: the moment that is named is agreed on
            assert answer["reason"][0]["code"] == "callback_out_of_hours", answer
            said["callback_at"] = answer["reason"][0]["params"]["until"]
            status, answer = self.post(
                "/outcomes", attempt=attempt, outcome=outcome, actor=collector, **said
            )
        assert status == 200, answer


@pytest.fixture
def dialer(engine: Engine) -> Iterator[Dialer]:
    book = Book(engine, now=f"{DAY} 07:30")
    for reference in COLLECTORS:
        book.staff(reference, "caller", shift=(f"{DAY} 08:00", f"{DAY} 20:00"))
    for number in range(LOANS):
        book.loan(f"L-{number}", due_on="2026-03-08" if number % 2 else "2026-03-01")
        book.escalate(f"L-{number}")
    allow(book, "dialer", Permission.SERVE_WORK, Permission.START_CALLS, *REPORTS)
    with engine.begin() as connection:
        connection.execute(
            token.insert().values(
                machine_id=select(machine.c.id).scalar_subquery(),
                digest=digest_of("dialer"),
                created_at=book.ctx.now(),
                created_by="administrator-1",
                expires_at=book.ctx.now() + timedelta(days=30),
            )
        )
    with TestClient(create_desk(book.ctx)) as client:
        yield Dialer(book, client)


REPORTS = (Permission.CONFIRM_PARTIES, Permission.RECORD_CONVERSATIONS)


def due_calls(book: Book) -> list[int]:
    """What the dispatcher would publish now."""
    due = select(action.c.id).where(
        action.c.type == "assign_call",
        action.c.status.in_(("planned", "deferred")),
        action.c.due_at <= book.ctx.now(),
    )
    return [row.id for row in book.rows(due.order_by(action.c.id))]


def test_a_day_of_calls_leaves_nothing_unlawful_and_nothing_undone(dialer: Dialer) -> None:
    book = dialer.book
    moment = book.moment(f"{DAY} 08:00")
    while moment < book.moment(f"{DAY} 20:00"):
        book.clock.at = moment
        for action_id in due_calls(book):
            assign_call(book.ctx, action_id)
        for collector in COLLECTORS:
            dialer.work(collector)
        moment += PAUSE

    assert set(dialer.answers) <= {200, 409}, dialer.answers
    made = book.rows(
        select(contact.c.at, contact.c.actor, contact.c.borrower_id, contact_outcome.c.connected)
        .outerjoin_from(contact, contact_outcome, contact_outcome.c.contact_id == contact.c.id)
        .where(contact.c.part_of.is_(None))
    )
    assert len(made) > LOANS, "some were tried again"
    assert all(each.connected is not None for each in made), "no call is without its outcome"
    for each in made:
        at = each.at.astimezone(book.ctx.settings.lender_zone).time()
        assert LAWFUL[0] <= at < LAWFUL[1]
    talked = Counter(each.borrower_id for each in made if each.connected)
    assert max(talked.values()) <= MOST_EFFECTIVE_CALLS
    by_collector = defaultdict(set)
    for each in made:
        by_collector[each.borrower_id].add(each.actor)
    assert all(len(names) == 1 for names in by_collector.values()), "one collector a person a day"


def test_nobody_is_served_to_two_at_the_same_time(dialer: Dialer) -> None:
    book = dialer.book
    book.clock.at = book.moment(f"{DAY} 09:00")
    for action_id in due_calls(book):
        assign_call(book.ctx, action_id)
    served = [dialer.post("/work/next", actor=name)[1] for name in COLLECTORS]
    records = [work["record"] for work in served]
    assert len(set(records)) == len(COLLECTORS)
    again = [dialer.post("/work/next", actor=name)[1]["record"] for name in COLLECTORS]
    assert again == records
