"""Several loans of one person that are due for a call on one day: one call about all of them."""

from decimal import Decimal

import pytest
from sqlalchemy import Engine, select, update

from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.errors import OutcomeMissingError
from domain.holds import HoldKind
from tests.support.acting import acting
from tests.support.events import confirm
from tests.support.loans import Book
from workers.attempts.attempts import find_open_attempt
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.loan_facts import load_facts
from workers.db.schema import (
    action,
    borrower,
    call,
    contact,
    contact_outcome,
    loan,
    same_person,
    staff,
)
from workers.history.history import loan_history
from workers.payments.payments import Payment, record_payment
from workers.simulator.demo.integrity import count_duplicates, find_unexplained
from workers.staff.work_items import Kind
from workers.staff.worklist import read_work

CALL = "friendly_call"
CALLER = Actor("caller-1")


@pytest.fixture
def book(engine: Engine) -> Book:
    """Three loans of one person, whose calls one claim has assigned."""
    book = Book(engine, now="2026-03-02 10:00")
    book.staff("caller-1", "caller", capacity=1, shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    for n in (1, 2, 3):
        book.loan(f"L-{n}", amount=f"{n}00", borrower_id="HOB")
    book.escalate("L-1", "L-2", "L-3")
    assert assign_call(book.ctx, book.action_id("L-2", CALL)) == "assigned"
    return book


def more_time(book: Book) -> None:
    """The collector who has the person today can take another call: nobody else does today."""
    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).values(daily_capacity=2))


def statuses(book: Book) -> list[str]:
    return [book.actions(f"L-{n}")[CALL] for n in (1, 2, 3)]


def test_one_collector_gets_one_call_about_all_of_them(book: Book) -> None:
    assert statuses(book) == ["assigned"] * 3
    assert assign_call(book.ctx, book.action_id("L-1", CALL)) == "nothing to do"
    assert len({row.staff_id for row in book.rows(call)}) == 1, "and its capacity is one"
    with book.ctx.engine.connect() as connection:
        (to_make,) = read_work(connection, book.ctx, book.ctx.today(), [Kind.CALLS]).calls
    assert sorted([to_make.loan, *to_make.other_loans]) == ["L-1", "L-2", "L-3"]


def test_a_loan_that_is_paused_leaves_the_call_about_another_one_due_later_today(
    book: Book,
) -> None:
    for n in (4, 5):
        book.loan(f"L-{n}", borrower_id="HERS")
    book.escalate("L-4", "L-5")
    more_time(book)
    book.hold("L-4", HoldKind.MANUAL, "2026-03-02", None)
    with book.ctx.engine.begin() as connection:
        later = update(action).where(action.c.id == book.action_id("L-5", CALL))
        connection.execute(later.values(due_at=book.moment("2026-03-02 18:00")))
    assert assign_call(book.ctx, book.action_id("L-4", CALL)) == "assigned"
    assert (book.actions("L-4")[CALL], book.actions("L-5")[CALL]) == ("deferred", "assigned")


def test_who_is_only_presumed_to_be_the_person_is_called_by_themselves(book: Book) -> None:
    book.loan("L-4", borrower_id="HOB-2", same_person_as="HOB")
    book.loan("L-5", borrower_id="HOB-2")
    book.escalate("L-4", "L-5")
    more_time(book)
    assert assign_call(book.ctx, book.action_id("L-4", CALL)) == "assigned"
    started = start_call(acting(book.ctx, CALLER), "L-5")
    assert [of.loan for of in started.loans] == ["L-5", "L-4"]


def test_a_link_that_is_not_confirmed_any_more_leaves_a_call_with_its_own_loans(
    book: Book,
) -> None:
    book.loan("L-4", borrower_id="HOB-2", same_person_as="HOB")
    confirm(book, "HOB", "HOB-2")
    more_time(book)
    book.loan("L-5", borrower_id="HOB")
    book.escalate("L-4", "L-5")
    assert assign_call(book.ctx, book.action_id("L-4", CALL)) == "assigned"
    with book.ctx.engine.begin() as connection:
        connection.execute(update(same_person).values(status="presumed"))
    started = start_call(acting(book.ctx, CALLER), "L-5")
    assert [of.loan for of in started.loans] == ["L-5", "L-1", "L-2", "L-3"], "not the other's L-4"


def test_it_names_all_loans_and_is_one_contact(book: Book) -> None:
    started = start_call(acting(book.ctx, CALLER), "L-3", attempt="A-1")
    assert [of.loan for of in started.loans] == ["L-3", "L-1", "L-2"]
    first, *others = book.rows(contact)
    assert (first.attempt, first.loan_id) == ("A-1", 3)
    assert [(row.attempt, row.part_of) for row in others] == [(None, first.id)] * 2
    with book.ctx.engine.connect() as connection:
        (made,) = load_facts(connection, [1], book.ctx.now())[1].reach.history
        assert find_open_attempt(connection, book.ctx, "L-1", Channel.CALL) == "A-1"
        (to_make,) = read_work(connection, book.ctx, book.ctx.today(), [Kind.CALLS]).calls
        story = " ".join(s.text for s in loan_history(connection, book.ctx, "L-1"))
    assert {made.loan_id, *made.also_about} == {1, 2, 3}
    assert to_make.started_as == "A-1"
    assert "It is one call about 3 loans of the person: L-3, L-1, L-2." in story


def test_its_outcome_is_that_of_all_of_them(book: Book) -> None:
    book.called("L-1", "caller-1", outcome="spoke")
    assert statuses(book) == ["done"] * 3
    assert [row.outcome for row in book.rows(contact_outcome)] == ["spoke"] * 3
    with book.ctx.engine.connect() as connection:
        assert count_duplicates(connection) == 0
        assert find_unexplained(connection, book.ctx) == {}


def test_a_call_that_reached_nobody_is_made_again_about_all_of_them(book: Book) -> None:
    book.called("L-1", "caller-1", outcome="no_answer", reason=None)
    assert statuses(book) == ["assigned"] * 3
    assert len(start_call(acting(book.ctx, CALLER), "L-2").loans) == 3


def test_a_loan_that_is_paid_meanwhile_is_not_spoken_of(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        paid = Payment("P-1", "L-2", Decimal(200), "CNY", book.ctx.today())
        record_payment(connection, book.ctx, paid)
    started = start_call(acting(book.ctx, CALLER), "L-1")
    assert [of.loan for of in started.loans] == ["L-1", "L-3"]
    assert statuses(book) == ["assigned", "cancelled", "assigned"]


def test_while_one_attempt_is_open_no_other_loan_starts_another(book: Book) -> None:
    first = start_call(acting(book.ctx, CALLER), "L-1", attempt="A-1")
    with pytest.raises(OutcomeMissingError, match="the call A-1 about loan L-1"):
        start_call(acting(book.ctx, CALLER), "L-2", attempt="A-2")
    again = start_call(acting(book.ctx, CALLER), "L-1", attempt="A-1")
    assert (again.attempt, again.loans) == ("A-1", first.loans), "whatever may be started by now"
    assert len(book.rows(contact)) == 3


def test_records_that_were_parted_after_the_call_was_assigned_are_not_named_together(
    book: Book,
) -> None:
    book.loan("L-4", borrower_id="stranger", phone="+8613900139000")
    somebody_else = select(borrower.c.id).where(borrower.c.external_id == "stranger")
    with book.ctx.engine.begin() as connection:
        of_stranger = connection.execute(somebody_else).scalar_one()
        moved = update(loan).where(loan.c.external_id == "L-2").values(borrower_id=of_stranger)
        connection.execute(moved)
    started = start_call(acting(book.ctx, CALLER), "L-1")
    assert [of.loan for of in started.loans] == ["L-1", "L-3"]
