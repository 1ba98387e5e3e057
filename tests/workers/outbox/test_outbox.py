"""What happens is told in the transaction in which it happens, to lenders who asked for it."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from domain.actions import ActionStatus, Move
from domain.messages import MessageStatus
from domain.reason_json import reasons_as_json
from domain.reasons import ReasonCode, because
from tests.support.counting import statements
from tests.support.loans import Book
from tests.support.receiver import telling
from workers.calls.assign import assign_call
from workers.db.actions import move_actions
from workers.db.outbox import OutboxEventKind, OutboxMessage, record_events
from workers.db.schema import collection_case, decision, message, outbox_event
from workers.escalation.escalate import escalate_loans
from workers.legal.legal_files import open_legal_file
from workers.payments.payments import Payment, record_payment
from workers.simulator.providers.magic_numbers import SimulatedOutcome
from workers.sms.delivery_receipts import record_receipt
from workers.visits.schedule import schedule_visit

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.fixture
def book(engine: Engine) -> Book:
    """A house whose lender is told what happens."""
    return telling(Book(engine, now="2026-03-02 10:00"))


def recorded(book: Book) -> list[tuple[str, Mapping[str, Any]]]:
    rows = book.rows(select(outbox_event).order_by(outbox_event.c.id))
    return [(row.kind, row.payload) for row in rows]


def kinds(book: Book) -> list[str]:
    return [kind for kind, _ in recorded(book)]


def pay(book: Book, amount: str) -> None:
    paid = Payment("P-1", "L-1", Decimal(amount), "CNY", paid_on=date(2026, 3, 2))
    with book.ctx.engine.begin() as connection:
        record_payment(connection, book.ctx, paid)


def receipt(book: Book, status: MessageStatus) -> None:
    sent = book.one(message)
    payload = {
        "provider": sent.provider,
        "message_id": str(sent.id),
        "sid": sent.sid or "SM1",
        "word": str(status),
        "status": str(status),
        "code": None,
    }
    with book.ctx.engine.begin() as connection:
        record_receipt(connection, book.ctx, payload)


def test_a_decision_that_plans_something_is_told_with_its_place_on_the_ladder(book: Book) -> None:
    loan_id = book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")

    event = book.one(outbox_event)
    assert (event.kind, event.loan_id) == ("loan.escalated", loan_id)
    assert event.happened_at == book.ctx.now()
    assert event.payload == {
        "decision": book.one(decision).id,
        "business_date": "2026-03-02",
        "past_due_since": "2026-03-01",
        "ladder_since": "2026-03-01",
        "ladder": "consumer_loan_cn",
        "ladder_version": book.one(decision).ladder_version,
        "step": "remind",
        "items": ["text_day_1", "friendly_call"],
    }


def test_a_decision_that_plans_nothing_records_no_event(book: Book) -> None:
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.at("2026-03-10 10:00").escalate("L-1")
    seen = len(recorded(book))

    book.at("2026-03-11 10:00").escalate("L-1")
    assert len(recorded(book)) == seen


def test_a_text_is_told_when_the_provider_has_it_and_when_it_has_arrived(book: Book) -> None:
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    assert kinds(book) == ["loan.escalated", "text.sent"]

    receipt(book, MessageStatus.SENT)
    receipt(book, MessageStatus.DELIVERED)
    receipt(book, MessageStatus.DELIVERED)

    assert kinds(book) == ["loan.escalated", "text.sent", "text.delivered"]
    assert recorded(book)[-1][1] == {
        "text": str(book.one(message).id),
        "action": book.action_id("L-1", "text_day_1"),
        "step": "remind",
        "item": "text_day_1",
        "ladder_since": "2026-03-01",
    }


def test_a_text_whose_first_receipt_is_that_it_arrived_was_sent_as_well(book: Book) -> None:
    book.loan("L-1", due_on="2026-03-01", phone=f"+1212555{SimulatedOutcome.SILENCE}")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    assert kinds(book) == ["loan.escalated"], "nobody knows what became of it"

    receipt(book, MessageStatus.DELIVERED)
    assert kinds(book) == ["loan.escalated", "text.sent", "text.delivered"]


def test_a_text_that_is_refused_is_told_and_so_is_the_end_of_its_action(book: Book) -> None:
    book.loan("L-1", due_on="2026-03-01", phone=f"+1212555{SimulatedOutcome.LANDLINE}")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")

    assert kinds(book) == ["loan.escalated", "text.failed", "action.dead"]
    dead = recorded(book)[-1][1]
    assert dead["reason"] == reasons_as_json(book.action("L-1", "text_day_1").reason)


def test_a_text_that_could_not_be_delivered_is_told(book: Book) -> None:
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    receipt(book, MessageStatus.UNDELIVERED)

    assert kinds(book) == ["loan.escalated", "text.sent", "text.failed"]


def test_work_for_people_is_told_when_somebody_has_it(book: Book) -> None:
    book.at("2026-04-30 10:00")
    book.staff("c-1", "caller", shift=("2026-04-30 09:00", "2026-04-30 18:00"))
    for number in (1, 2):
        book.staff(f"v-{number}", "visitor")
    for name, due_on in (("L-1", "2026-04-22"), ("L-2", "2026-03-30"), ("L-3", "2026-02-20")):
        book.loan(name, due_on=due_on, steps_tried=("remind", "enquire", "visit"))
        book.escalate(name)
    book.approve("L-3")

    assign_call(book.ctx, book.action_id("L-1", "enquiry_call"))
    schedule_visit(book.ctx, book.action_id("L-2", "field_visit"))
    open_legal_file(book.ctx, book.action_id("L-3", "legal_file"))

    assert kinds(book)[3:] == ["call.assigned", "visit.scheduled", "legal_file.opened"]
    assert recorded(book)[3][1]["item"] == "enquiry_call"


def test_a_cure_is_told_once(book: Book) -> None:
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    pay(book, "1000")

    assert kinds(book) == ["loan.escalated", "case.cured"]
    case = book.one(collection_case)
    assert recorded(book)[-1][1] == {"case": case.id, "opened_on": "2026-03-02"}


def test_a_part_payment_is_no_cure(book: Book) -> None:
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    pay(book, "400")

    assert kinds(book) == ["loan.escalated"]


def test_without_a_receiver_nothing_is_recorded(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    pay(book, "1000")

    assert recorded(book) == []


def test_a_transaction_that_is_rolled_back_tells_nothing(book: Book) -> None:
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")

    with book.ctx.engine.connect() as connection:
        dead = Move(ActionStatus.SKIPPED, because(ReasonCode.DAYS_PASSED))
        move_actions(connection, [book.action_id("L-1", "text_day_1")], dead, book.ctx.now())
        record_events(
            connection,
            [OutboxMessage(OutboxEventKind.ACTION_DEAD, book.loan_id("L-1"), {})],
            book.ctx.now(),
        )
        connection.rollback()

    assert kinds(book) == ["loan.escalated"]


def test_telling_costs_an_envelope_one_statement_however_many_loans_it_holds(
    book: Book, engine: Engine
) -> None:
    counts = {}
    for size in (1, 7):
        ids = [book.loan(f"L-{size}-{n}", due_on="2026-03-01") for n in range(size)]
        with statements(engine) as sent:
            escalate_loans(book.ctx, ids)
        counts[size] = len(sent)
        assert sum("INSERT INTO outbox_event" in statement for statement in sent) == 1
    assert counts[1] == counts[7]
    assert len(recorded(book)) == 8


def test_every_kind_of_event_is_on_the_page_about_events() -> None:
    page = (DOCS / "events.md").read_text()
    assert [kind for kind in OutboxEventKind if f"`{kind}`" not in page] == []
