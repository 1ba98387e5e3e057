"""The oracle finds what is wrong, in made-up logs and in an engine that was broken on purpose."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.compliance import gate, number_choice, party_reach
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_hours import ContactHours
from domain.compliance.frequency_caps import Cap
from domain.compliance.verdict import Permission, Verdict
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberOnRecord
from tests.oracle import product_answers, simulation
from tests.oracle.law import against
from tests.oracle.log import Life, Pause, Reached, Spell
from tests.oracle.product_answers import Known
from tests.oracle.situations import SITUATIONS
from tests.oracle.streets import IN_A_STREET

NOON = datetime(2026, 6, 15, 16, tzinfo=UTC)  # a Monday, noon in New York
WORDS = frozenset({"identity", "opt_out", "debt"})


def a_life(jurisdiction: str = "US", *zones: str) -> Life:
    zone = zones or {"CN": ("Asia/Shanghai",), "AU": ("Australia/Sydney",)}.get(
        jurisdiction, ("America/New_York",)
    )
    return Life(1, jurisdiction, zone, zone[0], {1: date(2026, 5, 1), 2: date(2020, 1, 1)})


def text(at: datetime = NOON) -> Reached:
    return Reached(at=at, channel="sms", loan=1, says=WORDS, number="A")


def call(at: datetime = NOON, *, connected: bool = False) -> Reached:
    return Reached(at=at, channel="call", loan=1, connected=connected, number="A")


def local(written: str, zone: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_a_lawful_contact_breaks_nothing() -> None:
    assert against(a_life(), text()) == against(a_life(), call()) == []


def days_of_calls(life: Life, count: int) -> None:
    life.contacts += [call(NOON - timedelta(hours=10 * (n + 1))) for n in reversed(range(count))]


UNLAWFUL: dict[str, tuple[Callable[[], tuple[Life, Reached]], str]] = {
    "by night": (lambda: (a_life(), text(NOON + timedelta(hours=12))), "us.contact_hours"),
    "by night in the other zone": (
        lambda: (a_life("US", "America/New_York", "Asia/Shanghai"), text()),
        "us.contact_hours",
    ),
    "on a holiday": (
        lambda: (a_life("AU"), call(local("2026-12-25 12:00", "Australia/Sydney"))),
        "au.contact_hours",
    ),
    "at work in the evening": (
        lambda: (
            a_life("AU"),
            replace(call(local("2026-06-15 18:00", "Australia/Sydney")), at_work=True),
        ),
        "au.hours_at_work",
    ),
    "a text that does not say who writes": (
        lambda: (a_life(), replace(text(), says=frozenset({"opt_out"}))),
        "us.who_is_asking",
    ),
    "to a relative": (lambda: (a_life(), replace(call(), party="third_party")), "us.third_parties"),
    "a suit out of time": (
        lambda: (a_life(), replace(text(), channel="legal", loan=2)),
        "us.limitation",
    ),
    "one visitor alone": (
        lambda: (
            a_life("CN"),
            Reached(
                at=local("2026-06-15 12:00", "Asia/Shanghai"), channel="visit", loan=1, staff=1
            ),
        ),
        "cn.visit_staff",
    ),
    "where no law is known": (lambda: (a_life("FR"), text()), "no hours are known"),
}


@pytest.mark.parametrize(("made", "rule"), UNLAWFUL.values(), ids=UNLAWFUL)
def test_an_unlawful_contact_is_found(made: Callable[[], tuple[Life, Reached]], rule: str) -> None:
    assert rule in against(*made())


def test_the_eighth_call_of_a_week_is_found_and_the_seventh_is_not() -> None:
    life = a_life()
    days_of_calls(life, 6)
    assert against(life, call()) == []
    days_of_calls(life, 1)
    assert against(life, call()) == ["us.calls_attempted"]


def test_a_call_after_a_conversation_is_found() -> None:
    life = a_life()
    life.contacts.append(call(NOON - timedelta(days=6), connected=True))
    assert against(life, call()) == ["us.call_after_conversation"]
    assert against(life, call(NOON + timedelta(days=1))) == []


def test_a_third_contact_in_massachusetts_is_found_whatever_the_channels() -> None:
    life = a_life("US-MA")
    life.contacts += [call(NOON - timedelta(days=2)), text(NOON - timedelta(days=1))]
    assert against(life, text()) == ["us_ma.contacts"]


def test_a_contact_after_the_money_a_stop_or_during_a_hold_is_found() -> None:
    before, after = NOON - timedelta(hours=1), NOON + timedelta(hours=1)
    life = a_life()
    life.paid[1] = before
    life.wishes.append(Spell("not_by_sms", before))
    life.pauses.append(Pause(1, date(2026, 6, 15), date(2026, 6, 16), before))
    assert len(against(life, text())) == 3

    life = a_life()
    life.paid[1] = after
    life.wishes.append(Spell("not_by_sms", after))
    life.pauses.append(Pause(1, date(2026, 6, 15), None, after))
    assert against(life, text()) == [], "nobody could know"


def test_a_few_hundred_days_of_every_law_hold() -> None:
    found = simulation.Found()
    for seed in range(20):
        found += simulation.live(seed, borrowers=40, days=45)
        if found.contacts > 600 and all(found.seen.days[name] for name in SITUATIONS):
            break
    assert found.offenders == []
    assert (found.unlawful, found.unexplained, found.deferred_too_late) == (0, 0, 0)
    assert found.contacts > 600, "an engine that reaches nobody is lawful for the wrong reason"
    assert found.refusals > 600
    assert [name for name in SITUATIONS if not found.seen.days[name]] == []


def is_caught(found_in: Callable[[simulation.Found], bool]) -> bool:
    """Whether the oracle finds what is wrong in one street of many; the others are not lived."""
    return any(found_in(simulation.live(seed, IN_A_STREET, 40)) for seed in range(60))


@pytest.mark.parametrize("broken", [ContactHours, Cap])
def test_an_engine_that_forgot_a_kind_of_rule_is_caught(
    broken: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broken, "earliest_time", lambda self, facts, channel, zone, at: at)
    assert is_caught(lambda found: found.unlawful > 0)


def test_an_engine_whose_holds_reach_no_other_party_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(party_reach, "reaches", lambda packs, kind, of, to, on: False)
    assert is_caught(lambda found: any(" of the " in offender for offender in found.offenders))


def test_an_engine_whose_holds_reach_every_other_party_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(party_reach, "reaches", lambda packs, kind, of, to, on: True)
    assert is_caught(lambda found: found.deferred_too_late > 0)


def test_an_engine_that_tries_the_numbers_from_the_last_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(product_answers, "number_for", lambda facts, channel, at: facts.numbers[-1])
    said = "another number of theirs comes first"
    assert is_caught(lambda found: any(said in offender for offender in found.offenders))


def test_an_engine_that_knows_no_second_number_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    first = number_choice.number_for

    def only_the_first(
        facts: ContactFacts, channel: Channel, at: datetime
    ) -> NumberOnRecord | None:
        return first(replace(facts, numbers=facts.numbers[:1]), channel, at)

    for module in (gate, number_choice, product_answers):
        monkeypatch.setattr(module, "number_for", only_the_first, raising=False)
    monkeypatch.setattr(
        gate, "through", lambda facts, channel, at: replace(facts, numbers=facts.numbers[:1])
    )
    assert is_caught(lambda found: found.deferred_too_late > 0)


def test_an_engine_that_waits_for_too_long_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = product_answers.ask

    def late(known: Known, life: Life, wanted: Reached, at: datetime) -> tuple[Verdict, str, str]:
        verdict, number, party = asked(known, life, wanted, at)
        if verdict.permission is Permission.DEFERRED and verdict.until:
            return replace(verdict, until=verdict.until + timedelta(days=1)), number, party
        return verdict, number, party

    monkeypatch.setattr(simulation, "ask", late)
    assert is_caught(lambda found: found.deferred_too_late > 0)


def test_an_engine_that_calls_who_is_represented_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_acts(facts: ContactFacts, channel: Channel, at: datetime) -> object:
        return facts, None

    monkeypatch.setattr(product_answers, "contacted_instead", nobody_acts)
    assert is_caught(lambda found: found.unlawful > 0)
