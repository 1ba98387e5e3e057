"""The order of work: duties before wishes, nobody waits for ever, and every place is explained."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.language.speak import speak
from domain.next_work import (
    SERVED_FIRST,
    Band,
    BrokenPromise,
    Candidate,
    WorkKind,
    WorkPolicy,
    in_order,
    work_policy_on,
)
from domain.reasons import ReasonCode, because

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
POLICY = WorkPolicy()
HOUR = timedelta(hours=1)


def call(key: int, **facts: Any) -> Candidate:
    return Candidate(key=key, **{"since": NOW - HOUR, "past_due": Decimal(100), **facts})


def order(*candidates: Candidate, since_first: int = 0) -> list[int]:
    ranked = in_order(candidates, POLICY, NOW, served_since_first_contact=since_first)
    return [each.candidate.key for each in ranked]


EACH_BAND = (
    call(1, callback_at=NOW - HOUR, spoken=True),
    call(2, clock_ends_at=NOW + HOUR, spoken=True),
    call(3, kind=WorkKind.REPLY),
    call(4, since=NOW - timedelta(days=3), spoken=True),
    call(5, broken_promise=BrokenPromise(NOW - HOUR, part_kept=False), spoken=True),
    call(6, open_until=NOW + HOUR, spoken=True),
    call(7),
    call(8, spoken=True),
)


def test_bands_are_served_in_their_order() -> None:
    assert order(*reversed(EACH_BAND)) == [1, 2, 3, 4, 5, 6, 7, 8]
    bands = [ranked.band for ranked in in_order(EACH_BAND, POLICY, NOW)]
    assert bands == list(Band)


def test_what_somebody_gave_back_comes_after_all_else_also_at_the_turn_of_a_first_contact() -> None:
    back = [replace(each, key=each.key + 10, given_back=True) for each in EACH_BAND]
    for since_first in (0, 3):
        served = order(*back, *EACH_BAND, since_first=since_first)
        assert [key > 10 for key in served] == [False] * 8 + [True] * 8
    (only,) = in_order(back[:1], POLICY, NOW)
    assert speak(only.why) == "You gave this back, and nothing else waits for you now."


def test_the_lender_may_order_the_bands_otherwise() -> None:
    policy = WorkPolicy(bands=tuple(reversed(Band)))
    assert in_order(EACH_BAND, policy, NOW)[0].band is Band.VALUE


def test_what_is_barred_is_not_served_however_urgent_it_is() -> None:
    urgent = call(1, callback_at=NOW, barred=because(ReasonCode.OUTSIDE_HOURS))
    assert order(urgent, call(2)) == [2]


def test_a_callback_that_is_not_due_yet_is_no_duty() -> None:
    assert order(call(1, callback_at=NOW + HOUR, spoken=True), call(2)) == [2, 1]


def test_the_callback_that_was_promised_first_comes_first() -> None:
    assert order(call(1, callback_at=NOW - HOUR), call(2, callback_at=NOW - 2 * HOUR)) == [2, 1]


def test_a_promise_kept_in_part_comes_before_a_broken_one_and_a_fresh_one_before_an_old_one() -> (
    None
):
    old, fresh = (BrokenPromise(NOW - days * timedelta(days=1), part_kept=False) for days in (9, 1))
    part = BrokenPromise(NOW - timedelta(days=20), part_kept=True)
    ranked = (call(n, broken_promise=each) for n, each in enumerate((old, fresh, part)))
    assert order(*ranked) == [2, 1, 0]


def test_the_rest_is_ordered_by_what_a_call_is_expected_to_bring() -> None:
    often = call(1, spoken=True, past_due=Decimal(1000), tries=9)
    once = call(2, spoken=True, past_due=Decimal(500), tries=0)
    small = call(3, spoken=True, past_due=Decimal(10), tries=0)
    assert order(often, once, small) == [2, 1, 3]


def test_amounts_of_two_currencies_are_compared_by_what_the_lender_says_they_are_worth() -> None:
    policy = WorkPolicy(currency_values={"USD": Decimal(7)})
    yuan = call(1, spoken=True, past_due=Decimal(600), currency="CNY")
    dollars = call(2, spoken=True, past_due=Decimal(100), currency="USD")
    assert [r.candidate.key for r in in_order((yuan, dollars), policy, NOW)] == [2, 1]


def test_after_three_others_it_is_the_turn_of_a_first_contact() -> None:
    reply, first = call(1, kind=WorkKind.REPLY), call(2)
    assert order(reply, first, since_first=2) == [1, 2]
    assert order(reply, first, since_first=3) == [2, 1]
    assert order(call(3, callback_at=NOW), first, since_first=3) == [3, 2], "that was promised"


def test_each_place_has_its_sentence_in_both_languages() -> None:
    for ranked in in_order(EACH_BAND, POLICY, NOW):
        assert len(ranked.why) == 1
        assert speak(ranked.why).endswith(".")
        assert speak(ranked.why, "zh").endswith("。")


def test_the_newest_policy_in_force_counts() -> None:
    first = WorkPolicy(version=1, effective_from=date(2026, 1, 1))
    later = WorkPolicy(version=2, effective_from=date(2026, 6, 1))
    assert work_policy_on((later, first), date(2026, 5, 31)) is first
    assert work_policy_on((first, later), date(2026, 6, 1)) is later
    assert work_policy_on((), date(2026, 6, 1)) == WorkPolicy()


some = st.booleans()
moments = st.none() | st.integers(-200, 200).map(lambda hours: NOW + hours * HOUR)
candidates = st.lists(
    st.builds(
        Candidate,
        key=st.integers(1, 10**6),
        kind=st.sampled_from(WorkKind),
        since=st.integers(0, 300).map(lambda hours: NOW - hours * HOUR),
        barred=st.sampled_from([(), because(ReasonCode.OUTSIDE_HOURS)]),
        callback_at=moments,
        of_colleague=some,
        clock_ends_at=moments,
        broken_promise=st.none()
        | st.builds(BrokenPromise, st.just(NOW - HOUR), part_kept=st.booleans()),
        open_until=st.none() | st.just(NOW + HOUR),
        last_day=some,
        spoken=some,
        tries=st.integers(0, 20),
        past_due=st.decimals(0, 10**6, places=2),
        currency=st.sampled_from(["CNY", "USD"]),
    ),
    max_size=12,
    unique_by=lambda candidate: candidate.key,
)


@given(candidates, st.integers(0, 9), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_how_the_work_comes(
    work: list[Candidate], since_first: int, random: Any
) -> None:
    shuffled = list(work)
    random.shuffle(shuffled)
    assert order(*work, since_first=since_first) == order(*shuffled, since_first=since_first)
    free = {candidate.key for candidate in work if not candidate.barred}
    assert set(order(*work, since_first=since_first)) == free, "all that may be done, and no more"


@given(candidates)
def test_first_contacts_never_starve_whatever_else_comes(work: list[Candidate]) -> None:
    """Served one after the other, with as much new work of other bands as there is, a first contact
    is among so many, unless all of them were promised for a moment."""
    others = 0
    for since_first in range(POLICY.first_contact_every + 1):
        served = in_order([call(0), *work], POLICY, NOW, served_since_first_contact=since_first)[0]
        if served.candidate.kind is WorkKind.CALL and not served.candidate.spoken:
            return
        others += served.band not in SERVED_FIRST
        assert others < POLICY.first_contact_every


@given(candidates)
def test_what_waited_too_long_comes_before_everything_but_the_duties(work: list[Candidate]) -> None:
    waited = call(0, since=NOW - POLICY.longest_wait)
    for ranked in in_order([*work, waited], POLICY, NOW):
        if ranked.candidate.key == 0:
            break
        assert POLICY.bands.index(ranked.band) <= POLICY.bands.index(Band.WAITED)
