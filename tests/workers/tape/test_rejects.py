"""The file of rejected rows: for a person to work through, and safe to send on."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.support.tapes import only_error, with_cell
from workers.tape.rejects import COLUMNS, Rejects
from workers.tape.rows import RowError, TapeError

ERROR = RowError(7, "paid", "an amount of zero or more, such as 1250.00", "99x")


def test_each_rejected_row_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    with Rejects(path) as rejects:
        rejects.add(ERROR)
        rejects.add(RowError(9, None, "26 columns", ""))
    with path.open(newline="", encoding="utf-8") as stream:
        header, first, second = csv.reader(stream)
    assert tuple(header) == COLUMNS
    assert first == ["7", "paid", ERROR.expected, "99x"]
    assert second == ["9", "", "26 columns", ""]
    assert rejects.count == 2


def test_a_tape_without_a_wrong_row_leaves_no_file_not_even_an_old_one(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    path.write_text("of yesterday")
    with Rejects(path):
        pass
    assert not path.exists()


def test_the_file_holds_nothing_of_what_was_in_the_cell(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    with Rejects(path) as rejects:
        rejects.add(only_error(tmp_path, with_cell("paid", "+12125550147")))
    assert "5550147" not in path.read_text(encoding="utf-8")


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "rejects.csv"
    with Rejects(path) as rejects, pytest.raises(TapeError, match="name another file"):
        rejects.add(ERROR)
