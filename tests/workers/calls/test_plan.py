"""Calls are planned together: twenty workers at once lose none, give none twice, and nobody gets
more than their day holds."""

import logging
from dataclasses import replace
from datetime import date
from functools import partial

import pytest
from sqlalchemy import Engine, func, select, update

from domain.actors import Actor
from domain.reasons import ReasonCode, because
from domain.staffing import CallTerms, HandOn, StaffingTerms
from tests.support.acting import acting
from tests.support.concurrently import concurrently
from tests.support.counting import statements
from tests.support.events import promise
from tests.support.loans import Book
from workers.calls import plan as planning
from workers.calls.assign import assign_call
from workers.db.engine import connect
from workers.db.schema import (
    action,
    borrower,
    call,
    call_plan,
    certificate,
    collector_day,
    loan,
    must_not_handle,
    staff,
    work_lease,
)
from workers.hardship.promise_judgement import break_overdue_promises
from workers.staff.next_work import ServedWork, next_for
from workers.workforce.hand_on import hand_on

TODAY = ("2026-03-02 08:00", "2026-03-02 20:00")
WORKERS = 20


@pytest.fixture
def book(engine: Engine) -> Book:
    """Ten in the morning, one day past due."""
    return Book(engine, now="2026-03-02 10:00")


def due_call(book: Book, loan: str = "L-1", **of_loan: str) -> int:
    book.loan(loan, due_on="2026-03-01", **of_loan)
    book.escalate(loan)
    return book.action_id(loan, "friendly_call")


def with_terms(book: Book, terms: StaffingTerms) -> None:
    """The lender says what calls take and need."""
    book.ctx = replace(book.ctx, policy=replace(book.ctx.policy, staffing=(terms,)))


OWN_TERMS = StaffingTerms("own", 1, date(2016, 1, 1), None, CallTerms(5))


def who_calls(book: Book) -> dict[str, str]:
    """By borrower, who has the call."""
    of = select(staff.c.external_id, borrower.c.external_id.label("record")).select_from(
        call.join(staff).join(loan, loan.c.id == call.c.loan_id).join(borrower)
    )
    return {
        row.record: row.external_id for row in book.rows(of.where(call.c.cancelled_at.is_(None)))
    }


def test_twenty_workers_at_once_give_every_call_once_and_nobody_too_many(book: Book) -> None:
    for nr in range(1, 5):
        book.staff(f"c-{nr}", "caller", capacity=4, shift=TODAY)
    calls = [due_call(book, f"L-{nr}") for nr in range(1, WORKERS + 1)]
    url = book.ctx.engine.url.render_as_string(hide_password=False)
    engine = connect(url, pool_size=WORKERS)  # each worker has a connection of its own
    ctx = replace(book.ctx, engine=engine)
    outcomes = concurrently(*(partial(assign_call, ctx, call_id) for call_id in calls))
    engine.dispose()
    assert sorted(outcomes) == ["assigned"] * 16 + ["nobody free"] * 4
    loads = select(call.c.staff_id, func.count().label("given")).group_by(call.c.staff_id)
    assert {row.given for row in book.rows(loads)} == {4}
    assert len({row.action_id for row in book.rows(call)}) == 16
    assert {row.pieces for row in book.rows(collector_day)} == {4}
    waiting = select(action).where(action.c.type == "assign_call", action.c.status == "planned")
    left = book.rows(waiting)
    assert len(left) == 4
    assert {row.reason for row in left} == {because(ReasonCode.CALLERS_FULL, language="zh-Hans")}
    assert book.rows(call_plan) == [], "a row of the plan goes with its call"


def test_a_plan_is_made_once_for_all_calls_that_are_due(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    """Of five calls one collector gets more than the other: the log says what binds."""
    caplog.set_level(logging.INFO, logger=planning.__name__)
    for name in ("c-1", "c-2"):
        book.staff(name, "caller", shift=TODAY)
    first, *others = [due_call(book, f"L-{nr}") for nr in range(1, 6)]
    with statements(book.ctx.engine) as sent_first:
        assert assign_call(book.ctx, first) == "assigned"
    counts = []
    for other in others:
        with statements(book.ctx.engine) as sent:
            assert assign_call(book.ctx, other) == "assigned"
        counts.append(len(sent))
    assert max(counts) < len(sent_first), "the others find their row"
    (line,) = caplog.messages
    assert "share_bound_by_size: c-1 +20 %, c-2 -20 %" in line


def test_a_skill_is_needed_where_the_policy_says_and_counts_with_its_certificate(
    book: Book,
) -> None:
    skilled_only = {"remind": CallTerms(5, "hardship")}
    with_terms(book, replace(OWN_TERMS, of_steps=skilled_only, certificates={"hardship": "h"}))
    book.staff("c-1", "caller", shift=TODAY)
    skilled = book.staff("c-2", "caller", shift=TODAY)
    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).where(staff.c.id == skilled).values(skills=["hardship"]))
    action_id = due_call(book)
    assert assign_call(book.ctx, action_id) == "nobody free"
    why = because(ReasonCode.NO_CALLER_SKILLED, language="zh-Hans", skill="hardship")
    assert book.action("L-1", "friendly_call").reason == why
    with book.ctx.engine.begin() as connection:
        valid = {"staff_id": skilled, "kind": "h", "valid_until": date(2026, 3, 3)}
        connection.execute(certificate.insert().values(valid))
        connection.execute(update(action).values(due_at=book.ctx.now()))
    assert assign_call(book.ctx, action_id) == "assigned"
    assert who_calls(book) == {"B-L-1": "c-2"}


def test_minutes_of_the_day_limit_what_somebody_is_given(book: Book) -> None:
    with_terms(book, replace(OWN_TERMS, of_steps={"remind": CallTerms(30)}))
    collector = book.staff("c-1", "caller", shift=TODAY)
    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).where(staff.c.id == collector).values(minutes_a_day=60))
    calls = [due_call(book, f"L-{nr}") for nr in range(3)]
    assert [assign_call(book.ctx, id) for id in calls] == ["assigned", "assigned", "nobody free"]
    assert book.one(collector_day).minutes == 60


def test_a_call_that_must_be_made_is_assigned_before_one_of_more_value(book: Book) -> None:
    after_a_promise = {"promise_broken_call": CallTerms(30, must_do=True)}
    with_terms(book, replace(OWN_TERMS, otherwise=CallTerms(30), of_items=after_a_promise))
    due_call(book, "L-1", amount="10")
    promise(book, "10", "2026-03-02")
    book.at("2026-03-04 10:00")
    assert break_overdue_promises(book.ctx) == 1
    large = due_call(book, "L-2", amount="100000")
    collector = book.staff("c-1", "caller", shift=("2026-03-04 08:00", "2026-03-04 20:00"))
    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).where(staff.c.id == collector).values(minutes_a_day=30))

    small = book.action_id("L-1", "promise_broken_call")
    assert [assign_call(book.ctx, id) for id in (large, small)] == ["nobody free", "assigned"]


def test_whoever_spoke_with_the_person_last_calls_again(book: Book) -> None:
    book.staff("c-1", "caller", shift=TODAY)
    assert assign_call(book.ctx, due_call(book)) == "assigned"
    book.called("L-1", "c-1", "spoke")
    book.staff("c-0", "caller", shift=("2026-03-09 08:00", "2026-03-09 20:00"))
    book.shift(1, "2026-03-09 12:00", "2026-03-09 20:00")
    book.at("2026-03-09 10:00").escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "assigned"
    newest = book.rows(call)[-1]
    assert newest.staff_id == 1, "although c-0 is there already"


def test_nobody_is_given_whom_they_must_not_handle(book: Book) -> None:
    collector = book.staff("c-1", "caller", shift=TODAY)
    action_id = due_call(book)
    with book.ctx.engine.begin() as connection:
        row = {"staff_id": collector, "borrower_id": book.one(borrower).id, "by_roster": True}
        noted = {"noted_by": "adm-1", "noted_at": book.ctx.now()}
        connection.execute(must_not_handle.insert().values(row | noted))
    assert assign_call(book.ctx, action_id) == "nobody free"
    assert book.action("L-1", "friendly_call").reason == because(
        ReasonCode.CALLERS_BARRED, language="zh-Hans"
    )


def test_one_collector_a_person_a_day_also_for_another_loan_that_is_due_later(book: Book) -> None:
    book.staff("c-1", "caller", shift=TODAY)
    book.loan("L-1", due_on="2026-03-01", borrower_id="B-1")
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    book.staff("c-0", "caller", capacity=100, shift=TODAY)
    book.loan("L-2", due_on="2026-02-20", borrower_id="B-1")
    book.escalate("L-2")
    assert assign_call(book.ctx, book.action_id("L-2", "enquiry_call")) == "assigned"
    assert {row.staff_id for row in book.rows(call)} == {1}


def test_a_plan_that_others_used_up_is_made_anew(
    book: Book,
) -> None:
    first = book.staff("c-1", "caller", capacity=1, shift=TODAY)
    second = book.staff("c-2", "caller", capacity=1, shift=TODAY)
    one, other = due_call(book, "L-1"), due_call(book, "L-2")
    planning.plan_calls(book.ctx, one)
    with book.ctx.engine.begin() as connection:
        connection.execute(update(call_plan).values(staff_id=first))
    assert assign_call(book.ctx, one) == "assigned"
    assert assign_call(book.ctx, other) == "assigned"
    assert {row.staff_id for row in book.rows(call)} == {first, second}


def test_a_supervisor_gives_all_open_calls_of_somebody_to_others(book: Book) -> None:
    collector = book.staff("c-1", "caller", capacity=5, shift=TODAY)
    calls = [due_call(book, f"L-{nr}") for nr in range(3)]
    for call_id in calls:
        assert assign_call(book.ctx, call_id) == "assigned"
    book.staff("c-2", "caller", capacity=5, shift=TODAY)
    assert isinstance(next_for(acting(book.ctx, Actor("c-1"))), ServedWork)
    with book.ctx.engine.begin() as connection:
        done = hand_on(connection, book.ctx, collector, HandOn.SUPERVISOR, book.ctx.now())
    assert done.calls == 3
    assert book.one(select(collector_day.c.pieces)).pieces == 0, "their day is free again"
    assert book.one(work_lease).ended_because == "not_allowed", "they are not at it any more"
    assert book.action("L-1", "friendly_call").reason == because(
        ReasonCode.HANDED_ON_BY_SUPERVISOR, staff="c-1"
    )


def test_a_call_that_follows_from_a_broken_promise_is_planned_too(book: Book) -> None:
    """No decision of the ladder asks for it. It is served also after the ladder started anew."""
    due_call(book)
    promise(book, "400", "2026-03-02")
    book.at("2026-03-04 10:00")
    book.staff("c-1", "caller", shift=("2026-03-04 08:00", "2026-03-04 20:00"))
    assert break_overdue_promises(book.ctx) == 1

    follow_up = book.action_id("L-1", "promise_broken_call")
    assert assign_call(book.ctx, follow_up) == "assigned"
    assert who_calls(book) == {book.one(borrower).external_id: "c-1"}
    with book.ctx.engine.begin() as connection:
        earlier = {"ladder_since": date(2026, 2, 20)}
        connection.execute(update(action).where(action.c.id == follow_up).values(earlier))
    served = next_for(acting(book.ctx, Actor("c-1")))
    assert isinstance(served, ServedWork)
    assert served.item == "promise_broken_call"
