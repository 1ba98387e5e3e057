"""Whom a machine names is the machine's word, and is shown as that; a person has signed in."""

import pytest
from sqlalchemy import Engine

from tests.support.lender import SECRET, an_event, listen, tell
from tests.support.loans import Book
from workers.calls.assign import assign_call
from workers.db.schema import hold, person_fact
from workers.history import loan_history
from workers.inbox.apply import apply_events, dispatch_events


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine)
    listen(book, SECRET)
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1")
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    return book


def story(book: Book) -> str:
    with book.ctx.engine.connect() as connection:
        told = loan_history(connection, book.ctx, "L-1")
    return "\n".join(entry.text for entry in told)


@pytest.mark.attack("forged actor")
def test_what_a_machine_says_of_a_person_is_shown_with_the_machine(book: Book) -> None:
    call = {"attempt": "A-1", "loan": "L-1", "actor": "c-1"}
    assert tell(book, call, id="evt_1", path="/calls/start").status_code == 200
    outcome = {"attempt": "A-1", "outcome": "spoke", "reason": "forgot", "actor": "c-1"}
    pause = {"hold": "H-1", "loan": "L-1", "kind": "vulnerability", "why": "ill", "actor": "sup-1"}
    pause |= {"starts_on": "2026-03-02", "ends_on": None}
    fact = {"borrower": "B-L-1", "fact": "ceased", "actor": "c-1"}
    events = {"contact_outcome": outcome, "hold": pause, "person_fact": fact}
    for number, (kind, data) in enumerate(events.items()):
        posted = tell(book, an_event(kind, **data), id=f"evt_{number}_{kind}")
        assert posted.status_code == 202, posted.text
    ids = dispatch_events(book.ctx)
    assert {result.status for result in apply_events(book.ctx, ids)} == {"applied"}

    told = story(book)
    for said in (
        "The number was shown to c-1 [lender] for",
        "c-1 [lender] reported the result of the call",
        "was placed by sup-1 [lender], from",
    ):
        assert said in told, told
    noted = next(row for row in book.rows(person_fact) if row.kind == "ceased")
    assert (book.one(hold).actor, noted.source) == ("sup-1 [lender]", "c-1 [lender]")
