"""What is true of an address stops visits and letters for everybody who has it."""

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor
from domain.contact_points import address_key
from domain.errors import ArrearsError
from domain.language.speak import speak
from tests.support.acting import acting
from tests.support.events import tell
from tests.support.loans import ADDRESS, Book
from workers.attempts.attempts import BarredError
from workers.db.numbers import hash_addresses
from workers.db.schema import borrower, contact, contact_point_fact, problem
from workers.history import loan_history
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.visits.letters import open_letter
from workers.visits.schedule import schedule_visit
from workers.visits.start import start_visit

VISITOR = Actor("v-1")


@pytest.fixture
def book(engine: Engine) -> Book:
    """Two people at one address, written in two ways, and their visits, both due."""
    book = Book(engine, now="2026-03-31 10:00")
    for number in (1, 2, 3, 4):
        book.staff(f"v-{number}", "visitor")
    book.loan("L-1", due_on="2026-03-01")
    book.loan("L-2", due_on="2026-03-01", address="１ example road.", phone="+8613900139000")
    for loan in ("L-1", "L-2"):
        book.escalate(loan)
    return book


def visited(book: Book, outcome: str, loan: str = "L-1") -> None:
    """The visit of a loan takes place, and its visitors report this."""
    schedule_visit(book.ctx, book.action_id(loan, "field_visit"))
    (made,) = book.rows(select(contact).where(contact.c.channel == "visit"))
    book.noticed(loan)
    book.clock.at = made.at
    start_visit(acting(book.ctx, VISITOR), loan)
    tell(book, "contact_outcome", attempt=made.attempt, outcome=outcome, actor="v-1", reason=None)


def known(book: Book) -> list[str]:
    return [row.kind for row in book.rows(contact_point_fact) if row.ended_at is None]


def open_problems(book: Book) -> list[str]:
    return [row.kind for row in book.rows(problem) if row.resolved_at is None]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1 Example Road", "１ EXAMPLE  road."),
        ("广东省 广州市，天河路1号", "广东省广州市天河路１号"),
        ("Flat 1, 12 Long St", "flat 1/12 Long St."),
    ],
)
def test_one_address_is_known_however_it_is_written(one: str, other: str) -> None:
    assert address_key(one) == address_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Flat 1, 12 Long St", "Flat 11, 2 Long St"), ("1 Long St", "2 Long St")],
)
def test_two_addresses_stay_two(one: str, other: str) -> None:
    assert address_key(one) != address_key(other)


@pytest.mark.parametrize(
    ("outcome", "fact"),
    [
        ("number_invalid", "reaches_nobody"),
        ("wrong_person", "somebody_else"),
        ("third_party_refused", "refused"),
    ],
)
def test_what_visitors_found_stops_visits_to_everybody_at_the_address(
    book: Book, outcome: str, fact: str
) -> None:
    visited(book, outcome)
    assert known(book) == [fact]
    assert open_problems(book) == ["address_closed", "address_closed"]

    schedule_visit(book.ctx, book.action_id("L-2", "field_visit"))
    waiting = book.action("L-2", "field_visit")
    assert (waiting.status, waiting.rules) == ("deferred", ["lender.address_not_to_be_used"])
    assert book.may_call("L-2") == "allowed"


def test_a_visit_that_is_scheduled_already_does_not_begin(book: Book) -> None:
    schedule_visit(book.ctx, book.action_id("L-1", "field_visit"))
    (made,) = book.rows(contact)
    tell(book, "address_fact", borrower="B-L-2", fact="reaches_nobody", actor="c-1")
    book.clock.at = made.at
    with pytest.raises(BarredError, match="address is not to be used"):
        start_visit(acting(book.ctx, VISITOR), "L-1")


def test_a_letter_that_came_back_stops_the_letter_of_the_neighbour(book: Book) -> None:
    for loan in ("L-1", "L-2"):
        schedule_visit(book.ctx, book.action_id(loan, "field_visit"))
    assert open_letter(acting(book.ctx, Actor("sup-1")), "L-2").still_due

    assert tell(book, "letter_returned", loan="L-1", fact="reaches_nobody", actor="c-1").status == (
        "applied"
    )

    assert not open_letter(acting(book.ctx, Actor("sup-1")), "L-2").still_due


def test_a_letter_is_about_the_address_to_which_it_went(book: Book) -> None:
    schedule_visit(book.ctx, book.action_id("L-1", "field_visit"))
    moved = ContactChangeFacts(borrower="B-L-1", address="9 Other Street")
    tell(book, "contact_change", **moved.payload(book.ctx.cipher))

    tell(book, "letter_returned", loan="L-1", fact="reaches_nobody", actor="c-1")

    here = select(borrower.c.external_id).join(
        contact_point_fact, contact_point_fact.c.contact_point_id == borrower.c.address_point_id
    )
    assert [row.external_id for row in book.rows(here)] == ["B-L-2"]


def test_another_address_is_another_contact_point(book: Book) -> None:
    tell(book, "address_fact", borrower="B-L-1", fact="reaches_nobody", actor="c-1")
    moved = ContactChangeFacts(borrower="B-L-1", address="9 Other Street")
    tell(book, "contact_change", **moved.payload(book.ctx.cipher))

    assert open_problems(book) == ["address_closed"]
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"
    assert schedule_visit(book.ctx, book.action_id("L-2", "field_visit")) == "nothing to do"


def test_a_new_fact_ends_it_and_what_waited_is_due_again(book: Book) -> None:
    tell(book, "address_fact", borrower="B-L-1", fact="somebody_else", actor="c-1")
    schedule_visit(book.ctx, book.action_id("L-2", "field_visit"))
    tell(book, "address_fact_end", borrower="B-L-1", fact="somebody_else", actor="c-1")
    assert open_problems(book) == []
    assert schedule_visit(book.ctx, book.action_id("L-2", "field_visit")) == "scheduled"


def test_a_conversation_at_the_door_refutes_what_was_said_before(book: Book) -> None:
    schedule_visit(book.ctx, book.action_id("L-1", "field_visit"))
    (made,) = book.rows(contact)
    book.noticed("L-1")
    book.clock.at = made.at
    start_visit(acting(book.ctx, VISITOR), "L-1")
    outcome = {"outcome": "spoke", "reason": "forgot", "actor": "v-1"}
    with book.ctx.engine.begin() as connection:
        connection.execute(
            contact_point_fact.insert().values(
                contact_point_id=book.rows(borrower)[0].address_point_id,
                kind="reaches_nobody",
                since=made.at,
                source="c-1",
                source_kind="staff",
            )
        )
    tell(book, "contact_outcome", attempt=made.attempt, **outcome)
    assert known(book) == []


@pytest.mark.parametrize("fact", ["shared", "at_work"])
def test_a_shared_address_and_one_at_work_may_be_visited(book: Book, fact: str) -> None:
    tell(book, "address_fact", borrower="B-L-1", fact=fact, actor="c-1")
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"


def test_no_visit_at_work_where_the_employer_forbids_it(book: Book) -> None:
    tell(book, "address_fact", borrower="B-L-1", fact="at_work", actor="c-1")
    tell(book, "person_fact", borrower="B-L-1", fact="employer_forbids", actor="c-1")
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "nothing to do"


def test_a_visit_whose_address_has_changed_is_planned_anew(book: Book) -> None:
    schedule_visit(book.ctx, book.action_id("L-1", "field_visit"))
    (made,) = book.rows(contact)
    moved = ContactChangeFacts(borrower="B-L-1", address="9 Other Street")
    tell(book, "contact_change", **moved.payload(book.ctx.cipher))
    book.clock.at = made.at
    with pytest.raises(ArrearsError, match="visit cancel"):
        start_visit(acting(book.ctx, VISITOR), "L-1")


def test_the_story_tells_it_and_never_the_address(book: Book) -> None:
    tell(book, "address_fact", borrower="B-L-1", fact="reaches_nobody", actor="c-1")
    with book.ctx.engine.connect() as connection:
        story = "\n".join(entry.text for entry in loan_history(connection, book.ctx, "L-2"))
    assert "Known of the borrower's address since then: it reaches nobody" in story
    assert ADDRESS not in story


def test_a_borrower_without_an_address_has_none_that_a_fact_is_about(book: Book) -> None:
    book.loan("L-3", address=None)
    said = tell(book, "address_fact", borrower="B-L-3", fact="shared", actor="c-1")
    assert said.status == "rejected"
    assert "no address on record" in speak(said.reason)


def test_addresses_of_before_get_their_hash(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        connection.execute(borrower.update().values(address_point_id=None))
    assert hash_addresses(book.ctx.engine, book.ctx.cipher) == 2
    first, second = book.rows(borrower)
    assert first.address_point_id == second.address_point_id is not None
    assert hash_addresses(book.ctx.engine, book.ctx.cipher) == 0


def test_a_letter_that_was_never_written_cannot_come_back(book: Book) -> None:
    returned = {"fact": "reaches_nobody", "actor": "c-1"}
    assert tell(book, "letter_returned", loan="L-1", **returned).status == "rejected"
    assert tell(book, "letter_returned", loan="L-9", **returned).status == "received"
