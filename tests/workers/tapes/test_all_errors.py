"""Every error of a row is named, so that an export is corrected once."""

from pathlib import Path

from sqlalchemy import Engine

from tests.support.loans import Book
from tests.support.tapes import AS_OF, GOOD, mapping_from, tape_of, with_cell
from workers.tapes.import_tape import import_tape


def errors_of(engine: Engine, folder: Path, *rows: str) -> list[tuple[int, str | None, str | None]]:
    """The line, the column and the loan of each error of a tape of these rows."""
    book = Book(engine, now=f"{AS_OF} 10:00")
    tape = tape_of(folder, *rows)
    report = import_tape(book.ctx, tape, mapping_from(folder), as_of=AS_OF, dry_run=True)
    assert (report.rejected, report.errors) == (len(rows), len(report.first_errors))
    return [(error.line, error.column, error.loan) for error in report.first_errors]


def test_every_wrong_cell_of_a_row_is_named_with_its_loan(engine: Engine, tmp_path: Path) -> None:
    wrong = "L-1,,+12125550101,1 Example Street,Nowhere/Here,USD,abc,5x,2026-13-01,-,a b!"
    columns = ("name", "zone", "principal", "interest", "due", "paid", "tried")
    assert errors_of(engine, tmp_path, wrong) == [(2, column, "L-1") for column in columns]


def test_an_id_that_is_none_is_not_repeated_and_hides_no_other_error(
    engine: Engine, tmp_path: Path
) -> None:
    cells = with_cell("paid", "x").split(",")
    row = ",".join(["NULL", *cells[1:]])
    assert errors_of(engine, tmp_path, row) == [(2, "loan", None), (2, "paid", None)]


def test_a_loan_that_stands_twice_is_named_beside_what_else_is_wrong(
    engine: Engine, tmp_path: Path
) -> None:
    twice = with_cell("due", "soon")
    assert errors_of(engine, tmp_path, twice, twice) == [
        (2, "due", "L-1"),
        (3, "due", "L-1"),
        (3, "loan", "L-1"),
    ]


def test_a_line_that_is_no_row_names_no_loan(engine: Engine, tmp_path: Path) -> None:
    assert errors_of(engine, tmp_path, f"{GOOD},more") == [(2, None, None)]
