"""Who calls whom on a day: no limit is broken, duties and value come first, shares are even."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.assignment import Assignment, assign
from domain.assignment_day import Caller, PersonCall
from domain.collectors import Span, speaks
from domain.reasons import ReasonCode
from tests.support.a_day_of_calls import DAY, LANGUAGES, a_day_of_calls, hours

MEI = Caller(1, (hours(9, 17),), (), ("zh-Hans",), frozenset(), 400, DAY)
TOM = replace(MEI, id=2)
CALL = PersonCall(1, (hours(8, 20),), "zh-Hans", 10, Decimal(100))


def calls(count: int, call: PersonCall = CALL) -> list[PersonCall]:
    return [replace(call, person=person) for person in range(1, count + 1)]


def collector_of(found: Assignment) -> dict[int, int]:
    return {each.person: each.collector for each in found.given}


def value_of(found: Assignment, wanted: Sequence[PersonCall]) -> dict[int, Decimal]:
    values: dict[int, Decimal] = defaultdict(Decimal)
    by_person = {call.person: call for call in wanted}
    for each in found.given:
        values[each.collector] += by_person[each.person].value
    return values


spans = st.builds(
    lambda first, length: hours(first / 4, (first + length) / 4),
    st.integers(28, 80),
    st.integers(1, 24),
)
people = st.builds(
    Caller,
    id=st.integers(1, 9),
    shifts=st.lists(spans, max_size=2).map(tuple),
    breaks=st.lists(spans, max_size=1).map(tuple),
    languages=st.lists(st.sampled_from(LANGUAGES), min_size=1, unique=True).map(tuple),
    skills=st.frozensets(st.sampled_from(("early", "legal"))),
    capacity=st.integers(0, 90),
    certified_until=st.sampled_from((None, DAY - timedelta(days=1), DAY, DAY)),
    must_not_handle=st.frozensets(st.integers(1, 40), max_size=8),
)
wanted_calls = st.builds(
    PersonCall,
    person=st.integers(1, 40),
    windows=st.lists(spans, max_size=2).map(tuple),
    language=st.sampled_from(LANGUAGES),
    minutes=st.integers(1, 40),
    value=st.decimals(0, 1000, places=2),
    skill=st.sampled_from((None, None, "early", "legal")),
    must_do=st.booleans(),
    spoke_last=st.none() | st.integers(1, 9),
    handled_today_by=st.none() | st.none() | st.integers(1, 9),
    late_with_it=st.none() | st.integers(1, 9),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(wanted_calls, max_size=30, unique_by=lambda call: call.person),
    st.lists(people, max_size=6, unique_by=lambda caller: caller.id),
)
def test_no_limit_is_broken_and_no_call_is_lost(
    wanted: list[PersonCall], callers: list[Caller]
) -> None:
    found = assign(wanted, callers, DAY)

    assert sorted(
        [each.person for each in found.given] + [each.person for each in found.left_over]
    ) == sorted(call.person for call in wanted)
    assert all(each.reason for each in found.left_over)
    assert_lawful(found, wanted, callers)
    assert assign(wanted[::-1], callers[::-1], DAY) == found


def assert_lawful(
    found: Assignment, wanted: Sequence[PersonCall], callers: Sequence[Caller]
) -> None:
    by_person = {call.person: call for call in wanted}
    by_id = {caller.id: caller for caller in callers}
    made: dict[int, list[Span]] = defaultdict(list)
    for each in found.given:
        call, caller = by_person[each.person], by_id[each.collector]
        lasts = Span(each.starts_at, each.starts_at + timedelta(minutes=call.minutes))
        assert speaks(caller.languages, call.language)
        assert call.skill is None or call.skill in caller.skills
        assert caller.certified_until is not None
        assert caller.certified_until >= DAY
        assert call.person not in caller.must_not_handle
        assert call.handled_today_by in (None, caller.id)
        assert covered(lasts, call.windows)
        assert covered(lasts, caller.shifts)
        assert not any(pause.overlaps(lasts) for pause in caller.breaks)
        assert not any(other.overlaps(lasts) for other in made[caller.id])
        made[caller.id].append(lasts)
    for number, lasting in made.items():
        total = sum((each.ends_at - each.starts_at for each in lasting), timedelta())
        assert total <= timedelta(minutes=by_id[number].capacity)


def covered(lasts: Span, spans: Sequence[Span]) -> bool:
    """Spans that touch are one."""
    moment = lasts.starts_at
    for span in sorted(spans, key=lambda each: each.starts_at):
        if span.starts_at <= moment:
            moment = max(moment, span.ends_at)
    return moment >= lasts.ends_at


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.lists(st.integers(0, 90), min_size=1, max_size=5), st.integers(0, 90))
def test_where_calls_are_alike_one_collector_more_never_makes_fewer_calls(
    count: int, capacities: list[int], more: int
) -> None:
    callers = [replace(MEI, id=nr, capacity=minutes) for nr, minutes in enumerate(capacities)]

    before = assign(calls(count), callers, DAY)
    after = assign(calls(count), [*callers, replace(MEI, id=99, capacity=more)], DAY)

    assert len(before.given) == min(count, sum(minutes // 10 for minutes in capacities))
    assert len(after.given) >= len(before.given)


@pytest.mark.parametrize("seed", range(3))
def test_the_shares_of_equals_are_even_or_their_limit_is_named(seed: int) -> None:
    wanted, callers = a_day_of_calls(400, 20, seed)

    found = assign(wanted, callers, DAY)

    assert_lawful(found, wanted, callers)
    values = value_of(found, wanted)
    named = {each.params["collector"] for each in found.uneven}
    equals: dict[object, list[int]] = defaultdict(list)
    for caller in callers:
        profile = (caller.languages, caller.skills, caller.shifts, caller.breaks, caller.capacity)
        equals[profile].append(caller.id)
    for group in equals.values():
        mean = sum((values[number] for number in group), Decimal(0)) / len(group)
        far = {number for number in group if abs(values[number] - mean) > mean * Decimal("0.15")}
        assert far <= named


def test_a_duty_is_called_before_any_value() -> None:
    duty = replace(CALL, person=2, value=Decimal(0), must_do=True)

    found = assign([CALL, duty], [replace(MEI, capacity=10)], DAY)

    assert collector_of(found) == {2: 1}
    assert [each.reason[0].code for each in found.left_over] == [ReasonCode.CALLERS_FULL]


def test_who_spoke_last_calls_again() -> None:
    wanted = [replace(call, spoke_last=1 + call.person % 2) for call in calls(20)]

    found = assign(wanted, [MEI, TOM], DAY)

    assert collector_of(found) == {call.person: call.spoke_last for call in wanted}


def test_who_speaks_more_languages_is_kept_for_those_who_need_them() -> None:
    both = replace(MEI, languages=("zh-Hans", "en"), capacity=10)
    english = replace(CALL, person=2, language="en", value=Decimal(1))

    found = assign([CALL, english], [both, replace(TOM, capacity=10)], DAY)

    assert collector_of(found) == {1: 2, 2: 1}


BOTH = replace(MEI, languages=("zh-Hans", "en"), capacity=10)
TEN_MINUTES = [replace(MEI, capacity=10), replace(TOM, capacity=10)]


def test_a_call_moves_where_that_makes_room_for_another() -> None:
    """Mei spoke with person 1, and nobody else speaks English with person 2."""
    wanted = [
        replace(CALL, spoke_last=1),
        replace(CALL, person=2, language="en", value=Decimal(1)),
    ]

    found = assign(wanted, [BOTH, replace(TOM, capacity=10)], DAY)

    assert collector_of(found) == {1: 2, 2: 1}


def test_more_value_replaces_less() -> None:
    short = replace(CALL, minutes=5, value=Decimal(60))

    found = assign([short, replace(CALL, person=2)], TEN_MINUTES[:1], DAY)

    assert collector_of(found) == {2: 1}


def test_two_calls_are_exchanged_so_that_who_spoke_last_calls_again() -> None:
    again = replace(CALL, person=2, value=Decimal(50), spoke_last=1)

    found = assign([CALL, again], TEN_MINUTES, DAY)

    assert collector_of(found) == {1: 2, 2: 1}


def test_no_exchange_gives_a_call_to_somebody_who_does_not_speak_the_language() -> None:
    english = replace(CALL, language="en")
    again = replace(CALL, person=2, value=Decimal(50), spoke_last=1)

    found = assign([english, again], [BOTH, replace(TOM, capacity=10)], DAY)

    assert collector_of(found) == {1: 1, 2: 2}


def test_calls_go_over_until_the_shares_of_equals_are_even() -> None:
    """One by one, the last and longest call would leave one with twice as much as the other."""
    short = calls(4, replace(CALL, minutes=1, value=Decimal(10)))
    long = replace(CALL, person=5, value=Decimal(20))

    found = assign([*short, long], [MEI, TOM], DAY)

    assert not found.uneven
    assert sorted(value_of(found, [*short, long]).values()) == [30, 30]


def test_equals_get_equal_value() -> None:
    wanted = [replace(call, value=Decimal(call.person)) for call in calls(40)]

    found = assign(wanted, [MEI, TOM], DAY)

    values = value_of(found, wanted)
    assert not found.uneven
    assert abs(values[1] - values[2]) <= Decimal(820) * 15 / 100


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ([CALL], ReasonCode.SHARE_BOUND_BY_SIZE),
        ([replace(call, spoke_last=1) for call in calls(9)], ReasonCode.SHARE_BOUND_BY_PERSON),
    ],
)
def test_where_shares_are_not_even_the_limit_is_named(
    wanted: list[PersonCall], code: ReasonCode
) -> None:
    found = assign(wanted, [MEI, TOM], DAY)

    assert {each.params["collector"]: each.code for each in found.uneven} == {1: code, 2: code}
    assert [each.params["percent"] for each in found.uneven] == [100, -100]


@pytest.mark.parametrize(
    ("call", "callers", "code"),
    [
        (CALL, [], ReasonCode.NO_CALLERS),
        (replace(CALL, language="en"), [MEI], ReasonCode.NO_CALLER_SPEAKS),
        (replace(CALL, skill="legal"), [MEI], ReasonCode.NO_CALLER_SKILLED),
        (CALL, [replace(MEI, certified_until=None)], ReasonCode.NO_CALLER_CERTIFIED),
        (
            CALL,
            [replace(MEI, certified_until=DAY - timedelta(days=1))],
            ReasonCode.NO_CALLER_CERTIFIED,
        ),
        (CALL, [replace(MEI, must_not_handle=frozenset({1}))], ReasonCode.CALLERS_BARRED),
        (replace(CALL, handled_today_by=3), [MEI], ReasonCode.CALLER_OF_TODAY_CANNOT),
        (replace(CALL, windows=(hours(18, 20),)), [MEI], ReasonCode.NO_CALLER_IN_WINDOW),
        (CALL, [replace(MEI, breaks=(hours(9, 17),))], ReasonCode.NO_CALLER_IN_WINDOW),
        (CALL, [replace(MEI, shifts=())], ReasonCode.NO_CALLER_IN_WINDOW),
        (CALL, [replace(MEI, capacity=9)], ReasonCode.CALLERS_FULL),
    ],
)
def test_a_call_left_over_names_the_limit_that_binds(
    call: PersonCall, callers: list[Caller], code: ReasonCode
) -> None:
    found = assign([call], callers, DAY)

    assert [each.reason[0].code for each in found.left_over] == [code]


@pytest.mark.parametrize(
    ("wanted", "callers", "said"),
    [
        ([CALL, CALL], [MEI], "A person is there twice"),
        ([CALL], [MEI, MEI], "A collector is there twice"),
        ([replace(CALL, minutes=0)], [MEI], "at least one minute"),
    ],
)
def test_what_cannot_be_assigned_is_refused(
    wanted: list[PersonCall], callers: list[Caller], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        assign(wanted, callers, DAY)
