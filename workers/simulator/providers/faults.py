"""Random faults of a simulated provider: errors, delays, and lost or repeated receipts.

    --faults seed=7,latency=0.4,silence=0.01,server_error=0.02,receipts_lost=0.1

The random numbers depend on the seed, the number, the body and how many requests there were for
both. So the same seed gives the same faults, in whatever order the requests come.
"""

import random
import threading
from collections import Counter
from dataclasses import dataclass, fields
from typing import Self, get_type_hints

from workers.simulator.providers.magic_numbers import SimulatedOutcome, simulated_outcome


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """How often each fault occurs. Values without a unit are shares of the requests, 0 to 1."""

    seed: int = 0
    latency: float = 0.0
    """The longest response time in seconds; each response takes a random part of it."""
    silence: float = 0.0
    """Accepted, then no response."""
    server_error: float = 0.0
    """Accepted, then HTTP 500."""
    reset: float = 0.0
    """Accepted, then the connection is reset."""
    garbled: float = 0.0
    """Accepted, then a response that is not JSON."""
    not_taken: float = 0.0
    """Not accepted: HTTP 500."""
    too_many_requests: float = 0.0
    """Not accepted: the rate limit is exceeded."""
    receipts_lost: float = 0.0
    """Share of the accepted texts whose receipts never come."""
    receipts_repeated: float = 0.0
    """Share of the accepted texts whose receipts all come twice."""
    receipts_swapped: float = 0.0
    """Share of the accepted texts whose last receipt comes first."""
    receipts_failed: float = 0.0
    """Share of the accepted texts that do not arrive, and whose last receipt says so."""
    receipts_late: float = 0.0
    """The longest delay of receipts in seconds; each text gets a random part of it."""

    def __post_init__(self) -> None:
        for name in (*_REQUESTS, *_RECEIPTS):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1")
        if sum(getattr(self, name) for name in _REQUESTS) > 1:
            raise ValueError(f"{', '.join(_REQUESTS)} must not add up to more than 1")
        if self.latency < 0 or self.receipts_late < 0:
            raise ValueError("latency and receipts_late are seconds, 0 or more")

    @classmethod
    def parse(cls, written: str) -> Self:
        """Parse a plan from the command line.

        Raises:
            ValueError: a name or a value is wrong.
        """
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
        return cls(**given)  # type: ignore[arg-type]  # each has the type of its field

    def __str__(self) -> str:
        """The plan in the form that `parse` reads."""
        return ",".join(f"{field.name}={getattr(self, field.name)}" for field in fields(self))


_REQUESTS = {
    "silence": SimulatedOutcome.SILENCE,
    "server_error": SimulatedOutcome.SERVER_ERROR,
    "reset": SimulatedOutcome.RESET,
    "garbled": SimulatedOutcome.GARBLED,
    "not_taken": SimulatedOutcome.NOT_TAKEN,
    "too_many_requests": SimulatedOutcome.TOO_MANY_REQUESTS,
}
_RECEIPTS = ("receipts_lost", "receipts_repeated", "receipts_swapped", "receipts_failed")


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of one request."""

    outcome: SimulatedOutcome | None = None
    wait: float = 0.0
    """Seconds until the request is processed."""
    receipts_lost: bool = False
    receipts_repeated: bool = False
    receipts_swapped: bool = False
    receipts_failed: bool = False
    receipts_after: float = 0.0
    """Seconds until the first receipt is posted."""


class FaultGenerator:
    """Draws the faults of each request. Safe between threads."""

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan
        self._requests: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def draw(self, to: str, body: str) -> Faults:
        """The faults of the next request for this text. A magic number chooses its own outcome."""
        plan = self._plan
        with self._lock:
            self._requests[to, body] += 1
            count = self._requests[to, body]
        # Not for secrets: the numbers only have to be the same again for the same seed.
        rng = random.Random(f"{plan.seed} {to} {body} {count}")  # noqa: S311
        outcome = self._outcome(rng.random())
        return Faults(
            outcome=simulated_outcome(to) or outcome,
            wait=plan.latency * rng.random(),
            receipts_lost=rng.random() < plan.receipts_lost,
            receipts_repeated=rng.random() < plan.receipts_repeated,
            receipts_swapped=rng.random() < plan.receipts_swapped,
            receipts_after=plan.receipts_late * rng.random(),
            receipts_failed=rng.random() < plan.receipts_failed,
        )

    def request_count(self) -> int:
        """How many requests there were so far."""
        with self._lock:
            return self._requests.total()

    def _outcome(self, number: float) -> SimulatedOutcome | None:
        """Each fault has an interval between 0 and 1; the number is in one of them or in none."""
        for name, outcome in _REQUESTS.items():
            number -= getattr(self._plan, name)
            if number < 0:
                return outcome
        return None
