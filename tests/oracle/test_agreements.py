"""Promises, plans and tries of the engine against those of the oracle, thousands of them."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from domain import arrangements, promises
from domain.call_plan import CallPlan
from domain.holds import Hold, HoldKind
from domain.loans import Instalment
from domain.promise_terms import PromiseTerms
from domain.promises import Promise, PromisePart, ReceivedPayment
from tests.oracle.agreements import (
    Money,
    PlanPart,
    Pledge,
    next_try,
    plan_stands,
    pledge_stands,
    promise_terms,
)
from tests.oracle.days import next_worked
from tests.oracle.items import tries_of_item
from tests.support.loans import shipped_ladder, shipped_policy

FIRST = date(2026, 3, 2)
ZONE = ZoneInfo("Asia/Shanghai")
TERMS = ("consumer_loan_cn", "personal_loan_us")
PROMISED_FOR = (0, 1, 1, 2, 3, 5, 8)
PAID = (1, 50, 99, 100, 101, 4900, 5000, 9_999, 10_000, 30_000)


def at(chance: random.Random, days: int) -> datetime:
    day = FIRST + timedelta(days=days)
    return datetime.combine(day, time(chance.randrange(24), chance.randrange(60)), ZONE)


def money(cents: int) -> Decimal:
    return Decimal(cents) / 100


class Case(NamedTuple):
    """A promise of one part or several, the money that comes, a day on which somebody looks, and
    the days on which something else stops collection: from one up to, not including, another."""

    pledge: Pledge
    paid: list[Money]
    on: date
    stopped: list[tuple[date, date]]

    def was_stopped(self, day: date) -> bool:
        return any(first <= day < end and day <= self.on for first, end in self.stopped)


def pledges(seed: int, count: int, name: str) -> Iterator[Case]:
    """Promises, and what comes."""
    chance = random.Random(seed)
    for _ in range(count):
        made_at = at(chance, 0)
        days = sorted(chance.sample(PROMISED_FOR, chance.choice((1, 1, 2, 3))))
        parts = {FIRST + timedelta(days=n): chance.choice((5000, 10_000, 10_001)) for n in days}
        pledge = Pledge.by_terms(parts.items(), made_at, promise_terms(name))
        if chance.random() < 0.3:
            pledge = replace(pledge, grace=chance.choice((1, 2)), booking=chance.choice((0, 2)))
        if chance.random() < 0.2:
            pledge = replace(pledge, partly=None)
        if chance.random() < 0.2:
            pledge = replace(pledge, next_made_at=at(chance, chance.randrange(1, 8)))
        paid = []
        for _ in range(chance.choice((0, 1, 1, 2, 3))):
            told_at = at(chance, chance.randrange(12))
            paid_on = told_at.date() - timedelta(days=chance.choice((0, 0, 0, 1, 2)))
            paid.append(Money(paid_on, told_at, chance.choice(PAID)))
        stopped = []
        for _ in range(chance.choice((0, 0, 1, 2))):
            first = FIRST + timedelta(days=chance.randrange(10))
            stopped.append((first, first + timedelta(days=chance.randrange(7))))
        yield Case(pledge, paid, FIRST + timedelta(days=chance.randrange(13)), stopped)


def as_made(pledge: Pledge) -> Promise:
    return Promise(
        tuple(PromisePart(day, money(cents)) for day, cents in pledge.parts),
        pledge.made_at,
        tolerance=money(pledge.lacking),
        grace_days=pledge.grace,
        booking_days=pledge.booking,
        partly_from=None if pledge.partly is None else money(pledge.partly),
        next_made_at=pledge.next_made_at,
    )


def differing_promises(seed: int, name: str) -> tuple[list[object], Counter[str]]:
    """Of which the engine says something else than the oracle; and how many stand where."""
    differ, seen = list[object](), Counter[str]()
    for case in pledges(seed, 1_500, name):
        pledge, paid, on, stopped = case
        received = [ReceivedPayment(money(m.cents), m.paid_on, m.known_at) for m in paid]
        holds = [Hold(HoldKind.DISPUTE, first, end) for first, end in stopped]
        found = promises.judge(as_made(pledge).while_held(holds, on), received, on)
        status, cents = pledge_stands(pledge, paid, on, case.was_stopped)
        seen[status] += 1
        if (found.status, found.paid) != (status, money(cents)):
            differ.append((case, found, status, cents))
    return differ, seen


@pytest.mark.parametrize("name", TERMS)
def test_every_promise_stands_where_the_oracle_says(name: str) -> None:
    differ, seen = differing_promises(1, name)
    assert differ == []
    assert min(seen[status] for status in ("open", "kept", "part_kept", "broken")) > 50


@pytest.mark.parametrize("name", TERMS)
def test_the_terms_mean_what_the_oracle_reads_in_them(name: str) -> None:
    terms = next(each for each in shipped_policy().promises if each.id == promise_terms(name)["id"])
    for pledge, *_ in pledges(2, 300, name):
        as_written = Pledge.by_terms(pledge.parts, pledge.made_at, promise_terms(name))
        assert as_made(as_written) == as_taken(as_made(as_written), terms)
        hold = promises.promise_hold(as_made(as_written))
        assert (hold.starts_on, hold.ends_on) == (FIRST, as_written.pauses_until)


def as_taken(made: Promise, terms: PromiseTerms) -> Promise:
    return replace(
        made,
        tolerance=terms.tolerance(made.amount),
        grace_days=terms.grace_days,
        booking_days=terms.booking_days,
        partly_from=terms.partly_from(made.amount),
    )


def differing_plans(seed: int) -> tuple[list[object], Counter[str]]:
    chance, differ, seen = random.Random(seed), list[object](), Counter[str]()
    for _ in range(3_000):
        days = sorted(chance.sample(range(40), chance.randrange(1, 6)))
        due = [FIRST + timedelta(days=n) for n in days]
        unpaid = [chance.choice((0, 0, 1, 500)) for _ in due]
        falls_due = [chance.choice((day, next_worked(day), None)) for day in due]
        grace, ends_it = chance.choice((0, 2, 5)), chance.choice((1, 2, 3))
        on = FIRST + timedelta(days=chance.randrange(60))
        instalments = [
            Instalment(day, money(cents), counts_from=counts)
            for day, cents, counts in zip(due, unpaid, falls_due, strict=True)
        ]
        terms = next(of for each in shipped_policy().arrangements for of in each.kinds)
        ends = replace(terms, grace_days=grace, missed_ends_it=ends_it)
        found = arrangements.standing_of(instalments, ends, on)
        parts = [PlanPart(day, cents) for day, cents in zip(falls_due, unpaid, strict=True)]
        status, missed = plan_stands(parts, grace, ends_it, on)
        seen[status] += 1
        fell_due = sorted(
            each.counts_from
            for each in instalments
            if each.due_on in found.missed and each.counts_from
        )
        if (found.status, fell_due) != (status, sorted(missed)):
            differ.append((instalments, grace, ends_it, on, found, status, missed))
    return differ, seen


def test_every_plan_stands_where_the_oracle_says() -> None:
    differ, seen = differing_plans(1)
    assert differ == []
    assert min(seen[status] for status in ("active", "completed", "defaulted")) > 300


ZONES = ("Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")


def differing_tries(seed: int, ladder: str) -> tuple[list[object], int]:
    """Tries by the plan of a ladder, at any hours, and over days on which clocks change."""
    chance, differ, used_up = random.Random(seed), list[object](), 0
    written = tries_of_item(ladder, "enquiry_call")
    plan = shipped_ladder(ladder).item("enquiry_call").tries
    assert written is not None
    assert plan is not None
    for _ in range(250):
        zone = chance.choice(ZONES)
        now = at(chance, chance.randrange(60))
        made = sorted(
            now - timedelta(minutes=chance.randrange(0, 60 * 24 * 9))
            for _ in range(chance.randrange(7))
        )
        wanted = next_try(written, made, zone, now)
        found = plan.next_try(made, ZoneInfo(zone), now)
        used_up += wanted is None
        if found != wanted:
            differ.append((zone, made, now, found, wanted))
    return differ, used_up


@pytest.mark.parametrize("ladder", ["consumer_loan_cn", "consumer_loan_us"])
def test_the_next_try_of_a_call_is_when_the_oracle_says(ladder: str) -> None:
    differ, used_up = differing_tries(1, ladder)
    assert differ == []
    assert used_up > 10


def of_promises() -> bool:
    return bool(differing_promises(1, TERMS[0])[0])


def of_plans() -> bool:
    return bool(differing_plans(1)[0])


def of_tries() -> bool:
    return bool(differing_tries(1, "consumer_loan_cn")[0])


OWN: Callable[..., datetime | None] = CallPlan.next_try
FAULTS: dict[str, tuple[object, str, object, Callable[[], bool]]] = {
    "every promise is made in the first minute of its day": (
        *(promises, "_counts"),
        lambda promise, payment: promise.made_at.date() <= payment.paid_on,
        of_promises,
    ),
    "money of any day keeps a promise": (
        *(promises, "_paid_by"),
        lambda promise, due_on, counting: sum((each.amount for each in counting), Decimal(0)),
        of_promises,
    ),
    "what is promised is known on its own day": (
        *(Promise, "known_on"),
        lambda self, part: part.due_on + timedelta(days=1),
        of_promises,
    ),
    "the last day of grace is not in time": (
        *(arrangements, "REPORTED_AFTER"),
        timedelta(0),
        of_plans,
    ),
    "a plan is tried at any hour": (
        *(CallPlan, "next_try"),
        lambda self, made, zone, now: (
            max([now, *(t + self.apart for t in made)]) if len(made) < self.most else None
        ),
        of_tries,
    ),
    "tries are as close as one likes": (
        *(CallPlan, "next_try"),
        lambda self, made, zone, now: OWN(replace(self, apart=timedelta(0)), made, zone, now),
        of_tries,
    ),
    "one try too many": (
        *(CallPlan, "next_try"),
        lambda self, made, zone, now: OWN(replace(self, most=self.most + 1), made, zone, now),
        of_tries,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_engine_with_a_fault_is_caught(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where, name, instead, is_caught = FAULTS[fault]
    monkeypatch.setattr(where, name, instead)
    assert is_caught()
