"""The policy of the worklist: what ships can be read, and a mistake is refused with its remedy."""

import re
from pathlib import Path

import pytest

from config.readers.worklist import read_worklist
from config.readers.yaml_files import read_yaml
from domain.next_work import Band, WorkPolicy
from tests.support.refused_yaml import refusal

SHIPPED = Path(__file__).parents[2] / "config" / "worklist" / "worklist.yaml"


def read(folder: Path, text: str) -> WorkPolicy:
    path = folder / "worklist.yaml"
    path.write_text(text, encoding="utf-8")
    return read_worklist(read_yaml(path))


def test_what_ships_says_the_order_that_counts_without_it(tmp_path: Path) -> None:
    shipped, default = read(tmp_path, SHIPPED.read_text(encoding="utf-8")), WorkPolicy()
    assert shipped.bands == default.bands == tuple(Band)
    assert shipped.right_party == default.right_party
    assert (shipped.lease, shipped.chances) == (default.lease, default.chances)


@pytest.mark.parametrize(
    ("written", "instead", "error"),
    [
        ("  - clock\n", "", "The bands are not complete"),
        ("  - clock\n", "  - reply\n", "one stands there twice"),
        ("first_contact_every: 4", "first_contact_every: 0", "first_contact_every"),
        ("at_least: 2", "at_least: 5", "at most as many as there are questions"),
        ("[50, 35, 25, 15, 10]", "[]", "Write one entry or more"),
        ("[50, 35, 25, 15, 10]", "[150]", "Write 100 or less"),
        ("{CNY: 1, USD: 7}", "{CNY: 0}", "more than 0"),
        ("postcode", "mothers_name", "`questions` is"),
    ],
)
def test_a_mistake_is_refused_with_what_to_write(
    tmp_path: Path, written: str, instead: str, error: str
) -> None:
    shipped = SHIPPED.read_text(encoding="utf-8")
    assert re.search(error, refusal(read, tmp_path, shipped, written, instead))
