"""The file of rejected rows: for a person to work through, and safe to send on."""

import csv
from pathlib import Path

import pytest

from tests.support.tapes import only_error, with_cell
from workers.tapes.rejects import COLUMNS, Rejects
from workers.tapes.row_errors import RowError, TapeError

ERROR = RowError(7, "paid", "an amount of zero or more, such as 1250.00", "99x", loan="L-7")


def an_old_one(folder: Path) -> Path:
    path = folder / "rejects.csv"
    with Rejects(path) as rejects:
        rejects.add(RowError(2, None, "26 columns", ""))
    return path


def read_in_part(path: Path, errors: int) -> None:
    with Rejects(path) as rejects:
        for _ in range(errors):
            rejects.add(ERROR)
        raise TapeError("The tape cannot be read to its end.")


def test_each_rejected_row_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    with Rejects(path) as rejects:
        rejects.add(ERROR)
        rejects.add(RowError(9, None, "26 columns", ""))
    with path.open(newline="", encoding="utf-8") as stream:
        header, first, second = csv.reader(stream)
    assert tuple(header) == COLUMNS["en"]
    assert first == ["7", "L-7", "paid", ERROR.expected, "99x"]
    assert second == ["9", "", "", "26 columns", ""]
    assert rejects.count == 2


def test_a_row_with_several_errors_has_a_line_for_each_and_counts_once(tmp_path: Path) -> None:
    with Rejects(tmp_path / "rejects.csv") as rejects:
        rejects.add(ERROR)
        rejects.add(RowError(7, "due", "a date", "x"))
    assert (rejects.count, rejects.errors) == (1, 2)


def test_the_file_is_in_the_language_of_who_reads_it_and_replaces_one_in_another(
    tmp_path: Path,
) -> None:
    path = an_old_one(tmp_path)
    said = {"an amount, such as {example}": "金额，如{example}"}
    wrong = RowError(7, "已还", "", "99x", "an amount, such as {example}", {"example": "1.00"})
    with Rejects(path, "zh", lambda text, **values: said[text].format(**values)) as rejects:
        rejects.add(wrong)
    with path.open(newline="", encoding="utf-8-sig") as stream:
        assert [*csv.reader(stream)] == [
            [*COLUMNS["zh"]],
            ["7", "", "已还", "金额，如1.00", "99x"],
        ]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "spreadsheets ask for the mark"
    an_old_one(tmp_path)
    path.write_text("line,column,expected,found_masked\r\n")
    an_old_one(tmp_path)


def test_a_tape_without_a_wrong_row_leaves_no_file_not_even_an_old_one(tmp_path: Path) -> None:
    path = an_old_one(tmp_path)
    with Rejects(path):
        pass
    assert [*tmp_path.iterdir()] == []


def test_an_old_file_gives_way_only_when_the_new_one_is_whole(tmp_path: Path) -> None:
    path = an_old_one(tmp_path)
    before = path.read_bytes()
    with Rejects(path) as rejects:
        rejects.add(ERROR)
        assert path.read_bytes() == before
    assert b"\r\n7,L-7,paid," in path.read_bytes()
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("errors", [0, 1])
def test_a_tape_that_could_not_be_read_to_its_end_leaves_the_old_file_as_it_was(
    tmp_path: Path, errors: int
) -> None:
    path = an_old_one(tmp_path)
    before = path.read_bytes()
    with pytest.raises(TapeError, match="cannot be read"):
        read_in_part(path, errors)
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


def test_a_file_that_holds_something_else_is_never_replaced(tmp_path: Path) -> None:
    tape = tmp_path / "tape.csv"
    tape.write_text("loan,borrower\nL-1,B-1\n")
    with pytest.raises(TapeError, match="Name another file"), Rejects(tape):
        pass
    assert tape.read_text() == "loan,borrower\nL-1,B-1\n"


def test_a_place_that_is_not_a_file_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="is not a file"), Rejects(tmp_path):
        pass
    assert tmp_path.exists()


def test_the_file_holds_nothing_of_what_was_in_the_cell(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    with Rejects(path) as rejects:
        rejects.add(only_error(tmp_path, with_cell("paid", "+12125550147")))
    assert "5550147" not in path.read_text(encoding="utf-8")


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "rejects.csv"
    with Rejects(path) as rejects, pytest.raises(TapeError, match="name another file"):
        rejects.add(ERROR)
