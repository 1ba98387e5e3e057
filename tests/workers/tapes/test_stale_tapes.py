"""Tapes that are older than somebody said: who paid is not chased, whatever a file shows."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from domain.language.speak import speak
from tests.support.events import reverse
from tests.support.loans import Book
from tests.workers.tapes.test_import_tape import bring_in, pay, row
from workers.db.schema import collection_case, instalment, loan, message, payment, problem

MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2026-03-02 10:00")


def open_problems(book: Book) -> list[str]:
    still_open = problem.c.resolved_at.is_(None)
    return [row.kind for row in book.rows(select(problem).where(still_open))]


def paid_in_all(book: Book) -> Decimal:
    return sum(
        (r.paid_principal + r.paid_interest + r.paid_fees for r in book.rows(instalment)),
        Decimal(0),
    )


def test_a_borrower_who_paid_is_not_texted_because_an_old_tape_came_in_again(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1"))
    book.escalate("L-1")
    pay(book, "110", MONDAY)
    assert book.one(collection_case).closed_because == "cured"

    book.at("2026-03-03 10:00")
    report = bring_in(book, tmp_path, row("L-1"), as_of=TUESDAY)
    looked = book.escalate("L-1")

    assert (report.changed, report.showing_less, looked.planned) == (0, 1, 0)
    assert set(book.actions("L-1").values()) == {"cancelled"}
    assert book.rows(message) == []
    assert book.one(collection_case).closed_at is not None
    assert book.one(loan).delinquent_since is None
    (found,) = book.rows(problem)
    assert found.kind == "tape_shows_less_paid"
    assert "110.00 CNY less paid" in speak(found.detail)


def test_a_part_payment_stays_too(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row("L-1"))
    pay(book, "30", MONDAY)

    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=TUESDAY)

    assert paid_in_all(book) == 30


def test_a_tape_that_agrees_again_resolves_the_problem(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row("L-1"))
    pay(book, "110", MONDAY)
    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=TUESDAY)

    book.at("2026-03-04 10:00")
    report = bring_in(book, tmp_path, row("L-1", paid="110.00"), as_of=WEDNESDAY)

    assert (report.showing_less, open_problems(book), paid_in_all(book)) == (0, [], 110)


def test_a_reversal_resolves_the_problem_and_the_money_is_owed_again(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1"))
    pay(book, "110", MONDAY)
    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=TUESDAY)

    reverse(book, "P-1")

    assert (open_problems(book), paid_in_all(book)) == ([], 0)
    assert book.one(loan).delinquent_since == date(2026, 2, 28)


def test_a_tape_cut_before_a_reversal_does_not_undo_it(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row("L-1"))
    pay(book, "110", MONDAY)
    book.at("2026-03-03 10:00")
    reverse(book, "P-1")

    bring_in(book, tmp_path, row("L-1", paid="110.00"), as_of=TUESDAY)
    assert (open_problems(book), paid_in_all(book)) == ([], 0)

    book.at("2026-03-04 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=WEDNESDAY)
    assert (open_problems(book), paid_in_all(book)) == ([], 0)


def test_a_payment_that_a_tape_contains_is_owed_again_once_a_tape_shows_its_reversal(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1"))
    pay(book, "110", MONDAY)
    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, row("L-1", paid="110.00"), as_of=TUESDAY)
    reverse(book, "P-1")
    assert paid_in_all(book) == 110, "its reversal is noted"

    book.at("2026-03-04 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=WEDNESDAY)

    assert (open_problems(book), paid_in_all(book)) == ([], 0)


def test_a_reversal_lets_what_is_paid_fall_once_and_an_old_tape_not_again(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1"))
    pay(book, "110", MONDAY)
    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, row("L-1", paid="110.00"), as_of=TUESDAY)
    reverse(book, "P-1")
    bring_in(book, tmp_path, row("L-1"), as_of=TUESDAY)
    assert paid_in_all(book) == 0
    pay(book, "110", TUESDAY, id="P-2")

    book.at("2026-03-04 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=WEDNESDAY)

    assert (open_problems(book), paid_in_all(book)) == (["tape_shows_less_paid"], 110)


def test_money_that_only_tapes_told_of_is_taken_back_by_recording_it_and_its_reversal(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1", paid="110.00"))
    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=TUESDAY)
    assert (open_problems(book), paid_in_all(book)) == (["tape_shows_less_paid"], 110)

    pay(book, "110", date(2026, 3, 1))
    reverse(book, "P-1")
    bring_in(book, tmp_path, row("L-1"), as_of=TUESDAY)

    assert (open_problems(book), paid_in_all(book)) == ([], 0)


BOTH_DUE = "2026-01-30 100.00 10.00; 2026-02-28 100.00 10.00"


def test_a_payment_of_the_day_is_not_swallowed_by_another_of_the_same_amount(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1", instalments=BOTH_DUE))
    pay(book, "110", MONDAY)

    bring_in(book, tmp_path, row("L-1", instalments=BOTH_DUE, paid="110.00"))

    assert paid_in_all(book) == 220
    assert book.one(loan).delinquent_since is None
    assert book.one(payment).unallocated == 0


@pytest.mark.parametrize("told_first", [True, False], ids=["before the tape", "after the tape"])
def test_when_a_payment_of_the_day_is_told_makes_no_difference(
    book: Book, tmp_path: Path, *, told_first: bool
) -> None:
    bring_in(book, tmp_path, row("L-1", instalments=BOTH_DUE))
    paid = row("L-1", instalments=BOTH_DUE, paid="110.00")

    if told_first:
        pay(book, "110", MONDAY)
    bring_in(book, tmp_path, paid)
    if not told_first:
        pay(book, "110", MONDAY)
    bring_in(book, tmp_path, paid)

    assert (open_problems(book), paid_in_all(book)) == ([], 220)


def test_a_payment_of_the_day_that_bounced_takes_nothing_from_another(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1", instalments=BOTH_DUE))
    pay(book, "110", MONDAY)
    reverse(book, "P-1")

    bring_in(book, tmp_path, row("L-1", instalments=BOTH_DUE, paid="110.00"))

    assert paid_in_all(book) == 110
    assert book.one(loan).delinquent_since == date(2026, 2, 28)


def test_a_payment_that_was_counted_twice_is_shown_as_a_problem_and_taken_back(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1", instalments=BOTH_DUE))
    pay(book, "110", MONDAY)
    paid = row("L-1", instalments=BOTH_DUE, paid="110.00")
    bring_in(book, tmp_path, paid)

    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, paid, as_of=TUESDAY)
    assert (open_problems(book), paid_in_all(book)) == (["tape_shows_less_paid"], 220)

    reverse(book, "P-1")
    bring_in(book, tmp_path, paid, as_of=TUESDAY)

    assert (open_problems(book), paid_in_all(book)) == ([], 110)


def test_a_tape_that_is_not_believed_does_not_swallow_a_payment_booked_late(
    book: Book, tmp_path: Path
) -> None:
    two_due = "2026-01-30 100.00 10.00; 2026-02-28 100.00 10.00"
    bring_in(book, tmp_path, row("L-1", instalments=two_due))
    pay(book, "110", MONDAY)
    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, row("L-1", instalments=two_due), as_of=TUESDAY)

    pay(book, "110", MONDAY, id="P-2")

    assert book.one(loan).delinquent_since is None


def test_one_loan_that_shows_less_holds_no_other_back(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row("L-1"), row("L-2"))
    pay(book, "110", MONDAY)

    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, row("L-1"), row("L-2", paid="110.00"), as_of=TUESDAY)

    assert {r.external_id: r.delinquent_since for r in book.rows(loan)} == {
        "L-1": None,
        "L-2": None,
    }
    assert open_problems(book) == ["tape_shows_less_paid"]
