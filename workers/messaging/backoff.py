"""How long to wait before the next try, and when to give up."""

from __future__ import annotations

import random
from datetime import timedelta

MOST_FAILURES = 12
"""Certain failures after which an action is dead: about five hours of trying."""


FIRST_WAIT = timedelta(seconds=30)


LONGEST_WAIT = timedelta(hours=1)


MOST_DOUBLINGS = 20
"""Far beyond the longest wait, and far from what a timedelta can hold."""


SPREAD = 0.25
"""How much longer or shorter a wait may be than it should: what failed at once, as texts do while
their provider is away, is not to come back at once."""


CHANCE = random.SystemRandom()


def back_off(
    failures: int, *, at_least: timedelta | None = None, chance: random.Random = CHANCE
) -> timedelta:
    """How long to wait after one failure more than `failures`; about twice as long each time."""
    doublings = min(failures, MOST_DOUBLINGS)
    wait: timedelta = min(FIRST_WAIT * 2**doublings, LONGEST_WAIT)
    return max(wait * chance.uniform(1 - SPREAD, 1 + SPREAD), at_least or timedelta())
