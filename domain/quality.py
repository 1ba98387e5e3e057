"""Quality of calls: which are heard again, how they are judged, and how sure a result is.

Which calls are drawn follows from the calls, the sheet and a seed, and from no chance: whoever
draws again draws the same. Nothing here knows of money.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import StrEnum
from hashlib import sha256
from math import sqrt

from domain.compliance.vocabulary import country_of

RANDOM = "random"
"""Why a call was drawn that no risk points to."""


class Risk(StrEnum):
    """Why a call is worth hearing."""

    COMPLAINT = "complaint"
    HUNG_UP = "hung_up"
    DISPUTE = "dispute"
    VULNERABILITY = "vulnerability"
    SETTLEMENT = "settlement"
    LATE_HOUR = "late_hour"
    FIRST_MONTH = "first_month"  # of the collector
    BROKEN_PROMISE = "broken_promise"  # one that the collector took about this loan


class Mark(StrEnum):
    """How one item of a sheet was met in one call."""

    PASS = "pass"  # noqa: S105 a word of a sheet
    PART = "part"  # half of its weight; not for what is critical
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How many calls are drawn."""

    random: int
    """Of each collector, at random."""
    of_each_risk: int
    """Of each collector and each risk, beyond those."""
    late_from: time
    """From this hour on, in the lender's zone, a call counts as late."""
    first_days: int
    """For so many days after their first call somebody is new."""


@dataclass(frozen=True, slots=True)
class SheetItem:
    """One line of a score sheet."""

    id: str
    rules: tuple[str, ...]
    """The ids of the conduct rules that it checks; at least one."""
    text: str
    text_zh: str
    weight: int | None = None
    """None: it is critical, and the call fails with it."""

    @property
    def critical(self) -> bool:
        return self.weight is None


@dataclass(frozen=True, slots=True)
class ScoreSheet:
    """One version of how calls are judged."""

    id: str
    version: int
    effective_from: date
    effective_to: date | None
    jurisdictions: tuple[str, ...]
    pass_at: int
    """The least score, in percent, of a call that passes."""
    sampling: Sampling
    items: tuple[SheetItem, ...]
    source: str

    def is_for(self, jurisdiction: str) -> bool:
        return not {jurisdiction, country_of(jurisdiction)}.isdisjoint(self.jurisdictions)


def sheet_on(sheets: Iterable[ScoreSheet], id: str, on: date) -> ScoreSheet | None:
    """The newest version of a sheet in force on a business date; None: there is none."""
    in_force = (
        sheet
        for sheet in sheets
        if sheet.id == id
        and sheet.effective_from <= on
        and (sheet.effective_to is None or on <= sheet.effective_to)
    )
    return max(in_force, key=lambda sheet: sheet.version, default=None)


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call of which there is a recording."""

    contact_id: int
    reference: str
    """The recording's, by which it is drawn: it never changes."""
    collector: str
    risks: frozenset[Risk] = frozenset()


@dataclass(frozen=True, slots=True)
class DrawnCall:
    """A call to be heard, and why."""

    call: RecordedCall
    because: tuple[str, ...]
    """`RANDOM`, or the risks."""


def seed_of(first: date, last: date, team: str | None, sheet: ScoreSheet) -> str:
    """What decides which calls of a period are drawn."""
    return f"{first}..{last} {team or '*'} {sheet.id}@{sheet.version}"


def next_period(first: date, last: date) -> tuple[date, date]:
    """The shortest period that may be drawn from after the one from `first` to `last`: it begins on
    the next day, and has as many days, or as many months where that one was of whole months.

    Whoever could choose the days of a sample could choose a call: of a short one, all are drawn.
    """
    begins = last + timedelta(1)
    if (first.day, begins.day) != (1, 1):
        return begins, begins + (last - first)
    month = 2 * (begins.year * 12 + begins.month) - (first.year * 12 + first.month) - 1
    return begins, date(month // 12, month % 12 + 1, 1) - timedelta(1)


def draw(calls: Iterable[RecordedCall], sampling: Sampling, seed: str) -> list[DrawnCall]:
    """Draw calls to be heard: of each collector some at random, then some of each risk.

    The order of `calls` makes no difference, and neither does who else made calls.
    """
    of_collector: dict[str, list[RecordedCall]] = defaultdict(list)
    for call in calls:
        of_collector[call.collector].append(call)
    drawn = []
    for _, made in sorted(of_collector.items()):
        in_order = sorted(made, key=lambda call: (_place(seed, call), call.reference))
        why: dict[RecordedCall, list[str]] = {
            call: [RANDOM] for call in in_order[: sampling.random]
        }
        for risk in Risk:
            others = [c for c in in_order if risk in c.risks and RANDOM not in why.get(c, ())]
            for call in others[: sampling.of_each_risk]:
                why.setdefault(call, []).append(str(risk))
        drawn += [DrawnCall(call, tuple(reasons)) for call, reasons in why.items()]
    return drawn


def _place(seed: str, call: RecordedCall) -> str:
    return sha256(f"{seed} {call.reference}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a call that was heard."""

    score: int | None
    """Percent of the weight that applied, rounded half up; None: nothing with a weight applied."""
    failed: tuple[SheetItem, ...]
    """All items that were failed; each names the rules that it checks."""
    passed: bool
    """A call to which nothing applied did not pass."""

    @property
    def failed_critical(self) -> tuple[SheetItem, ...]:
        return tuple(item for item in self.failed if item.critical)


def judge(sheet: ScoreSheet, marks: Mapping[str, Mark]) -> Judgement:
    """Judge a call by the marks of all items of the sheet, by their ids."""
    worth = {Mark.PASS: 2, Mark.PART: 1, Mark.FAIL: 0}
    halves = total = 0
    for item in sheet.items:
        mark = marks[item.id]
        if item.weight is not None and mark is not Mark.NOT_APPLICABLE:
            halves += worth[mark] * item.weight
            total += 2 * item.weight
    score = (200 * halves + total) // (2 * total) if total else None
    failed = tuple(item for item in sheet.items if marks[item.id] is Mark.FAIL)
    heard = any(mark is not Mark.NOT_APPLICABLE for mark in marks.values())
    enough = heard if score is None else score >= sheet.pass_at
    return Judgement(score, failed, enough and not any(item.critical for item in failed))


@dataclass(frozen=True, slots=True)
class Interval:
    """Between which shares the true one lies, in percent, with a confidence of 95 in 100."""

    low: int
    high: int


def wilson(passed: int, judged: int) -> Interval:
    """The Wilson score interval of `passed` out of `judged`; 0 to 100 if nothing was judged.

    It is honest about few calls: of four calls that all passed, between 51 and 100 percent do.
    Source: E. B. Wilson, 1927, JASA 22 (158).
    """
    if not judged:
        return Interval(0, 100)
    z = 1.959964
    share, per_call = passed / judged, z * z / judged
    middle = share + per_call / 2
    spread = z * sqrt((share * (1 - share) + per_call / 4) / judged)
    low, high = ((middle - spread) / (1 + per_call), (middle + spread) / (1 + per_call))
    return Interval(max(0, round(100 * low)), min(100, round(100 * high)))


@dataclass(frozen=True, slots=True)
class JudgedCall:
    """What those who heard a call found. Two may judge the same one, and it is one call."""

    passed: bool
    """By everybody who judged it."""
    failed_critical: bool
    """In the eyes of somebody."""
    reviews: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """What the calls of one collector or team came to. It is never a rank."""

    name: str
    team: str | None
    """In which they were when they called; None: in none."""
    calls: int
    """All that they made in the period."""
    reviewed: int
    """Those of them that somebody judged: calls, as the next two are."""
    passed: int
    """By everybody who judged them."""
    failed_critical: int
    reviews: int
    """How often somebody judged one of them: two may judge the same call."""
    interval: Interval
    """Of the share of calls that passes."""


def result_of(name: str, team: str | None, calls: int, judged: Sequence[JudgedCall]) -> Result:
    """What calls came to, of which some were judged."""
    passed = sum(each.passed for each in judged)
    return Result(
        name,
        team,
        calls,
        reviewed=len(judged),
        passed=passed,
        failed_critical=sum(each.failed_critical for each in judged),
        reviews=sum(each.reviews for each in judged),
        interval=wilson(passed, len(judged)),
    )
