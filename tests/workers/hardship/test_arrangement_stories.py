"""Arrangements as a supervisor would tell them: a plan that is broken, a deferral that is kept."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine, update

from domain.arranged import Wish
from domain.arrangements import Refusal
from domain.loans import Instalment
from tests.support.arrangements import (
    accept,
    arranged,
    ask,
    confirm,
    decline,
    holds,
    in_difficulty,
    offer,
    status,
)
from tests.support.events import pay, promise, tell
from tests.support.loans import Book
from workers.db.schema import action, arrangement, arrangement_instalment, loan
from workers.db.schema import promise as promises
from workers.hardship.arrangement_review import settle_arrangements
from workers.hardship.promise_judgement import break_overdue_promises
from workers.history.history import loan_history


@pytest.fixture
def book(engine: Engine) -> Book:
    return in_difficulty(engine)


def history(book: Book) -> str:
    with book.ctx.engine.connect() as connection:
        return "\n".join(said.text for said in loan_history(connection, book.ctx, "L-1"))


def settle(book: Book, at: str) -> int:
    return settle_arrangements(book.at(f"2026-{at}").ctx)


def test_a_deferral_that_moves_instalments_behind_the_schedule_is_over_after_its_days(
    engine: Engine,
) -> None:
    """March and April are moved behind the last instalment, and for thirty days nobody collects.
    Then the deferral is over, although nothing is paid: May is collected, and she may ask for a
    plan."""
    book = Book(engine, now="2026-03-06 10:00", zone="America/New_York")
    days = [date(2026 + month // 12, month % 12 + 1, 1) for month in range(2, 25)]
    due = [Instalment(day, Decimal(100), Decimal(10)) for day in days]
    book.loan("L-1", jurisdiction="US", instalments=due)
    values = {"annual_rate_percent": Decimal(12), "disbursed_on": date(2025, 12, 1)}
    with engine.begin() as connection:
        connection.execute(update(loan).values(values))
    ask(book, Wish(days=30))
    offer(book)
    accept(book)
    assert confirm(book, currency="USD").status == "applied"
    assert (status(book), holds(book)[-1]) == ("active", ("deferral", "2026-03-06", "2026-04-06"))
    settle(book, "04-05 23:59")
    assert status(book) == "active"

    settle(book, "04-06 00:01")

    assert status(book) == "completed"
    book.at("2026-05-06 10:00").escalate("L-1")
    assert book.actions("L-1"), "May is past due, and the ladder goes on"
    assert ask(book, id="AR-2").status == "requested"


def test_a_plan_that_is_broken(book: Book) -> None:
    """She was texted in February, and has a plan of three instalments since 11 March. April is not
    paid: after five days of grace, and the night in which that day's payments are told, it is
    missed. A friendly text goes out, once, although the plan pauses her ladder. May is due on 6
    May, after the holidays, and is not paid either. With the second one missed the plan is over. A
    notice says so, the pause ends, and the ladder counts on from April with what was tried."""
    tried = {"steps_tried": ["remind"], "steps_tried_at": book.one(loan).ladder_since}
    with book.ctx.engine.begin() as connection:
        connection.execute(update(loan).values(tried))
    arranged(book)

    settle(book, "04-06 23:59")
    assert book.one(arrangement).missed == 0
    settle(book, "04-08 00:01")
    assert (status(book), book.one(arrangement).missed) == ("active", 1)
    book.at("2026-04-08 10:00")
    assert book.send("L-1", "arrangement_missed_text") == "accepted"
    assert "还款安排" in book.sms.sent[-1].text.body
    settle(book, "04-20 10:00")
    assert len(book.rows(action)) == 1

    settle(book, "05-12 23:59")
    assert status(book) == "active"
    settle(book, "05-13 00:01")
    assert (status(book), book.one(arrangement).missed) == ("defaulted", 2)
    assert holds(book)[1][2] == "2026-05-13"
    book.at("2026-05-13 10:00")
    assert book.send("L-1", "arrangement_default_notice") == "accepted"
    assert "已终止" in book.sms.sent[-1].text.body

    back = book.one(loan)
    assert (back.delinquent_since, back.review_on) == (date(2026, 4, 1), date(2026, 5, 13))
    assert (back.steps_tried, back.steps_tried_at) == (["remind"], date(2026, 4, 1))
    book.escalate("L-1")
    assert "text_day_1" not in book.actions("L-1"), "the days of the pause do not count"
    book.at("2026-05-14 09:00").escalate("L-1")
    assert book.actions("L-1")["text_day_1"] == "planned"
    for told in ("Arrangement AR-1 was asked for", "it is active", "AR-1 was defaulted"):
        assert told in history(book)


def test_who_asked_and_is_offered_nothing_is_told(book: Book) -> None:
    """She asks, and has sent no proof. A text says so in plain words, without what the supervisor
    wrote, and what she can do. She asks again; this time she does not want what was offered, and
    knows it. What the ledger refuses is told by whoever looks at it. Then requests for her other
    loans are declined."""
    ask(book)
    decline(book, Refusal.PROOF_MISSING, "no letter from the employer")
    assert book.send("L-1", "nothing_offered_text") == "accepted"
    said = book.sms.sent[-1].text.body
    for words in (
        "目前无法办理：尚未收到困难证明",
        "可再次申请",
        "投诉",
        book.ctx.settings.lender_phone,
    ):
        assert words in said
    assert "employer" not in said
    ask(book, id="AR-2")
    decline(book, Refusal.SAID_NO, id="AR-2")
    ask(book, id="AR-3")
    assert tell(book, "arrangement_refusal", arrangement="AR-3").status == "applied"
    assert len(book.rows(action)) == 1
    # Each loan has its own text, with its own reason; one that is not past due is told in person.
    for name, due_on in (("L-2", "2026-03-01"), ("L-3", "2026-03-01"), ("L-4", "2026-06-01")):
        book.loan(name, due_on=due_on, borrower_id="B-L-1")
        ask(book, id=f"AR-{name}", loan=name)
        decline(book, Refusal.BEYOND_MEANS, id=f"AR-{name}")
    texts = [name for name in ("L-2", "L-3", "L-4") if "nothing_offered_text" in book.actions(name)]
    assert texts == ["L-2", "L-3"]
    assert "nothing_offered_text (a text) was planned" in history(book)


def test_a_deferral_that_is_kept(book: Book) -> None:
    """She has thirty days since 11 March, in which nothing is to be paid and nobody contacts her.
    On 10 April, its last day, she pays what was due and the interest of the days in between: the
    deferral is completed, its pause ends, and the ladder has nothing to do. What she had promised
    for 13 March is withdrawn by then."""
    assert promise(book, "500", "2026-03-13").status == "applied"
    arranged(book, Wish(days=30))
    break_overdue_promises(book.at("2026-03-16 10:00").ctx)
    assert book.one(promises).status == "withdrawn", "the plan took its place, and nobody paid"
    (due,) = book.rows(arrangement_instalment)
    assert due.due_on == date(2026, 4, 10)
    assert due.interest > 20, "interest runs on"
    assert holds(book)[-1] == ("deferral", "2026-03-11", None)
    book.at("2026-03-30 09:00").escalate("L-1")
    assert [row.status for row in book.rows(action)] == ["cancelled"], "the promise's reminder"

    book.at("2026-04-10 21:00")
    pay(book, str(due.principal + due.interest), id="P-9", instalment="2026-04-10")
    assert (status(book), holds(book)[-1][2]) == ("completed", "2026-04-10")
    book.at("2026-04-11 09:00").escalate("L-1")
    assert [row.status for row in book.rows(action)] == ["cancelled"], "the promise's reminder"
    assert "Arrangement AR-1 was completed" in history(book)
