"""What a cap puts off waits as long as the ladder stays in its step. It is not skipped for that."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from domain.actions import SEND_SMS
from domain.ladder import Days, Item, Ladder, Step
from tests.support.events import pay
from tests.support.loans import Book, shipped_policy
from workers.db.schema import message

FIRST, NOTICE = "text_day_1", "notice_day_7"


def step(name: str, days: Days, item: str, template: str) -> Step:
    text = Item(item, SEND_SMS, Days(days.first, days.first), template=template)
    return Step(name, days, (text,))


def two_steps(shipped: Ladder) -> Ladder:
    """A text on the first day of each step, and nothing else."""
    steps = (
        step("remind", Days(1, 5), FIRST, "reminder_first"),
        step("enquire", Days(6, 29), NOTICE, "reminder_second"),
    )
    return replace(shipped, steps=steps)


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-2 and L-3 are at the second step, so each of three loans has a text of its own, and the
    lender's own limit is two a day."""
    policy = shipped_policy()
    ladders = tuple(two_steps(ladder) for ladder in policy.ladders)
    book = Book(engine, now="2026-03-02 10:00", policy=replace(policy, ladders=ladders))
    book.loan("L-1", borrower_id="B-1", due_on="2026-03-01")
    book.loan("L-2", borrower_id="B-1", due_on="2026-02-24")
    book.loan("L-3", borrower_id="B-1", due_on="2026-02-24", locale="en")
    book.loan("L-4", borrower_id="B-4", same_person_as="B-1", due_on="2026-02-24", locale="en")
    for name in ("L-2", "L-4"):
        book.escalate(name)
        book.send(name, NOTICE)
    assert len(book.sms.sent) == 2
    return book


def status(book: Book, name: str = "L-1", item: str = FIRST) -> str:
    return book.actions(name)[item]


def test_a_text_goes_when_the_cap_has_room_although_its_days_are_over(book: Book) -> None:
    book.escalate("L-1")
    waits = book.action("L-1", FIRST)
    assert (waits.status, waits.rules[0]) == ("deferred", "lender.texts_a_day")

    book.at("2026-03-03 00:01").escalate("L-1")
    assert status(book) == "deferred", "day 2: its days are over"
    assert book.at("2026-03-03 10:00").send("L-1", FIRST) == "accepted"


def test_of_one_person_no_text_is_skipped_for_another_and_each_goes_in_the_end(
    book: Book,
) -> None:
    book.escalate("L-1", "L-3")
    for day in range(3, 6):
        book.at(f"2026-03-0{day} 10:00").escalate("L-1", "L-3")
        for name, item in (("L-1", FIRST), ("L-3", NOTICE)):
            if status(book, name, item) == "deferred":
                book.send(name, item)
    assert {status(book), status(book, "L-3", NOTICE)} == {"done"}
    assert len(book.rows(message)) == 4


def test_a_stronger_step_takes_its_place(book: Book) -> None:
    book.escalate("L-1")
    book.at("2026-03-07 10:00").escalate("L-1")
    assert (status(book), status(book, item=NOTICE)) == ("skipped", "planned")


def test_a_loan_that_is_paid_meanwhile_is_cancelled_and_not_skipped(book: Book) -> None:
    book.escalate("L-1")
    pay(book, "1000")
    assert status(book) == "cancelled"
