"""Persons are made of links, under the locks of all persons concerned."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor
from domain.persons import Link, RenamedRecord, groups, links_between
from tests.support.loans import Book
from workers.db.persons import lock_known_borrower
from workers.db.presumed_links import join_same_identity
from workers.db.same_person import lock_persons, make_persons, set_link
from workers.db.schema import borrower, same_person

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_chain_of_links_is_one_person_and_the_oldest_stays() -> None:
    assert groups({1: 11, 2: 12, 3: 13, 4: 14}, [(1, 2), (2, 3)]) == [
        (frozenset({1, 2, 3}), 11),
        (frozenset({4}), 14),
    ]


def test_whoever_is_parted_last_is_a_new_person() -> None:
    assert groups({1: 11, 2: 11, 3: 11}, [(2, 3)]) == [
        (frozenset({1}), 11),
        (frozenset({2, 3}), None),
    ]


def test_the_fewest_links_between_two_records_are_found() -> None:
    links = [(1, 2), (2, 3), (3, 4), (1, 4)]
    assert links_between(links, 1, 3) in ([(1, 2), (2, 3)], [(1, 4), (4, 3)])
    assert links_between(links, 1, 9) == []


@pytest.mark.parametrize(
    ("shows", "is_somebody_else"),
    [
        ({}, False),  # who married
        ({"has_other_number": True}, True),
        ({"has_other_address": True}, True),
        ({"is_known_otherwise": True}, True),  # who lives with them, and had an id before
        ({"is_erased": True}, True),
    ],
)
def test_whether_a_name_that_a_tape_gives_to_an_id_is_somebody_elses(
    shows: dict[str, bool], is_somebody_else: bool
) -> None:
    nothing = dict.fromkeys(
        ("is_erased", "has_other_number", "has_other_address", "is_known_otherwise"), False
    )
    record = RenamedRecord(1, "C-1", **(nothing | shows))
    assert record.is_somebody_else is is_somebody_else


@pytest.fixture
def book(engine: Engine) -> Book:
    """Three records with one name and number, and one with another number."""
    book = Book(engine)
    for n in (1, 2, 3):
        book.loan(f"L-{n}", borrower_id=f"C-{n}")
    book.loan("L-4", borrower_id="C-4", phone="+8613900139000")
    return book


def persons(book: Book) -> dict[str, int]:
    return {row.external_id: row.person_id for row in book.rows(borrower)}


def id_of(book: Book, name: str) -> int:
    return int(book.one(select(borrower.c.id).where(borrower.c.external_id == name)).id)


def decide(book: Book, one: str, other: str, status: Link) -> None:
    pair = (id_of(book, one), id_of(book, other))
    with book.ctx.engine.begin() as connection:
        lock_persons(connection, pair)
        set_link(connection, pair, status, Actor("sup-1"), uuid4(), NOW)
        make_persons(connection, pair, NOW)


def identify(book: Book, *names: str) -> None:
    with book.ctx.engine.begin() as connection:
        join_same_identity(connection, [id_of(book, name) for name in names], NOW)


def test_records_of_one_name_and_number_are_joined_with_the_first_of_them(book: Book) -> None:
    identify(book, "C-2", "C-3", "C-4")
    found = persons(book)
    assert found["C-1"] == found["C-2"] == found["C-3"] != found["C-4"]
    assert len(book.rows(same_person)) == 2


def test_what_somebody_parted_is_not_joined_again_by_name_and_number(book: Book) -> None:
    for name in ("C-5", "C-6"):
        book.loan(f"L-{name}", borrower_id=name, phone="+8613900139005")
    identify(book, "C-6")
    decide(book, "C-5", "C-6", Link.PARTED)
    identify(book, "C-5", "C-6")
    assert persons(book)["C-5"] != persons(book)["C-6"]


def test_a_new_record_may_be_any_of_those_that_were_parted(book: Book) -> None:
    identify(book, "C-2")
    decide(book, "C-1", "C-2", Link.PARTED)
    identify(book, "C-3")
    assert len(set(persons(book).values()) - {persons(book)["C-4"]}) == 1


def test_whoever_waits_for_a_person_that_is_joined_meanwhile_gets_the_new_one(book: Book) -> None:
    pair = (id_of(book, "C-1"), id_of(book, "C-4"))
    began = threading.Event()

    def wait_for_it() -> int:
        with book.ctx.engine.begin() as connection:
            began.set()
            return lock_known_borrower(connection, "C-4", "opt_out").person_id

    with ThreadPoolExecutor(1) as pool:
        with book.ctx.engine.begin() as connection:
            lock_persons(connection, pair)
            waiting = pool.submit(wait_for_it)
            assert began.wait(10)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=1)
            set_link(connection, pair, Link.CONFIRMED, Actor("sup-1"), uuid4(), NOW)
            make_persons(connection, pair, NOW)
        assert waiting.result(timeout=20) == persons(book)["C-1"]
