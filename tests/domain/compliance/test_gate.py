"""The contact gate: what it allows, what it puts off and until when, and what it bars."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_hours import ContactHours
from domain.compliance.gate import may_contact
from domain.compliance.number_choice import through
from domain.compliance.rules import RulePack, packs_for
from domain.compliance.verdict import Permission, Verdict
from domain.compliance.vocabulary import Channel, Party
from domain.contact_points import NumberFact, NumberOnRecord
from domain.holds import Hold, HoldKind
from domain.reasons import ReasonCode
from tests.domain.examples import EVERY_DAY, REACHING, SHANGHAI, pack
from tests.support.loans import shipped_policy

NEW_YORK, LOS_ANGELES, KOLKATA = "America/New_York", "America/Los_Angeles", "Asia/Kolkata"


def facts(
    *packs: RulePack, zones: tuple[str, ...] = (SHANGHAI,), holds: Iterable[Hold] = ()
) -> ContactFacts:
    return ContactFacts(
        past_due=Decimal(1000),
        zones=zones,
        lender_zone=SHANGHAI,
        packs=packs or (pack(),),
        reachable=REACHING,
        holds=tuple(holds),
    )


def at(written: str, zone: str = SHANGHAI) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("asked", "until"),
    [
        ("2026-03-02 07:59", "2026-03-02 08:00"),
        ("2026-03-02 08:00", None),
        ("2026-03-02 20:59", None),
        ("2026-03-02 21:00", "2026-03-03 08:00"),  # the end itself is not lawful
        ("2026-03-02 23:30", "2026-03-03 08:00"),
        ("2026-03-03 00:10", "2026-03-03 08:00"),
    ],
)
def test_a_text_outside_the_hours_waits_for_the_next_opening(asked: str, until: str | None) -> None:
    verdict = may_contact(facts(), Channel.SMS, at(asked))
    assert verdict.permission is (Permission.DEFERRED if until else Permission.ALLOWED)
    assert verdict.until == (at(until) if until else None)
    assert verdict.rules == ("cn.contact_hours",)


def test_a_visit_goes_to_the_home_whatever_number_the_person_has() -> None:
    """The hours of a place of work are for whoever calls there."""
    packs = packs_for(shipped_policy().rule_packs, "AU")
    of_australia = replace(
        facts(*packs, zones=("Australia/Sydney",)),
        number_facts=frozenset({NumberFact.AT_WORK}),
        visit_staff=2,
        noticed_at=at("2026-06-01 12:00"),
    )
    saturday = at("2026-06-13 12:00", "Australia/Sydney")
    assert may_contact(of_australia, Channel.VISIT, saturday).permission is Permission.ALLOWED
    assert "au.hours_at_work" in may_contact(of_australia, Channel.CALL, saturday).rules


def test_somebody_else_is_called_at_their_own_number() -> None:
    """Otherwise calls to a relative would be counted at the borrower's number."""
    closed = NumberOnRecord("borrower", frozenset({NumberFact.REACHES_NOBODY}))
    relative = replace(facts(), numbers=(closed,), number="relative", party=Party.THIRD_PARTY)
    assert through(relative, Channel.CALL, at("2026-03-02 10:00")).number == "relative"


def test_hours_are_the_borrowers_and_not_the_lenders() -> None:
    noon_in_shanghai = at("2026-03-02 12:00")
    verdict = may_contact(facts(zones=(NEW_YORK,)), Channel.CALL, noon_in_shanghai)
    assert verdict.until == at("2026-03-02 08:00", NEW_YORK)


def test_a_contact_must_be_lawful_in_every_zone_of_the_borrower() -> None:
    both = facts(zones=(NEW_YORK, LOS_ANGELES))
    verdict = may_contact(both, Channel.SMS, at("2026-03-02 09:00", NEW_YORK))
    assert verdict.until == at("2026-03-02 08:00", LOS_ANGELES)
    verdict = may_contact(both, Channel.SMS, at("2026-03-02 18:30", LOS_ANGELES))
    assert verdict.until == at("2026-03-03 08:00", LOS_ANGELES)


def test_zones_that_share_no_lawful_hour_wait_for_a_new_fact() -> None:
    office_hours = pack("CN", time(8), time(19))
    verdict = may_contact(
        facts(office_hours, zones=(SHANGHAI, NEW_YORK)), Channel.SMS, at("2026-03-02 12:00")
    )
    assert (verdict.permission, verdict.until) == (Permission.DEFERRED, None)
    assert verdict.reason[-1].code is ReasonCode.NO_COMMON_MOMENT


def test_the_strictest_of_two_packs_wins() -> None:
    federal, state = pack("US", time(8), time(21)), pack("US-WA", time(7, 30), time(20))
    both = facts(federal, state, zones=(NEW_YORK,))
    early = may_contact(both, Channel.SMS, at("2026-03-02 07:45", NEW_YORK))
    late = may_contact(both, Channel.SMS, at("2026-03-02 20:30", NEW_YORK))
    assert (early.until, early.rules) == (
        at("2026-03-02 08:00", NEW_YORK),
        ("us.contact_hours",),
    )
    assert late.until == at("2026-03-03 08:00", NEW_YORK)
    assert "us_wa.contact_hours" in late.rules


def test_a_subdivision_adds_its_pack_to_its_countrys() -> None:
    packs = (pack("US"), pack("US-MA"), pack("US-WA"), pack("CN"))
    assert [p.id for p in packs_for(packs, "US-MA")] == ["us", "us_ma"]
    assert [p.id for p in packs_for(packs, "US")] == ["us"]
    assert packs_for(packs, "GB") == ()


def test_hours_that_end_at_midnight_run_to_the_end_of_the_day() -> None:
    verdict = may_contact(facts(pack(end=time.max)), Channel.SMS, at("2026-03-02 23:59"))
    assert verdict.permission is Permission.ALLOWED


def test_a_day_of_the_week_without_hours_is_closed() -> None:
    weekdays = facts(pack(weekdays=range(5)))
    friday_night = at("2026-03-06 22:00")
    assert may_contact(weekdays, Channel.SMS, friday_night).until == at("2026-03-09 08:00")


@pytest.mark.parametrize(
    ("zone", "asked", "until"),
    [
        # Clocks go forward in the night, and the morning comes an hour sooner.
        (NEW_YORK, datetime(2026, 3, 8, 2, 0, tzinfo=UTC), datetime(2026, 3, 8, 12, 0, tzinfo=UTC)),
        # Clocks go back.
        (NEW_YORK, datetime(2026, 11, 1, 2, 0, tzinfo=UTC), datetime(2026, 11, 1, 13, tzinfo=UTC)),
        (
            "Australia/Lord_Howe",
            datetime(2026, 10, 3, 12, tzinfo=UTC),
            datetime(2026, 10, 3, 21, tzinfo=UTC),
        ),
    ],
)
def test_the_morning_after_the_clocks_change_is_found(
    zone: str, asked: datetime, until: datetime
) -> None:
    assert may_contact(facts(zones=(zone,)), Channel.SMS, asked).until == until


class TestFailsClosed:
    ASKED = at("2026-03-02 12:00")

    def refused(self, given: ContactFacts, channel: Channel = Channel.SMS) -> Verdict:
        verdict = may_contact(given, channel, self.ASKED)
        assert verdict.permission is not Permission.ALLOWED
        assert verdict.until is None
        return verdict

    def test_without_a_rule_pack_nobody_is_contacted(self) -> None:
        given = replace(facts(), packs=())
        assert self.refused(given).rules == ("lender.no_rules_known",)

    def test_a_channel_no_rule_speaks_of_is_not_used(self) -> None:
        given = facts(pack(channels=frozenset({Channel.CALL})))
        assert self.refused(given).rules == ("lender.no_rules_known",)

    def test_a_rule_not_yet_in_force_is_no_rule(self) -> None:
        given = facts(pack(effective_from=date(2027, 1, 1)))
        assert self.refused(given).rules == ("lender.no_rules_known",)

    def test_without_a_time_zone_nobody_is_contacted(self) -> None:
        assert self.refused(facts(zones=())).rules == ("lender.no_zone_known",)

    def test_without_an_address_nobody_is_visited(self) -> None:
        given = replace(facts(), reachable=frozenset({Channel.SMS}))
        assert self.refused(given, Channel.VISIT).rules == ("lender.no_address_known",)

    def test_an_opt_out_bars_its_channel_and_no_other(self) -> None:
        given = replace(facts(), refused_channels=frozenset({Channel.SMS}))
        assert self.refused(given).permission is Permission.BARRED
        assert may_contact(given, Channel.CALL, self.ASKED).permission is Permission.ALLOWED

    @pytest.mark.parametrize("past_due", ["0", "-5"])
    @pytest.mark.parametrize("channel", list(Channel))
    def test_who_has_paid_is_barred_from_every_channel(
        self, past_due: str, channel: Channel
    ) -> None:
        verdict = self.refused(replace(facts(), past_due=Decimal(past_due)), channel)
        assert verdict.permission is Permission.BARRED


class TestHolds:
    def test_a_hold_puts_a_contact_off_to_the_first_lawful_moment_after_it(self) -> None:
        held = facts(holds=[Hold(HoldKind.PROMISE, date(2026, 3, 1), date(2026, 3, 5))])
        verdict = may_contact(held, Channel.SMS, at("2026-03-02 12:00"))
        assert verdict.until == at("2026-03-05 08:00")
        assert verdict.rules == ("lender.on_hold", "cn.contact_hours")

    def test_a_hold_without_an_end_waits_for_its_release(self) -> None:
        held = facts(holds=[Hold(HoldKind.DISPUTE, date(2026, 3, 1))])
        verdict = may_contact(held, Channel.SMS, at("2026-03-02 12:00"))
        assert (verdict.permission, verdict.until) == (Permission.DEFERRED, None)

    def test_a_hold_that_begins_overnight_is_seen_in_the_evening(self) -> None:
        held = facts(holds=[Hold(HoldKind.PROMISE, date(2026, 3, 3), date(2026, 3, 5))])
        assert (
            may_contact(held, Channel.SMS, at("2026-03-02 20:00")).permission is Permission.ALLOWED
        )
        verdict = may_contact(held, Channel.SMS, at("2026-03-02 22:00"))
        assert verdict.until == at("2026-03-05 08:00")

    def test_holds_begin_and_end_in_the_lenders_zone(self) -> None:
        held = facts(
            zones=(NEW_YORK,), holds=[Hold(HoldKind.PROMISE, date(2026, 3, 1), date(2026, 3, 5))]
        )
        asked = at("2026-03-04 10:30", NEW_YORK)  # 23:30 in Shanghai, and half an hour to wait
        assert may_contact(held, Channel.SMS, asked).until == at("2026-03-05 00:00")


class TestCourt:
    NIGHT = at("2026-03-02 03:00")

    def test_neither_hours_nor_zones_nor_opt_outs_touch_the_court(self) -> None:
        given = replace(facts(zones=()), reachable=frozenset(), refused_channels=REACHING)
        assert may_contact(given, Channel.LEGAL, self.NIGHT).permission is Permission.ALLOWED

    def test_where_no_law_is_known_nothing_goes_to_court(self) -> None:
        given = replace(facts(), packs=())
        assert may_contact(given, Channel.LEGAL, self.NIGHT).permission is Permission.DEFERRED

    def test_a_hold_does(self) -> None:
        held = facts(holds=[Hold(HoldKind.ARRANGEMENT, date(2026, 3, 1), date(2026, 3, 9))])
        verdict = may_contact(held, Channel.LEGAL, self.NIGHT)
        assert verdict.until == at("2026-03-09 00:00")


# The gate's arithmetic against the plainest reading of the law: look at the wall clock of every
# zone, minute by minute.

SEARCHED = timedelta(days=3)
ZONES = (
    SHANGHAI,
    KOLKATA,
    NEW_YORK,
    LOS_ANGELES,
    "Europe/London",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
)
CLOCKS_CHANGE = (date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 11, 1))

moments = st.builds(
    lambda day, minutes: datetime.combine(day, time(), UTC) + timedelta(minutes=minutes),
    st.sampled_from((*CLOCKS_CHANGE, date(2026, 6, 17))),
    st.integers(-36 * 60, 36 * 60),
)
whole_hours = st.tuples(st.integers(6, 11), st.integers(17, 23)).map(
    lambda pair: (time(pair[0]), time(pair[1]))
)
packs = st.builds(
    lambda name, hours, weekdays: pack(name, *hours, weekdays=weekdays),
    st.sampled_from(["US", "US-MA", "CN"]),
    whole_hours,
    st.sampled_from([EVERY_DAY, EVERY_DAY - {6}, EVERY_DAY - {5, 6}]),
)
holds = st.builds(
    lambda day, first, length: Hold(
        HoldKind.MANUAL, day + timedelta(days=first), day + timedelta(days=first + length)
    ),
    st.sampled_from(CLOCKS_CHANGE),
    st.integers(-2, 2),
    st.integers(0, 2),
)


def is_lawful(given: ContactFacts, moment: datetime) -> bool:
    lender_day = moment.astimezone(ZoneInfo(given.lender_zone)).date()
    if any(hold.covers(lender_day) for hold in given.holds):
        return False
    for zone in given.zones:
        local = moment.astimezone(ZoneInfo(zone))
        for given_pack in given.packs:
            for rule in given_pack.rules:
                assert isinstance(rule, ContactHours)
                if not any(
                    local.weekday() in hours.weekdays and hours.start <= local.time() < hours.end
                    for hours in rule.hours
                ):
                    return False
    return True


@settings(max_examples=150, deadline=None)
@given(
    asked=moments,
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True),
    bound_by=st.lists(packs, min_size=1, max_size=2),
    paused=st.lists(holds, max_size=2),
)
def test_the_moment_given_is_lawful_and_no_minute_before_it_is(
    asked: datetime, zones: list[str], bound_by: list[RulePack], paused: list[Hold]
) -> None:
    given_facts = facts(*bound_by, zones=tuple(zones), holds=paused)
    verdict = may_contact(given_facts, Channel.SMS, asked)
    answered = asked if verdict.permission is Permission.ALLOWED else verdict.until
    if answered is not None:
        assert is_lawful(given_facts, answered)
        assert may_contact(given_facts, Channel.SMS, answered).permission is Permission.ALLOWED
    moment = asked
    while moment < min(answered or asked + SEARCHED, asked + SEARCHED):
        assert not is_lawful(given_facts, moment)
        moment += timedelta(minutes=1)
