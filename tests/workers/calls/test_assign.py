"""Assigning calls: once, to somebody who can, and never more than a day holds."""

from functools import partial

import pytest
from sqlalchemy import Engine, func, select

from domain.holds import HoldKind
from domain.reasons import ReasonCode, because
from tests.support.concurrently import concurrently
from tests.support.counting import statements
from tests.support.loans import Book
from workers.calls import assign as calling
from workers.calls.assign import assign_call
from workers.db.schema import call, contact, staff

TODAY = ("2026-03-02 08:00", "2026-03-02 20:00")


@pytest.fixture
def book(engine: Engine) -> Book:
    """Ten in the morning, one day past due."""
    return Book(engine, now="2026-03-02 10:00")


def due_call(book: Book, loan: str = "L-1") -> int:
    book.loan(loan, due_on="2026-03-01")
    book.escalate(loan)
    return book.action_id(loan, "friendly_call")


def test_a_call_goes_to_the_collector_with_the_smallest_load(book: Book) -> None:
    book.staff("c-1", "caller", capacity=4, shift=TODAY)
    book.staff("c-2", "caller", capacity=10, shift=TODAY)
    for number in range(1, 5):
        assert assign_call(book.ctx, due_call(book, f"L-{number}")) == "assigned"
    loads = select(staff.c.external_id, func.count()).select_from(call.join(staff))
    assert dict(book.rows(loads.group_by(staff.c.external_id))) == {"c-1": 1, "c-2": 3}


def test_an_assigned_call_says_what_to_learn_and_what_may_be_offered(book: Book) -> None:
    book.loan("L-1", due_on="2026-03-01")
    book.at("2026-03-09 10:00").escalate("L-1")
    book.staff("c-1", "caller", shift=("2026-03-09 08:00", "2026-03-09 20:00"))
    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "assigned"
    assigned = book.one(call)
    assert assigned.must_learn == ["reason"]
    assert assigned.may_offer == ["deferral", "instalments"]
    assert assigned.language == "zh-Hans"
    assert book.actions("L-1")["enquiry_call"] == "assigned"
    assert book.rows(contact) == [], "nobody is reached before somebody begins the call"


def test_a_message_that_comes_twice_assigns_one_call(book: Book) -> None:
    book.staff("c-1", "caller", shift=TODAY)
    action_id = due_call(book)
    assert assign_call(book.ctx, action_id) == "assigned"
    assert assign_call(book.ctx, action_id) == "nothing to do"
    assert len(book.rows(call)) == 1


def test_two_workers_with_one_call_assign_it_once(book: Book) -> None:
    book.staff("c-1", "caller", shift=TODAY)
    assign = partial(assign_call, book.ctx, due_call(book))
    assert sorted(concurrently(assign, assign)) == ["assigned", "nothing to do"]
    assert len(book.rows(call)) == 1


def test_two_workers_at_once_never_overfill_a_collectors_day(book: Book) -> None:
    book.staff("c-1", "caller", capacity=2, shift=TODAY)
    calls = [due_call(book, f"L-{number}") for number in range(1, 5)]
    outcomes = concurrently(*(partial(assign_call, book.ctx, call_id) for call_id in calls))
    assert sorted(outcomes) == ["assigned"] * 2 + ["nobody free"] * 2
    assert len(book.rows(call)) == 2


def test_a_call_without_a_free_collector_stays_planned_says_why_and_is_tried_again(
    book: Book,
) -> None:
    book.staff("c-1", "caller", shift=("2026-03-03 09:00", "2026-03-03 20:00"))
    action_id = due_call(book)
    assert assign_call(book.ctx, action_id) == "nobody free"
    waiting = book.action("L-1", "friendly_call")
    assert waiting.status == "planned"
    assert waiting.reason == because(ReasonCode.NO_CALLER_IN_WINDOW, language="zh-Hans")
    assert waiting.due_at == book.moment("2026-03-03 09:00")
    assert book.rows(contact) == []
    assert assign_call(book.ctx, action_id) == "nothing to do"
    book.at("2026-03-03 09:00")
    assert assign_call(book.ctx, action_id) == "assigned"


def test_a_call_is_assigned_in_the_morning_to_who_comes_at_noon(book: Book) -> None:
    book.staff("c-1", "caller", shift=("2026-03-02 12:00", "2026-03-02 20:00"))
    assert assign_call(book.ctx, due_call(book)) == "assigned"


def test_yesterdays_calls_do_not_fill_today(book: Book) -> None:
    book.staff("c-1", "caller", capacity=1, shift=TODAY)
    book.shift(1, "2026-03-03 08:00", "2026-03-03 20:00")
    first, second = due_call(book, "L-1"), due_call(book, "L-2")
    assert assign_call(book.ctx, first) == "assigned"
    assert assign_call(book.ctx, second) == "nobody free"
    assert book.action("L-2", "friendly_call").due_at == book.moment("2026-03-03 08:00")
    book.at("2026-03-03 08:00")
    assert assign_call(book.ctx, second) == "assigned"


def test_a_call_nobody_on_the_roster_can_make_is_asked_for_again_the_day_after(book: Book) -> None:
    book.staff("c-1", "caller", languages=["en"], shift=TODAY)
    assert assign_call(book.ctx, due_call(book)) == "nobody free"
    waiting = book.action("L-1", "friendly_call")
    assert waiting.reason == because(ReasonCode.NO_CALLER_SPEAKS, language="zh-Hans")
    assert waiting.due_at == book.moment("2026-03-03 00:00")


def test_a_call_is_not_assigned_at_night_nor_while_a_promise_is_kept(book: Book) -> None:
    book.staff("c-1", "caller", shift=TODAY)
    action_id = due_call(book)
    book.hold("L-1", HoldKind.PROMISE, "2026-03-02", "2026-03-05")
    assert assign_call(book.ctx, action_id) == "nothing to do"
    assert book.actions("L-1")["friendly_call"] == "deferred"
    night = due_call(book.at("2026-03-02 23:00"), "L-2")
    assert assign_call(book.ctx, night) == "nothing to do"
    assert book.action("L-2", "friendly_call").due_at == book.moment("2026-03-03 08:00")
    assert book.rows(call) == []


def test_a_crash_before_the_commit_leaves_the_call_as_it_was(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.staff("c-1", "caller", shift=TODAY)
    action_id = due_call(book)
    before = book.action("L-1", "friendly_call")

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(calling, "complete_together", crash)
        with pytest.raises(KeyboardInterrupt):
            assign_call(book.ctx, action_id)
    assert book.action("L-1", "friendly_call") == before
    assert book.rows(call) == book.rows(contact) == []
    assert assign_call(book.ctx, action_id) == "assigned"


def test_a_call_costs_as_many_statements_with_thirty_collectors_as_with_one(book: Book) -> None:
    counts = []
    for number, collectors in enumerate((1, 30)):
        for nr in range(collectors):
            book.staff(f"c-{number}-{nr}", "caller", shift=TODAY)
        action_id = due_call(book, f"L-{number}")
        with statements(book.ctx.engine) as sent:
            assert assign_call(book.ctx, action_id) == "assigned"
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 22, "planning included"
