"""Arrears on a real database, and everything outside it: its borrowers and their lender."""

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select, update

from config.readers.policy import Policy
from domain.actions import ASSIGN_CALL, SEND_SMS
from domain.compliance.vocabulary import Party
from domain.events import InboxStatus
from domain.ladder import Days, Item, Ladder, Step
from domain.reasons import ReasonCode
from tests.oracle.incoming import (
    Decks,
)
from tests.oracle.lender import (
    COUNTRIES,
    LENDER_ZONE,
    Customer,
    Lender,
    Tape,
)
from tests.oracle.log import Life, Pause, Reached, Spell
from tests.oracle.losing import Losing, Provider
from tests.support.loans import Book, only, shipped_policy
from workers.db.schema import inbox_event
from workers.db.schema import staff as staff_table
from workers.inbox.apply import apply_events
from workers.inbox.store import store_and_commit
from workers.inbox.submit import submit

FIRST_DAY = date(2026, 3, 2)


@dataclass(slots=True)
class Unread:
    """A text that waits for a person, with whoever had the number when it came."""

    sid: str
    number: str
    fact: Spell
    writers: list[Customer]
    meaning: str


@dataclass(slots=True)
class Simulation:
    """Everything outside Arrears: the borrowers, what they do, and what reached them."""

    book: Book
    provider: Provider
    losing: Losing
    chance: random.Random
    decks: Decks
    lender: Lender
    tapes: list[tuple[date, Tape]] = field(default_factory=list)
    """With the day on which each arrives."""
    calls: list[tuple[Life, Reached]] = field(default_factory=list)
    """What dialers dialled and at which doors visitors stood."""
    unread: list[Unread] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    event_count: int = 0
    holds: dict[str, Pause] = field(default_factory=dict)
    """By the id of the hold, those that may still be released."""

    @property
    def now(self) -> datetime:
        return self.book.ctx.now().astimezone(UTC)


def new_simulation(engine: Engine, seed: int, borrowers: int, losses: float) -> Simulation:
    chance = random.Random(seed)
    book = Book(engine, now=f"{FIRST_DAY} 00:00", zone=LENDER_ZONE, policy=_policy())
    provider = Provider(now=lambda: book.clock.at, chance=chance)
    book.ctx = replace(book.ctx, sms=only(provider))
    simulation = Simulation(
        book, provider, Losing(chance, losses), chance, Decks(chance), Lender(chance)
    )
    always = (f"{FIRST_DAY - timedelta(days=1)} 00:00", "2027-01-01 00:00")
    for n in range(6):
        book.staff(f"c-{n}", "caller", capacity=1_000, shift=always)
        book.staff(f"v-{n}", "visitor", capacity=1_000, shift=always)
    book.staff("sup-1", "supervisor")
    with engine.begin() as connection:
        connection.execute(update(staff_table).values(trained_on=date(2026, 1, 1)))
    for _ in range(borrowers):
        simulation.lender.new_customer(FIRST_DAY)
    simulation.losing.watch(engine)
    return simulation


def _policy() -> Policy:
    """The shipped one, with the American ladders for each country that has rules and no ladder."""
    shipped = shipped_policy()
    of_america = [each for each in shipped.ladders if "US" in each.applies_to.jurisdictions]
    more = tuple(
        replace(
            american,
            id=f"consumer_loan_{country.lower()}",
            currency=COUNTRIES[country][0],
            applies_to=replace(american.applies_to, jurisdictions=(country,)),
        )
        for american in of_america
        for country in ("GB", "IN", "AU")
    )
    ladders = tuple(_to_all_parties(ladder) for ladder in shipped.ladders + more)
    return replace(shipped, ladders=ladders)


def _to_all_parties(ladder: Ladder) -> Ladder:
    """The ladder with items for co-borrowers and guarantors from its first days on.

    What follows on the first text requires that it was tried, without days of rest between: a text
    that did not arrive has its next try within days.
    """
    remind, *later = ladder.steps
    again = Days(4, 6)
    items = (
        *(item for item in remind.items if item.id == "text_day_1"),
        Item("co_borrower_text", SEND_SMS, remind.days, "reminder_first", to=Party.CO_BORROWER),
        Item("co_borrower_call", ASSIGN_CALL, remind.days, to=Party.CO_BORROWER),
        Item("guarantor_text", SEND_SMS, remind.days, "guarantor_notice", to=Party.GUARANTOR),
        Item("guarantor_call", ASSIGN_CALL, remind.days, to=Party.GUARANTOR),
    )
    followed_up = tuple(
        replace(item, days=again, requires=("remind",) if item.do is SEND_SMS else ())
        for item in remind.items
        if item.id != "text_day_1"
    )
    steps = (
        replace(remind, items=items),
        Step("follow_up", again, followed_up),
        *later,
    )
    return replace(ladder, steps=steps)


def submit_event(
    simulation: Simulation, kind: str, payload: dict[str, Any], *, at_once: bool = False
) -> None:
    """Arrears takes an event and applies it; or its worker is lost, and it is only stored."""
    simulation.event_count += 1
    id = f"{kind}:{simulation.event_count}"
    if not at_once and simulation.chance.random() < 0.3:
        simulation.events["only stored"] += 1
        ctx = simulation.book.ctx
        store_and_commit(ctx, id, kind, payload, ctx.now())
        return
    ctx = simulation.book.ctx
    result = submit(ctx, id, kind, payload)
    if result.reason and result.reason[0].code is ReasonCode.EARLIER_EVENT_WAITS:
        stored = select(inbox_event.c.id).where(inbox_event.c.status == InboxStatus.RECEIVED)
        for row in simulation.book.rows(stored.order_by(inbox_event.c.id)):
            apply_events(ctx, [row.id])
        result = submit(ctx, id, kind, payload)
    waits = "received" if kind in ("release", "dispute_resolution") else "applied"
    assert result.status in ("applied", waits), (kind, payload, result.reason)
