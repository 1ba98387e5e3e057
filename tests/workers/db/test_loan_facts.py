"""What all loans of a person share is read once, however many loans there are."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine, insert, text, update

from tests.support.loans import Book
from tests.workers.test_costs import a_book
from workers.db.loan_facts import LoanFacts, load_facts
from workers.db.schema import borrower, contact, loan

BOOK = 400
CALLS = 5


@pytest.fixture
def book(engine: Engine) -> Book:
    """Loans of one borrower each, of whom the first was called on each of the last five days."""
    book = a_book(engine, BOOK)
    with engine.begin() as connection:
        for days in range(1, CALLS + 1):
            call = {"purpose": "collect", "channel": "call", "at": book.ctx.now() - timedelta(days)}
            connection.execute(insert(contact).values(borrower_id=1, loan_id=1, **call))
    return book


# In this transaction, by an index or one after the other.
_ROWS_OF_CONTACTS = text("""
SELECT pg_stat_get_xact_tuples_fetched(oid) + pg_stat_get_xact_tuples_returned(oid)
  FROM pg_class WHERE oid = 'contact'::regclass
""")


def read(book: Book, loans: int) -> tuple[dict[int, LoanFacts], int]:
    """The facts of the first loans, and how many rows of contacts PostgreSQL fetched for them."""
    with book.ctx.engine.connect() as connection:
        before = connection.execute(_ROWS_OF_CONTACTS).scalar_one()
        facts = load_facts(connection, range(1, loans + 1), book.ctx.now())
        return facts, connection.execute(_ROWS_OF_CONTACTS).scalar_one() - before


def of_one_record(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        connection.execute(update(loan).values(borrower_id=1))


def of_one_record_each(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        connection.execute(update(borrower).values(person_id=1))


@pytest.mark.parametrize("loans_of", [of_one_record, of_one_record_each])
def test_contacts_are_read_once_for_all_loans_of_a_person(
    book: Book, loans_of: Callable[[Book], None]
) -> None:
    loans_of(book)
    few, rows_for_few = read(book, 3)
    many, rows_for_many = read(book, BOOK)
    assert len(many) == BOOK
    assert {len(known.reach.history) for known in (few | many).values()} == {CALLS}
    assert rows_for_few == rows_for_many


def test_loans_of_a_record_share_one_history(book: Book) -> None:
    of_one_record(book)
    facts, _ = read(book, BOOK)
    assert len({id(known.reach.history) for known in facts.values()}) == 1
    assert {loan_id for loan_id, known in facts.items() if known.reach.first_contact_at} == {1}


def test_a_contact_with_who_is_presumed_to_be_the_person_is_certain_for_that_record_only(
    book: Book,
) -> None:
    of_one_record_each(book)
    facts, _ = read(book, 3)
    certain = {id: {c.certain for c in known.reach.history} for id, known in facts.items()}
    assert certain == {1: {True}, 2: {False}, 3: {False}}


def test_persons_who_are_asked_about_together_have_their_own_contacts(book: Book) -> None:
    facts, _ = read(book, 3)
    assert {id: len(known.reach.history) for id, known in facts.items()} == {1: CALLS, 2: 0, 3: 0}
