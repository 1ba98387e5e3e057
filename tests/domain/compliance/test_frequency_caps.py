"""Windows that a cap counts in, and the first day on which there is room again."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.compliance.contact_facts import ContactFacts, PastContact
from domain.compliance.contact_rule import Blocked
from domain.compliance.frequency_caps import (
    CalendarUnit,
    Cap,
    ConsecutiveDays,
    Counter,
    Scope,
    Window,
    windows_around,
)
from domain.compliance.rules import Confidence, Source
from domain.compliance.vocabulary import NOT_THE_PERSON, Channel, Party
from domain.contact_outcomes import ContactOutcome
from domain.reasons import ReasonCode, Reasons, because

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)  # a Wednesday
CALL = frozenset({Channel.CALL})


def cap(window: Window, at_most: int = 1, counter: Counter = Counter.ATTEMPT) -> Cap:
    return Cap(
        id="xx.cap",
        channels=CALL,
        source=Source("made up", Confidence.GENERAL),
        effective_from=date(2020, 1, 1),
        counts=CALL,
        counter=counter,
        scope=Scope.PERSON,
        window=window,
        at_most=at_most,
    )


def facts(*at: datetime) -> ContactFacts:
    return ContactFacts(
        past_due=Decimal(1),
        zones=("UTC",),
        lender_zone="UTC",
        packs=(),
        reachable=CALL,
        history=tuple(PastContact(moment, Channel.CALL, 1) for moment in at),
    )


@pytest.mark.parametrize(
    ("window", "day", "first", "last"),
    [
        (CalendarUnit.DAY, "2026-06-17", "2026-06-17", "2026-06-17"),
        (CalendarUnit.WEEK, "2026-06-15", "2026-06-15", "2026-06-21"),
        (CalendarUnit.WEEK, "2026-06-21", "2026-06-15", "2026-06-21"),
        (CalendarUnit.MONTH, "2026-06-01", "2026-06-01", "2026-06-30"),
        (CalendarUnit.MONTH, "2028-02-29", "2028-02-01", "2028-02-29"),
        (CalendarUnit.MONTH, "2026-12-31", "2026-12-01", "2026-12-31"),
        (CalendarUnit.MONTH, "2026-01-31", "2026-01-01", "2026-01-31"),
    ],
)
def test_a_calendar_window_runs_from_its_first_day_to_its_last(
    window: Window, day: str, first: str, last: str
) -> None:
    (found,) = windows_around(window, date.fromisoformat(day))
    assert found == (date.fromisoformat(first), date.fromisoformat(last))


def test_every_stretch_of_days_in_a_row_that_holds_a_day_is_a_window() -> None:
    day = date(2026, 6, 17)
    assert sorted(windows_around(ConsecutiveDays(3), day)) == [
        (date(2026, 6, 15), date(2026, 6, 17)),
        (date(2026, 6, 16), date(2026, 6, 18)),
        (date(2026, 6, 17), date(2026, 6, 19)),
    ]


@pytest.mark.parametrize(
    ("window", "opens"),
    [
        (CalendarUnit.DAY, "2026-06-18"),
        (CalendarUnit.WEEK, "2026-06-22"),
        (CalendarUnit.MONTH, "2026-07-01"),
        (ConsecutiveDays(7), "2026-06-24"),
        (ConsecutiveDays(1), "2026-06-18"),
        (ConsecutiveDays(31), "2026-07-18"),
    ],
)
def test_a_full_window_opens_at_the_first_midnight_after_it(window: Window, opens: str) -> None:
    earliest_time = cap(window).earliest_time(facts(NOON), Channel.CALL, "UTC", NOON)
    assert earliest_time == datetime.fromisoformat(opens).replace(tzinfo=UTC)


def test_there_is_room_until_there_are_as_many_as_the_rule_allows() -> None:
    twice = cap(CalendarUnit.DAY, at_most=2)
    assert twice.earliest_time(facts(NOON), Channel.CALL, "UTC", NOON) == NOON
    assert twice.earliest_time(facts(NOON, NOON), Channel.CALL, "UTC", NOON) != NOON


def test_what_is_assigned_for_a_day_to_come_counts_in_every_window_that_holds_it() -> None:
    weekly = cap(ConsecutiveDays(7))
    ahead = facts(NOON + timedelta(days=3))
    assert weekly.earliest_time(ahead, Channel.CALL, "UTC", NOON) == datetime(
        2026, 6, 27, tzinfo=UTC
    )
    assert weekly.earliest_time(
        ahead, Channel.CALL, "UTC", NOON - timedelta(days=4)
    ) == NOON - timedelta(days=4)


def test_a_calendar_that_fills_up_for_months_is_searched_to_its_end() -> None:
    daily = [NOON + timedelta(days=31 * n) for n in range(4)]
    earliest_time = cap(ConsecutiveDays(31)).earliest_time(facts(*daily), Channel.CALL, "UTC", NOON)
    assert earliest_time == datetime(2026, 10, 19, tzinfo=UTC)
    assert not isinstance(earliest_time, Blocked)


@pytest.mark.parametrize(
    ("window", "reason"),
    [
        (
            ConsecutiveDays(7),
            because(ReasonCode.CAP_REACHED_IN_DAYS, citation="made up", days=7),
        ),
        (ConsecutiveDays(1), because(ReasonCode.CAP_REACHED, citation="made up", window="day")),
        (CalendarUnit.WEEK, because(ReasonCode.CAP_REACHED, citation="made up", window="week")),
    ],
)
def test_a_cap_that_is_reached_names_its_window(window: Window, reason: Reasons) -> None:
    assert cap(window).violation == reason


CALLS = st.builds(
    PastContact,
    at=st.sampled_from([NOON - timedelta(hours=hours) for hours in (1, 2, 20, 50)]),
    channel=st.just(Channel.CALL),
    loan_id=st.integers(1, 3),
    connected=st.sampled_from([True, False, None]),
    number=st.sampled_from(["A", "B", None]),
    party=st.sampled_from(Party),
    outcome=st.sampled_from([None, ContactOutcome.SPOKE, ContactOutcome.SPOKE_WITH_OTHER]),
)
HISTORIES = st.lists(CALLS, max_size=6).map(tuple)


@given(own=HISTORIES, others=HISTORIES, at_most=st.integers(1, 4), counter=st.sampled_from(Counter))
def test_a_cap_of_a_number_counts_what_was_done_at_it_whoever_was_meant(
    own: tuple[PastContact, ...],
    others: tuple[PastContact, ...],
    at_most: int,
    counter: Counter,
) -> None:
    others = tuple(replace(contact, number="A") for contact in others)
    asked = replace(facts(), history=own, number_history=others, number="A")
    of_number = replace(cap(CalendarUnit.DAY, at_most, counter), scope=Scope.NUMBER)
    today = [c for c in own + others if c.number == "A" and c.at.date() == NOON.date()]
    counts = {
        Counter.ATTEMPT: len(today),
        Counter.CONNECTED: sum(c.connected is not False for c in today),
        Counter.UNANSWERED: sum(c.connected is not True for c in today),
    }

    opens = of_number.earliest_time(asked, Channel.CALL, "UTC", NOON)

    assert (opens == NOON) == (counts[counter] < at_most)
    swapped = replace(asked, history=others, number_history=own)
    assert of_number.earliest_time(swapped, Channel.CALL, "UTC", NOON) == opens


@given(own=HISTORIES, others=HISTORIES, scope=st.sampled_from([Scope.PERSON, Scope.DEBT]))
def test_what_was_done_with_others_at_the_number_uses_up_nothing_of_the_person(
    own: tuple[PastContact, ...], others: tuple[PastContact, ...], scope: Scope
) -> None:
    of_person = replace(cap(ConsecutiveDays(7), 2), scope=scope)
    alone = replace(facts(), history=own, number="A")
    shared = replace(alone, number_history=others)
    opens = of_person.earliest_time(shared, Channel.CALL, "UTC", NOON)
    assert opens == of_person.earliest_time(alone, Channel.CALL, "UTC", NOON)


@pytest.mark.parametrize("party", sorted(NOT_THE_PERSON))
def test_what_was_done_with_others_at_a_number_of_the_person_uses_up_nothing_of_somebody_else(
    party: Party,
) -> None:
    yesterday = PastContact(NOON - timedelta(days=1), Channel.CALL, 2, party=Party.BORROWER)
    shared = replace(cap(ConsecutiveDays(7)), counts_third_parties=True)
    asked = replace(facts(), party=party, number="THEIRS", numbers=())
    for number, opens in [("OF THE PERSON", NOON), ("THEIRS", datetime(2026, 6, 23, tzinfo=UTC))]:
        others = (replace(yesterday, number=number),)
        known = replace(asked, number_history=others)
        assert shared.earliest_time(known, Channel.CALL, "UTC", NOON) == opens
