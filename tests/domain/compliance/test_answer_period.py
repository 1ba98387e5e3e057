"""By when disputes and complaints are acknowledged and answered."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.readers.rule_packs import read_rule_pack
from config.readers.yaml_files import read_yaml
from domain.compliance.answer_period import (
    ClockState,
    Period,
    PeriodUnit,
    Stops,
    answer_terms,
    clock_state,
    next_change,
)
from domain.compliance.calendars import PLAIN_WEEK, Calendar, DayKind
from domain.compliance.rules import packs_for
from domain.compliance.vocabulary import Collects
from domain.disputes import (
    FINDINGS,
    MOVES,
    OPEN,
    RESOLVED,
    ComplaintKind,
    Matter,
    MatterStatus,
    Unfit,
    bars,
    unfit_to_handle,
)

PACKS = tuple(
    read_rule_pack(read_yaml(path)) for path in sorted(Path("config/rule_packs").glob("*.yaml"))
)
SHANGHAI = ZoneInfo("Asia/Shanghai")
# National Day 2026: seven days off, and a Saturday worked in exchange.
NATIONAL_DAY = Calendar(
    holidays=frozenset(date(2026, 10, day) for day in range(1, 8)),
    worked=frozenset({date(2026, 10, 10)}),
    country="CN",
)


def at(written: str, zone: str = "Asia/Shanghai") -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("received", "count", "unit", "first_late"),
    [
        # The day itself does not count; the fifteenth day ends at midnight.
        ("2026-03-02T09:00", 15, "days", "2026-03-18T00:00"),
        ("2026-03-02T23:59", 15, "days", "2026-03-18T00:00"),
        # Over the end of February, and of a year.
        ("2026-02-20T10:00", 15, "days", "2026-03-08T00:00"),
        ("2028-02-20T10:00", 15, "days", "2028-03-07T00:00"),
        ("2026-12-25T10:00", 15, "days", "2027-01-10T00:00"),
        ("2026-03-02T09:00", 8, "weeks", "2026-04-28T00:00"),
        ("2026-03-02T09:30", 24, "hours", "2026-03-03T09:30"),
        # Wednesday 30 September: the holidays pass; then 8, 9, and Saturday 10 is worked.
        ("2026-09-30T10:00", 3, "working days", "2026-10-11T00:00"),
        # Received on a holiday.
        ("2026-10-03T10:00", 1, "working days", "2026-10-09T00:00"),
        # A Friday evening: Monday is the first.
        ("2026-03-06T20:00", 1, "working days", "2026-03-10T00:00"),
    ],
)
def test_a_period_ends_when_its_last_day_is_over(
    received: str, count: int, unit: str, first_late: str
) -> None:
    assert Period(count, PeriodUnit(unit)).ends(at(received), NATIONAL_DAY) == at(first_late)


def test_twenty_four_hours_are_twenty_four_hours_also_when_clocks_are_changed() -> None:
    day = Period(24, PeriodUnit.HOURS)
    before = at("2026-04-04T18:00", "Australia/Sydney")  # clocks go back in the night
    assert day.ends(before, PLAIN_WEEK).astimezone(UTC) - before.astimezone(UTC) == timedelta(
        hours=24
    )


days = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@given(
    received=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    count=st.integers(1, 40),
    holidays=st.frozensets(days, max_size=60),
    worked=st.frozensets(days, max_size=20),
)
def test_working_days_are_counted_one_by_one(
    received: datetime, count: int, holidays: frozenset[date], worked: frozenset[date]
) -> None:
    calendar = Calendar(holidays=holidays, worked=worked)
    start = received.replace(tzinfo=SHANGHAI)
    end = Period(count, PeriodUnit.WORKING_DAYS).ends(start, calendar)
    last = (end - timedelta(microseconds=1)).date()
    passed = [start.date() + timedelta(days=n) for n in range(1, (last - start.date()).days + 1)]
    worked_on = [day for day in passed if calendar.kind_of(day) is DayKind.WORKING]
    assert len(worked_on) == count
    assert worked_on[-1] == last  # it never ends on a day of rest
    assert (end.hour, end.minute, end.tzinfo) == (0, 0, SHANGHAI)


@given(
    jurisdiction=st.sampled_from(["CN", "US", "US-MA", "GB", "GB-SCT", "IN", "AU", "AU-NSW"]),
    matter=st.sampled_from(Matter),
    kind=st.sampled_from(ComplaintKind),
    received=st.datetimes(datetime(2026, 7, 1), datetime(2028, 12, 31)),
    extended=st.integers(0, 4),
)
def test_every_matter_has_a_clock_and_an_extension_never_shortens_it(
    jurisdiction: str, matter: Matter, kind: ComplaintKind, received: datetime, extended: int
) -> None:
    packs = packs_for(PACKS, jurisdiction)
    start = received.replace(tzinfo=SHANGHAI)
    terms = answer_terms(packs, {Collects.FIRST_PARTY}, matter, kind, start, extended=extended)
    more = answer_terms(packs, {Collects.FIRST_PARTY}, matter, kind, start, extended=extended + 1)
    assert terms.acknowledge_by is not None
    assert terms.answer_by is not None
    assert more.answer_by is not None
    assert start < terms.acknowledge_by <= start + timedelta(days=15)
    assert start < terms.answer_by <= more.answer_by <= start + timedelta(days=62)
    assert more.acknowledge_by == terms.acknowledge_by  # an acknowledgement is never put off


@pytest.mark.parametrize(
    ("jurisdiction", "kind", "extended", "last_day"),
    [
        ("CN", "conduct", 0, "2026-08-18"),
        ("CN", "conduct", 1, "2026-09-02"),
        ("CN", "conduct", 2, "2026-10-02"),
        ("CN", "conduct", 3, "2026-10-02"),  # the law allows no third one
        ("GB", "fees", 0, "2026-09-28"),
        ("AU", "fees", 0, "2026-09-02"),
        ("AU", "hardship", 0, "2026-08-24"),
        ("IN", "fees", 0, "2026-09-02"),
        ("US", "fees", 0, "2026-10-02"),  # no law names a time: the lender's own
    ],
)
def test_complaints_of_3_august_2026_are_answered_by(
    jurisdiction: str, kind: str, extended: int, last_day: str
) -> None:
    packs = packs_for(PACKS, jurisdiction)
    received = at("2026-08-03T10:00")
    terms = answer_terms(
        packs, {Collects.FIRST_PARTY}, Matter.COMPLAINT, kind, received, extended=extended
    )
    assert terms.answer_by is not None
    assert (terms.answer_by - timedelta(seconds=1)).date() == date.fromisoformat(last_day)


@pytest.mark.parametrize(
    ("collects_as", "on", "stops"),
    [
        (Collects.THIRD_PARTY, "2026-08-03T10:00", Stops.EVERYBODY),
        (Collects.FIRST_PARTY, "2026-08-03T10:00", Stops.COLLECTOR),
        (Collects.THIRD_PARTY, "2027-01-04T10:00", Stops.COLLECTOR),  # deleted by then
    ],
)
def test_in_india_an_agency_stops_altogether(collects_as: Collects, on: str, stops: Stops) -> None:
    packs = packs_for(PACKS, "IN")
    terms = answer_terms(packs, {collects_as}, Matter.COMPLAINT, "conduct", at(on))
    assert terms.stops is stops


@given(
    received=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(SHANGHAI)),
    length=st.timedeltas(timedelta(hours=1), timedelta(days=60)),
    passed=st.timedeltas(timedelta(0), timedelta(days=70)),
)
def test_a_clock_runs_then_is_near_then_late_and_says_when_that_changes(
    received: datetime, length: timedelta, passed: timedelta
) -> None:
    deadline, now = received + length, received + passed
    state = clock_state(received, deadline, now)
    changes = next_change(received, deadline, now)
    assert (state is ClockState.LATE) == (now >= deadline)
    assert (changes is None) == (state is ClockState.LATE)
    if changes is not None:
        order = list(ClockState)
        then = clock_state(received, deadline, changes)
        assert order.index(then) == order.index(state) + 1


def test_no_matter_is_open_and_over() -> None:
    for moves in MOVES.values():
        assert set(moves) == set(MatterStatus)
        for status, to in moves.items():
            assert bool(to) == (status in OPEN)
            assert status not in to
        assert all(moves[status] >= RESOLVED for status in OPEN)
        ends = {to for tos in moves.values() for to in tos} - OPEN
        assert ends == RESOLVED, "nothing ends without an answer"
    assert set(FINDINGS) == RESOLVED


def test_who_is_complained_of_or_took_part_handles_nothing() -> None:
    assert unfit_to_handle("c-1", about_staff="c-1", took_part=()) is Unfit.COMPLAINED_OF
    assert unfit_to_handle("c-2", about_staff="c-1", took_part={"c-2"}) is Unfit.TOOK_PART
    assert unfit_to_handle("s-1", about_staff="c-1", took_part={"c-2"}) is None


def test_a_complaint_bars_while_it_is_open_and_after_it_was_upheld() -> None:
    barring = {status for status in MatterStatus if bars(status)}
    assert barring == OPEN | {MatterStatus.UPHELD, MatterStatus.PARTLY_UPHELD}
