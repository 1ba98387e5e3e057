"""Rule packs in YAML: what ships, and what is refused."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.readers.rule_packs import describe_source, read_rule_pack
from config.readers.yaml_files import read_yaml
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_hours import ContactHours
from domain.compliance.gate import may_contact
from domain.compliance.rules import RulePack, packs_for
from domain.compliance.verdict import Permission
from domain.compliance.vocabulary import Channel, Says
from tests.support.refused_yaml import refusal

SHIPPED = Path(__file__).parents[2] / "config" / "rule_packs"
REACHING = frozenset({Channel.SMS, Channel.CALL, Channel.VISIT})

SMALL = """\
id: cn
version: 1
jurisdiction: CN
rules:
  - id: cn.contact_hours
    kind: contact_hours
    channels: [sms, call]
    hours: {mon-fri: "08:00-22:00", sat: "09:00-24:00"}
    effective_from: 2025-02-28
    citation: A law, art. 1
    confidence: S
  - id: cn.visit_hours
    kind: contact_hours
    channels: [visit]
    hours: {every_day: "09:00-18:00"}
    effective_from: 2025-02-28
    citation: A law, art. 2
    confidence: V
"""


def shipped() -> tuple[RulePack, ...]:
    return tuple(read_rule_pack(read_yaml(path)) for path in sorted(SHIPPED.glob("*.yaml")))


def hours_in(pack: RulePack) -> list[ContactHours]:
    return [rule for rule in pack.rules if isinstance(rule, ContactHours)]


def read(directory: Path, text: str) -> RulePack:
    path = directory / "cn.yaml"
    path.write_text(text, encoding="utf-8")
    return read_rule_pack(read_yaml(path))


@pytest.mark.parametrize(
    ("jurisdiction", "zone", "channel", "monday_hours"),
    [
        ("CN", "Asia/Shanghai", Channel.SMS, ("08:00", "22:00")),
        ("CN", "Asia/Shanghai", Channel.CALL, ("08:00", "22:00")),
        ("CN", "Asia/Shanghai", Channel.VISIT, ("08:00", "22:00")),
        ("US", "America/New_York", Channel.SMS, ("08:00", "21:00")),
        ("US-MA", "America/New_York", Channel.CALL, ("08:00", "21:00")),
        ("US-WA", "America/Los_Angeles", Channel.CALL, ("08:00", "21:00")),
        ("GB", "Europe/London", Channel.SMS, ("08:00", "21:00")),
        ("IN", "Asia/Kolkata", Channel.CALL, ("08:00", "19:00")),
        ("AU", "Australia/Sydney", Channel.CALL, ("07:30", "21:00")),
        ("AU", "Australia/Sydney", Channel.VISIT, ("09:00", "21:00")),
    ],
)
def test_the_shipped_packs_open_and_close_the_gate_when_the_law_does(
    jurisdiction: str, zone: str, channel: Channel, monday_hours: tuple[str, str]
) -> None:
    facts = ContactFacts(
        past_due=Decimal(1000),
        zones=(zone,),
        lender_zone=zone,
        packs=packs_for(shipped(), jurisdiction),
        reachable=REACHING,
        says=frozenset({Says.IDENTITY, Says.OPT_OUT}),
        visit_staff=2,
        noticed_at=datetime(2026, 6, 1, tzinfo=UTC),
    )
    monday = date(2026, 6, 15)

    def answer(clock: str, minutes_later: int = 0) -> Permission:
        wall = time.fromisoformat(clock)
        minutes = wall.hour * 60 + wall.minute + minutes_later
        at = datetime.combine(monday, time(minutes // 60, minutes % 60), ZoneInfo(zone))
        return may_contact(facts, channel, at).permission

    opens, closes = monday_hours
    assert (answer(opens, -1), answer(opens)) == (Permission.DEFERRED, Permission.ALLOWED)
    assert (answer(closes, -1), answer(closes)) == (Permission.ALLOWED, Permission.DEFERRED)


def test_australian_calls_begin_later_at_the_weekend() -> None:
    (pack,) = (pack for pack in shipped() if pack.jurisdiction == "AU")
    calls = next(rule for rule in hours_in(pack) if Channel.CALL in rule.channels)
    assert {hours.start: sorted(hours.weekdays) for hours in calls.hours} == {
        time(7, 30): [0, 1, 2, 3, 4],
        time(9): [5, 6],
    }


def test_every_shipped_rule_cites_its_article_and_says_whether_it_was_read() -> None:
    for pack in shipped():
        for rule in pack.rules:
            line = describe_source(rule.source)
            assert rule.source.citation in line
            assert ("review: needed" in line) is (rule.source.confidence not in ("V", "L"))


def test_midnight_ends_the_day(tmp_path: Path) -> None:
    saturday = hours_in(read(tmp_path, SMALL))[0].hours[1]
    assert (saturday.weekdays, saturday.end) == (frozenset({5}), time.max)


def test_a_part_of_a_country_need_not_speak_of_every_channel(tmp_path: Path) -> None:
    text = SMALL.replace("jurisdiction: CN", "jurisdiction: CN-GD").replace("[visit]", "[sms]")
    text = text.replace("channels: [sms, call]", "channels: [call]")
    assert read(tmp_path, text).jurisdiction == "CN-GD"


def test_hours_that_change_on_a_day_are_two_rules(tmp_path: Path) -> None:
    later = SMALL.replace("[visit]", "[visit, sms]").replace(
        "confidence: S\n", "confidence: S\n    effective_to: 2025-06-30\n"
    )
    assert read(
        tmp_path,
        later.replace(
            "2025-02-28\n    citation: A law, art. 2", "2025-07-01\n    citation: A law, art. 2"
        ),
    )


REFUSED = [
    ("no citation", "    citation: A law, art. 1\n", "", 5, "`citation` is missing"),
    ("no confidence", "    confidence: S\n", "", 5, "`confidence` is missing"),
    (
        "confidence nobody defined",
        "confidence: S",
        "confidence: high",
        11,
        "one of: G, L, S, S*, V",
    ),
    ("a kind the gate cannot apply", "kind: contact_hours", "kind: call_cap", 6, "contact_hours"),
    ("a channel that does not exist", "[sms, call]", "[sms, cal]", 7, "Did you mean call?"),
    ("hours for the court", "[sms, call]", "[sms, call, legal]", 7, "call, sms, visit"),
    ("a silent channel", "[sms, call]", "[sms]", 5, "hours of call"),
    ("hours that end before they begin", "08:00-22:00", "22:00-08:00", 8, "ends before it begins"),
    ("hours no clock has", "08:00-22:00", "08:00-25:00", 8, "such as 08:00-22:00"),
    ("hours in words", "08:00-22:00", "daytime", 8, "such as 08:00-22:00"),
    ("a day nobody knows", "mon-fri", "mon-day", 8, "days in order such as mon-fri"),
    ("days out of order", "mon-fri", "fri-mon", 8, "days in order such as mon-fri"),
    ("a day named twice", "sat:", "fri:", 8, "Name each day of the week once"),
    ("no day", '{every_day: "09:00-18:00"}', "{}", 15, "names no day"),
    ("two rules for one channel", "[visit]", "[visit, sms]", 12, "overlaps cn.contact_hours"),
    ("two rules of one id", "cn.visit_hours", "cn.contact_hours", 12, "an id that no other has"),
    ("a rule named for another pack", "id: cn.visit_hours", "id: us.visit_hours", 12, "Write cn."),
    (
        "an end before the beginning",
        "effective_from: 2025-02-28",
        "effective_from: 2025-02-28\n    effective_to: 2025-02-27",
        10,
        "Write 2025-02-28 or later",
    ),
    (
        "an unknown key",
        "citation:",
        "citaton:",
        10,
        "`aaaaaaa` (masked) is not known here. Did you mean citation?",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_a_pack_with_this_is_refused(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    said = refusal(read, tmp_path, SMALL, old, new)
    assert f"cn.yaml line {line}: " in said
    assert says in said
