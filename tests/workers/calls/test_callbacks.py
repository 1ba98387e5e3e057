"""A callback is made by the collector who was asked; one that is late is the team's."""

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor
from domain.language.speak import speak
from domain.reasons import ReasonCode
from tests.support.acting import acting
from tests.support.events import tell
from tests.support.loans import Book
from workers.attempts import outcomes
from workers.calls.assign import assign_call
from workers.calls.callbacks import hand_on_late_callbacks
from workers.calls.start import start_call
from workers.db.schema import action_event, call
from workers.inbox.submit import submit


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 is past due. Two collectors are there every day from eight to eight."""
    book = Book(engine, now="2026-03-09 10:00")
    for reference in ("c-1", "c-2"):
        book.staff(reference, "caller")
    for day in range(9, 14):
        for staff_id in (1, 2):
            book.shift(staff_id, f"2026-03-{day:02} 08:00", f"2026-03-{day:02} 20:00")
    book.loan("L-1")
    return book


def call_back_at(book: Book, moment: str) -> str:
    """The borrower asks to be called again. Gives who has the call."""
    book.escalate("L-1")
    assign_call(book.ctx, book.action_id("L-1", "enquiry_call"))
    who = "c-1" if book.one(call).staff_id == 1 else "c-2"
    attempt = start_call(acting(book.ctx, Actor(who)), "L-1").attempt
    payload = {
        "attempt": attempt,
        "outcome": "callback",
        "reason": None,
        "callback_at": book.moment(moment).isoformat(),
        "actor": who,
    }
    said = submit(book.ctx, "told", "contact_outcome", payload).reason
    agreed = [ReasonCode.OUTCOME_RECORDED, ReasonCode.CALL_AGAIN_AT]
    assert [each.code for each in said][:2] == agreed, "of another try nothing is said before it"
    return who


def test_a_callback_that_its_collector_is_late_with_is_kept_by_the_team(book: Book) -> None:
    """The borrower asked to be called at three. At a quarter past it is still the collector's; at
    half past three it is anybody's, and the record says whose it was. Whoever is free calls."""
    who = call_back_at(book, "2026-03-09 15:00")
    assert hand_on_late_callbacks(book.at("2026-03-09 15:15").ctx) == 0
    assert hand_on_late_callbacks(book.at("2026-03-09 15:31").ctx) == 1
    assert hand_on_late_callbacks(book.ctx) == 0, "only once"
    assert book.actions("L-1")["enquiry_call"] == "planned"
    reasons = [row.reason for row in book.rows(select(action_event.c.reason)) if row.reason]
    assert any(f"instead of {who}" in speak(reason) for reason in reasons)

    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "assigned"
    assert hand_on_late_callbacks(book.ctx) == 0, "it was handed on already"
    newest = book.one(select(call.c.staff_id).where(call.c.cancelled_at.is_(None)))
    other = "c-1" if newest.staff_id == 1 else "c-2"
    assert other != who, "not to the one who was late, while somebody else is free"
    book.called("L-1", other, "spoke", "forgot")
    assert book.actions("L-1")["enquiry_call"] == "done"


def test_who_was_late_calls_all_the_same_where_nobody_else_is_there(book: Book) -> None:
    who = call_back_at(book, "2026-03-09 15:00")
    other = "c-2" if who == "c-1" else "c-1"
    book.at("2026-03-09 15:31")
    ill(book, other)
    assert hand_on_late_callbacks(book.ctx) == 1
    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "assigned"
    newest = book.one(select(call.c.staff_id).where(call.c.cancelled_at.is_(None)))
    assert ("c-1" if newest.staff_id == 1 else "c-2") == who


def test_a_callback_of_a_collector_who_falls_ill_is_made_by_another_one_on_that_day(
    book: Book,
) -> None:
    """The collector had the person on that day. Whoever does not work any more has nobody."""
    who = call_back_at(book, "2026-03-09 15:00")
    book.at("2026-03-09 12:00")
    ill(book, who)
    assert assign_call(book.at("2026-03-09 15:01").ctx, book.action_id("L-1", "enquiry_call")) == (
        "assigned"
    )
    newest = book.one(select(call.c.staff_id).where(call.c.cancelled_at.is_(None)))
    assert ("c-1" if newest.staff_id == 1 else "c-2") != who


def ill(book: Book, who: str) -> None:
    at = book.ctx.now().isoformat()
    told = tell(book, "staff_absent", staff=who, kind="illness", at=at, until=None, actor="s-1")
    assert told.status == "applied"


def test_a_callback_at_night_is_not_late_before_the_morning_has_begun(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that an earlier release has taken: now nobody agrees on such a moment."""
    monkeypatch.setattr(outcomes, "check_callback_moment", lambda *_: None)
    call_back_at(book, "2026-03-09 23:30")
    assert hand_on_late_callbacks(book.at("2026-03-10 00:30").ctx) == 0
    assert hand_on_late_callbacks(book.at("2026-03-10 08:10").ctx) == 0
    assert hand_on_late_callbacks(book.at("2026-03-10 08:31").ctx) == 1


def test_one_that_was_made_is_not_late(book: Book) -> None:
    who = call_back_at(book, "2026-03-09 15:00")
    start_call(acting(book.at("2026-03-09 15:05").ctx, Actor(who)), "L-1")
    assert hand_on_late_callbacks(book.at("2026-03-09 16:00").ctx) == 0
