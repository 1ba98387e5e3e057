"""Faults drawn at random: the same for the same seed, and as frequent as the plan says."""

from collections import Counter

import pytest

from workers.simulator.providers.faults import FaultGenerator, FaultPlan, Faults
from workers.simulator.providers.magic_numbers import SimulatedOutcome


def draw_all(plan: FaultPlan, numbers: range) -> dict[int, Faults]:
    generator = FaultGenerator(plan)
    return {number: generator.draw(f"+120255{number:05}", "Please call us.") for number in numbers}


def test_without_a_plan_nothing_goes_wrong() -> None:
    assert FaultGenerator(FaultPlan()).draw("+12025550101", "Please call us.") == Faults()


def test_the_same_seed_gives_the_same_faults_in_whatever_order_the_requests_come() -> None:
    plan = FaultPlan(seed=7, latency=1.0, silence=0.3, receipts_lost=0.3, receipts_late=2.0)
    assert draw_all(plan, range(100)) == draw_all(plan, range(99, -1, -1))


def test_another_seed_gives_other_faults() -> None:
    assert draw_all(FaultPlan(seed=7, silence=0.5), range(100)) != draw_all(
        FaultPlan(seed=8, silence=0.5), range(100)
    )


def test_a_request_that_comes_again_has_another_chance() -> None:
    generator = FaultGenerator(FaultPlan(seed=7, too_many_requests=0.5))
    met = {generator.draw("+12025550101", "Please call us.").outcome for _ in range(50)}
    assert met == {None, SimulatedOutcome.TOO_MANY_REQUESTS}


def test_faults_come_in_the_measure_that_the_plan_says() -> None:
    plan = FaultPlan(seed=7, silence=0.1, not_taken=0.2, receipts_repeated=0.5)
    faults = draw_all(plan, range(2000)).values()
    met = Counter(fault.outcome for fault in faults)
    assert set(met) == {None, SimulatedOutcome.SILENCE, SimulatedOutcome.NOT_TAKEN}
    assert met[SimulatedOutcome.SILENCE] == pytest.approx(200, abs=60)
    assert met[SimulatedOutcome.NOT_TAKEN] == pytest.approx(400, abs=80)
    assert sum(fault.receipts_repeated for fault in faults) == pytest.approx(1000, abs=120)


def test_a_plan_reads_as_it_is_written() -> None:
    plan = FaultPlan.parse("seed=7,latency=0.4,receipts_lost=0.1")
    assert plan == FaultPlan(seed=7, latency=0.4, receipts_lost=0.1)
    assert FaultPlan.parse(str(plan)) == plan


@pytest.mark.parametrize(
    ("written", "violation"),
    [
        ("sillence=0.1", "sillence is not a fault"),
        ("silence", "silence must be a number"),
        ("silence=often", "silence must be a number"),
        ("silence=1.5", "silence must be from 0 to 1"),
        ("silence=0.6,reset=0.6", "not add up to more than 1"),
        ("latency=-1", "seconds, 0 or more"),
    ],
)
def test_an_invalid_plan_is_refused(written: str, violation: str) -> None:
    with pytest.raises(ValueError, match=violation):
        FaultPlan.parse(written)
