"""A row that is the same as the last one of its loan is not read, unless something else changed."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from tests.support.loans import Book
from tests.workers.tapes.test_import_tape import bring_in, paid_of, pay, row
from workers.db.schema import borrower, loan, problem, tape_row
from workers.payments.reversals import Reversal, reverse_payment
from workers.privacy.erasure import erase

DAY_1, DAY_2, DAY_3 = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2026-03-04 10:00")


def test_it_gets_the_date_of_the_tape_and_nothing_else(book: Book, tmp_path: Path) -> None:
    rows = [row("L-1"), row("L-2", borrower="C-2")]
    assert bring_in(book, tmp_path, *rows, as_of=DAY_1).unchanged == 0
    report = bring_in(book, tmp_path, *rows, as_of=DAY_2)
    assert (report.taken, report.unchanged, report.changed) == (2, 2, 0)
    assert {each.tape_as_of for each in book.rows(loan)} == {DAY_2}


def test_a_row_that_differs_is_read_with_all_rows_of_its_customer(
    book: Book, tmp_path: Path
) -> None:
    same = [row("L-2", borrower="C-1"), row("L-3", borrower="C-3")]
    bring_in(book, tmp_path, row("L-1", borrower="C-1"), *same, as_of=DAY_1)
    moved = row("L-1", borrower="C-1", phone="13900139012")
    report = bring_in(book, tmp_path, moved, *same, as_of=DAY_2)
    assert report.unchanged == 1


def test_a_row_that_says_nothing_new_of_its_customer_is_read_alone(
    book: Book, tmp_path: Path
) -> None:
    same = [row("L-2", borrower="C-1"), row("L-3", borrower="C-3")]
    bring_in(book, tmp_path, row("L-1", borrower="C-1"), *same, as_of=DAY_1)
    report = bring_in(book, tmp_path, row("L-1", borrower="C-1", paid="5"), *same, as_of=DAY_2)
    assert (report.unchanged, report.changed) == (2, 1)


def test_a_row_that_says_what_is_on_record_does_not_hide_that_another_says_something_else(
    book: Book, tmp_path: Path
) -> None:
    one = row("L-1", borrower="C-1")
    other = row("L-2", borrower="C-1", phone="13900139012").replace("Li", "Wu")
    paid = row("L-2", borrower="C-1", phone="13900139012", paid="5").replace("Li", "Wu")
    bring_in(book, tmp_path, one, as_of=DAY_1)
    bring_in(book, tmp_path, other, as_of=DAY_1)
    report = bring_in(book, tmp_path, one, paid, as_of=DAY_2)
    assert (report.kept, [error.line for error in report.first_errors]) == (False, [2, 3])


def test_one_id_for_two_people_is_found_although_one_of_them_is_unchanged(
    book: Book, tmp_path: Path
) -> None:
    known = row("L-1", borrower="C-1")
    bring_in(book, tmp_path, known, as_of=DAY_1)
    other = row("L-2", borrower="C-1", phone="13900139012").replace("Li", "Wu")
    report = bring_in(book, tmp_path, known, other, as_of=DAY_2)
    assert (report.kept, [error.line for error in report.first_errors]) == (False, [2, 3])


def test_one_id_for_two_people_is_found_although_both_came_before_in_tapes_of_their_own(
    book: Book, tmp_path: Path
) -> None:
    one = row("L-1", borrower="C-1")
    other = row("L-2", borrower="C-1", phone="13900139012").replace("Li", "Wu")
    bring_in(book, tmp_path, one, as_of=DAY_1)
    bring_in(book, tmp_path, other, as_of=DAY_1)
    report = bring_in(book, tmp_path, one, other, as_of=DAY_2)
    assert (report.kept, [error.line for error in report.first_errors]) == (False, [2, 3])


def test_a_payment_has_its_loan_read(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row("L-1"), row("L-2"), as_of=DAY_1)
    pay(book, "10", date(2026, 3, 2))
    assert bring_in(book, tmp_path, row("L-1"), row("L-2"), as_of=DAY_2).unchanged == 1
    # The payment is not in the tape, so the record is not what the row says: it is read each time.
    report = bring_in(book, tmp_path, row("L-1"), row("L-2"), as_of=DAY_3)
    assert (report.unchanged, report.showing_less) == (1, 1)
    assert paid_of(book, "L-1") == 10


def test_a_reversal_has_its_loan_read(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row("L-1"), as_of=DAY_1)
    pay(book, "10", date(2026, 3, 2))
    with book.ctx.engine.begin() as connection:
        reverse_payment(connection, book.ctx, Reversal("P-1", date(2026, 3, 3)))
    assert bring_in(book, tmp_path, row("L-1"), as_of=DAY_2).unchanged == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE instalment SET interest = interest + 1",
        "DELETE FROM instalment WHERE due_on = '2026-04-01'",
        "INSERT INTO instalment (loan_id, due_on, principal) SELECT id, '2026-05-01', 5 FROM loan",
    ],
)
def test_whoever_changes_an_instalment_has_its_loan_read(
    book: Book, tmp_path: Path, change: str
) -> None:
    bring_in(book, tmp_path, row("L-1"), as_of=DAY_1)
    with book.ctx.engine.begin() as connection:
        connection.execute(text(change))
    report = bring_in(book, tmp_path, row("L-1"), as_of=DAY_2)
    assert (report.unchanged, report.changed) == (0, 1)


def test_a_problem_that_somebody_resolved_is_shown_again(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row("L-1", zones=""), as_of=DAY_1)
    assert bring_in(book, tmp_path, row("L-1", zones=""), as_of=DAY_2).unchanged == 1
    with book.ctx.engine.begin() as connection:
        connection.execute(text("UPDATE problem SET resolved_at = now()"))
    assert bring_in(book, tmp_path, row("L-1", zones=""), as_of=DAY_3).unchanged == 0
    assert [each.kind for each in book.rows(problem) if not each.resolved_at] == ["zone_missing"]


def test_erasure_forgets_the_row_and_the_next_tape_keeps_none(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row("L-1"), row("L-2"), as_of=DAY_1)
    (first, _) = book.rows(select(borrower.c.id).order_by("id"))
    with book.ctx.engine.begin() as connection:
        erase(connection, [first.id], book.ctx.now())
    assert len(book.rows(tape_row)) == 1
    for day in (DAY_2, DAY_3):
        assert bring_in(book, tmp_path, row("L-1"), row("L-2"), as_of=day).unchanged == 1
    assert len(book.rows(tape_row)) == 1


def test_another_mapping_reads_every_row(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_in(book, tmp_path, row("L-1"), as_of=DAY_1)
    monkeypatch.setattr("workers.tapes.reading_basis.READER_VERSION", 0)
    assert bring_in(book, tmp_path, row("L-1"), as_of=DAY_2).unchanged == 0
    assert bring_in(book, tmp_path, row("L-1"), as_of=DAY_3).unchanged == 1
