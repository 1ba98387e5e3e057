"""Mappings are read strictly: a mistake is named with its file, its line and its remedy."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from config.readers.lender_statuses import LenderStatuses
from config.readers.regions import load_regions
from config.readers.tape_mapping import Field, PaidBy, ScheduleKind
from config.readers.tape_mapping_reader import MAPPINGS_DIRECTORY, load_mapping, read_mapping
from config.readers.yaml_files import read_yaml
from config.readers.yaml_reader import PolicyError
from tests.support.refused_yaml import refusal
from tests.support.tapes import MAPPING, mapping_from

LEVEL = (MAPPINGS_DIRECTORY / "lending_club.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(MAPPINGS_DIRECTORY.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_mapping_loads_under_its_own_name(path: Path) -> None:
    assert load_mapping(path.stem).id == path.stem


def test_a_folded_block_is_read_as_it_was_written(tmp_path: Path) -> None:
    read = load_mapping("lending_club")
    assert "\\x07" not in repr(read)
    (tmp_path / "folded.yaml").write_text("why: >-\n  One line,\n  and more.\n", encoding="utf-8")
    value = read_yaml(tmp_path / "folded.yaml").section("why").need("why").text()
    assert value == "One line, and more."


def test_the_lending_club_mapping_says_what_its_tape_means() -> None:
    mapping = load_mapping("lending_club")
    assert mapping.columns[Field.EXTERNAL_ID] == "loan_ref"
    assert mapping.constants[Field.CURRENCY] == "USD"
    assert mapping.schedule is ScheduleKind.LEVEL_PAYMENT
    assert mapping.seen_on == date(2018, 6, 25)
    assert (mapping.paid_by, mapping.tolerance) == (PaidBy.PRINCIPAL, Decimal("0.02"))
    assert mapping.made_contacts


def test_a_mapping_of_your_own_is_named_by_its_path(tmp_path: Path) -> None:
    mapping_from(tmp_path)
    assert load_mapping(str(tmp_path / "plain.yaml")).id == "plain"


def test_a_mapping_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(PolicyError, match=r"no mapping lendingclub.*arrears, .*lending_club"):
        load_mapping("lendingclub")


@pytest.mark.parametrize(
    ("wrote", "instead", "line", "says"),
    [
        ("mapping: plain", "maping: plain", 1, "Did you mean mapping?"),
        ("  name: name", "  nmae: name", 4, "Did you mean name?"),
        ("  phone: phone", "  phone: name", 5, "The column `aaaa` (masked) feeds two fields."),
        ("  locale: en", "  locale: English", 17, "The locale is `aaaaaaa` (masked)."),
        ("product: consumer_loan", "product: a loan", 16, "`product` is `a aaaa` (masked)."),
        ("  jurisdiction: US", "  jurisdiction: America", 15, "Write a country"),
        ("  product: consumer_loan", "  principal: 5", 16, "not known here"),
        ("phone_region: US", "phone_region: UK", 18, "There is no country `aa` (masked)."),
        ("kind: lump_sum", "kind: balloon", 19, "Write one of: explicit"),
        ("tolerance: 0}", "tolerance: 0.6}", 20, "more than half an instalment"),
        ("tolerance: 0}", "tolerance: some}", 20, "Write an amount"),
        ("by: total", "by: principle", 20, "Did you mean principal?"),
        ("by: total", "by: instalment", 1, "Only a list of instalments says what is paid of each"),
        ("by: total", "by: component", 1, "Nothing says the paid_principal of a loan."),
        ("  name: name\n", "", 1, "Nothing says the name of a loan."),
        ("  paid_total: paid\n", "", 1, "Nothing says the paid_total of a loan."),
        ("  locale: en", "  currency: USD", 1, "Nothing says the locale of a loan."),
        ("  locale: en", "  locale: en\n  currency: USD", 1, "Both a column and a constant"),
        (
            "  locale: en",
            "  locale: en\n  currency: DOLLAR",
            18,
            "`aaaaaa` (masked) is not known",
        ),
        ("  zones: zone\n", "", 1, "in which time zone"),
        ("phone_region: US", "phone_region: US\nmade_contacts: fiction", 1, "both made up"),
        ("phone_region: US", "phone_region: US\nformats: {date: '%d/%m'}", 19, "a whole date"),
        ("phone_region: US", "phone_region: US\nformats: {date: '%H%Y%m%d'}", 19, "whole date"),
        ("  due_on: due", "  due_on: due\n  lender_status: state", 1, "belong together"),
    ],
)
def test_a_mistake_is_refused_with_file_line_and_remedy(
    tmp_path: Path, wrote: str, instead: str, line: int, says: str
) -> None:
    said = refusal(mapping_from, tmp_path, MAPPING, wrote, instead)
    assert says in said
    assert f"plain.yaml line {line}:" in said


def test_all_that_a_mapping_lacks_is_named_at_once(tmp_path: Path) -> None:
    text = "mapping: plain\ncolumns:\n  external_id: id\nconstants:\n  # currency: USD\n"
    with pytest.raises(PolicyError) as refused:
        mapping_from(tmp_path, text + "schedule: {kind: lump_sum}\npaid: {by: total, tolerance: 0}")
    lines = str(refused.value).splitlines()
    fields = "jurisdiction product currency locale principal interest due_on paid_total"
    for name in f"{fields} name phone address".split():
        assert sum(f"Nothing says the {name} of a loan." in line for line in lines) == 1
    assert any("time zone" in line for line in lines)
    assert any("`phone_region` is missing" in line for line in lines)


@pytest.mark.parametrize(
    ("wrote", "instead", "line", "says"),
    [
        ("  phone: phone", "  phone: [phone, mobile]", 5, "Only a name and an address"),
        ("  name: name", "  name: [first, first]", 4, "The column `aaaaa` (masked) feeds two"),
        ("  name: name", "  name: [phone, last]", 5, "feeds two fields"),
        ("  name: name", "  name: []", 4, "`name` is not a list"),
    ],
)
def test_only_a_name_and_an_address_are_joined(
    tmp_path: Path, wrote: str, instead: str, line: int, says: str
) -> None:
    said = refusal(mapping_from, tmp_path, MAPPING, wrote, instead)
    assert says in said
    assert f"plain.yaml line {line}:" in said


def test_principal_counts_only_level_payments(tmp_path: Path) -> None:
    text = MAPPING.replace("by: total", "by: principal").replace(
        "  paid_total: paid", "  paid_principal: paid\n  paid_interest: paid_interest"
    )
    with pytest.raises(PolicyError, match="Write by: total"):
        mapping_from(tmp_path, text)


@pytest.mark.parametrize(
    ("wrote", "instead", "says"),
    [
        ("  seen_on: 2018-06-25", "  # nothing", "The due day must come from one place."),
        ("issue_month: issue_month", "issue_month: issue_month\n  due_day: day", "one place"),
        ("seen_on: 2018-06-25", "seen_on: 2018-06-31", "Write a day of the calendar"),
        ("regions: us", "regions: atlantis", "Write one of: us"),
        ("made_contacts: fiction", "made_contacts: real", "Write one of: fiction"),
        ("In Grace Period: 1-15", "In Grace Period: 1-14", "have gaps"),
        ("In Grace Period: 1-15", "In Grace Period: 1-16", "two statuses on one day"),
        ("Charged Off: 121-", "Charged Off: 121-180", "the last be open"),
        ("Current: 0", "Current: none", "Write settled, or days past due"),
        ("Fully Paid: settled", "Fully Paid: 400-", "One status must mean"),
        (
            "lender: Charged Off",
            "lender: Written Off",
            "There is no status `aaaaaaa aaa`",
        ),
    ],
)
def test_a_mistake_in_the_lending_club_mapping_would_be_refused(
    tmp_path: Path, wrote: str, instead: str, says: str
) -> None:
    assert wrote in LEVEL
    path = tmp_path / "wrong.yaml"
    path.write_text(LEVEL.replace(wrote, instead, 1), encoding="utf-8")
    with pytest.raises(PolicyError, match=re.escape(says)):
        read_mapping(path)


@pytest.mark.parametrize(
    ("days", "settled", "status"),
    [
        (0, True, "Fully Paid"),
        (0, False, "Current"),
        (1, False, "In Grace Period"),
        (15, False, "In Grace Period"),
        (16, False, "Late (16-30 days)"),
        (31, False, "Late (31-120 days)"),
        (120, False, "Late (31-120 days)"),
        (121, False, "Charged Off"),
        (4000, False, "Charged Off"),
    ],
)
def test_days_past_due_have_the_lenders_status(days: int, settled: bool, status: str) -> None:
    statuses = load_mapping("lending_club").statuses
    assert isinstance(statuses, LenderStatuses)
    assert statuses.of(days, settled) == status


def test_every_state_of_the_union_and_its_capital_district_has_a_zone() -> None:
    regions = load_regions("us")
    assert len(regions) == 51
    assert all(region.zones for region in regions.values())
    assert regions["IN"].zones == ("America/Indiana/Indianapolis", "America/Chicago")


@pytest.mark.parametrize(
    ("region", "says"),
    [
        ("{zones: [America/Boston]}", "There is no time zone `aaaaaaa/aaaaaa` (masked)."),
        ("{zones: []}", "is not a list"),
        ("{zones: [America/New_York], area_code: 55}", "Write three digits"),
        ("{area_code: 617}", "`zones` is missing"),
    ],
)
def test_a_region_with_a_mistake_is_refused(tmp_path: Path, region: str, says: str) -> None:
    (tmp_path / "here.yaml").write_text(f"regions:\n  MA: {region}\n", encoding="utf-8")
    with pytest.raises(PolicyError, match=re.escape(says)) as refused:
        load_regions("here", tmp_path)
    assert "here.yaml line 2:" in str(refused.value)
