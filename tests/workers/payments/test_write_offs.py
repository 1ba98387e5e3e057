"""A loan that was written off is left alone for good; its money is still recorded."""

from datetime import date

import pytest
from sqlalchemy import Engine, update

from domain.reasons import ReasonCode, because
from tests.support.events import pay, promise, store, tell
from tests.support.loans import Book
from workers.db.schema import action_event, collection_case, instalment, loan, payment
from workers.db.schema import promise as promises
from workers.escalation.reassess import close_paid_cases
from workers.hardship.promise_judgement import break_overdue_promises
from workers.history import loan_history
from workers.inbox.apply import apply_event


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1")
    book.escalate("L-1")
    return book


def write_off(book: Book, on: str = "2026-03-02") -> str:
    return tell(book, "write_off", loan="L-1", written_off_on=on).status


def test_a_write_off_closes_the_case_and_calls_off_what_waits(book: Book) -> None:
    assert write_off(book) == "applied"

    assert book.actions("L-1") == {"text_day_1": "cancelled", "friendly_call": "cancelled"}
    assert book.action("L-1", "text_day_1").reason == because(ReasonCode.WRITTEN_OFF)
    assert book.one(collection_case).closed_because == "written_off"
    stands = book.one(loan)
    assert (stands.review_on, stands.delinquent_since) == (None, None)
    assert stands.written_off_on == date(2026, 3, 2)


def test_an_open_promise_ends_with_the_write_off_and_is_never_broken(book: Book) -> None:
    promise(book, "400", "2026-03-05")
    write_off(book)

    assert book.one(promises).status == "withdrawn"
    assert break_overdue_promises(book.at("2026-03-09 09:00").ctx) == 0


def test_nothing_brings_a_written_off_loan_back(book: Book) -> None:
    write_off(book)
    pay(book, "10")
    with book.ctx.engine.begin() as connection:
        connection.execute(update(loan).values(review_on=date(2026, 3, 2)))
    book.escalate("L-1")

    assert set(book.actions("L-1").values()) == {"cancelled"}
    assert book.one(loan).review_on is None
    assert book.one(collection_case).closed_at is not None, "no new case"


def test_a_text_that_was_planned_all_the_same_is_called_off_at_the_claim(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        connection.execute(update(loan).values(written_off_on=date(2026, 3, 2)))

    assert book.send("L-1", "text_day_1") == "nothing to do"
    assert book.action("L-1", "text_day_1").reason == because(ReasonCode.WRITTEN_OFF)
    assert book.sms.sent == []


def test_money_for_a_written_off_loan_is_recorded(book: Book) -> None:
    write_off(book)
    assert pay(book, "400").status == "applied"
    assert book.one(payment).amount == 400


def test_a_write_off_told_twice_keeps_its_first_day(book: Book) -> None:
    write_off(book, "2026-03-01")
    assert write_off(book) == "applied"
    assert book.one(loan).written_off_on == date(2026, 3, 1)


def test_the_history_says_who_wrote_it_off_and_why(book: Book) -> None:
    tell(
        book,
        "write_off",
        loan="L-1",
        written_off_on="2026-03-02",
        actor="sup-1",
        why="[sold] to nobody",
    )
    stands = book.one(loan)
    assert (stands.written_off_by, stands.written_off_why) == ("sup-1", None)
    with book.ctx.engine.connect() as connection:
        stories = [
            " ".join(entry.text for entry in loan_history(connection, book.ctx, "L-1", language=zh))
            for zh in ("en", "zh")
        ]
    assert (
        "The lender wrote the loan off as of 2026-03-02. It was recorded by sup-1. "
        'Why: "[sold] to nobody".' in stories[0]
    )
    assert "贷款机构已于2026-03-02核销该贷款。由sup-1记录。理由：“[sold] to nobody”。" in stories[1]


def test_a_write_off_of_a_day_to_come_is_rejected_and_one_of_an_unknown_loan_waits(
    book: Book,
) -> None:
    assert write_off(book, "2026-03-03") == "rejected"
    unknown = tell(book, "write_off", loan="L-9", written_off_on="2026-03-02")
    assert unknown.status == "received"


def test_a_case_left_open_after_all_was_paid_is_closed_once(book: Book) -> None:
    assert close_paid_cases(book.ctx) == 0, "something is past due"
    with book.ctx.engine.begin() as connection:
        connection.execute(update(instalment).values(paid_principal=999.99))
    assert close_paid_cases(book.ctx) == 0, "a cent is past due"
    with book.ctx.engine.begin() as connection:
        connection.execute(update(instalment).values(paid_principal=1000))

    assert close_paid_cases(book.ctx) == 1
    assert book.one(collection_case).closed_because == "cured"
    assert set(book.actions("L-1").values()) == {"cancelled"}
    moves = len(book.rows(action_event))
    assert close_paid_cases(book.ctx) == 0
    assert len(book.rows(action_event)) == moves


def test_a_case_is_not_closed_on_the_day_after_the_next_instalment_fell_due(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-03-02 00:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    assert close_paid_cases(book.ctx, limit=1) == 0


def test_a_write_off_that_is_taken_back_lets_the_ladder_go_on_and_sends_nothing_by_itself(
    book: Book,
) -> None:
    write_off(book)
    pay(book, "10")
    assert book.one(payment).is_recovery
    book.at("2026-03-02 23:30")

    told = {"loan": "L-1", "taken_back_on": "2026-03-02"}
    taken_back = tell(book, "write_off_taken_back", why="a mistake", actor="c-1", **told)

    assert taken_back.reason == because(ReasonCode.WRITE_OFF_TAKEN_BACK, loan="L-1")
    assert (book.one(loan).written_off_on, book.one(loan).review_on) == (None, date(2026, 3, 2))
    assert set(book.actions("L-1").values()) == {"cancelled"}
    book.escalate("L-1")
    assert set(book.actions("L-1").values()) == {"deferred"}, "not at this hour"
    assert book.sms.sent == []
    assert tell(book, "write_off_taken_back", **told).reason == because(
        ReasonCode.NOT_WRITTEN_OFF, loan="L-1"
    )
    with book.ctx.engine.connect() as connection:
        story = "\n".join(line.text for line in loan_history(connection, book.ctx, "L-1"))
    assert "The lender wrote the loan off as of 2026-03-02" in story
    assert "The lender took the write-off back as of 2026-03-02. It was recorded by c-1." in story
    assert "It counts as a recovery: it was paid on the day of the write-off, or later." in story
    assert write_off(book) == "applied", "it can be written off again"


def test_taking_a_write_off_back_waits_seven_days_for_the_write_off(book: Book) -> None:
    told = {"loan": "L-1", "taken_back_on": "2026-03-02"}
    first = store(book, "write_off_taken_back", **told)
    assert apply_event(book.ctx, first).status == "received"

    write_off(book)
    assert apply_event(book.ctx, first).status == "applied"
    assert book.one(loan).written_off_on is None

    never = store(book, "write_off_taken_back", **{**told, "taken_back_on": "2026-03-01"})
    assert apply_event(book.ctx, never).status == "received"
    assert apply_event(book.at("2026-03-09 10:01").ctx, never).status == "rejected"


def test_a_payment_of_the_day_of_a_write_off_that_is_told_later_is_a_recovery(book: Book) -> None:
    pay(book, "10", paid_on="2026-02-28")
    pay(book, "20", id="P-2", paid_on="2026-03-01")
    write_off(book, "2026-03-01")

    recoveries = {row.external_id: row.is_recovery for row in book.rows(payment)}
    assert recoveries == {"P-1": False, "P-2": True}
