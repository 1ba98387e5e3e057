"""The days of the engine against those of the oracle: thousands of loans, with rests and holds."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from domain.actions import ActionStatus
from domain.decision import Decision, Outcome, Snapshot, decide
from domain.holds import Hold, HoldKind
from domain.ladder import Ladder
from domain.loans import Instalment
from domain.past_actions import PastAction
from tests.oracle.days import Owed, falls_due, is_worked, ladder_file, stands
from tests.support.loans import shipped_ladder

FIRST = date(2025, 9, 1)
ZONE = ZoneInfo("Asia/Shanghai")
GONE = {Outcome.NOT_PAST_DUE, Outcome.HELD, Outcome.BELOW_MINIMUM}


def ladder_of(name: str, **changed: object) -> Ladder:
    return replace(shipped_ladder(name), effective_from=date(2018, 1, 1), **changed)  # type: ignore[arg-type]


def loans(seed: int, count: int) -> Iterator[tuple[list[Owed], list[tuple[date, date]], date]]:
    """Schedules with rests of every size, holds, and a day on which somebody looks."""
    chance = random.Random(seed)
    for _ in range(count):
        dues = {
            FIRST + timedelta(days=chance.randrange(520)) for _ in range(chance.randrange(1, 9))
        }
        schedule = [
            Owed(day, chance.choice((0, 1, 99, 400, 700, 999, 1000, 50_000)))
            for day in sorted(dues)
        ]
        holds = []
        for _ in range(chance.choice((0, 0, 1, 2))):
            first = FIRST + timedelta(days=chance.randrange(500))
            holds.append((first, first + timedelta(days=chance.randrange(1, 40))))
        yield schedule, holds, FIRST + timedelta(days=chance.randrange(560))


def decided(
    ladder: Ladder, schedule: list[Owed], holds: list[tuple[date, date]], on: date
) -> Decision:
    instalments = (Instalment(owed.due_on, Decimal(owed.unpaid) / 100) for owed in schedule)
    snapshot = Snapshot(
        1,
        ladder.with_due_days(instalments),
        tuple(Hold(HoldKind.MANUAL, first, end) for first, end in holds),
    )
    return decide(snapshot, ladder, datetime(on.year, on.month, on.day, 10, tzinfo=ZONE))


@pytest.mark.parametrize("name", ["consumer_loan_cn", "consumer_loan_us"])
@pytest.mark.parametrize("seed", range(4))
def test_every_loan_stands_where_the_oracle_says(name: str, seed: int) -> None:
    ladder, rules = ladder_of(name), ladder_file(name)
    seen = set()
    for schedule, holds, on in loans(seed, 1_500):
        decision = decided(ladder, schedule, holds, on)
        held = {
            first + timedelta(days=n) for first, end in holds for n in range((end - first).days)
        }
        expected = stands(rules, schedule, on, held)
        seen.add(decision.outcome)
        assert (
            decision.arrears.days_past_due,
            int(decision.arrears.amount * 100),
            decision.ladder_since,
        ) == (expected.days_past_due, expected.past_due, expected.ladder_since), (schedule, on)
        if decision.outcome not in GONE:
            assert decision.ladder_day == expected.ladder_day, (schedule, holds, on)
    assert {Outcome.ACT, Outcome.WAIT, *GONE} <= seen


@pytest.mark.parametrize("seed", range(3))
def test_grace_lasts_for_ladder_days(seed: int) -> None:
    ladder, rules = ladder_of("consumer_loan_cn", grace_days=2), ladder_file("consumer_loan_cn")
    seen = 0
    for schedule, holds, on in loans(seed + 50, 1_500):
        decision = decided(ladder, schedule, holds, on)
        held = {
            first + timedelta(days=n) for first, end in holds for n in range((end - first).days)
        }
        day = stands(rules, schedule, on, held).ladder_day
        if decision.outcome not in GONE:
            assert day is not None
            assert (decision.outcome is Outcome.IN_GRACE) == (day <= 2), (schedule, holds, on)
            seen += day <= 2
    assert seen > 1


def test_what_is_unpaid_and_immaterial_changes_nothing_when_it_is_paid() -> None:
    """An item that acted does not act again, because an older rest below the minimum is paid."""
    ladder, paid = ladder_of("consumer_loan_cn"), 0
    for schedule, _, on in loans(99, 3_000):
        before = decided(ladder, schedule, [], on)
        oldest = next((owed for owed in schedule if owed.unpaid), None)
        if before.ladder_since is None or oldest is None:
            continue
        rest = [owed for owed in schedule if owed is not oldest]
        without = stands(ladder_file("consumer_loan_cn"), rest, on)
        day = falls_due(ladder_file("consumer_loan_cn"), oldest.due_on)
        if day is None or day >= before.ladder_since or without.ladder_since != before.ladder_since:
            continue
        acted = [
            PastAction(item.id, step.id, before.ladder_since, ActionStatus.DONE)
            for step, item in ladder.items
        ]
        instalments = (Instalment(owed.due_on, Decimal(owed.unpaid) / 100) for owed in rest)
        after = decide(
            Snapshot(1, ladder.with_due_days(instalments), actions=tuple(acted)),
            ladder,
            datetime(on.year, on.month, on.day, 10, tzinfo=ZONE),
        )
        assert (after.plan, after.skip, after.ladder_since) == ((), (), before.ladder_since)
        paid += 1
    assert paid > 50


def test_the_engines_calendar_is_the_state_councils() -> None:
    calendar = ladder_of("consumer_loan_cn").calendar
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(730)]
    assert [day for day in days if (calendar.kind_of(day) == "working") != is_worked(day)] == []
    assert calendar.known_until == date(2026, 12, 31)


def test_an_engine_that_counts_from_the_oldest_rest_is_caught() -> None:
    """The oracle is no mirror: the rule of before differs on many of these loans."""
    rules = ladder_file("consumer_loan_cn")
    differs = sum(
        expected.ladder_since is not None and expected.ladder_day != expected.days_past_due
        for schedule, _, on in loans(1, 1_500)
        for expected in (stands(rules, schedule, on),)
    )
    assert differs > 100
