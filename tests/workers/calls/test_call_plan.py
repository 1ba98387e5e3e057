"""A call is tried by its plan, and ends with its step."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor
from domain.language.speak import speak
from tests.support.acting import acting
from tests.support.ladders import UNTIL_LEARNT, with_call_plan
from tests.support.loans import Book
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.schema import action_event, call, contact
from workers.history import loan_history
from workers.inbox.submit import submit
from workers.staff.work_items import Kind
from workers.staff.worklist import read_work

SECOND = "+8613900139000"


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 fell due on 1 March. One collector is there every day; the call of day 7 has three
    tries, 20 hours apart, at other hours of the day, until the reason is learnt."""
    return a_book(engine)


def a_book(engine: Engine, **loan: object) -> Book:
    book = Book(engine, now="2026-03-09 09:00", policy=with_call_plan(UNTIL_LEARNT))
    book.staff("c-1", "caller")
    for day in range(1, 29):
        book.shift(1, f"2026-03-{day:02} 08:00", f"2026-03-{day:02} 20:00")
    for day in range(1, 29):
        book.shift(1, f"2026-05-{day:02} 08:00", f"2026-05-{day:02} 20:00")
    book.loan("L-1", **loan)  # type: ignore[arg-type]
    return book


def calls_open(book: Book) -> int:
    with book.ctx.engine.connect() as connection:
        return len(read_work(connection, book.ctx, book.ctx.today(), [Kind.CALLS]).calls)


def try_it(book: Book, outcome: str, reason: str | None = None) -> str:
    """The call is due: it is given to the collector, who makes it. What became of the action."""
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "assigned"
    book.called("L-1", "c-1", outcome, reason)
    return book.actions("L-1")["enquiry_call"]


def due_at(book: Book) -> str:
    row = book.action("L-1", "enquiry_call")
    return f"{row.due_at.astimezone(book.zone):%Y-%m-%d %H:%M}"


def story(book: Book) -> str:
    with book.ctx.engine.connect() as connection:
        return "\n".join(entry.text for entry in loan_history(connection, book.ctx, "L-1"))


def test_the_reason_is_learnt_at_the_third_try(book: Book) -> None:
    """On Monday morning nobody answers. On Tuesday afternoon the wife does, and the call does not
    count as made: she may not hear of the debt, and cannot say why it is overdue. On Wednesday
    evening the borrower answers, and says that the work is lost. Then the call is done."""
    assert try_it(book, "no_answer", None) == "planned"
    assert due_at(book) == "2026-03-10 12:00", "another hour of the next day"
    assert calls_open(book) == 0, "until then it is on nobody's list"
    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "nothing to do"

    book.at("2026-03-10 12:00")
    assert try_it(book, "other_person", None) == "planned"
    assert due_at(book) == "2026-03-11 17:00"

    book.at("2026-03-11 17:00")
    assert try_it(book, "spoke", "unemployed") == "done"
    assert "1 of 3 tries were made" in story(book)
    assert len(book.rows(contact)) == 3


def test_after_all_tries_the_call_is_done_as_not_reached_and_the_history_says_so(
    book: Book,
) -> None:
    for moment in ("2026-03-09 09:00", "2026-03-10 12:00", "2026-03-11 17:00"):
        book.at(moment)
        became = try_it(book, "no_answer", None)
    assert became == "done"
    assert speak(book.action("L-1", "enquiry_call").reason) == "Not reached, after 3 tries."
    assert "Not reached, after 3 tries." in story(book)
    book.at("2026-03-20 10:00").escalate("L-1")
    assert book.actions("L-1")["enquiry_call"] == "done", "there is no fourth"


def test_who_would_not_talk_is_asked_again_as_long_as_there_are_tries(book: Book) -> None:
    """What the wife says of the reasons is not the borrower's reason, and not taken."""
    assert try_it(book, "spoke_with_other", None) == "planned"
    assert try_it(book.at("2026-03-10 12:00"), "refused", None) == "planned"
    assert try_it(book.at("2026-03-11 17:00"), "refuses", "will_not_pay") == "done"


def test_a_dead_number_leaves_the_next_one_to_be_tried_and_then_nothing(engine: Engine) -> None:
    book = a_book(engine, more_phones=[SECOND])
    assert try_it(book, "dead_number", None) == "planned"
    assert try_it(book.at("2026-03-10 12:00"), "wrong_number", None) == "done"
    assert "No other number may be called." in speak(book.action("L-1", "enquiry_call").reason)
    assert book.number_facts() == ["reaches_nobody", "somebody_else"]


def test_a_callback_is_owed_whatever_the_plan_says(book: Book) -> None:
    for moment in ("2026-03-09 09:00", "2026-03-10 12:00"):
        try_it(book.at(moment), "no_answer", None)
    book.at("2026-03-11 17:00").escalate("L-1")
    assign_call(book.ctx, book.action_id("L-1", "enquiry_call"))
    attempt = start_call(acting(book.ctx, Actor("c-1")), "L-1").attempt
    told = {"attempt": attempt, "outcome": "callback", "reason": None, "actor": "c-1"}
    at = book.moment("2026-03-12 10:00").isoformat()
    submit(book.ctx, "told", "contact_outcome", {**told, "callback_at": at})
    assert book.actions("L-1")["enquiry_call"] == "assigned"
    book.at("2026-03-12 10:00").called("L-1", "c-1", "no_answer", None)
    assert book.actions("L-1")["enquiry_call"] == "done"


def test_a_call_leaves_the_list_when_the_ladder_leaves_its_step(engine: Engine) -> None:
    """The friendly call of day 3 was given to a collector who never made it. On day 4 the ladder
    rests, and the call is not made any more; nobody finds it on the list on day 23."""
    book = a_book(engine)
    book.at("2026-03-04 09:00").escalate("L-1")
    assign_call(book.ctx, book.action_id("L-1", "friendly_call"))
    assert calls_open(book) == 1

    book.at("2026-03-06 09:00").escalate("L-1")
    assert book.actions("L-1")["friendly_call"] == "skipped"
    assert calls_open(book) == 0
    assert [row.cancelled_at is not None for row in book.rows(call)] == [True]
    assert "The ladder has left the step of the call" in story(book)


def test_a_call_that_was_tried_without_a_plan_is_done_when_its_step_is_over(
    engine: Engine,
) -> None:
    book = a_book(engine)
    book.at("2026-03-04 09:00").escalate("L-1")
    assign_call(book.ctx, book.action_id("L-1", "friendly_call"))
    book.called("L-1", "c-1", "no_answer", None)
    book.at("2026-03-06 09:00").escalate("L-1")
    assert book.actions("L-1")["friendly_call"] == "done", "later steps may rest on it"


def test_a_call_that_is_being_made_and_a_callback_stay_beyond_the_step(engine: Engine) -> None:
    book = a_book(engine)
    book.at("2026-03-04 17:00").escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    book.at("2026-03-05 17:00")
    started = start_call(acting(book.ctx, Actor("c-1")), "L-1")
    book.at("2026-03-06 00:05").escalate("L-1")
    assert book.actions("L-1")["friendly_call"] == "assigned"

    book._made(started.attempt, "no_answer", None, "c-1")
    book.escalate("L-1")
    assert book.actions("L-1")["friendly_call"] == "done"


def test_an_attempt_that_nobody_reports_does_not_keep_the_call_for_ever(engine: Engine) -> None:
    book = a_book(engine)
    book.at("2026-03-04 17:00").escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    book.at("2026-03-05 17:00")
    start_call(acting(book.ctx, Actor("c-1")), "L-1")
    for day in (6, 7, 8):
        book.at(f"2026-03-{day:02} 09:00").escalate("L-1")
    assert book.actions("L-1")["friendly_call"] == "skipped"


def test_no_action_is_open_after_its_step_ended(engine: Engine) -> None:
    """Whatever came of the tries, no call is open in the step after its own."""
    for number, outcomes in enumerate((["no_answer"], ["other_person", "busy"], ["refused"], [])):
        loan = f"L-{number}"
        book = Book(engine, now="2026-03-09 09:00", policy=with_call_plan(UNTIL_LEARNT))
        if number == 0:
            book.staff("c-1", "caller")
            for day in range(1, 29):
                book.shift(1, f"2026-03-{day:02} 08:00", f"2026-03-{day:02} 20:00")
        book.loan(loan)
        moments = ("2026-03-09 09:00", "2026-03-10 12:00")
        for moment, outcome in zip(moments, outcomes, strict=False):
            book.at(moment).escalate(loan)
            assign_call(book.ctx, book.action_id(loan, "enquiry_call"))
            book.called(loan, "c-1", outcome, None)
        book.at("2026-03-11 17:00").escalate(loan)
        if not outcomes:
            assign_call(book.ctx, book.action_id(loan, "enquiry_call"))
        book.at("2026-04-02 09:00").escalate(loan)
        assert book.actions(loan)["enquiry_call"] == "skipped"
        assert calls_open(book) == 0


def test_a_later_step_that_requires_the_call_gets_the_tries_that_are_left(book: Book) -> None:
    try_it(book, "no_answer", None)
    book.at("2026-04-02 09:00").escalate("L-1")
    assert book.actions("L-1")["enquiry_call"] == "skipped"
    for day in range(60, 68):
        book.clock.at = book.moment("2026-03-01 10:00") + timedelta(days=day)
        book.escalate("L-1")
    assert book.actions("L-1")["enquiry_call"] in ("planned", "skipped")
    moves = book.rows(select(action_event.c.to_status))
    assert "skipped" in {row.to_status for row in moves}
