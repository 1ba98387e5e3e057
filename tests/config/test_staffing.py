"""The staffing policy: how long somebody may pause a ladder, where the lender says it."""

import re
from pathlib import Path

import pytest

from config.readers.staffing import read_staffing
from config.readers.yaml_files import read_yaml
from domain.hold_limits import HOLD_LIMITS, HoldLimit
from domain.holds import HoldKind
from domain.staffing import StaffingTerms
from tests.support.refused_yaml import refusal

SHIPPED = Path(__file__).parents[2] / "config" / "staffing" / "default.yaml"
HOLDS = "holds: {manual: {alone: 7, at_most: 92}, deceased: {at_most: 731}}\n"


def read(folder: Path, text: str) -> StaffingTerms:
    path = folder / "staffing.yaml"
    path.write_text(text, encoding="utf-8")
    return read_staffing(read_yaml(path))


def test_the_limits_of_holds_are_the_lenders_where_it_says_them(tmp_path: Path) -> None:
    shipped = SHIPPED.read_text(encoding="utf-8")
    assert {kind: read(tmp_path, shipped).limit_of(kind) for kind in HOLD_LIMITS} == HOLD_LIMITS
    own = read(tmp_path, f"{shipped}\n{HOLDS}")
    assert own.limit_of(HoldKind.MANUAL) == HoldLimit(7, 92)
    assert own.limit_of(HoldKind.DECEASED) == HoldLimit(None, 731), "for as long as it is true"
    assert own.limit_of(HoldKind.DEFERRAL) == HOLD_LIMITS[HoldKind.DEFERRAL]


@pytest.mark.parametrize(
    ("written", "instead", "error"),
    [
        ("alone: 7", "alone: 93", "Write 92 or less"),
        ("{at_most: 731}", "{alone: 1, at_most: 731}", "The key .* not known here. .*at_most"),
        ("at_most: 731", "at_most: 40000", "Write 3653 or less"),
        ("manual:", "promise:", "The key .* not known here. .*manual"),
    ],
)
def test_a_mistake_is_refused_with_what_to_write(
    tmp_path: Path, written: str, instead: str, error: str
) -> None:
    text = f"{SHIPPED.read_text(encoding='utf-8')}\n{HOLDS}"
    assert re.search(error, refusal(read, tmp_path, text, written, instead))
