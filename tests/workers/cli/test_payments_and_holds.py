"""What a person tells of a loan on the command line: each thing once, each wrong one a sentence."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from tests.support.commands import arrears, granted
from tests.support.environment import an_environment
from tests.support.loans import Book
from workers.clock import Clock
from workers.db.schema import hold, loan, payment, promise

SOLD = ("--why", "sold")
TODAY = Clock().now().date()
TOMORROW, YESTERDAY = TODAY + timedelta(days=1), TODAY - timedelta(days=1)


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return {**an_environment(database_url), "ARREARS_ZONE": "UTC"}


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, zone="UTC")
    book.loan("L-1", due_on=str(YESTERDAY))
    return book


def test_a_payment_comes_and_bounces(environment: dict[str, str], book: Book) -> None:
    assert (
        arrears(environment, "payment", "record", "L-1", "1000", "CNY", "--id", "P-1").returncode
        == 0
    )

    done = arrears(environment, "payment", "reverse", "P-1")

    assert (done.returncode, "still past due" in done.stdout) == (0, True)
    assert book.one(payment).reversed_on is not None


def test_a_promise_is_made_and_taken_back(environment: dict[str, str], book: Book) -> None:
    command = (
        "promise",
        "record",
        "L-1",
        "400",
        "CNY",
        str(TOMORROW),
        "--id",
        "PR-1",
    )
    assert "pauses until" in arrears(environment, *command).stdout
    assert "goes on where it stood" in arrears(environment, "promise", "cancel", "PR-1").stdout
    assert book.one(promise).status == "withdrawn"


def test_a_hold_and_a_dispute_are_placed_and_released(
    environment: dict[str, str], book: Book
) -> None:
    why = ("--why", "told by telephone")
    arrears(environment, "hold", "place", "L-1", "moratorium", "--id", "H-1", *why)
    arrears(environment, "dispute", "open", "L-1", "--id", "D-1", *why)
    assert {row.kind: row.ends_on for row in book.rows(hold)} == {
        "moratorium": None,
        "dispute": None,
    }

    assert arrears(environment, "hold", "release", "H-1").returncode == 0
    refused = arrears(environment, "hold", "release", "D-1")
    assert (refused.returncode, "decide the dispute" in refused.stderr) == (2, True)
    decision = ("dispute", "resolve", "D-1", "rejected", "--finding", "records_differ")
    untaken = arrears(environment, *decision, by="sup-1")
    assert (untaken.returncode, "Somebody takes it first" in untaken.stderr) == (2, True)
    assert arrears(environment, "dispute", "take", "D-1", by="sup-1").returncode == 0
    assert arrears(environment, *decision, by="sup-1").returncode == 0
    assert all(row.ends_on is not None for row in book.rows(hold))


def test_a_loan_is_written_off(environment: dict[str, str], book: Book) -> None:
    assert "not collected here any more" in granted(environment, "write-off", "L-1", *SOLD).stdout
    assert book.one(loan).review_on is None
    unknown = arrears(environment, "write-off", "L-404", *SOLD)
    assert (unknown.returncode, "is not known" in unknown.stderr) == (2, True)
    assert "wrote the loan off" in arrears(environment, "explain", "L-1").stdout


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (
            ("promise", "record", "L-1", "lots", "CNY", "2030-01-01", "--id", "x"),
            "not an amount",
        ),
        (
            ("promise", "record", "L-1", "4", "CNY", "2020-01-01", "--id", "x"),
            "has passed",
        ),
        (
            ("hold", "place", "L-1", "holiday", "--id", "x", "--why", "y"),
            "not a kind of hold",
        ),
        (
            ("write-off", "L-1", *SOLD, "--on", "2199-01-01"),
            "has not come yet",
        ),
    ],
)
def test_what_cannot_be_meant_is_said_in_a_sentence(
    environment: dict[str, str], book: Book, command: tuple[str, ...], says: str
) -> None:
    done = arrears(environment, *command)
    assert (done.returncode, says in done.stderr) == (2, True)


def test_what_names_something_unknown_is_kept_and_says_so_by_its_exit_code(
    environment: dict[str, str], book: Book
) -> None:
    actor = ("--why", "a mistake in typing")
    for command in (
        ("hold", "place", "L-404", "manual", "--id", "H-1", *actor),
        ("payment", "reverse", "P-404"),
        ("promise", "cancel", "PR-404"),
        ("hold", "release", "H-404"),
    ):
        done = arrears(environment, *command)
        assert (done.returncode, "is not known" in done.stderr) == (3, True), command
