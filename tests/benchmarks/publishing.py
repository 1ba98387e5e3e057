"""How much faster is the scan's publishing than a `.delay()` loop on the same broker?"""

from collections.abc import Callable
from typing import Any

from tests.benchmarks.figures import Figure, Target, expect, rates, ratios
from tests.benchmarks.measuring import Contender, take_turns
from tests.benchmarks.places import Places
from tests.benchmarks.sizes import Size
from workers.app import app
from workers.messaging.broker import KEY_PREFIX
from workers.messaging.publish import Message, announce
from workers.queues import ESCALATE_LOANS, Queue

TARGET = Target(3.5, at_least=True)
LARGER = 25
"""Loans in one message on a day with 50,000 due; on a day with few it is one."""


def measure(places: Places, size: Size) -> list[Figure]:
    app.loader.import_default_modules()
    one_each = [[loan_id] for loan_id in range(size.messages)]
    many_each = [list(range(start, start + LARGER)) for start in range(size.messages)]
    seconds = take_turns(
        [
            _contender("announce", _announce, one_each, places),
            _contender("delay", _delay, one_each, places),
            _contender(f"announce, {LARGER} loans each", _announce, many_each, places),
            _contender(f"delay, {LARGER} loans each", _delay, many_each, places),
        ],
        size.repeats,
    )
    return [
        ratios(
            "publishing, a batch against a .delay() loop",
            seconds["delay"],
            seconds["announce"],
            TARGET,
            key="publish_vs_delay",
        ),
        ratios(
            f"the same, {LARGER} loans a message",
            seconds[f"delay, {LARGER} loans each"],
            seconds[f"announce, {LARGER} loans each"],
            TARGET,
        ),
        *(
            rates(f"published, {name}", "messages/s", size.messages, s)
            for name, s in seconds.items()
        ),
    ]


def _announce(envelopes: list[list[int]]) -> None:
    announce(app, ESCALATE_LOANS, (Message((ids,)) for ids in envelopes))


def _delay(envelopes: list[list[int]]) -> None:
    task: Any = app.tasks[ESCALATE_LOANS]
    for ids in envelopes:
        task.delay(ids)


def _contender(
    name: str,
    publish: Callable[[list[list[int]]], None],
    envelopes: list[list[int]],
    places: Places,
) -> Contender:
    broker = places.broker()
    return Contender(
        name,
        work=lambda: publish(envelopes),
        before=broker.flushall,
        after=lambda: expect(
            "messages in the queue", broker.llen(f"{KEY_PREFIX}{Queue.ESCALATE}"), len(envelopes)
        ),
    )
