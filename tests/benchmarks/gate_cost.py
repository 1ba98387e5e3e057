"""What does one verdict of the contact gate cost, with the rules loaded and a history to count?"""

import timeit
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import config
from config.readers.rule_packs import read_rule_pack
from config.readers.yaml_files import read_yaml
from domain.compliance.contact_facts import ContactFacts, PastContact
from domain.compliance.gate import may_contact
from domain.compliance.rules import packs_for
from domain.compliance.verdict import Permission
from domain.compliance.vocabulary import Channel, Says
from domain.contact_points import NumberOnRecord
from tests.benchmarks.figures import Figure, Target, expect
from tests.benchmarks.places import Places
from tests.benchmarks.sizes import Size

PACKS = Path(config.__file__).parent / "rule_packs"
AT = datetime(2026, 6, 15, 16, tzinfo=UTC)
ROUNDS, VERDICTS = 7, 2_000
CROWDED = ("US-MA", ("America/New_York",))
"""Federal and state rules together, two hours and three caps: the most that ships."""
TWO_ZONES = ("US-MA", ("America/New_York", "America/Chicago"))


def measure(places: Places, size: Size) -> list[Figure]:
    return [
        Figure(
            f"a verdict about a {channel}, {jurisdiction}, {len(zones)} zone(s)",
            "µs",
            tuple(_costs(jurisdiction, zones, channel)),
            Target(50, at_least=False),
        )
        for jurisdiction, zones in (CROWDED, TWO_ZONES)
        for channel in (Channel.SMS, Channel.CALL, Channel.VISIT)
    ]


def _costs(jurisdiction: str, zones: tuple[str, ...], channel: Channel) -> Iterator[float]:
    facts = _facts(jurisdiction, zones)
    expect("answer", may_contact(facts, channel, AT).permission, Permission.ALLOWED)
    for _ in range(ROUNDS):
        seconds = timeit.timeit(lambda: may_contact(facts, channel, AT), number=VERDICTS)
        yield seconds / VERDICTS * 1e6


def _facts(jurisdiction: str, zones: tuple[str, ...]) -> ContactFacts:
    packs = tuple(read_rule_pack(read_yaml(path)) for path in sorted(PACKS.glob("*.yaml")))
    history = tuple(
        PastContact(AT - timedelta(days=ago), channel, 1, connected=False)
        for ago, channel in ((29, Channel.SMS), (20, Channel.CALL), (12, Channel.CALL))
    )
    return ContactFacts(
        past_due=Decimal(1000),
        zones=zones,
        lender_zone=zones[0],
        packs=packs_for(packs, jurisdiction),
        reachable=frozenset(Channel),
        loan_id=1,
        numbers=(NumberOnRecord("first"), NumberOnRecord("second")),
        number="first",
        history=(*history, PastContact(AT - timedelta(days=3), Channel.SMS, 1)),
        first_contact_on=date(2026, 5, 17),
        says=frozenset({Says.IDENTITY, Says.OPT_OUT, Says.DEBT}),
        visit_staff=2,
        noticed_at=AT - timedelta(days=5),
        limitation_from=date(2026, 6, 1),
    )
