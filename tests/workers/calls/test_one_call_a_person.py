"""All that one collector has to call a person about is one call, whatever asks for it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, select, update

from domain.actors import Actor
from domain.call_order import FOLLOW_UPS_FIRST, ItemOfCall, place_in_call
from domain.contact_outcomes import REASON
from domain.follow_ups import Trigger
from domain.staffing import CallTerms, StaffingTerms
from tests.support.acting import acting
from tests.support.events import promise, tell
from tests.support.loans import Book
from workers.attempts.attempts import StartedAttempt
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.schema import action, call, collector_day, contact, contact_outcome, hold, staff
from workers.hardship.promise_judgement import break_overdue_promises
from workers.history.history import loan_history
from workers.simulator.demo.integrity import count_duplicates, find_unexplained
from workers.staff.call_sheet import call_sheet
from workers.staff.next_work import NothingToServe, ServedWork, next_for
from workers.staff.work_items import Kind
from workers.staff.worklist import read_work

TODAY = ("2026-03-09 08:00", "2026-03-09 20:00")
FOLLOW_UP, ENQUIRY = ("L-1", "promise_broken_call"), ("L-1", "enquiry_call")
OTHER_LOAN = ("L-2", "friendly_call")


@pytest.fixture
def book(engine: Engine) -> Book:
    """A person whose promise broke yesterday, on the day on which they are asked why they fell
    behind; another loan of theirs is a day past due. One collector, who has time for one call."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-02-20", borrower_id="HER")
    book.escalate("L-1")
    promise(book, "400", "2026-03-07")
    book.loan("L-2", due_on="2026-03-08", borrower_id="HER")
    book.at("2026-03-09 10:00")
    enquiry = {"enquiry_call": CallTerms(10)}
    terms = StaffingTerms("own", 1, date(2016, 1, 1), None, CallTerms(5), of_items=enquiry)
    book.ctx = replace(book.ctx, policy=replace(book.ctx.policy, staffing=(terms,)))
    book.staff("c-1", "caller", capacity=1, shift=TODAY)
    assert break_overdue_promises(book.ctx) == 1
    book.escalate("L-1", "L-2")
    return book


def given(book: Book, *asked: tuple[str, str]) -> None:
    """The workers assign these, in this order, and so one call."""
    for loan, item in asked:
        assert assign_call(book.ctx, book.action_id(loan, item)) == "assigned"


def started(book: Book, loan: str = "L-1", item: str | None = None) -> StartedAttempt:
    return start_call(acting(book.ctx, Actor("c-1")), loan, item=item, attempt="A-1")


def reported(book: Book, outcome: str, **said: object) -> None:
    told = {"attempt": "A-1", "outcome": outcome, "reason": None, "actor": "c-1", **said}
    result = tell(book, "contact_outcome", **told)
    assert result.status == "applied", result.reason


@pytest.mark.parametrize(
    "order", [(FOLLOW_UP, ENQUIRY, OTHER_LOAN), (OTHER_LOAN, ENQUIRY, FOLLOW_UP)]
)
def test_whatever_comes_first_it_is_one_call_with_one_name(
    book: Book, order: tuple[tuple[str, str], ...]
) -> None:
    given(book, *order)
    assert len({row.part_of or row.id for row in book.rows(call)}) == 1
    day = book.one(collector_day)
    assert (day.pieces, day.minutes) == (1, 10), "the longest of its items, and not their sum"

    # She is served the person once, and the broken promise names the call.
    c1 = acting(book.ctx, Actor("c-1"))
    work = next_for(c1)
    assert isinstance(work, ServedWork)
    assert (work.loan, work.item, work.other_loans) == (*FOLLOW_UP, ("L-2",))
    with book.ctx.engine.connect() as connection:
        (line,) = read_work(connection, book.ctx, book.ctx.today(), [Kind.CALLS]).calls
    assert (line.loan, line.item, line.other_loans) == (*FOLLOW_UP, ["L-2"])
    assert line.must_learn == [REASON]
    sheet = call_sheet(c1, work.lease)
    assert {(each.loan, each.item) for each in sheet.also_about} == {ENQUIRY, OTHER_LOAN}
    assert (sheet.must_learn, sheet.other_loans) == ((REASON,), ("L-2",))

    # One number, one contact, one outcome.
    made = started(book)
    assert [(each.loan, each.item) for each in made.loans] == [FOLLOW_UP, ENQUIRY, OTHER_LOAN]
    assert made.purpose == made.loans[0].purpose != made.loans[1].purpose
    first, *others = book.rows(contact)
    assert [row.part_of for row in others] == [first.id, first.id]
    reported(book, "spoke", reason="illness")
    assert [book.actions(loan)[item] for loan, item in order] == ["done"] * 3
    assert isinstance(next_for(c1), NothingToServe)
    with book.ctx.engine.connect() as connection:
        assert count_duplicates(connection) == 0
        assert find_unexplained(connection, book.ctx) == {}
        told = [sentence.text for sentence in loan_history(connection, book.ctx, "L-1")]
    assert any("It is the same call as that for promise_broken_call." in text for text in told)


def test_each_item_goes_on_by_its_own_terms(book: Book) -> None:
    given(book, ENQUIRY, FOLLOW_UP)
    started(book)
    reported(book, "no_answer")
    assert book.action(*ENQUIRY).status == "planned", "its plan says when it is tried again"
    assert book.action(*FOLLOW_UP).status == "assigned", "it has no plan, and stays hers"
    assert [row.outcome for row in book.rows(contact_outcome)] == ["no_answer"] * 2


def test_a_hold_or_a_dispute_is_about_each_loan_once(book: Book) -> None:
    given(book, ENQUIRY, FOLLOW_UP, OTHER_LOAN)
    started(book)
    reported(book, "disputes", dispute_kind="amount", why="paid it in cash")
    with book.ctx.engine.connect() as connection:
        assert find_unexplained(connection, book.ctx) == {}


def test_who_says_that_they_paid_is_left_alone_as_often_as_the_ladder_says(book: Book) -> None:
    """A conversation counts once, however many items it was about. Who is not left alone any more
    is asked on the next day."""
    given(book, ENQUIRY, FOLLOW_UP)
    started(book)
    reported(book, "says_paid")
    for day in ("2026-03-14", "2026-03-19"):
        book.shift(1, f"{day} 08:00", f"{day} 20:00")
        book.at(f"{day} 12:30").escalate("L-1")
        given(book, ENQUIRY)
        start_call(acting(book.ctx, Actor("c-1")), "L-1", attempt=f"A {day}")
        reported(book, "says_paid", attempt=f"A {day}")
    paused = book.rows(select(hold).where(hold.c.external_id.startswith("says_paid:")))
    assert sorted(str(row.ends_on) for row in paused) == ["2026-03-14", "2026-03-19"]
    asked = book.rows(select(action).where(action.c.item == "payment_not_seen_call"))
    due = sorted(str(row.due_at.astimezone(book.zone).date()) for row in asked)
    assert due == ["2026-03-14", "2026-03-19", "2026-03-20"]


def test_it_is_named_by_what_was_asked_for(book: Book) -> None:
    given(book, FOLLOW_UP, ENQUIRY, OTHER_LOAN)
    ctx = acting(book.ctx, Actor("c-1"))
    named = start_call(ctx, "L-1", item="enquiry_call", dry_run=True)
    assert [(each.loan, each.item) for each in named.loans] == [ENQUIRY, FOLLOW_UP, OTHER_LOAN]
    of_loan = start_call(ctx, "L-2", dry_run=True)
    assert [(each.loan, each.item) for each in of_loan.loans] == [OTHER_LOAN, FOLLOW_UP, ENQUIRY]


def test_calls_that_were_given_apart_become_one_when_the_first_starts(book: Book) -> None:
    given(book, ENQUIRY, FOLLOW_UP)
    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).values(daily_capacity=2))
        connection.execute(update(call).values(part_of=None, minutes=5))
    assert len(started(book).loans) == 2
    first, other = book.rows(select(call).order_by(call.c.part_of.is_not(None)))
    assert other.part_of == first.id


def test_what_the_person_wants_later_waits_for_its_moment_and_names_the_call_then(
    book: Book,
) -> None:
    given(book, ENQUIRY)
    started(book)
    later = book.ctx.now() + timedelta(hours=4)
    reported(book, "callback_requested", callback_at=later.isoformat())
    assert assign_call(book.ctx, book.action_id(*FOLLOW_UP)) == "nothing to do"
    book.at("2026-03-09 14:05")
    given(book, FOLLOW_UP)
    first, second = book.rows(call)
    assert second.part_of == first.id
    then = start_call(acting(book.ctx, Actor("c-1")), "L-1", dry_run=True)
    assert [(each.loan, each.item) for each in then.loans] == [ENQUIRY, FOLLOW_UP]


def test_a_follow_up_to_a_broken_promise_comes_before_a_day_of_the_ladder(book: Book) -> None:
    now = book.ctx.now()
    callback = ItemOfCall(action_id=9, callback_at=now)
    twice, once = (
        ItemOfCall(action_id=id, follows=trigger, caused_at=now)
        for id, trigger in ((8, Trigger.PROMISES_BROKEN_TWICE), (7, Trigger.PROMISE_BROKEN))
    )
    steps = ItemOfCall(action_id=1), ItemOfCall(action_id=2)
    expected = [callback, twice, once, *steps]
    for mixed in (expected[::-1], [*steps, once, callback, twice]):
        assert sorted(mixed, key=place_in_call) == expected
    assert set(FOLLOW_UPS_FIRST) == set(Trigger)


def test_a_call_that_is_being_made_takes_nothing_more(book: Book) -> None:
    given(book, FOLLOW_UP)
    started(book)
    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).values(daily_capacity=2))
    given(book, ENQUIRY)
    reported(book, "spoke", reason="illness")
    assert book.action(*FOLLOW_UP).status == "done"
    assert book.action(*ENQUIRY).status == "assigned"
    of_calls = select(action.c.status).join(call, call.c.action_id == action.c.id)
    assert sorted(row.status for row in book.rows(of_calls)) == ["assigned", "done"]
