"""A day is closed once, in the night after it; what comes late counts on the day it is recorded."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from domain.actions import ActionStatus
from domain.actors import Actor
from domain.daily_totals import Closed, Measure
from domain.loans import Instalment
from domain.promises import PromiseStatus
from tests.support.acting import acting
from tests.support.arrangements import ask, in_difficulty
from tests.support.events import pay, promise, reverse, tell
from tests.support.loans import Book
from tests.support.rosters import rostered
from workers.daily import month_end
from workers.daily.close_days import close_next
from workers.db.promises import move_promises
from workers.db.schema import (
    action,
    arrangement,
    arrangement_return,
    closed_day,
    complaint,
    contact,
    contact_outcome,
    daily_total,
    loan,
    loan_day,
    loan_month,
    visit,
)
from workers.db.schema import promise as promise_row
from workers.hardship.arrangement_offers import offer_arrangement


def close_all(book: Book) -> list[date]:
    """What was closed, in order."""
    closed, after = [], None
    while (done := close_next(book.ctx, after)).day is not None:
        after = done.month_after
        closed.append(done.day)
    return closed


def totals(book: Book, day: str) -> dict[str, list[tuple[Any, ...]]]:
    of_day = select(daily_total).where(daily_total.c.day == date.fromisoformat(day))
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in book.rows(of_day.order_by(daily_total.c.value_day, daily_total.c.id)):
        found.setdefault(row.measure, []).append(
            (row.step, row.number, row.amount, str(row.value_day))
        )
    return found


def a_morning(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01", amount="1000")
    book.staff("col-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    return book


def visited(
    book: Book, attempt: str, at: str, by: str | None = None, *, cancelled: bool = False
) -> None:
    """A visit of two people, which one of them reported, or which was cancelled before."""
    (of_loan,) = book.rows(select(loan.c.id, loan.c.borrower_id))
    when = book.moment(at)
    made = {"borrower_id": of_loan.borrower_id, "channel": "visit", "at": when, "attempt": attempt}
    with book.ctx.engine.begin() as connection:
        made |= {"loan_id": of_loan.id, "purpose": "collect"}
        (of,) = connection.execute(insert(contact).values(made).returning(contact.c.id)).one()
        if by:
            said = {"outcome": "spoke", "connected": True, "actor": by, "reported_at": when}
            connection.execute(insert(contact_outcome).values(contact_id=of, **said))
        if cancelled:
            asked = select(action.c.id).limit(1).scalar_subquery()
            planned = {"loan_id": of_loan.id, "action_id": asked, "purpose": "collect"}
            times = {"starts_at": when, "ends_at": when, "scheduled_at": when}
            values = {"contact_id": of, "cancelled_at": when, **planned, **times}
            connection.execute(insert(visit).values(values))


def test_what_was_done_on_a_day_is_counted_by_step_when_the_day_is_over(engine: Engine) -> None:
    book = a_morning(engine)
    book.escalate("L-1")
    step = book.action("L-1", "text_day_1").step
    assert book.send("L-1", "text_day_1") == "accepted"
    visited(book, "V-1", "2026-03-02 10:30", cancelled=True)
    promise(book, "400", "2026-03-04")
    pay(book, "30", paid_on="2026-02-27")
    book.at("2026-03-02 23:59")
    assert close_all(book) == [date(2026, 3, 1)], "what lies before was not watched"

    book.at("2026-03-03 00:29")
    assert close_all(book) == [], "what was recorded at midnight may come yet"
    book.at("2026-03-03 00:30")
    assert close_all(book) == [date(2026, 3, 2)]

    assert totals(book, "2026-03-02") == {
        Measure.TEXTS: [(step, 1, None, "2026-03-02")],
        Measure.PROMISES_MADE: [(None, 1, Decimal(400), "2026-03-02")],
        Measure.PAID: [(None, 1, Decimal(30), "2026-02-27")],
    }, "a hold pauses the ladder of who promised: no step; money stands by its value day"


def test_what_people_did_counts_for_the_team_in_which_they_were(engine: Engine) -> None:
    """In the morning she calls for north, learns the reason, and takes a promise and a complaint
    about a colleague of south, and reports a visit of which somebody complains; at noon she is in
    south, and offers a plan. The promise breaks."""
    book = in_difficulty(engine)
    for name in ("col-1", "col-2"):
        book.staff(name, "caller")
    rostered(book, "2026-03-10 20:00", {"col-1": "north", "col-2": "south"})
    came = {"loan": "L-1", "channel": "call", "actor": "col-1", "also_about": []}
    came |= {"at": "2026-03-11T08:30:00+08:00"}
    said = {
        "contact": "in-1",
        "outcome": "says_paid",
        "reason": "unemployed",
        "also_about": [],
        **came,
    }
    assert tell(book, "inbound_contact", **said).status == "applied"
    assert promise(book, "1840", "2026-03-12").status == "applied"
    about = {"complaint": "K-1", "loan": "L-1", "kind": "conduct", "why": "x", "actor": "col-1"}
    assert tell(book, "complaint", **about, about_staff="col-2").status == "applied"
    visited(book, "V-1", "2026-03-11 08:40", "col-1")
    of_visit = about | {"complaint": "K-2", "about_staff": None, "about_attempt": "V-1"}
    assert tell(book, "complaint", **of_visit).status == "applied"
    rostered(book, "2026-03-11 12:00", {"col-1": "south"})
    book.at("2026-03-11 14:00")
    ask(book)
    offer_arrangement(acting(book.ctx, Actor("col-1")), "AR-1")
    book.at("2026-03-12 01:00")
    close_all(book)
    counted = select(daily_total).where(daily_total.c.team.is_not(None))
    assert {(row.measure, row.team, row.number) for row in book.rows(counted)} == {
        (Measure.REASONS_LEARNT, "north", 1),
        (Measure.VISITS, "north", 1),
        (Measure.RIGHT_PARTY, "north", 1),
        (Measure.COMPLAINTS_OPENED, "north", 1),
        (Measure.PROMISES_MADE, "north", 1),
        (Measure.COMPLAINTS_OPENED, "south", 1),
        (Measure.PLANS_OFFERED, "south", 1),
    }

    with engine.begin() as connection:  # days later
        late = book.moment("2026-03-20 03:00")
        (kept,) = connection.execute(select(promise_row.c.id)).scalars()
        move_promises(connection, [kept], PromiseStatus.PART_KEPT, late)
        connection.execute(update(arrangement).values(status="defaulted", ended_at=late))
        ended = {"status": "rejected", "resolved_at": late, "resolved_by": "s-1"}
        connection.execute(update(complaint).values(handler="s-1", taken_at=late, **ended))
    book.at("2026-03-21 01:00")
    close_all(book)
    of_day = counted.where(daily_total.c.day == date(2026, 3, 20))
    assert {(row.measure, row.team, str(row.value_day)) for row in book.rows(of_day)} == {
        (Measure.PROMISES_PART_KEPT, "north", "2026-03-12"),
        (Measure.PLANS_DEFAULTED, "south", "2026-03-20"),
        (Measure.COMPLAINTS_CLOSED, "south", "2026-03-20"),
        (Measure.COMPLAINTS_CLOSED, "north", "2026-03-20"),
    }

    # Money that was paid in time comes to light: what was counted is taken off again.
    now = book.moment("2026-03-21 10:00")
    with engine.begin() as connection:
        move_promises(connection, [kept], PromiseStatus.KEPT, now)
        (plan,) = connection.execute(select(arrangement.c.id)).scalars()
        ended = {"ended_at": late, "from_status": "defaulted", "to_status": "active"}
        connection.execute(insert(arrangement_return).values(arrangement_id=plan, at=now, **ended))
        connection.execute(update(arrangement).values(status="active", ended_at=None))
    book.at("2026-03-22 01:00")
    close_all(book)
    promised, (_, _, to_pay, _) = Decimal(1840), totals(book, "2026-03-20")["plans_defaulted"][0]
    assert {
        measure: [row[1:] for row in of_it] for measure, of_it in totals(book, "2026-03-21").items()
    } == {
        Measure.PROMISES_KEPT: [(1, promised, "2026-03-12")],
        Measure.PROMISES_PART_KEPT: [(-1, -promised, "2026-03-12")],
        Measure.PLANS_DEFAULTED: [(-1, -to_pay, "2026-03-21")],
    }


def test_money_that_comes_late_counts_on_the_day_it_is_recorded(engine: Engine) -> None:
    book = a_morning(engine)
    book.at("2026-03-03 01:00")
    close_all(book)
    before = totals(book, "2026-03-02")
    pay(book, "200", paid_on="2026-03-01")
    book.at("2026-03-04 01:00")
    close_all(book)
    book.at("2026-03-04 11:00")
    reverse(book, reversed_on="2026-03-02")
    book.at("2026-03-05 01:00")
    close_all(book)

    assert totals(book, "2026-03-02") == before, "a closed day does not change"
    assert [(row[1:]) for row in totals(book, "2026-03-03")[Measure.PAID]] == [
        (1, Decimal(200), "2026-03-01")
    ]
    assert [(row[1:]) for row in totals(book, "2026-03-04")[Measure.REVERSED]] == [
        (1, Decimal(200), "2026-03-02")
    ]


def test_a_reversal_that_is_taken_back_is_taken_off_the_totals_once(engine: Engine) -> None:
    book = a_morning(engine)
    pay(book, "200")
    reverse(book)
    book.at("2026-03-02 12:00")
    day = {"payment": "P-1", "loan": "L-1", "taken_back_on": "2026-03-02"}
    assert tell(book, "reversal_taken_back", **day).status == "applied"
    book.at("2026-03-03 01:00")
    close_all(book)

    reversed_that_day = totals(book, "2026-03-02")[Measure.REVERSED]
    assert sum(number for _, number, _, _ in reversed_that_day) == 0
    assert sum(amount for _, _, amount, _ in reversed_that_day) == 0


def test_nights_that_were_missed_are_caught_up_each_once(engine: Engine) -> None:
    book = a_morning(engine)
    book.at("2026-03-03 01:00")
    close_all(book)
    book.at("2026-03-04 10:00")
    pay(book, "200")
    book.at("2026-03-07 01:00")

    with ThreadPoolExecutor(4) as at_once:
        list(at_once.map(lambda _: close_all(book), range(4)))

    days = [row.day for row in book.rows(closed_day) if row.what == Closed.TOTALS]
    assert sorted(days) == [date(2026, 3, day) for day in range(2, 7)]
    assert len(totals(book, "2026-03-04")[Measure.PAID]) == 1
    assert close_all(book) == []


def test_open_work_is_counted_for_the_day_that_just_ended_only(engine: Engine) -> None:
    book = a_morning(engine)
    book.at("2026-03-03 01:00")
    close_all(book)
    book.at("2026-03-03 10:00")
    book.escalate("L-1")
    call_to_make = book.action("L-1", "friendly_call")
    given_out = update(action).where(action.c.id == call_to_make.id)
    with engine.begin() as connection:
        connection.execute(given_out.values(status=ActionStatus.ASSIGNED, due_at=None))
    book.at("2026-03-06 01:00")
    close_all(book)

    assert Measure.OPEN_WORK not in totals(book, "2026-03-03")
    assert totals(book, "2026-03-05")[Measure.OPEN_WORK] == [
        (call_to_make.step, 1, None, "2026-03-06")
    ], "as it stood when it was counted"


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_the_book_of_a_month_has_each_loan_on_it_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(month_end, "LOANS_AT_ONCE", at_once)
    book = Book(engine, now="2026-03-30 10:00")
    due = [Instalment(date(2026, month, 1), Decimal(100), Decimal(10)) for month in (3, 4, 5)]
    for name in ("L-late", "L-paid", "L-written-off", "L-current", "L-paid-since"):
        book.loan(name, instalments=due)
    pay(book, "110", id="P-1", loan="L-current", paid_on="2026-03-01")
    pay(book, "330", id="P-2", loan="L-paid", paid_on="2026-03-01")
    tell(book, "write_off", loan="L-written-off", written_off_on="2026-03-30", actor="sup-1")
    pay(book, "110", id="P-3", loan="L-paid-since", paid_on="2026-03-01")
    book.escalate("L-late")
    book.at("2026-03-31 01:00")
    close_all(book)
    assert book.rows(loan_month) == [], "the month is not over"
    book.at("2026-04-01 00:10")
    pay(book, "220", id="P-4", loan="L-paid-since", paid_on="2026-04-01")
    book.at("2026-04-01 01:00")
    close_all(book)
    close_all(book)

    assert {book_row(row) for row in book.rows(loan_month)} == {
        (book.loan_id("L-late"), "2026-03-31", "on_ladder", "M1", 110, 300, 330),
        (book.loan_id("L-current"), "2026-03-31", "not_past_due", "M0", 0, 200, 220),
        (book.loan_id("L-paid-since"), "2026-03-31", "not_past_due", "M0", 0, 0, 0),
    }
    assert [row.what for row in book.rows(closed_day) if row.day == date(2026, 3, 31)] == [
        Closed.MONTH,
        Closed.TOTALS,
    ]


def book_row(row: Any) -> tuple[Any, ...]:
    amounts = (row.past_due, row.principal, row.unpaid)
    return (row.loan_id, str(row.month_end), row.standing, row.bucket, *amounts)


def test_a_bucket_that_changes_by_the_calendar_alone_is_noted_when_the_day_is_closed(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01", amount="1000", phone=None, address=None)
    tell(
        book,
        "hold",
        hold="H-1",
        loan="L-1",
        kind="manual",
        starts_on="2026-03-02",
        why="x",
        ends_on=None,
        actor="sup-1",
    )
    book.escalate("L-1")
    for day in range(2, 32):
        book.at(f"2026-03-{day:02} 01:00")
        close_all(book)
    for day in (1, 2, 3):
        book.at(f"2026-04-{day:02} 01:00")
        close_all(book)

    changes = [(str(row.day), row.standing, row.hold, row.bucket) for row in book.rows(loan_day)]
    assert changes == [
        ("2026-03-02", "held", "manual", "M1"),
        ("2026-04-01", "held", "manual", "M2"),
    ]
