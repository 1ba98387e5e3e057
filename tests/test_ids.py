"""One rule for ids: what a tape takes, every event and every command can name."""

import unicodedata
from datetime import date
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from config.readers.roster import read_roster
from config.readers.roster_terms import RosterTerms
from config.readers.tape_mapping import Field
from config.readers.yaml_reader import PolicyError
from domain.ids import id_of
from domain.persons import borrower_of_loan
from tests.support.tapes import MAPPING, mapping_from
from workers.cli.common import parse_id
from workers.inbox.event_data.fields import CustomerId, Identifier, Staff
from workers.tapes.cells import Cells
from workers.tapes.row_errors import BadCellError

WRITTEN = st.text(
    st.sampled_from("aZ09 -_/#.:éе\u0301\u200b\u202e\u00a0\u3000\ufeff\x00\n\t张借１\u2066\ufe0f"),
    min_size=1,
    max_size=20,
) | st.text(min_size=1, max_size=140)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Cells:
    return Cells(mapping_from(tmp_path_factory.mktemp("mapping"), MAPPING), {})


@given(written=WRITTEN.filter(lambda text: text == text.strip()))
def test_a_tape_an_event_and_a_command_take_the_same_ids(cells: Cells, written: str) -> None:
    id = id_of(written)

    def of_tape() -> str | None:
        try:
            return Cells(cells.mapping, {"loan": written}).id(Field.EXTERNAL_ID, "an id")
        except BadCellError:
            return None

    def of_event(kind: object) -> str | None:
        try:
            return str(TypeAdapter(kind).validate_python(written, strict=True))
        except ValidationError:
            return None

    def of_command() -> str | None:
        try:
            return parse_id(written)
        except typer.BadParameter:
            return None

    assert of_event(Identifier) == of_event(Staff) == of_command() == id
    # What stands for nothing, such as `-`, is an id nowhere that somebody could be mistaken for.
    assert of_tape() in {id, None}
    assert of_tape() == id or of_event(CustomerId) is None


@pytest.mark.parametrize(
    "written", ["L 1", "借据 1", "2026/借-1#2", "L" * 128, "借" * 128, "e\u0301", "A B C"]
)
def test_readable_ids_are_taken(written: str) -> None:
    assert id_of(written) == unicodedata.normalize("NFC", written)


@pytest.mark.parametrize(
    "written",
    [
        *("", " L-1", "L-1 ", "L\t1", "L\n1", "L\x00", "L\x7f", "L\u200b1", "L\u202e1", "L\u2066"),
        *(
            "L\ufeff",
            "L\u00a01",
            "L\u30001",
            "L\u00ad1",
            "L\u20281",
            "L\u3164",
            "L\ufe0f",
            "L" * 129,
        ),
    ],
)
def test_ids_that_cannot_be_told_apart_are_refused(written: str) -> None:
    assert id_of(written) is None


def test_the_borrower_of_a_loan_with_the_longest_id_can_be_named() -> None:
    id = borrower_of_loan(f"co_borrower_1:{'L' * 128}")
    assert TypeAdapter(CustomerId).validate_python(id, strict=True) == id


def test_a_roster_is_refused_without_showing_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "roster.yaml"
    path.write_text(
        'staff: [{id: "Li\\u200bWei", roles: [caller], daily_capacity: 1}]', encoding="utf-8"
    )
    with pytest.raises(PolicyError, match="line 1: `id` is no id") as refused:
        read_roster(path, RosterTerms(date(2026, 3, 2)))
    assert "Wei" not in str(refused.value)
