"""Lists of any size: counted by kind, filtered, and read page by page."""

import json

import pytest
from sqlalchemy import Engine, insert

from domain.errors import ArrearsError
from domain.reasons import ReasonCode, because
from tests.support.commands import arrears
from tests.support.counting import statements
from tests.support.environment import an_environment
from tests.support.loans import Book
from tests.workers.operations.test_problems import receive_payment
from workers.db.pages import Asked, Page
from workers.db.schema import problem
from workers.inbox.apply import apply_event
from workers.operations.problems import OpenProblem, Problems, read_problems

KINDS = ("phone_missing", "zone_missing", "phone_missing")


@pytest.fixture
def book(engine: Engine) -> Book:
    """Seven loans with a problem each: of every three two without a number, one without a zone."""
    book = Book(engine)
    rows = [
        {
            "loan_id": book.loan(f"L-{number}"),
            "kind": KINDS[number % 3],
            "detail": because(ReasonCode.ZONE_MISSING),
            "found_at": book.ctx.now(),
        }
        for number in range(7)
    ]
    with engine.begin() as connection:
        connection.execute(insert(problem), rows)
    return book


def asked(book: Book, **more: object) -> Problems:
    with book.ctx.engine.connect() as connection:
        return read_problems(connection, book.ctx, Asked(**more))  # type: ignore[arg-type]


def loans_of(page: Page[OpenProblem]) -> list[str]:
    return [row.loan for row in page]


def test_pages_follow_one_another_and_hold_each_row_once(book: Book) -> None:
    first = asked(book, limit=3).loans
    assert loans_of(first) == ["L-0", "L-1", "L-2"]
    assert first.counts == {"phone_missing": 5, "zone_missing": 2}

    second = asked(book, limit=3, after=first.after).loans
    third = asked(book, limit=3, after=second.after).loans
    assert loans_of(second) + loans_of(third) == ["L-3", "L-4", "L-5", "L-6"]
    assert third.after is None, "these are the last"
    assert (second.total, third.total) == (7, 7)


def test_a_list_is_filtered_by_kind_and_by_loan(book: Book) -> None:
    of_kind = asked(book, limit=1, kind="zone_missing").loans
    assert (loans_of(of_kind), of_kind.counts) == (["L-1"], {"zone_missing": 2})
    rest = asked(book, limit=1, kind="zone_missing", after=of_kind.after).loans
    assert (loans_of(rest), rest.after) == (["L-4"], None)

    assert loans_of(asked(book, loan="L-3").loans) == ["L-3"]
    with pytest.raises(ArrearsError, match="L-404"):
        asked(book, loan="L-404")


def test_events_of_both_statuses_are_in_one_order_over_all_pages(book: Book) -> None:
    for number in range(5):
        currency, loan = ("USD", "L-1") if number % 2 else ("CNY", "L-9")
        apply_event(book.ctx, receive_payment(book, number, loan, currency))

    seen: list[str] = []
    after = None
    while True:
        page = asked(book, limit=2, kind="payment", after=after).events
        assert page.counts == {"payment": 5}
        seen += [event.event for event in page]
        if (after := page.after) is None:
            break
    assert seen == [f"payment:P-{number}" for number in range(5)]
    waiting = asked(book, loan="L-9").events
    assert [event.event for event in waiting] == ["payment:P-0", "payment:P-2", "payment:P-4"]


@pytest.mark.parametrize("after", ["loans:x", "loans", "loans:1:2", "elsewhere:1"])
def test_what_no_page_named_is_refused(book: Book, after: str) -> None:
    with pytest.raises(ArrearsError, match="Nothing goes on after"):
        asked(book, after=after)


def test_a_list_costs_the_same_statements_at_any_size(book: Book) -> None:
    with statements(book.ctx.engine) as small:
        asked(book, limit=1)
    with statements(book.ctx.engine) as large:
        asked(book, limit=100)
    assert len(small) == len(large)


def test_the_command_says_how_many_there_are_and_how_to_go_on(
    book: Book, database_url: str
) -> None:
    environment = an_environment(database_url)
    first = arrears(environment, "problems", "list", "--limit", "2", "--kind", "loans").stdout
    assert "Open problems: phone_missing" in first
    assert "These are 2 of 7. The next: --after loans:" in first
    after = first.split("--after ")[1].split()[0]

    rest = arrears(environment, "problems", "list", "--after", after, "--json").stdout
    found = json.loads(rest)["loans"]
    assert [row["loan"] for row in found["rows"]] == ["L-2", "L-3", "L-4", "L-5", "L-6"]
    assert found["counts"] == {"phone_missing": 5, "zone_missing": 2}
    assert found["after"] is None

    wrong = arrears(environment, "problems", "list", "--after", "elsewhere:1")
    assert (wrong.returncode, "Nothing goes on after" in wrong.stderr) == (2, True)

    # Of what is not there nothing is said, least of all that all is well.
    unknown = arrears(environment, "problems", "list", "--kind", "nokind").stdout
    assert unknown.startswith("Nothing of the kind nokind is open.")
    assert "All events were applied" not in unknown
