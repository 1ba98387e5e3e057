"""A small old rest does not make new arrears old, and nothing acts before the due day is over."""

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import Engine, select

from domain.loans import Instalment
from domain.reasons import ReasonCode, because
from tests.support.loans import Book
from workers.calls.assign import assign_call
from workers.db.schema import call, decision, loan
from workers.history import loan_history
from workers.inbox.apply import EventResult
from workers.inbox.submit import submit
from workers.simulator.demo.integrity import count_duplicates, find_unexplained
from workers.staff.work_items import Kind
from workers.staff.worklist import read_work

JANUARY, JUNE, JULY = date(2026, 1, 1), date(2026, 6, 1), date(2026, 7, 1)
SCHEDULE = [
    Instalment(JANUARY, Decimal(500), paid_principal=Decimal(499)),
    *(Instalment(date(2026, month, 1), Decimal(500), paid_principal=Decimal(500))
      for month in range(2, 6)),
    Instalment(JUNE, Decimal(500)),
    Instalment(JULY, Decimal(500)),
]  # fmt: skip


def pay(book: Book, amount: str, id: str = "P-1") -> EventResult:
    payload = {
        "external_id": id,
        "loan": "L-1",
        "amount": amount,
        "currency": "CNY",
        "paid_on": str(book.ctx.today()),
    }
    return submit(book.ctx, f"payment:{id}", "payment", payload)


def reverse(book: Book, id: str) -> EventResult:
    payload = {"payment": id, "reversed_on": str(book.ctx.today())}
    return submit(book.ctx, f"reversal:{id}", "reversal", payload)


def test_one_yuan_unpaid_since_january_does_not_bring_a_missed_june_to_court(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-06-02 10:00")
    book.loan("L-1", instalments=SCHEDULE)

    book.escalate("L-1")

    assert book.actions("L-1") == {"text_day_1": "planned", "friendly_call": "planned"}
    assert book.action("L-1", "text_day_1").ladder_since == JUNE
    stood = book.one(decision)
    assert (stood.days_past_due, stood.delinquent_since) == (152, JANUARY)
    assert (stood.ladder_since, stood.ladder_day, stood.step) == (JUNE, 1, "remind")
    assert book.one(loan).ladder_since == JUNE
    with engine.connect() as connection:
        story = " ".join(s.text for s in loan_history(connection, book.ctx, "L-1"))
    assert "days past due 152" in story
    assert "The ladder counts from 2026-06-01" in story


def test_paying_the_yuan_begins_nothing_anew(engine: Engine) -> None:
    book = Book(engine, now="2026-06-02 10:00")
    book.loan("L-1", instalments=SCHEDULE)
    book.escalate("L-1")
    book.send("L-1", "text_day_1")

    book.at("2026-06-03 10:00")
    pay(book, "1")
    book.escalate("L-1")

    assert book.actions("L-1") == {"text_day_1": "done", "friendly_call": "planned"}
    assert len(book.sms.sent) == 1
    assert book.one(loan).delinquent_since == book.one(loan).ladder_since == JUNE
    with engine.connect() as connection:
        assert find_unexplained(connection, book.ctx) == {}
        assert count_duplicates(connection) == 0


def test_a_payment_that_leaves_nine_yuan_ends_the_ladder_and_its_reversal_brings_it_back(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-06-02 10:00")
    book.staff("c-1", "caller", shift=("2026-06-02 00:00", "2026-06-30 00:00"))
    book.loan("L-1", instalments=SCHEDULE[1:])
    book.escalate("L-1")
    assign_call(book.ctx, book.action_id("L-1", "friendly_call"))

    pay(book, "491")

    assert book.actions("L-1") == {"text_day_1": "cancelled", "friendly_call": "cancelled"}
    assert book.action("L-1", "text_day_1").reason == because(ReasonCode.BELOW_MINIMUM)
    assert book.one(call).cancelled_at is not None
    with engine.connect() as connection:
        assert not read_work(connection, book.ctx, book.ctx.today(), [Kind.CALLS]).calls
    assert book.one(loan).ladder_since is None
    book.escalate("L-1")
    assert book.one(select(loan.c.review_on)).review_on == JULY + timedelta(days=1)

    book.at("2026-06-03 10:00")
    reverse(book, "P-1")
    book.escalate("L-1")

    assert book.actions("L-1") == {"text_day_1": "planned", "friendly_call": "planned"}
    assert {row.ladder_since for row in book._actions("L-1")} == {JUNE}


def test_nine_yuan_of_june_do_not_make_july_old(engine: Engine) -> None:
    book = Book(engine, now="2026-07-02 10:00")
    book.loan("L-1", instalments=SCHEDULE[1:])
    pay(book, "491")
    book.escalate("L-1")

    assert book.one(decision).days_past_due == 31
    assert book.actions("L-1") == {"text_day_1": "planned", "friendly_call": "planned"}
    assert book.action("L-1", "text_day_1").ladder_since == JULY


def test_a_borrower_far_in_the_west_is_not_texted_while_it_is_still_the_due_day_there(
    engine: Engine,
) -> None:
    """Shanghai's Monday is past midnight; in Los Angeles it is Sunday morning, the due day."""
    book = Book(engine, now="2026-03-02 01:00")
    book.loan("L-1", due_on="2026-03-01", zones=["Asia/Shanghai", "America/Los_Angeles"])

    book.escalate("L-1")

    waits = book.action("L-1", "text_day_1")
    assert (waits.status, "lender.due_day_not_over" in waits.rules) == ("deferred", True)
    assert book.send("L-1", "text_day_1") == "nothing to do"
    assert book.sms.sent == []
    # Until Monday is lawful in both: 08:00 to 14:00 in Los Angeles is 00:00 to 06:00 in Shanghai,
    # which is night there; 17:00 to 22:00 in Los Angeles is 09:00 to 14:00.
    assert waits.due_at.astimezone(book.zone).isoformat() == "2026-03-03T08:00:00+08:00"


def test_the_ladder_does_not_assign_a_call_before_the_due_day_is_over_either(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-03-02 00:30")
    book.staff("c-1", "caller", shift=("2026-03-02 00:00", "2026-03-30 00:00"))
    book.loan("L-1", due_on="2026-03-01", zones=["America/New_York"])
    book.escalate("L-1")

    assign_call(book.ctx, book.action_id("L-1", "friendly_call"))

    waits = book.action("L-1", "friendly_call")
    assert waits.status == "deferred"
    # Sunday ends in New York at 13:00 of Monday in Shanghai; its morning begins at 08:00 there.
    assert waits.due_at.astimezone(book.zone).isoformat() == "2026-03-02T21:00:00+08:00"


def test_the_amount_that_is_asked_for_stays_all_that_is_past_due(engine: Engine) -> None:
    book = Book(engine, now="2026-06-02 10:00")
    book.loan("L-1", instalments=SCHEDULE)
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    (sent,) = book.sms.sent
    assert "501.00" in sent.text.body
