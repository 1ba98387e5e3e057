"""The payer may name the instalment: it is paid first, and a tape does not change that."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine

from domain.language.speak import speak
from domain.loans import Instalment
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.events import pay, reverse
from tests.support.loans import Book
from tests.workers.tapes.test_import_tape import bring_in, row
from workers.db.schema import allocation, inbox_event, instalment, loan, payment
from workers.history.history import loan_history

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-10 10:00")
    two = [Instalment(due, Decimal(100), Decimal(10)) for due in (FEBRUARY, MARCH)]
    book.loan("L-1", instalments=two)
    return book


def paid_of(book: Book) -> dict[date, Decimal]:
    return {
        row.due_on: row.paid_fees + row.paid_interest + row.paid_principal
        for row in book.rows(instalment)
    }


def test_the_named_instalment_is_paid_before_an_older_one(book: Book) -> None:
    pay(book, "120", instalment="2026-03-01")

    assert paid_of(book) == {FEBRUARY: 10, MARCH: 110}
    assert book.one(loan).delinquent_since == FEBRUARY


def test_one_that_the_loan_does_not_have_loses_no_money_and_is_said(book: Book) -> None:
    result = pay(book, "120", instalment="2026-03-02")

    assert paid_of(book) == {FEBRUARY: 110, MARCH: 10}
    assert "has no instalment due on 2026-03-02" in speak(result.reason)


def test_the_history_says_what_it_was_for(book: Book) -> None:
    pay(book, "30", instalment="2026-03-01")

    with book.ctx.engine.connect() as connection:
        said = " ".join(entry.text for entry in loan_history(connection, book.ctx, "L-1"))

    assert "paid for the instalment due on 2026-03-01" in said


def test_what_is_left_of_it_goes_to_the_named_one_when_that_is_owed_again(book: Book) -> None:
    pay(book, "220", id="P-1")
    pay(book, "110", id="P-2", instalment="2026-03-01")
    assert sum(row.unallocated for row in book.rows(payment)) == 110

    reverse(book, "P-1")

    assert paid_of(book) == {FEBRUARY: 0, MARCH: 110}


def test_a_tape_of_an_earlier_day_keeps_it(engine: Engine, tmp_path: Path) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    bring_in(book, tmp_path, row("L-1"))
    pay(book, "110", instalment="2026-04-01")

    bring_in(book, tmp_path, row("L-1"))

    assert paid_of(book) == {date(2026, 2, 28): 0, date(2026, 4, 1): 110}
    assert {row.due_on for row in book.rows(allocation)} == {date(2026, 4, 1)}


def test_the_command_line_names_it(engine: Engine, database_url: str) -> None:
    book = Book(engine)
    two = [Instalment(due, Decimal(100), Decimal(10)) for due in (FEBRUARY, MARCH)]
    book.loan("L-1", instalments=two)
    command = ("payment", "record", "L-1", "30", "CNY", "--id", "P-1")

    done = arrears(an_environment(database_url), *command, "--instalment", "2026-03-01")

    assert done.returncode == 0, done.stderr
    assert paid_of(book) == {FEBRUARY: 0, MARCH: 30}
    assert book.one(inbox_event).payload["instalment"] == "2026-03-01"


def test_a_payment_that_names_none_is_stored_as_it_was_before(
    engine: Engine, database_url: str
) -> None:
    """The same payment, sent again after an upgrade, must be known again."""
    book = Book(engine)
    book.loan("L-1")
    command = ("payment", "record", "L-1", "30", "CNY", "--id", "P-1")

    arrears(an_environment(database_url), *command)

    assert "instalment" not in book.one(inbox_event).payload
