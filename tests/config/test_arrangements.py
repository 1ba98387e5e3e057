"""Terms of arrangements in YAML: what ships, and what is refused with its line and its remedy."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from config.readers.arrangements import read_arrangements
from config.readers.yaml_files import read_yaml
from config.readers.yaml_reader import PolicyError
from domain.actors import Role
from domain.arrangements import ArrangementKind, ArrangementTerms, Effect, RateOf
from domain.ladder import Days
from tests.support.refused_yaml import refusal

SHIPPED = Path(__file__).parents[2] / "config" / "arrangements"
SMALL = """\
id: small
version: 1
effective_from: 2026-01-01
applies_to: {jurisdictions: [CN]}
currency: CNY
day_count: 30/360
rounding: half_even
rest_in: first
quote_valid_days: 7
source: A policy.
caps:
  - {what: yearly_cost_percent, at_most: 24, citation: A decree, confidence: S}
deferral:
  eligible: {days_past_due: 0-}
  rate: 8.5
  fee: 10.50
  moves_to: end_of_schedule
  stops: [late_fees]
  grace_days: 5
  missed_ends_it: 1
  limits:
    - {role: caller, instalments: 1, days: 31, amount: 500.00}
    - {role: supervisor, instalments: 3, days: 90, amount: 900.00}
"""


def read(directory: Path, text: str) -> ArrangementTerms:
    path = directory / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return read_arrangements(read_yaml(path))


def test_the_samples_say_what_a_collector_may_agree_to() -> None:
    chinese = read_arrangements(read_yaml(SHIPPED / "consumer_loan_cn.yaml"))
    american = read_arrangements(read_yaml(SHIPPED / "personal_loan_us.yaml"))
    for terms in (chinese, american):
        for kind in ArrangementKind:
            of_kind = terms.of_kind(kind)
            assert of_kind is not None
            assert [limit.role for limit in of_kind.limits] == [Role.CALLER, Role.SUPERVISOR]
            assert Effect.COLLECTION in of_kind.stops
    assert {cap.at_most for cap in chinese.caps} == {24, 60}
    assert all(cap.source.citation for cap in (*chinese.caps, *american.caps))


def test_every_key_means_what_it_says(tmp_path: Path) -> None:
    text = re.sub(", amount: ...[.]00", "", SMALL)
    deferral = read(tmp_path, text).of_kind(ArrangementKind.DEFERRAL)
    assert deferral is not None
    assert (deferral.rate, deferral.fee) == (Decimal("8.5"), Decimal("10.50"))
    assert deferral.eligibility.days_past_due == Days(0)
    assert deferral.eligibility.earlier_at_most is None
    assert deferral.stops == {Effect.LATE_FEES}
    free = read(tmp_path, text.replace("rate: 8.5", "rate: none")).of_kind(deferral.kind)
    assert free is not None
    assert free.rate is RateOf.NONE
    later = text.replace("quote_valid_days: 7", "quote_valid_days: 7\nnotice_within_days: 14")
    assert [read(tmp_path, each).notice_within_days for each in (text, later)] == [7, 14]
    assert read(tmp_path, text).of_kind(ArrangementKind.INSTALMENT_PLAN) is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("30/360", "30/365", "line 6: `day_count`.*Did you mean 30/360"),
        ("half_even", "up", "line 7: `rounding`.*half_even, half_up"),
        ("rest_in: first", "rest_in: middle", "line 8: `rest_in`"),
        ("valid_days: 7", "valid_days: 91", "line 9: `quote_valid_days`.*Write 90 or less"),
        ("at_most: 24", "at_most: 240", "line 12: `at_most`.*at most 100"),
        ("citation: A decree, ", "", "line 12: The key `citation` is missing"),
        ("0-}", "9-3}", "line 14: `days_past_due`.*backwards"),
        ("0-}", "0-9, ages: 3}", "line 14: The key.*not known"),
        ("rate: 8.5", "rate: contracts", "line 15: `rate`.*Write contract for the rate"),
        ("rate: 8.5", "rate: 850", "line 15: `rate`.*percent a year"),
        ("10.50", "10.505", "line 16: `fee`.*at most 2 decimal places, as CNY has"),
        ("  moves_to: end_of_schedule\n", "", "line 14: The key `moves_to` is missing"),
        ("[late_fees]", "[interest]", "line 18: `stops`.*collection, credit_report, late_fees"),
        ("ends_it: 1", "ends_it: 0", "line 20: `missed_ends_it`.*Write 1 or more"),
        (", days: 31,", ",", "line 22: The key `days` is missing"),
        ("days: 90", "days: 30", "line 23: supervisor may agree to less than caller.*raise"),
        ("900.00}", "400.00}", "line 23: supervisor may agree to less than caller"),
        ("supervisor", "caller", "line 23: caller has a limit already"),
        ("supervisor", "chief", "line 23: `role`.*caller"),
    ],
)
def test_a_mistake_is_refused_with_its_line_and_what_to_write(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    refused = refusal(read, tmp_path, SMALL, old, new)
    assert re.search(said, refused.replace(" (masked)", "")), refused


def test_a_file_that_offers_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="Write deferral:, instalment_plan: or both"):
        read(tmp_path, SMALL[: SMALL.index("deferral:")])
