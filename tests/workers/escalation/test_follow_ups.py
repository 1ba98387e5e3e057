"""What a ladder asks for because something happened: planned once, let through, ended."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from domain.actions import ASSIGN_CALL, SEND_SMS
from domain.follow_ups import Happened, Trigger
from domain.holds import HoldKind
from domain.language.speak import speak
from domain.loans import Instalment
from tests.support.events import pay
from tests.support.loans import Book
from workers.db.schema import action
from workers.escalation.follow_ups import end_follow_ups, plan_follow_ups
from workers.escalation.reassess import reassess
from workers.gate.claim import claim
from workers.history.history import loan_history


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 owes 1000 since 1 March, and was looked at on the day after."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1")
    book.escalate("L-1")
    return book


def happens(
    book: Book, trigger: Trigger, due_at: str, cause: str = "promise:PR-1", loan: str = "L-1"
) -> int:
    now = book.ctx.now()
    due = book.moment(due_at)
    with book.ctx.engine.begin() as connection:
        happened = [Happened(book.loan_id(loan), trigger, cause, due)]
        return plan_follow_ups(connection, book.ctx, happened, now)


def test_it_is_planned_once_for_one_cause_and_again_for_another(book: Book) -> None:
    assert happens(book, Trigger.PROMISE_BROKEN, "2026-03-02 10:00") == 1
    assert happens(book, Trigger.PROMISE_BROKEN, "2026-03-02 10:00") == 0
    assert happens(book, Trigger.PROMISE_BROKEN, "2026-03-02 10:00", cause="promise:PR-2") == 1

    planned = [row for row in book.rows(action) if row.item == "promise_broken_call"]
    assert [row.cause for row in planned] == ["promise:PR-1", "promise:PR-2"]
    assert {row.act_until for row in planned} == {date(2026, 3, 7)}
    assert {row.follows for row in planned} == {"promise_broken"}


def test_a_loan_that_nobody_is_contacted_about_gets_none(book: Book) -> None:
    book.loan("L-2", due_on="2026-04-01")
    book.loan("L-3", product="unknown")

    assert happens(book, Trigger.PROMISE_BROKEN, "2026-03-02 10:00", loan="L-2") == 0
    assert happens(book, Trigger.PROMISE_BROKEN, "2026-03-02 10:00", loan="L-3") == 0


def test_the_pause_of_a_promise_lets_its_own_reminder_through_and_nothing_else(book: Book) -> None:
    book.hold("L-1", HoldKind.PROMISE, "2026-03-02", "2026-03-07")
    happens(book, Trigger.PROMISE_DUE_TOMORROW, "2026-03-04 00:00")
    happens(book, Trigger.PROMISE_BROKEN, "2026-03-04 00:00")
    assert book.send("L-1", "text_day_1") == "nothing to do"

    book.at("2026-03-04 10:00")
    with book.ctx.engine.connect() as connection:
        call_id = book.action_id("L-1", "promise_broken_call")
        text_id = book.action_id("L-1", "promise_reminder")
        call = claim(connection, book.ctx, call_id, ASSIGN_CALL)
        text = claim(connection, book.ctx, text_id, SEND_SMS)

    assert call is None
    assert text is not None


@pytest.mark.parametrize("kind", [HoldKind.DISPUTE, HoldKind.BREATHING_SPACE])
def test_any_other_pause_stops_the_reminder_too(book: Book, kind: HoldKind) -> None:
    happens(book, Trigger.PROMISE_DUE_TOMORROW, "2026-03-02 09:00")
    book.hold("L-1", kind, "2026-03-02", None)

    assert book.send("L-1", "promise_reminder") == "nothing to do"
    assert book.action("L-1", "promise_reminder").rules[0] == "lender.on_hold"


def test_it_counts_as_no_step_and_moves_no_day(book: Book) -> None:
    happens(book, Trigger.PROMISE_BROKEN, "2026-03-02 10:00")
    before = {row.item: row.status for row in book.rows(action)}

    book.at("2026-05-10 10:00").escalate("L-1")

    assert book.actions("L-1")["promise_broken_call"] == "skipped", "five days were long over"
    decided = book.actions("L-1")
    assert "legal_file" not in decided, "no step counts as tried"
    assert before["promise_broken_call"] == "planned"


def test_it_is_not_done_when_it_is_too_late(book: Book) -> None:
    happens(book, Trigger.PROMISE_BROKEN, "2026-03-02 10:00")
    book.at("2026-03-08 10:00")
    with book.ctx.engine.begin() as connection:
        reassess(connection, book.ctx, [book.loan_id("L-1")], book.ctx.now())

    stored = book.action("L-1", "promise_broken_call")
    assert stored.status == "skipped"
    assert speak(stored.reason, "en") == (
        "It is too late for it: what it follows from happened too long ago."
    )


def test_it_ends_with_its_cause(book: Book) -> None:
    happens(book, Trigger.PROMISE_BROKEN, "2026-03-02 10:00")
    happens(book, Trigger.PROMISE_BROKEN, "2026-03-02 10:00", cause="promise:PR-2")
    now = book.ctx.now()
    with book.ctx.engine.begin() as connection:
        end_follow_ups(connection, [book.loan_id("L-1")], ["promise:PR-1"], now)

    of_cause = {row.cause: row for row in book.rows(action) if row.cause}
    assert of_cause["promise:PR-1"].status == "cancelled"
    assert speak(of_cause["promise:PR-1"].reason, "en") == (
        "What it follows from is over (promise PR-1)."
    )
    assert of_cause["promise:PR-2"].status == "planned"


def test_it_ends_when_everything_is_paid(book: Book) -> None:
    happens(book, Trigger.PROMISE_BROKEN, "2026-03-02 10:00")
    pay(book, "1000")

    assert book.actions("L-1")["promise_broken_call"] == "cancelled"


def test_it_stays_when_the_oldest_instalment_is_paid_and_the_ladder_starts_anew(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-03-04 10:00")
    days = [date(2026, 3, 1), date(2026, 3, 2)]
    due = [Instalment(day, Decimal(500), counts_from=day) for day in days]
    book.loan("L-1", instalments=due)
    book.escalate("L-1")
    happens(book, Trigger.PROMISE_BROKEN, "2026-03-04 10:00")
    pay(book, "500")
    book.escalate("L-1")

    assert book.actions("L-1")["promise_broken_call"] == "planned"


def test_the_history_says_what_it_follows_from(book: Book) -> None:
    happens(book, Trigger.PROMISE_BROKEN, "2026-03-02 10:00")
    with book.ctx.engine.connect() as connection:
        english = [said.text for said in loan_history(connection, book.ctx, "L-1")]
        chinese = [said.text for said in loan_history(connection, book.ctx, "L-1", language="zh")]

    assert any(
        "promise_broken_call (a call) was planned by ladder consumer_loan_cn v4, because a promise "
        "was not kept (promise PR-1)." in line
        for line in english
    )
    assert any(
        "还款承诺未履行（还款承诺PR-1），催收策略“个人消费贷款”（版本4）"
        "已计划“未履行承诺跟进电话”（电话）。" in line
        for line in chinese
    )
