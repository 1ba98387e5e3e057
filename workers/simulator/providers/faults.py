"""Faults by chance, for a stand-in that is to behave as badly as a provider on its worst day.

    --faults seed=7,latency=0.4,silence=0.01,server_error=0.02,receipts_lost=0.1

The chance is drawn from the seed, the number, the words and how often the stand-in was asked for
them: the same seed gives the same faults, in whatever order the requests come.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, fields
from typing import Self, get_type_hints

from workers.simulator.providers.magic_numbers import SimulatedOutcome


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """How often what goes wrong. Without a unit, a number is a part of the requests, 0 to 1."""

    seed: int = 0
    latency: float = 0.0
    """Seconds that an answer takes at most; each takes a part of them."""
    silence: float = 0.0
    """Accepted, then no answer at all."""
    server_error: float = 0.0
    """Accepted, then HTTP 500."""
    reset: float = 0.0
    """Accepted, then the connection is reset."""
    garbled: float = 0.0
    """Accepted, then an answer that is not JSON."""
    not_taken: float = 0.0
    """Not accepted: HTTP 500."""
    too_many_requests: float = 0.0
    """Not accepted: the provider asks for fewer requests."""
    receipts_lost: float = 0.0
    """A part of the accepted texts, whose receipts never come."""
    receipts_repeated: float = 0.0
    """A part of the accepted texts, each of whose receipts comes twice."""
    receipts_swapped: float = 0.0
    """A part of the accepted texts, whose last receipt comes first."""
    receipts_late: float = 0.0
    """Seconds that receipts come late at most; each takes a part of them."""

    def __post_init__(self) -> None:
        for name in (*_REQUESTS, *_RECEIPTS):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1")
        if sum(getattr(self, name) for name in _REQUESTS) > 1:
            raise ValueError(f"{', '.join(_REQUESTS)} must not come to more than 1 together")
        if self.latency < 0 or self.receipts_late < 0:
            raise ValueError("latency and receipts_late are seconds, 0 or more")

    @classmethod
    def parse(cls, written: str) -> Self:
        """A plan as it is written on the command line; `ValueError` says what is wrong with it."""
        types = get_type_hints(cls)
        given: dict[str, int | float] = {}
        for part in filter(None, written.split(",")):
            name, _, value = part.partition("=")
            if name not in types:
                raise ValueError(f"{name} is not a fault; write {', '.join(types)}")
            try:
                given[name] = types[name](value)
            except ValueError:
                raise ValueError(f"{name} must be a number, such as 0.1") from None
        return cls(**given)  # type: ignore[arg-type]  # each was made by its field's own type

    def __str__(self) -> str:
        """As `parse` reads it."""
        return ",".join(f"{field.name}={getattr(self, field.name)}" for field in fields(self))


_REQUESTS = {
    "silence": SimulatedOutcome.SILENCE,
    "server_error": SimulatedOutcome.SERVER_ERROR,
    "reset": SimulatedOutcome.RESET,
    "garbled": SimulatedOutcome.GARBLED,
    "not_taken": SimulatedOutcome.NOT_TAKEN,
    "too_many_requests": SimulatedOutcome.TOO_MANY_REQUESTS,
}
_RECEIPTS = ("receipts_lost", "receipts_repeated", "receipts_swapped")


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong with one request."""

    outcome: SimulatedOutcome | None = None
    wait: float = 0.0
    """Seconds until the request is looked at."""
    receipts_lost: bool = False
    receipts_repeated: bool = False
    receipts_swapped: bool = False
    receipts_after: float = 0.0
    """Seconds until the first receipt is posted."""


class FaultGenerator:
    """Draws the faults of one request after another. Safe between threads."""

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._asked: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def draw(self, to: str, words: str) -> Faults:
        """The faults of the next request to text these words to this number."""
        plan = self._plan
        with self._lock:
            self._asked[to, words] += 1
            turn = self._asked[to, words]
        # Nothing here is a secret; it must only be the same again for the same seed.
        dice = random.Random(f"{plan.seed} {to} {words} {turn}")  # noqa: S311
        return Faults(
            outcome=self._outcome(dice.random()),
            wait=plan.latency * dice.random(),
            receipts_lost=dice.random() < plan.receipts_lost,
            receipts_repeated=dice.random() < plan.receipts_repeated,
            receipts_swapped=dice.random() < plan.receipts_swapped,
            receipts_after=plan.receipts_late * dice.random(),
        )

    def drawn(self) -> int:
        """How many requests there were so far."""
        with self._lock:
            return self._asked.total()

    def _outcome(self, drawn: float) -> SimulatedOutcome | None:
        """The kinds of fault lie one after the other on the line from 0 to 1."""
        for name, outcome in _REQUESTS.items():
            drawn -= getattr(self._plan, name)
            if drawn < 0:
                return outcome
        return None
