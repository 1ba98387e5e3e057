"""How long a failed action waits."""

import random
from datetime import timedelta

import pytest

from workers.messaging.backoff import FIRST_WAIT, JITTER, LONGEST_WAIT, back_off


@pytest.mark.parametrize("failures", range(12))
def test_each_wait_is_about_twice_the_last_one_up_to_the_longest(failures: int) -> None:
    about = min(FIRST_WAIT * 2**failures, LONGEST_WAIT)
    for seed in range(20):
        wait = back_off(failures, chance=random.Random(seed))
        assert about * (1 - JITTER) <= wait <= about * (1 + JITTER)


def test_what_failed_together_does_not_come_back_together() -> None:
    assert len({back_off(3, chance=random.Random(seed)) for seed in range(20)}) == 20


def test_what_the_provider_asks_for_is_never_cut_short() -> None:
    asked_for = timedelta(minutes=5)
    assert back_off(0, at_least=asked_for) == asked_for


def test_what_failed_for_days_still_waits_no_longer_than_the_longest() -> None:
    assert back_off(1_000) <= LONGEST_WAIT * (1 + JITTER)
