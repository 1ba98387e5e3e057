"""Two collectors and one person: leases, how they lapse, and takeovers."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Engine, insert, select, update

from domain.errors import ArrearsError, WrongRoleError
from domain.reasons import ReasonCode, because
from tests.support.concurrently import concurrently
from tests.support.loans import Book
from tests.support.served_work import assigned, collector, hired, nothing, reported, served
from workers.calls.start import start_call
from workers.context import Context
from workers.db.schema import borrower, call, must_not_handle, staff, work_lease, work_takeover
from workers.history import loan_history
from workers.staff import next_work, served_leases
from workers.staff.next_work import NothingToServe, ServedWork
from workers.workforce.members import MayNotStartError


@pytest.fixture
def book(engine: Engine) -> Book:
    """Ten in the morning, one day past due."""
    return Book(engine, now="2026-03-02 10:00")


def one_person_of_two(book: Book) -> tuple[Context, Context]:
    """Two loans of a person. The call about one of them is with a colleague, as it may be that was
    given on another day."""
    c1 = hired(book, "c-1")
    assigned(book, "L-1", borrower="B-1")
    assigned(book, "L-2", borrower="B-1")
    c2 = hired(book, "c-2")
    colleague = select(staff.c.id).where(staff.c.external_id == "c-2").scalar_subquery()
    with book.ctx.engine.begin() as connection:
        of_second = call.c.loan_id == book.loan_id("L-2")
        apart = {"staff_id": colleague, "part_of": None, "minutes": 5}
        connection.execute(update(call).where(of_second).values(apart))
    return c1, c2


def test_two_collectors_are_never_served_one_person(book: Book) -> None:
    c1, c2 = one_person_of_two(book)
    assert {row.external_id for row in book.rows(select(staff).join(call))} == {"c-1", "c-2"}

    first = served(c1)
    assert nothing(c2).why == because(ReasonCode.NOTHING_TO_SERVE)
    served_leases.release(c1, first.lease)
    assert served(c2).loan == "L-2"


def test_nobody_calls_a_person_with_whom_a_colleague_is_on_the_phone(book: Book) -> None:
    """Also where the lease has lapsed meanwhile; an hour later the outcome was forgotten."""
    c1, c2 = one_person_of_two(book)
    served(c1)
    started = start_call(c1, "L-1")
    book.at("2026-03-02 10:20")  # the lease was for ten minutes
    assert nothing(c2).why == because(ReasonCode.NOTHING_TO_SERVE)
    with pytest.raises(ArrearsError, match="not reported the outcome"):
        start_call(c2, "L-2")
    reported(book, c1, started.attempt, "no_answer")
    assert served(c2).loan == "L-2"


def test_who_forgot_an_outcome_reports_it_though_a_colleague_was_served_the_person(
    book: Book,
) -> None:
    c1, c2 = one_person_of_two(book)
    served(c1)
    started = start_call(c1, "L-1")
    book.at("2026-03-02 11:10")
    assert served(c2).loan == "L-2"
    unfinished = served(c1)
    assert (unfinished.attempt, unfinished.lease) == (started.attempt, None)
    assert unfinished.band == "unfinished"
    reported(book, c1, started.attempt, "no_answer")
    assert nothing(c1).why == because(ReasonCode.NOTHING_TO_SERVE)


def test_nobody_takes_over_whom_they_must_not_handle(book: Book) -> None:
    c1, _ = one_person_of_two(book)
    lease = served(c1).lease
    barred = select(staff.c.id).where(staff.c.external_id == "c-2").scalar_subquery()
    record = select(borrower.c.id).where(borrower.c.external_id == "B-1").scalar_subquery()
    noted = {"by_roster": False, "noted_by": "s-1", "noted_at": book.ctx.now()}
    with book.ctx.engine.begin() as connection:
        row = {"staff_id": barred, "borrower_id": record, **noted}
        connection.execute(insert(must_not_handle).values(**row))
    with pytest.raises(MayNotStartError, match="c-2 must not handle this person"):
        served_leases.take_over(collector(book, "s-1"), lease, "she went home", "c-2")
    assert served(c1).lease == lease


def test_a_lease_that_lapses_lets_a_colleague_on(book: Book) -> None:
    c1, c2 = one_person_of_two(book)
    work = served(c1)

    # She gives signs of life for an hour.
    for minute in range(5, 60, 5):
        book.at(f"2026-03-02 10:{minute:02}")
        until = served_leases.heartbeat(c1, work.lease)
        assert until == book.ctx.now() + timedelta(minutes=10)
    assert isinstance(next_work.next_for(c2), NothingToServe)

    # Then she leaves her desk, and after ten minutes a colleague goes on.
    book.at("2026-03-02 11:06")
    assert served(c2).loan == "L-2"
    with pytest.raises(ArrearsError, match="Ask for the next one"):
        served_leases.heartbeat(c1, work.lease)
    assert [row.ended_because for row in book.rows(work_lease)] == ["lapsed", None]


def test_a_supervisor_takes_work_over_and_says_why(book: Book) -> None:
    c1 = hired(book, "c-1")
    assigned(book, "L-1")
    hired(book, "c-2")
    book.staff("s-1", "supervisor")
    supervisor = collector(book, "s-1")
    work = served(c1)

    with pytest.raises(ArrearsError, match="Write why"):
        served_leases.take_over(supervisor, work.lease, " ", to="c-2")
    with pytest.raises(WrongRoleError):
        served_leases.take_over(supervisor, work.lease, "c-1 is ill")
    book.staff("c-3", "caller")
    with pytest.raises(ArrearsError, match="c-3 is not on shift"):
        served_leases.take_over(supervisor, work.lease, "c-1 is ill", to="c-3")
    served_leases.take_over(supervisor, work.lease, "c-1 is ill", to="c-2")

    theirs = served(collector(book, "c-2"))
    assert (theirs.loan, theirs.band) == ("L-1", "taken_over")
    start_call(collector(book, "c-2"), "L-1", attempt="a-2")
    with pytest.raises(ArrearsError, match="c-2 has called this person"):
        served_leases.take_over(supervisor, theirs.lease, "c-1 is back", to="c-1")
    assert isinstance(next_work.next_for(c1), NothingToServe)
    noted = book.one(work_takeover)
    assert (noted.taken_from, noted.given_to, noted.actor) == ("c-1", "c-2", "s-1")
    with book.ctx.engine.connect() as connection:
        told = str([each.text for each in loan_history(connection, supervisor, "L-1")])
    assert 'The work that c-1 had was given to c-2, by s-1. Why: "c-1 is ill".' in told
    with pytest.raises(ArrearsError, match="Ask for the next one"):
        served_leases.take_over(supervisor, work.lease, "again", to="c-2")
    reported(book, collector(book, "c-2"), "a-2", "no_answer")
    with pytest.raises(ArrearsError, match="Ask for the next one"):
        served_leases.take_over(supervisor, theirs.lease, "it is done", to="c-1")


def test_a_collector_who_asks_from_many_screens_has_one_piece_of_work(book: Book) -> None:
    hired(book, "c-1")
    for number in range(8):
        assigned(book, f"L-{number}")
    asked = concurrently(*[partial(next_work.next_for, collector(book)) for _ in range(8)])
    got = {work.lease for work in asked if isinstance(work, ServedWork)}
    assert len(got) == 1
    assert len([row for row in book.rows(work_lease) if row.ended_at is None]) == 1
