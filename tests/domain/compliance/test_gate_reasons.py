"""Every answer of the gate has its reason, its rule and its moment."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.compliance.conduct import Conduct
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.gate import may_contact
from domain.compliance.rules import Confidence, Modality, RulePack, Source, packs_for
from domain.compliance.verdict import Permission
from domain.compliance.vocabulary import Channel, Party
from domain.holds import Hold, HoldKind
from domain.persons import PersonFact
from domain.reasons import ReasonCode, Reasons, because
from tests.domain.examples import REACHING, SHANGHAI, pack

NOON = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo(SHANGHAI))
NIGHT = NOON.replace(hour=23)
TOMORROW = Hold(HoldKind.DISPUTE, date(2026, 3, 2), date(2026, 3, 3))
ENDLESS = Hold(HoldKind.DISPUTE, date(2026, 3, 2))
FACTS = ContactFacts(
    past_due=Decimal(10),
    zones=(SHANGHAI,),
    lender_zone=SHANGHAI,
    packs=(pack(),),
    reachable=REACHING,
    minimum=Decimal(10),
)


def advice(at: datetime) -> Conduct:
    return Conduct(
        id="xx.advice",
        channels=frozenset(Channel),
        source=Source("art. 9", Confidence.PRIMARY),
        effective_from=date(2020, 1, 1),
        modality=Modality.ADVISORY,
        text="Be kind.",
    )


REASONS: dict[str, tuple[dict[str, Any], datetime, Permission, str, Reasons]] = {
    "nothing past due": (
        {"past_due": Decimal(0)},
        NOON,
        Permission.BARRED,
        "lender.nothing_past_due",
        because(ReasonCode.CURED),
    ),
    "less than the minimum": (
        {"past_due": Decimal("9.99")},
        NOON,
        Permission.DEFERRED,
        "lender.below_minimum",
        because(ReasonCode.BELOW_MINIMUM),
    ),
    "no law is known": (
        {"packs": ()},
        NOON,
        Permission.DEFERRED,
        "lender.no_rules_known",
        because(ReasonCode.NO_RULE_PACK),
    ),
    "ceased": (
        {"person_facts": frozenset({PersonFact.CEASED})},
        NOON,
        Permission.BARRED,
        "lender.cease_communication",
        because(ReasonCode.CONTACT_CEASED),
    ),
    "opted out": (
        {"refused_channels": frozenset({Channel.SMS})},
        NOON,
        Permission.BARRED,
        "lender.opted_out",
        because(ReasonCode.OPTED_OUT_OF, channel="sms"),
    ),
    "no zone": (
        {"zones": ()},
        NOON,
        Permission.DEFERRED,
        "lender.no_zone_known",
        because(ReasonCode.NO_ZONE),
    ),
    "no number": (
        {"reachable": frozenset({Channel.LEGAL})},
        NOON,
        Permission.DEFERRED,
        "lender.no_address_known",
        because(ReasonCode.NO_ADDRESS, channel="sms"),
    ),
    "held until released": (
        {"holds": (ENDLESS,)},
        NOON,
        Permission.DEFERRED,
        "lender.on_hold",
        because(ReasonCode.ON_HOLD_UNTIL_RELEASED, hold="dispute"),
    ),
    "a third party": (
        {"party": Party.THIRD_PARTY},
        NOON,
        Permission.DEFERRED,
        "lender.no_rules_known",
        because(ReasonCode.NO_THIRD_PARTY_RULE),
    ),
    "no hours for the channel": (
        {"packs": (RulePack("xx", 1, "XX", rules=()),)},
        NOON,
        Permission.DEFERRED,
        "lender.no_rules_known",
        because(ReasonCode.NO_CONTACT_HOURS, channel="sms"),
    ),
    "allowed": (
        {},
        NOON,
        Permission.ALLOWED,
        "cn.contact_hours",
        because(ReasonCode.NO_RULE_FORBIDS),
    ),
}


@pytest.mark.parametrize(("given", "at", "answer", "rule", "reason"), REASONS.values(), ids=REASONS)
def test_an_answer_has_its_rule_and_its_reason(
    given: dict[str, Any], at: datetime, answer: Permission, rule: str, reason: Reasons
) -> None:
    verdict = may_contact(replace(FACTS, **given), Channel.SMS, at)
    assert (verdict.permission, verdict.rules, verdict.reason) == (answer, (rule,), reason)
    assert verdict.until is None
    assert verdict.warnings == ()


def test_all_that_stood_against_it_is_told_and_the_moment_when_none_does() -> None:
    held = replace(FACTS, holds=(TOMORROW,))
    verdict = may_contact(held, Channel.SMS, NIGHT)
    assert verdict.rules == ("lender.on_hold", "cn.contact_hours")
    first, then, second = verdict.reason
    assert (first,) == because(ReasonCode.ON_HOLD, hold="dispute")
    assert second.code is ReasonCode.OUTSIDE_HOURS
    assert (then,) == because(ReasonCode.WHEN_THAT_IS_OVER), "at midnight, when the hold ends"
    assert verdict.until == datetime(2026, 3, 3, 0, tzinfo=UTC), "eight in the morning there"


def test_what_stands_against_it_at_once_is_not_put_off() -> None:
    verdict = may_contact(FACTS, Channel.SMS, NIGHT)
    assert [reason.code for reason in verdict.reason] == [ReasonCode.OUTSIDE_HOURS]


def test_advice_that_speaks_against_it_goes_with_the_answer_and_stops_nothing() -> None:
    class Against(Conduct):
        def earliest_time(self, facts: Any, channel: Channel, zone: str, at: datetime) -> datetime:
            assert isinstance(channel, Channel)
            return at + timedelta(days=1)

    warns = Against(**{name: getattr(advice(NOON), name) for name in _fields(advice(NOON))})
    advised = replace(FACTS, packs=(pack(), RulePack("xx", 1, "XX", rules=(warns,))))
    now = may_contact(advised, Channel.SMS, NOON)
    assert (now.permission, now.warnings) == (Permission.ALLOWED, ("xx.advice",))
    later = may_contact(advised, Channel.SMS, NIGHT)
    assert (later.permission, later.warnings) == (Permission.DEFERRED, ("xx.advice",))
    assert later.until == datetime(2026, 3, 3, 0, tzinfo=UTC)


def _fields(rule: Conduct) -> list[str]:
    return list(type(rule).__dataclass_fields__)


def test_a_court_is_reached_without_zone_hours_number_or_leave() -> None:
    bare = replace(FACTS, zones=(), refused_channels=frozenset(Channel))
    bare = replace(bare, person_facts=frozenset({PersonFact.CEASED}))
    assert may_contact(bare, Channel.LEGAL, NIGHT).permission is Permission.ALLOWED


@pytest.mark.parametrize(
    ("jurisdiction", "bound_by"),
    [("US", ["US"]), ("US-MA", ["US", "US-MA"]), ("US-MA-01", ["US"]), ("GB", []), ("U", [])],
)
def test_a_place_is_bound_by_its_country_s_pack_and_its_own(
    jurisdiction: str, bound_by: list[str]
) -> None:
    packs = tuple(RulePack(place.lower(), 1, place, rules=()) for place in ("US", "US-MA", "CN"))
    assert [pack.jurisdiction for pack in packs_for(packs, jurisdiction)] == bound_by
