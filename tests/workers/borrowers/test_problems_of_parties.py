"""A problem of a guarantor's number or address is theirs: it opens, says whose it is, and ends."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from domain.actions import ASSIGN_CALL
from domain.actors import Actor
from domain.compliance.vocabulary import Party
from domain.errors import ArrearsError
from domain.ladder import Days, Item, Step
from tests.support.acting import acting
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.events import confirm, tell, tell_personal
from tests.support.loans import Book, shipped_policy
from workers.calls.assign import assign_call
from workers.db.pages import Asked
from workers.history.history import loan_history
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.inbox.event_data.persons import LoanPartyFacts
from workers.operations.problems import read_problems, resolve_problem

PHONE = "+8613900139001"
ANOTHER = "+8613900139002"
CALLS = (
    Item("call", ASSIGN_CALL, Days(1), purpose="ask"),
    Item("call_guarantor", ASSIGN_CALL, Days(1), purpose="ask", to=Party.GUARANTOR),
)


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 is past due. Its borrower and its guarantor G-1 are to be called."""
    shipped = shipped_policy()
    ladders = tuple(
        replace(ladder, version=9, steps=(Step("ask", Days(1), CALLS),))
        for ladder in {ladder.id: ladder for ladder in shipped.ladders}.values()
    )
    book = Book(engine, now="2026-03-03 10:00", policy=replace(shipped, ladders=ladders))
    book.staff("c-1", "caller", shift=("2026-03-03 08:00", "2026-03-03 22:00"))
    book.loan("L-1", due_on="2026-03-01", borrower_id="B-1")
    return book


def guarantee(book: Book, id: str = "G-1", **details: Any) -> None:
    given = {"phone": PHONE, "address": "9 Road", "zones": ["Asia/Shanghai"], **details}
    told = {"loan": "L-1", "borrower": id, "role": "guarantor", "name": f"Wu {id}", "actor": "c-1"}
    assert tell_personal(book, "loan_party", LoanPartyFacts, **told, **given).status == "applied"


def found(book: Book, **asked: Any) -> list[tuple[str, str, str]]:
    with book.ctx.engine.connect() as connection:
        shown = read_problems(connection, book.ctx, Asked(**asked)).loans
    return [(problem.borrower, problem.role, problem.kind) for problem in shown]


def closes(book: Book, record: str = "G-1", fact: str = "reaches_nobody") -> None:
    tell(book, "number_fact", borrower=record, fact=fact, actor="c-1")


def told(book: Book) -> str:
    with book.ctx.engine.connect() as connection:
        return "\n".join(line.text for line in loan_history(connection, book.ctx, "L-1"))


CLOSED = [("G-1", "guarantor", "number_closed")]


def test_a_number_that_reaches_nobody_is_the_guarantors_problem_and_is_said_so(
    book: Book, database_url: str
) -> None:
    guarantee(book)
    closes(book)
    assert found(book) == found(book, borrower="G-1") == CLOSED
    assert found(book, borrower="B-1") == found(book, kind="zone_missing") == []
    environment = an_environment(database_url)
    of_record = ("problems", "list", "--borrower", "G-1")
    listed = arrears(environment, *of_record).stdout
    assert all(word in listed for word in ("guarantor", "G-1"))
    assert PHONE not in listed
    assert "保证人" in arrears({**environment, "LANG": "zh_CN.UTF-8"}, *of_record).stdout
    assert "It is about the guarantor G-1." in told(book)
    with pytest.raises(ArrearsError, match="X-9 is not known"):
        found(book, borrower="X-9")


ENDS = {
    "another number": ("contact_change", ContactChangeFacts, {"phone": ANOTHER}),
    "one more number": ("contact_change", ContactChangeFacts, {"another_phone": ANOTHER}),
    "no number any more": ("contact_change", ContactChangeFacts, {"phones": []}),
}


@pytest.mark.parametrize(("kind", "model", "given"), ENDS.values(), ids=ENDS)
def test_another_number_ends_it(book: Book, kind: str, model: Any, given: dict[str, Any]) -> None:
    guarantee(book)
    closes(book)
    tell_personal(book, kind, model, borrower="G-1", **given)
    assert found(book) == (
        [] if given != {"phones": []} else [("G-1", "guarantor", "phone_missing")]
    )


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("number_fact_end", {"borrower": "G-1", "fact": "reaches_nobody"}),
        ("loan_party_end", {"loan": "L-1", "borrower": "G-1", "role": "guarantor"}),
    ],
)
def test_it_ends_with_a_new_fact_and_with_the_guarantee(
    book: Book, kind: str, payload: dict[str, str]
) -> None:
    guarantee(book)
    closes(book)
    tell(book, kind, **payload, actor="c-1")
    assert found(book) == []


def test_it_ends_when_the_guarantor_turns_out_to_be_the_borrower(book: Book) -> None:
    guarantee(book)
    closes(book)
    confirm(book, "B-1", "G-1")
    assert found(book) == []


def test_a_number_of_both_is_a_problem_of_each(book: Book) -> None:
    guarantee(book, phone="+8613800138000")
    closes(book, "B-1")
    assert found(book) == [("B-1", "borrower", "number_closed"), *CLOSED]
    with pytest.raises(ArrearsError, match="B-1, G-1"):
        resolve_problem(acting(book.ctx, Actor("c-1")), "L-1", "number_closed", why="called")
    resolve_problem(
        acting(book.ctx, Actor("c-1")), "L-1", "number_closed", why="called", record="G-1"
    )
    assert found(book) == [("B-1", "borrower", "number_closed")]
    tell_personal(book, "contact_change", ContactChangeFacts, borrower="B-1", phone=ANOTHER)
    assert found(book) == []


@pytest.mark.parametrize(
    ("details", "kind"),
    [({"phone": None}, "phone_missing"), ({"zones": ()}, "zone_missing")],
)
def test_what_a_guarantor_lacks_is_a_problem_when_they_are_to_be_called(
    book: Book, details: dict[str, Any], kind: str
) -> None:
    guarantee(book, **details)
    book.escalate("L-1")
    assert found(book) == [("G-1", "guarantor", kind)]
    given = {"phone": ANOTHER, "zones": ["Asia/Shanghai"]}
    tell_personal(book, "contact_change", ContactChangeFacts, borrower="G-1", **given)
    assert found(book) == []


def test_somebody_who_comes_with_a_number_that_is_closed_already_has_the_problem(
    book: Book,
) -> None:
    guarantee(book)
    closes(book)
    guarantee(book, "G-2")
    book.escalate("L-1")
    assert found(book) == [*CLOSED, ("G-2", "guarantor", "number_closed")]


def test_a_place_that_the_guarantor_called_inconvenient_is_theirs(book: Book) -> None:
    guarantee(book)
    said = {"borrower": "G-1", "fact": "inconvenient_place", "place": "number", "actor": "c-1"}
    tell(book, "person_fact", **said)
    book.escalate("L-1")
    assert found(book) == [("G-1", "guarantor", "inconvenient_place")]
    assert assign_call(book.ctx, book.action_id("L-1", "call")) == "assigned"
    tell(book, "person_fact_end", **{**said, "borrower": "B-1"})
    assert found(book) != []
    tell(book, "person_fact_end", **said)
    assert found(book) == []
