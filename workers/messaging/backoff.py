"""How long to wait before the next try, and when to give up."""

import random
from datetime import timedelta

MOST_FAILURES = 12
"""Certain failures after which an action is dead: about five hours of trying."""

FIRST_WAIT = timedelta(seconds=30)

LONGEST_WAIT = timedelta(hours=1)

MOST_DOUBLINGS = 20
"""Far more than the longest wait needs, and far less than a timedelta can hold."""

JITTER = 0.25
"""The share by which a wait may be longer or shorter. Texts fail together while their provider is
down; they must not all come back at the same moment."""

RANDOM = random.SystemRandom()


def back_off(
    failures: int, *, at_least: timedelta | None = None, chance: random.Random = RANDOM
) -> timedelta:
    """The wait after one more failure than `failures`: about twice the wait before it."""
    doublings = min(failures, MOST_DOUBLINGS)
    wait: timedelta = min(FIRST_WAIT * 2**doublings, LONGEST_WAIT)
    return max(wait * chance.uniform(1 - JITTER, 1 + JITTER), at_least or timedelta())
