"""What a full tape leaves out is counted and listed, and contact stops if the mapping says so."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from config.readers.tape_mapping import Absent
from config.readers.tape_mapping_reader import load_mapping
from config.readers.yaml_reader import PolicyError
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.loans import Book
from tests.support.tapes import MAPPING, mapping_from
from tests.workers.tapes.test_import_tape import COLUMNS, bring_in, paid_of, row
from tests.workers.tapes.test_interrupted_imports import import_killed_at
from workers.db.pages import Asked
from workers.db.schema import absent_loan, hold, loan, tape_import
from workers.history.history import loan_history
from workers.tapes import import_tape as importing
from workers.tapes import merge_tape
from workers.tapes.absent import read_absent

DAY_1, DAY_2, DAY_3 = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)
ROWS = [row(f"L-{n}", phone=f"1380013800{n}") for n in range(1, 5)]
HELD: dict[str, Any] = {"absent": Absent.HOLD}


@pytest.fixture
def book(engine: Engine, tmp_path: Path) -> Book:
    """L-1 to L-4 came in on the first day, and are due for contact."""
    book = Book(engine, now="2026-03-03 10:00")
    bring_in(book, tmp_path, *ROWS, as_of=DAY_1)
    book.escalate("L-1", "L-2", "L-3", "L-4")
    return book


def listed(book: Book) -> dict[str, str]:
    """What the list shows, page by page."""
    found: dict[str, str] = {}
    asked: Asked | None = Asked(limit=1)
    with book.ctx.engine.connect() as connection:
        while asked:
            page = read_absent(connection, book.ctx, asked)
            found |= {each.loan: each.kind for each in page}
            asked = Asked(limit=1, after=page.after) if page.after else None
    assert page.total == len(found)
    return found


def open_holds(book: Book) -> set[str]:
    of_loans = select(loan.c.external_id).join(hold, hold.c.loan_id == loan.c.id)
    lasting = of_loans.where(hold.c.kind == "absent", hold.c.ends_on.is_(None))
    return {row.external_id for row in book.rows(lasting)}


def test_what_a_full_tape_leaves_out_is_counted_and_listed(book: Book, tmp_path: Path) -> None:
    dry = bring_in(book, tmp_path, *ROWS[:2], as_of=DAY_2, dry_run=True)
    assert (dry.absent, listed(book)) == ((2, 4), {})

    report = bring_in(book, tmp_path, *ROWS[:2], as_of=DAY_2)

    assert (report.kept, report.absent) == (True, (2, 4))
    assert listed(book) == {"L-3": "kept", "L-4": "kept"}
    assert open_holds(book) == set()
    again = bring_in(book, tmp_path, *ROWS[:2], as_of=DAY_2)
    assert again.absent == (0, 2), "they were absent before"


def test_contact_stops_until_a_tape_shows_it_again(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, *ROWS[:3], as_of=DAY_2, **HELD)
    assert (listed(book), open_holds(book)) == ({"L-4": "held"}, {"L-4"})
    with book.ctx.engine.connect() as connection:
        said = " ".join(e.text for e in loan_history(connection, book.ctx, "L-4"))
    assert "The full tape as of 2026-03-02 left the loan out. Contact stops until" in said
    reviewed = book.one(select(loan).where(loan.c.external_id == "L-4"))
    assert reviewed.review_on is None, "as long as the hold lasts"

    bring_in(book, tmp_path, ROWS[3], as_of=DAY_1, part=True, **HELD)
    assert open_holds(book) == {"L-4"}, "an older tape brings nothing back"
    bring_in(book, tmp_path, ROWS[3], as_of=DAY_3, part=True, **HELD)

    assert (listed(book), open_holds(book)) == ({}, set())
    reviewed = book.one(select(loan).where(loan.c.external_id == "L-4"))
    assert reviewed.review_on == DAY_3
    with book.ctx.engine.connect() as connection:
        said = " ".join(e.text for e in loan_history(connection, book.ctx, "L-4"))
    assert "The tape as of 2026-03-03 shows the loan again." in said
    bring_in(book, tmp_path, *ROWS[:3], as_of=DAY_3, **HELD)
    assert listed(book) == {"L-4": "held"}, "it may be left out again"


@pytest.mark.parametrize("how", [{"part": True}, {"absent": Absent.PART}], ids=["flag", "mapping"])
def test_a_part_of_the_book_leaves_nothing_out(
    book: Book, tmp_path: Path, how: dict[str, Any]
) -> None:
    assert bring_in(book, tmp_path, ROWS[0], as_of=DAY_2, **how).absent == (0, 0)
    assert listed(book) == {}


def test_an_older_tape_and_a_bad_row_leave_nothing_out(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, *ROWS, as_of=DAY_2)
    assert bring_in(book, tmp_path, ROWS[0], as_of=DAY_1).absent.loans == 0
    bad = row("L-4", instalments="never")
    report = bring_in(book, tmp_path, *ROWS[:3], bad, as_of=DAY_3, keep_good=True)
    assert (report.rejected, report.absent.loans) == (1, 0)


NO_ROWS = {
    "too many cells": f"{ROWS[3]},x,y",
    "a cell too many before its id": f"x,{ROWS[3]}",
    "too few cells": ROWS[3].rpartition(",")[0],
    "a quote that is not closed": ROWS[3].replace("L-4,", '"L-4",', 1) + '"',
    "a NUL byte": f"{ROWS[3]}\0",
}


@pytest.mark.parametrize("line", NO_ROWS.values(), ids=NO_ROWS)
def test_the_loan_of_a_line_that_is_no_row_is_not_left_out(
    book: Book, tmp_path: Path, line: str
) -> None:
    """The line may look like naming a loan that has a good row: that one is imported."""
    good = row("L-3", phone="13800138003", paid="5")
    shifted = "L-3,L-3,L-3"
    lines = (*ROWS[:2], shifted, good, line)
    report = bring_in(book, tmp_path, *lines, as_of=DAY_2, keep_good=True, **HELD)

    assert (report.rejected, report.absent.loans, listed(book), open_holds(book)) == (
        *(2, 0),
        *({}, set()),
    )
    assert paid_of(book, "L-3") == 5


def test_a_tape_that_leaves_out_too_many_is_asked_about(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ASKED_FROM", 1)

    for dry_run in (True, False):
        refused = bring_in(book, tmp_path, *ROWS[:2], as_of=DAY_2, dry_run=dry_run, **HELD)
        assert (refused.kept, refused.too_many_absent, refused.absent) == (False, True, (2, 4))
    assert (listed(book), len(book.rows(tape_import))) == ({}, 1)
    done = bring_in(book, tmp_path, *ROWS[:2], as_of=DAY_2, many_absent=True, **HELD)
    assert (done.kept, open_holds(book)) == (True, {"L-3", "L-4"})


@pytest.mark.parametrize("point", range(1, 7))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_commit_a_loan_is_absent_and_held_or_neither_and_the_next_run_finishes(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: int, after: bool
) -> None:
    """It begins, notes two loans one by one, finds no other, dates the unchanged one, …"""
    monkeypatch.setattr(merge_tape, "BATCH_SIZE", 1)
    import_killed_at(book, tmp_path, point, after=after, rows=ROWS[:2], **HELD)
    assert set(listed(book)) == open_holds(book)
    begun = point > 1 or after
    assert {row.status for row in book.rows(tape_import)} == (
        {"finished", "merging"} if begun else {"finished"}
    )

    bring_in(book, tmp_path, *ROWS[:2], as_of=DAY_2, **HELD)

    assert set(listed(book)) == open_holds(book) == {"L-3", "L-4"}
    assert len(book.rows(absent_loan)) == 2


def test_the_command_line_lists_them(book: Book, tmp_path: Path, database_url: str) -> None:
    at = an_environment(database_url)
    tape = tmp_path / "tape.csv"
    tape.write_text("\n".join((COLUMNS, *ROWS[:3])) + "\n")
    told = ("tape", "import", str(tape), "--as-of", "2026-03-02")
    done = arrears(at, *told)
    assert done.returncode == 0, done.stderr
    assert "1 of the 4 loan(s)" in done.stderr
    shown = arrears(at, "tape", "absent", "--json")
    assert [each["loan"] for each in json.loads(shown.stdout)["absent"]["rows"]] == ["L-4"]
    assert "goes on" in arrears(at, "tape", "absent").stdout


def test_a_mapping_says_what_it_means(tmp_path: Path) -> None:
    assert load_mapping("arrears").absent is Absent.KEEP
    said = mapping_from(tmp_path, MAPPING + "absent: hold\nabsent_at_most: 0.25\n")
    assert (said.absent, str(said.absent_at_most)) == (Absent.HOLD, "0.25")
    with pytest.raises(PolicyError, match="more than all loans"):
        mapping_from(tmp_path, MAPPING + "absent_at_most: 1.5\n")
