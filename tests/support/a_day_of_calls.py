"""A made-up day of calls and collectors, the same for the same seed."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from domain.assignment_day import Caller, PersonCall
from domain.collectors import Span

DAY = date(2026, 6, 15)
LANGUAGES = ("zh-Hans", "en", "yue")
WINDOWS = ((8, 20), (8, 12), (12, 18), (16, 20), (9, 11), (10, 19))


def hours(first: float, last: float) -> Span:
    """From one hour of the day to another."""
    midnight = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
    return Span(midnight + timedelta(hours=first), midnight + timedelta(hours=last))


def a_day_of_calls(calls: int, callers: int, seed: int) -> tuple[list[PersonCall], list[Caller]]:
    """Collectors of ten kinds, and more calls than they can make if there are 100 for each."""
    random = Random(seed)
    people = []
    for nr in range(callers):
        kind = nr % 10
        starts = 8 if kind < 6 else 12
        people.append(
            Caller(
                nr + 1,
                (hours(starts, starts + 8),),
                (hours(starts + 4, starts + 4.75),),
                LANGUAGES[:1] if kind in (0, 1, 2, 6) else LANGUAGES[: 2 + kind % 2],
                frozenset(("early", "hardship", "legal")[: 1 + kind % 3]),
                400 if kind else 300,
                DAY + timedelta(days=random.randrange(200)),
                frozenset(random.sample(range(calls), min(calls, 5))),
            )
        )
    wanted = [
        PersonCall(
            person,
            (hours(*random.choice(WINDOWS)),),
            random.choices(LANGUAGES, (7, 2, 1))[0],
            random.randrange(3, 10),
            Decimal(int(random.lognormvariate(4, 1) * 100)) / 100,
            random.choices((None, "early", "hardship", "legal"), (5, 3, 2, 1))[0],
            random.random() < 0.1,
            random.randrange(1, callers + 1) if random.random() < 0.4 else None,
        )
        for person in range(calls)
    ]
    return wanted, people
