"""A tape says that a schedule replaces the old one; a late or repeated one brings nothing back."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from config.readers.tape_mapping_reader import load_mapping
from tests.support.events import pay as tell_payment
from tests.support.events import reverse, tell
from tests.support.loans import Book
from tests.workers.tapes.test_import_tape import COLUMNS, paid_of
from tests.workers.tapes.test_import_tape import row as plain_row
from workers.db.schema import (
    instalment,
    loan,
    problem,
    replaced_instalment,
    replaced_schedule,
    tape_row,
)
from workers.history.history import loan_history
from workers.tapes.import_tape import ImportReport, import_tape

OLD = "2026-02-28 100.00 10.00; 2026-04-01 100.00 10.00"
NEW = "2026-05-29 60.00; 2026-06-30 60.00; 2026-07-31 60.00"
OLD_DAYS = [date(2026, 2, 28), date(2026, 4, 1)]
NEW_DAYS = [date(2026, 5, 29), date(2026, 6, 30), date(2026, 7, 31)]


def row(schedule: str, on: str | None = None, paid: str = "0") -> str:
    """A row of L-1; with `on`, even if it is empty, the tape has the column."""
    written = plain_row("L-1", instalments=schedule, paid=paid)
    return written if on is None else f"{written},{on}"


def bring_in(
    book: Book, folder: Path, written: str, day: int, *, dry_run: bool = False
) -> ImportReport:
    """A tape of this day of March with one row."""
    has_column = written.count(",") > plain_row("L-1").count(",")
    tape = folder / "tape.csv"
    tape.write_text(f"{COLUMNS}{',restructured_on' if has_column else ''}\n{written}\n")
    mapping = load_mapping("arrears")
    return import_tape(book.ctx, tape, mapping, as_of=date(2026, 3, day), dry_run=dry_run)


def days(book: Book) -> list[date]:
    return sorted(row.due_on for row in book.rows(instalment))


def open_problems(book: Book) -> set[str]:
    return {row.kind for row in book.rows(select(problem).where(problem.c.resolved_at.is_(None)))}


@pytest.fixture
def book(engine: Engine, tmp_path: Path) -> Book:
    """The first instalment is past due, and 30 of it is paid."""
    book = Book(engine, now="2026-03-20 10:00")
    bring_in(book, tmp_path, row(OLD, paid="30"), 10)
    book.escalate("L-1")
    return book


def by_event(book: Book, on: str = "2026-03-15", paid: str = "0") -> None:
    parts = [
        dict(zip(("due_on", "principal"), one.split(), strict=True)) for one in NEW.split("; ")
    ]
    told = {"restructuring": "RS-1", "loan": "L-1", "currency": "CNY", "restructured_on": on}
    told["paid"] = paid
    result = tell(book, "restructuring", **told, instalments=parts, why="agreed", actor="c-1")
    assert result.status == "applied"


def test_a_row_of_a_later_day_replaces_the_schedule_and_keeps_the_old_one(
    book: Book, tmp_path: Path
) -> None:
    dry = bring_in(book, tmp_path, row(NEW, "2026-03-14"), 15, dry_run=True)
    assert (dry.changed, days(book), book.rows(replaced_schedule)) == (1, OLD_DAYS, [])

    report = bring_in(book, tmp_path, row(NEW, "2026-03-14"), 15)

    assert (report.changed, report.showing_less, days(book)) == (1, 0, NEW_DAYS)
    assert {
        r.due_on: r.paid_principal + r.paid_interest for r in book.rows(replaced_instalment)
    } == {
        OLD_DAYS[0]: 30,
        OLD_DAYS[1]: 0,
    }
    stands = book.one(loan)
    assert (stands.restructured_on, stands.delinquent_since) == (date(2026, 3, 14), None)
    assert "planned" not in book.actions("L-1").values()
    assert bring_in(book, tmp_path, row(NEW, "2026-03-14"), 15).unchanged == 1
    with book.ctx.engine.connect() as connection:
        said = " ".join(e.text for e in loan_history(connection, book.ctx, "L-1"))
    assert "Restructured as of 2026-03-14" in said
    assert "The tape as of 2026-03-15 brought the new schedule." in said


OLD_ROWS = {
    "an earlier tape": (row(OLD, paid="30"), 12),
    "the tape of that day": (row(OLD, paid="30"), 15),
    "a later tape without the column": (row(OLD, paid="30"), 17),
    "a later tape with an empty column": (row(OLD, "", paid="30"), 17),
    "a later tape with an older day": (row(OLD, "2026-03-01", paid="30"), 17),
}


def test_a_new_schedule_contains_what_was_charged_on_the_day_of_its_tape(
    book: Book, tmp_path: Path
) -> None:
    charged = {"adjustment": "A-1", "loan": "L-1", "amount": "5", "currency": "CNY"}
    charged |= {"booked_on": "2026-03-15", "due_on": "2026-02-28", "component": "fees"}
    assert tell(book, "charge", **charged).status == "applied"
    for _ in range(2):
        bring_in(book, tmp_path, row(NEW, "2026-03-15"), 15)
        assert days(book) == NEW_DAYS, "the old due date does not come back"
        assert sum(due.fees for due in book.rows(instalment)) == 0


@pytest.mark.parametrize("late", OLD_ROWS)
@pytest.mark.parametrize("told", ["by event", "by tape"])
def test_a_late_or_repeated_row_with_the_old_schedule_does_not_bring_it_back(
    book: Book, tmp_path: Path, late: str, told: str
) -> None:
    if told == "by event":
        by_event(book)
    else:
        bring_in(book, tmp_path, row(NEW, "2026-03-15"), 15)
    written, day = OLD_ROWS[late]

    for _ in range(2):
        bring_in(book, tmp_path, written, day)
        assert (days(book), paid_of(book, "L-1")) == (NEW_DAYS, 0)
        assert len(book.rows(replaced_schedule)) == 1

    assert book.one(loan).delinquent_since is None
    if day >= 15:
        assert open_problems(book) == {"tape_has_old_schedule"}
        assert book.rows(tape_row) == [], "the row is read again"
    bring_in(book, tmp_path, row(NEW, "2026-03-15"), 18)
    assert (open_problems(book), days(book)) == (set(), NEW_DAYS)


NOT_AS_REPLACED = {
    "a fee accrued since": OLD.replace("10.00;", "10.00 1.50;", 1),
    "the first instalment is left out": OLD.split("; ")[1],
    "all of it was called in": "2026-03-16 200.00 20.00",
}


@pytest.mark.parametrize("schedule", NOT_AS_REPLACED.values(), ids=NOT_AS_REPLACED)
def test_an_old_row_need_not_be_the_same_as_the_schedule_that_was_replaced(
    book: Book, tmp_path: Path, schedule: str
) -> None:
    by_event(book)

    bring_in(book, tmp_path, row(schedule), 17)

    assert (days(book), book.one(loan).delinquent_since) == (NEW_DAYS, None)
    assert open_problems(book) == {"tape_has_old_schedule"}


def test_a_charge_told_only_by_event_makes_no_old_row_a_new_one(book: Book, tmp_path: Path) -> None:
    charged = {"adjustment": "A-1", "loan": "L-1", "amount": "5", "currency": "CNY"}
    tell(book, "charge", **charged, booked_on="2026-03-12", due_on="2026-02-28")
    by_event(book)

    bring_in(book, tmp_path, row(OLD, paid="30"), 17)

    assert (days(book), open_problems(book)) == (NEW_DAYS, {"tape_has_old_schedule"})


@pytest.mark.parametrize("old_days", [False, True], ids=["other days", "the days of the old one"])
def test_a_row_without_the_column_changes_the_new_schedule(
    book: Book, tmp_path: Path, old_days: bool
) -> None:
    new = OLD.replace("100.00 10.00", "100.00 5.00") if old_days else NEW
    bring_in(book, tmp_path, row(new, "2026-03-15"), 15)
    with_fee = new.split("; ")[-1] + (" 1.50" if old_days else " 0 1.50")

    bring_in(book, tmp_path, row(f"{new.split('; ')[0]}; {with_fee}"), 17)

    assert (len(days(book)), open_problems(book)) == (2, set())
    assert sum(r.fees for r in book.rows(instalment)) == Decimal("1.5")


def test_what_more_an_old_row_shows_as_paid_is_added_once(book: Book, tmp_path: Path) -> None:
    by_event(book)
    tell_payment(book, "5", id="P-1", paid_on="2026-03-16")
    tell_payment(book, "7", id="P-2", paid_on="2026-03-19")
    assert paid_of(book, "L-1") == 12

    for _ in range(2):  # it has the 5 and not the 7; of the other 20 no event tells
        bring_in(book, tmp_path, row(OLD, paid="55"), 17)
        assert paid_of(book, "L-1") == 32

    bring_in(book, tmp_path, row(NEW, "2026-03-15", paid="32"), 20)
    assert (paid_of(book, "L-1"), open_problems(book)) == (32, set())


def test_what_no_event_told_is_paid_once_if_an_old_row_shows_it_too(
    book: Book, tmp_path: Path
) -> None:
    by_event(book, paid="60")
    bring_in(book, tmp_path, row(OLD, paid="60"), 16)
    assert paid_of(book, "L-1") == 60

    bring_in(book, tmp_path, row(OLD, paid="65"), 17)
    assert paid_of(book, "L-1") == 65


def test_an_old_row_of_before_a_reversal_pays_nothing_again(book: Book, tmp_path: Path) -> None:
    by_event(book)
    tell_payment(book, "50", id="P-1", paid_on="2026-03-16")
    reverse(book, reversed_on="2026-03-18")

    bring_in(book, tmp_path, row(OLD, paid="80"), 17)
    assert paid_of(book, "L-1") == 0
    bring_in(book, tmp_path, row(OLD, paid="30"), 19)
    assert paid_of(book, "L-1") == 0


@pytest.mark.parametrize("of_old", ["30", "80"], ids=["it shows the reversal", "it does not yet"])
def test_an_old_row_leaves_what_a_noted_reversal_allows_or_uses_it_up(
    book: Book, tmp_path: Path, of_old: str
) -> None:
    by_event(book)
    tell_payment(book, "50", id="P-1", paid_on="2026-03-16")
    bring_in(book, tmp_path, row(NEW, "2026-03-15", paid="50"), 17)
    reverse(book, reversed_on="2026-03-17")
    tell_payment(book, "7", id="P-2", paid_on="2026-03-19")
    assert paid_of(book, "L-1") == 57, "the reversal is noted: a tape has the payment"

    bring_in(book, tmp_path, row(OLD, paid=of_old), 18)
    assert paid_of(book, "L-1") == (7 if of_old == "30" else 57)

    bring_in(book, tmp_path, row(NEW, "2026-03-15", paid="0"), 19)
    assert (paid_of(book, "L-1"), open_problems(book)) == (7, set())


def test_the_same_schedule_with_a_day_is_no_replacement(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row(OLD, "2026-03-14", paid="30"), 15)

    assert book.rows(replaced_schedule) == []
    assert book.one(loan).restructured_on == date(2026, 3, 14)


def test_a_changed_schedule_of_the_same_day_is_taken_as_before(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row(NEW, "2026-03-14"), 15)
    bring_in(book, tmp_path, row(NEW.replace("60.00;", "60.00 1.50;", 1), "2026-03-14"), 16)

    assert len(book.rows(replaced_schedule)) == 1
    assert sum(r.interest for r in book.rows(instalment)) == Decimal("1.5")


def test_a_day_after_that_of_the_tape_is_refused(book: Book, tmp_path: Path) -> None:
    report = bring_in(book, tmp_path, row(NEW, "2026-03-16"), 15)

    (error,) = report.first_errors
    assert (error.column, days(book)) == ("restructured_on", OLD_DAYS)
    assert "not after {as_of}, the day of the tape" in error.text


def test_an_event_of_before_the_newest_tape_is_refused(book: Book) -> None:
    told = {"restructuring": "RS-1", "loan": "L-1", "currency": "CNY"}
    one = [{"due_on": "2026-05-29", "principal": "60"}]
    result = tell(
        book,
        "restructuring",
        **told,
        restructured_on="2026-03-09",
        instalments=one,
        why="agreed",
        actor="c-1",
    )
    assert (result.status, days(book)) == ("rejected", OLD_DAYS)
