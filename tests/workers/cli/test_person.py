"""Somebody says who is who on the command line, and may take it back."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.events import tell
from tests.support.loans import Book
from workers.clock import Clock
from workers.db.schema import borrower, same_person, same_person_change
from workers.history import loan_history
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.operations.problems import read_problems

YESTERDAY = Clock().now().date() - timedelta(days=1)
WHY = ("--why", "the lender's register says so")


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return {**an_environment(database_url), "ARREARS_ZONE": "UTC"}


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, zone="UTC")
    book.clock.at = Clock().now()
    book.staff("sup-1", "supervisor")
    for n in (1, 2, 3):
        book.loan(f"L-{n}", borrower_id=f"C-{n}", due_on=str(YESTERDAY))
    tell(book, "opt_out", borrower="C-1", channel=None, actor="sup-1")
    return book


def persons(book: Book) -> list[set[str]]:
    found: dict[int, set[str]] = {}
    for record in book.rows(borrower):
        found.setdefault(record.person_id, set()).add(record.external_id)
    return list(found.values())


def test_two_records_are_joined_and_parted_and_joined_again(
    environment: dict[str, str], book: Book
) -> None:
    joined = arrears(environment, "person", "join", "C-2", "C-1", *WHY, by="sup-1")
    assert (joined.returncode, "are one person" in joined.stdout) == (0, True)
    assert book.may_call("L-2") == "barred"

    assert arrears(environment, "person", "part", "C-1", "C-2", *WHY).returncode == 0
    assert book.may_call("L-2") != "barred"
    assert book.may_call("L-1") == "barred", "the fact stays where it came in"

    assert arrears(environment, "person", "join", "C-1", "C-2", *WHY).returncode == 0
    assert book.may_call("L-2") == "barred"
    assert [change.status for change in book.rows(same_person_change)] == [
        "confirmed",
        "parted",
        "confirmed",
    ]
    assert book.one(same_person).status == "confirmed"


def test_the_history_tells_each_decision_in_both_languages(
    environment: dict[str, str], book: Book
) -> None:
    arrears(environment, "person", "join", "C-1", "C-2", *WHY, by="sup-1")
    arrears(environment, "person", "part", "C-1", "C-2", *WHY, by="sup-1")
    with book.ctx.engine.connect() as connection:
        for language, says in (
            ("en", ["confirmed to be one person by sup-1", "parted by sup-1"]),
            ("zh", ["sup-1确认客户记录C-1与C-2为同一人", "不是同一人"]),
        ):
            story = [
                sentence.text
                for sentence in loan_history(connection, book.ctx, "L-2", language=language)
            ]
            assert all(any(words in text for text in story) for words in says), story


@pytest.mark.parametrize("verb", ["join", "part"])
def test_a_dry_run_changes_nothing(environment: dict[str, str], book: Book, verb: str) -> None:
    done = arrears(environment, "person", verb, "C-1", "C-2", *WHY, "--dry-run")
    assert (done.returncode, "dry run" in done.stdout) == (0, True)
    assert book.rows(same_person) == []
    assert len(persons(book)) == 3


def test_records_that_others_still_join_are_not_parted_and_the_links_are_named(
    environment: dict[str, str], book: Book
) -> None:
    arrears(environment, "person", "join", "C-1", "C-2", *WHY, by="sup-1")
    arrears(environment, "person", "join", "C-2", "C-3", *WHY, by="sup-1")
    refused = arrears(environment, "person", "part", "C-1", "C-3", *WHY, by="sup-1")
    assert refused.returncode == 2
    assert "C-1 = C-2, C-2 = C-3" in refused.stderr
    assert persons(book) == [{"C-1", "C-2", "C-3"}]

    assert arrears(environment, "person", "part", "C-2", "C-3", *WHY).returncode == 0
    assert persons(book) == [{"C-1", "C-2"}, {"C-3"}]


def test_a_presumed_link_is_a_problem_until_it_is_confirmed(
    environment: dict[str, str], book: Book
) -> None:
    nothing = arrears(environment, "person", "confirm", "C-1", "C-2", *WHY, by="sup-1")
    assert (nothing.returncode, "person join" in nothing.stderr) == (2, True)
    sealed_number(book, "C-2")

    listed = arrears(environment, "problems", "list")
    assert "arrears person confirm C-1 C-2" in listed.stdout
    assert "Both have the" in listed.stdout

    assert arrears(environment, "person", "confirm", "C-2", "C-1", *WHY).returncode == 0
    with book.ctx.engine.connect() as connection:
        assert not read_problems(connection, book.ctx).persons


def sealed_number(book: Book, customer: str) -> None:
    facts = ContactChangeFacts(borrower=customer, phone="+8613800138000")
    tell(book, "contact_change", **facts.payload(book.ctx.cipher))


def test_a_person_is_shown_with_all_records_and_links(
    environment: dict[str, str], book: Book
) -> None:
    arrears(environment, "person", "join", "C-1", "C-2", *WHY, by="sup-1")
    arrears(environment, "person", "part", "C-1", "C-3", *WHY, by="sup-1")
    shown = arrears(environment, "person", "show", "C-2").stdout
    assert all(words in shown for words in ("C-1", "C-2", "C-3", "confirmed", "parted", "sup-1"))
    assert '"loans": 1' in arrears(environment, "person", "show", "C-2", "--json").stdout


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        (("join", "C-1", "C-9", *WHY), 3, "C-9 is not known"),
        (("join", "C-1", "C-1", *WHY), 2, "is one record"),
        (("show", "C-9"), 2, "C-9 is not known"),
    ],
)
def test_what_cannot_be_decided_is_refused_in_a_sentence(
    environment: dict[str, str], book: Book, command: tuple[str, ...], code: int, says: str
) -> None:
    refused = arrears(environment, "person", *command)
    assert (refused.returncode, says in refused.stderr) == (code, True), refused.stderr


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (
            ("person", "note", "C-2", "agreed_other_hours", "--until=2017-01-01 10:00"),
            "is over. Give a moment that is to come",
        ),
        (
            ("person", "note", "C-2", "inconvenient_time", "--time=mon", "--until=2017-01-01"),
            "over",
        ),
        (
            ("number", "add", "C-2", "--phone=4155550199"),
            "--phone cannot be used: write it with its",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_write(
    environment: dict[str, str], book: Book, command: tuple[str, ...], says: str
) -> None:
    refused = arrears(environment, *command)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert says in refused.stderr


def test_the_history_tells_who_added_ordered_and_removed_a_number(
    environment: dict[str, str], book: Book
) -> None:
    add = ("number", "add", "C-1", "--phone", "+8613800138009")
    assert arrears(environment, *add, by="sup-1").returncode == 0
    ordered = arrears(environment, "number", "order", "C-1", "2", "1", by="sup-1")
    assert ordered.returncode == 0
    assert arrears(environment, "number", "remove", "C-1", "2", by="sup-1").returncode == 0
    for locale, says in (
        ({}, ["recorded by sup-1", "places before: 2, 1. sup-1", "were removed: 2. sup-1"]),
        ({"LANG": "zh_CN.UTF-8"}, ["由sup-1记录", "依次为原第2、1个", "sup-1删除了借款人原第2个"]),
    ):
        told = arrears(environment | locale, "explain", "L-1").stdout
        assert [words for words in says if words not in told] == []


def test_which_of_several_numbers_is_closed_is_shown_and_the_address_too(
    environment: dict[str, str], book: Book
) -> None:
    book.set_numbers("C-1", "+8613800138001", "+8613800138002", "+8613800138003")
    place = ("inconvenient_place", "--place", "number", "--number", "2")
    assert arrears(environment, "person", "note", "C-1", *place).returncode == 0
    note = ("number", "note", "no_texts", "--borrower", "C-1", "--which", "3")
    assert arrears(environment, *note).returncode == 0
    listed = json.loads(arrears(environment, "number", "list", "C-1", "--json").stdout)
    assert [(row["facts"], row["closed_to"]) for row in listed] == [
        ([], []),
        (["inconvenient"], ["sms", "call"]),
        (["no_texts"], ["sms"]),
    ]
    assert "number 2" in arrears(environment, "person", "show", "C-1").stdout

    assert arrears(environment, "address", "note", "C-1", "refused").returncode == 0
    (address,) = json.loads(arrears(environment, "address", "list", "C-1", "--json").stdout)
    assert address == {"facts": ["refused"], "closed_to": ["visit"]}


def test_a_party_whom_nobody_knows_is_said_to_wait_and_how_to_go_on(
    environment: dict[str, str], book: Book
) -> None:
    add = ("party", "add", "L-1", "G-404", "--role", "guarantor")
    waits = arrears(environment, *add)
    assert waits.returncode == 3
    for words in ("exit code 3", "applied by itself", "nobody is contacted", "--name makes"):
        assert words in waits.stderr
    assert "arrears events discard" in waits.stderr
