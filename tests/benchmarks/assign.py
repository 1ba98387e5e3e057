"""How long does it take to assign a day's calls, and how far is the result from the optimum?

The optimum is the one that HiGHS finds of the linear relaxation: a call may be made in part and by
several, its window is kept, and who must not handle whom is left out. No real assignment is better
than that, so the gap to the real optimum is at most the one shown.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import highspy

from domain.assignment import Assignment, assign
from domain.assignment_day import Caller, PersonCall
from domain.collectors import Span, speaks
from tests.benchmarks.figures import Figure, Target, expect
from tests.benchmarks.places import Places
from tests.benchmarks.sizes import Size
from tests.support.a_day_of_calls import DAY, a_day_of_calls

CALLS, CALLERS, SEEDS = 5_000, 50, (1, 2, 3)


def measure(places: Places, size: Size) -> list[Figure]:
    seconds, gaps, uneven = [], [], []
    for seed in SEEDS:
        calls, callers = a_day_of_calls(CALLS, CALLERS, seed)
        started = time.perf_counter()
        found = assign(calls, callers, DAY)
        seconds.append(time.perf_counter() - started)
        expect("calls", len(found.given) + len(found.left_over), CALLS)
        gaps.append(gap_percent(calls, callers, found))
        uneven.append(float(len(found.uneven)))
    what = f"{CALLS:,} calls, {CALLERS} collectors"
    return [
        Figure(f"{what}: assigned in", "s", tuple(seconds), Target(10, False), "assign_seconds"),
        Figure(f"{what}: below optimum", "%", tuple(gaps), Target(2, False), "assign_gap_percent"),
        Figure(f"{what}: uneven shares, with their limit named", "collectors", tuple(uneven)),
    ]


def gap_percent(calls: Sequence[PersonCall], callers: Sequence[Caller], found: Assignment) -> float:
    """By how much must-do calls or, if that is more, value are below what HiGHS finds."""
    duties, value = optimum(calls, callers)
    by_person = {call.person: call for call in calls}
    made = [by_person[given.person] for given in found.given]
    own_duties = sum(call.must_do for call in made)
    own_value = float(sum(call.value for call in made))
    return 100 * max(1 - own_duties / duties if duties else 0, 1 - own_value / value)


def optimum(calls: Sequence[PersonCall], callers: Sequence[Caller]) -> tuple[float, float]:
    """The most must-do calls, and the most value with as many of them."""
    model = highspy.Highs()  # type: ignore[no-untyped-call]
    model.setOptionValue("output_flag", False)
    kinds = defaultdict(list)
    for nr, call in enumerate(calls):
        kinds[call.language, call.skill, call.windows].append(nr)
    for _ in calls:
        model.addVar(0, 1)
    spans = [*(window for call in calls for window in call.windows)]
    spans += [span for caller in callers for span in (*caller.shifts, *caller.breaks)]
    cuts = sorted({moment for span in spans for moment in (span.starts_at, span.ends_at)})
    blocks = [Span(*pair) for pair in pairwise(cuts)]
    used: dict[tuple[int, Span], list[int]] = defaultdict(list)
    for (language, skill, windows), members in kinds.items():
        flows = []
        for caller in callers:
            if not _can(caller, language, skill):
                continue
            for block in blocks:
                if _inside(block, windows) and _works(caller, block):
                    flows.append(model.getNumCol())
                    model.addVar(0, highspy.kHighsInf)
                    used[caller.id, block].append(flows[-1])
        minutes = [float(calls[nr].minutes) for nr in members]
        _row(model, 0, 0, [*members, *flows], [*minutes, *[-1.0] * len(flows)])
    for caller in callers:
        day = []
        for block in blocks:
            flows = used[caller.id, block]
            day += flows
            length = (block.ends_at - block.starts_at).total_seconds() / 60
            _row(model, -highspy.kHighsInf, length, flows, [1.0] * len(flows))
        _row(model, -highspy.kHighsInf, caller.capacity, day, [1.0] * len(day))
    duties = [nr for nr, call in enumerate(calls) if call.must_do]
    most = round(_maximum(model, [(nr, 1.0) for nr in duties]), 6)
    _row(model, int(most), highspy.kHighsInf, duties, [1.0] * len(duties))
    for nr in duties:
        model.changeColCost(nr, 0)
    return int(most), _maximum(model, [(nr, float(call.value)) for nr, call in enumerate(calls)])


def _maximum(model: highspy.Highs, costs: Iterable[tuple[int, float]]) -> float:
    for column, cost in costs:
        model.changeColCost(column, cost)
    model.changeObjectiveSense(highspy.ObjSense.kMaximize)
    model.run()
    expect("status", model.getModelStatus(), highspy.HighsModelStatus.kOptimal)
    return float(model.getObjectiveValue())


def _row(
    model: highspy.Highs, low: float, high: float, columns: list[int], values: list[float]
) -> None:
    model.addRow(low, high, len(columns), columns, values)


def _can(caller: Caller, language: str, skill: str | None) -> bool:
    certified = caller.certified_until is not None and caller.certified_until >= DAY
    return certified and speaks(caller.languages, language) and skill in {None, *caller.skills}


def _inside(block: Span, windows: Sequence[Span]) -> bool:
    return any(window.covers(block) for window in windows)


def _works(caller: Caller, block: Span) -> bool:
    return _inside(block, caller.shifts) and not any(
        pause.overlaps(block) for pause in caller.breaks
    )
