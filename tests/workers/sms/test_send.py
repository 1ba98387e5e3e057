"""Sending a text: once, with fresh facts, and never twice when the answer was lost."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import Engine, insert
from sqlalchemy.exc import IntegrityError

from config.readers.templates import Templates
from domain.errors import ArrearsError
from domain.holds import HoldKind
from domain.language.speak import speak
from domain.reasons import ReasonCode, because
from tests.support.concurrently import concurrently
from tests.support.counting import statements
from tests.support.fakes import FakeSmsGateway
from tests.support.loans import NAME, Book, only
from workers.actions.run import run_action
from workers.db.schema import action_event, contact, message, problem, receipt
from workers.inbox.apply import apply_event
from workers.inbox.store import store_event
from workers.payments.payments import Payment, payment_payload, record_payment
from workers.sms.providers.port import OutgoingText, SendOutcome, SendResult
from workers.sms.reconcile import mark_lost_claims
from workers.sms.send import send_sms

FICTION = "+1212555{:04d}"
AS_FOR_US = {"jurisdiction": "US", "product": "personal_loan", "zones": ["America/New_York"]}


class PowerCutError(BaseException):
    """What no `except Exception` gets hold of."""


class Dying(FakeSmsGateway):
    """The process dies while the provider is being asked."""

    def send(self, text: OutgoingText) -> SendResult:
        raise PowerCutError


class Sleeping(FakeSmsGateway):
    """The worker sleeps through its lease, and others clear up meanwhile."""

    def __init__(self, book: Book) -> None:
        super().__init__()
        self._book = book

    def send(self, text: OutgoingText) -> SendResult:
        answer = super().send(text)
        self._book.clock.at += self._book.ctx.settings.lease + timedelta(seconds=1)
        mark_lost_claims(self._book.ctx)
        return answer


def a_due_text(engine: Engine, phone: str = "", **more: object) -> tuple[Book, int]:
    """A loan one day past due whose first text is planned."""
    book = Book(engine, now="2026-03-02 10:00", zone="America/New_York")
    book.loan("L-1", due_on="2026-03-01", phone=phone, **{**AS_FOR_US, **more})  # type: ignore[arg-type]
    book.escalate("L-1")
    return book, book.action_id("L-1", "text_day_1")


def test_a_text_goes_out_once_however_often_its_message_is_delivered(engine: Engine) -> None:
    book, action_id = a_due_text(engine)

    assert [send_sms(book.ctx, action_id) for _ in range(3)] == [
        "accepted",
        "nothing to do",
        "nothing to do",
    ]

    (sent,) = book.sms.sent
    assert "L-1" in sent.text.body
    assert NAME not in sent.text.body
    assert book.actions("L-1")["text_day_1"] == "done"
    assert book.one(message).sid == sent.sid
    assert book.one(contact).rule_packs == ["lender v4", "us v6"]


def test_workers_that_race_for_one_text_send_it_once(engine: Engine) -> None:
    book, action_id = a_due_text(engine)

    concurrently(*[partial(send_sms, book.ctx, action_id)] * 4)

    assert len(book.sms.sent) == 1


def test_at_night_the_text_waits_for_the_first_lawful_moment(engine: Engine) -> None:
    book, action_id = a_due_text(engine)
    book.at("2026-03-02 22:30")

    assert send_sms(book.ctx, action_id) == "nothing to do"

    waiting = book.action("L-1", "text_day_1")
    assert waiting.status == "deferred"
    assert waiting.rules == ["us.contact_hours"]
    assert waiting.due_at == datetime(2026, 3, 3, 13, tzinfo=UTC), "08:00 in New York"
    assert book.sms.sent == []

    assert send_sms(book.at("2026-03-03 07:59").ctx, action_id) == "nothing to do"
    assert send_sms(book.at("2026-03-03 08:00").ctx, action_id) == "accepted"


def test_a_payment_recorded_before_the_claim_stops_the_text(engine: Engine) -> None:
    book, action_id = a_due_text(engine)
    with engine.begin() as connection:
        paid = Payment("P-1", "L-1", Decimal(1000), "USD", book.ctx.today())
        record_payment(connection, book.ctx, paid)

    assert send_sms(book.ctx, action_id) == "nothing to do"

    assert book.actions("L-1")["text_day_1"] == "cancelled"
    assert book.sms.sent == []


def test_a_payment_in_flight_is_waited_for_and_stops_the_text(engine: Engine) -> None:
    """The claim locks the loan: it cannot read around a payment that is about to commit."""
    book, action_id = a_due_text(engine)
    with engine.begin() as connection:
        paid = Payment("P-1", "L-1", Decimal(1000), "USD", book.ctx.today())
        record_payment(connection, book.ctx, paid)
        sender = threading.Thread(target=send_sms, args=(book.ctx, action_id))
        sender.start()
        sender.join(timeout=0.5)
        assert sender.is_alive(), "it waits for the payment to commit"
    sender.join(timeout=20)

    assert book.sms.sent == []
    assert book.actions("L-1")["text_day_1"] == "cancelled"


def test_a_hold_that_began_after_planning_defers_the_text_to_its_end(engine: Engine) -> None:
    book, action_id = a_due_text(engine)
    book.hold("L-1", HoldKind.DISPUTE, "2026-03-02", "2026-03-05")

    send_sms(book.ctx, action_id)

    waiting = book.action("L-1", "text_day_1")
    assert waiting.rules[0] == "lender.on_hold"
    assert waiting.due_at == datetime(2026, 3, 5, 13, tzinfo=UTC), "08:00 on the day it ends"


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"phone": None}, "lender.no_address_known"),
        ({"zones": []}, "lender.no_zone_known"),
        ({"jurisdiction": "US", "zones": ["Asia/Tokyo"]}, None),
    ],
)
def test_what_the_gate_does_not_know_it_does_not_allow(
    engine: Engine, facts: dict[str, object], rule: str | None
) -> None:
    book, action_id = a_due_text(engine, **facts)

    send_sms(book.ctx, action_id)

    assert book.sms.sent == []
    waiting = book.action("L-1", "text_day_1")
    assert waiting.status == "deferred"
    if rule:
        assert (waiting.rules, waiting.due_at) == ([rule], None)


def test_a_borrower_who_opted_out_at_the_provider_is_never_texted_again(engine: Engine) -> None:
    book, action_id = a_due_text(engine, phone=FICTION.format(190))

    assert send_sms(book.ctx, action_id) == "refused"

    assert book.actions("L-1")["text_day_1"] == "barred"
    assert book.number_facts() == ["opted_out"]
    book.at("2026-03-04 10:00").escalate("L-1")
    never = replace(book.ctx, sms=only(Dying()))  # the gate says no before any provider is asked
    assert send_sms(never, book.action_id("L-1", "text_day_3")) == "nothing to do"
    assert book.action("L-1", "text_day_3").rules == ["lender.opted_out"]


def test_a_number_that_cannot_take_texts_is_a_problem_on_record(engine: Engine) -> None:
    book, action_id = a_due_text(engine, phone=FICTION.format(189))

    send_sms(book.ctx, action_id)

    assert book.actions("L-1")["text_day_1"] == "dead"
    assert book.one(problem).kind == "number_closed"
    assert (book.number_facts(), book.may_call("L-1")) == (["no_texts"], "allowed")


def test_a_text_that_certainly_was_not_sent_is_tried_for_hours_and_not_for_ever(
    engine: Engine,
) -> None:
    book, action_id = a_due_text(engine, phone=FICTION.format(194))
    began = book.clock.at
    while book.actions("L-1")["text_day_1"] != "dead":
        assert send_sms(book.ctx, action_id) == "not_sent"
        assert send_sms(book.ctx, action_id) == "nothing to do", "its time has not come"
        if due_at := book.action("L-1", "text_day_1").due_at:
            book.clock.at = due_at
        assert book.clock.at - began < timedelta(hours=8)

    assert book.clock.at - began > timedelta(hours=3), "no short outage costs a day's texts"
    assert {row.status for row in book.rows(message)} == {"not_sent"}


def test_a_text_in_a_language_without_templates_waits_with_a_problem(engine: Engine) -> None:
    book, action_id = a_due_text(engine, locale="fr")

    assert send_sms(book.ctx, action_id) == "nothing to do"

    waiting = book.action("L-1", "text_day_1")
    assert (waiting.status, waiting.due_at) == ("deferred", None)
    assert "fr" in speak(waiting.reason)
    assert book.one(problem).kind == "language_without_templates"
    assert book.sms.sent == []


def test_a_text_that_cannot_be_written_is_quarantined_and_the_log_says_why(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    book, action_id = a_due_text(engine)

    def fails(*_: object) -> str:
        raise ArrearsError("The template needs its fr.")

    monkeypatch.setattr(Templates, "render", fails)
    assert run_action(book.ctx, action_id, send_sms) == "quarantined"

    aside = book.action("L-1", "text_day_1")
    assert (aside.status, aside.attempts) == ("failed", 1)
    assert speak(aside.reason).endswith("See the log of the worker.")
    assert "The template needs its fr." in caplog.text
    assert book.sms.sent == []


@pytest.mark.parametrize("number", [192, 193, 195, 196, 197])
def test_a_text_whose_answer_was_lost_is_never_sent_again(engine: Engine, number: int) -> None:
    book, action_id = a_due_text(engine, phone=FICTION.format(number))

    assert send_sms(book.ctx, action_id) == "unknown"
    book.at("2026-03-02 15:00")

    assert send_sms(book.ctx, action_id) == "nothing to do"
    assert (book.actions("L-1")["text_day_1"], book.one(message).status) == ("unknown", "unknown")


def test_a_receipt_settles_a_text_whose_answer_was_lost(engine: Engine) -> None:
    book, action_id = a_due_text(engine, phone=FICTION.format(192))
    send_sms(book.ctx, action_id)

    for word in ("delivered", "sent", "delivered"):
        report(book, word)

    assert book.actions("L-1")["text_day_1"] == "done"
    assert book.one(message).status == "delivered", "it never goes backwards"
    assert [row.status for row in book.rows(receipt)] == ["delivered", "sent"]


def test_a_sender_that_dies_in_the_act_leaves_the_text_unknown(engine: Engine) -> None:
    book, action_id = a_due_text(engine)

    with pytest.raises(PowerCutError):
        send_sms(replace(book.ctx, sms=only(Dying())), action_id)
    assert book.actions("L-1")["text_day_1"] == "claimed"

    assert mark_lost_claims(book.ctx) == 0, "its lease has not ended"
    book.clock.at += book.ctx.settings.lease + timedelta(seconds=1)
    assert mark_lost_claims(book.ctx) == 1
    assert mark_lost_claims(book.ctx) == 0
    assert (book.actions("L-1")["text_day_1"], book.one(message).status) == ("unknown", "unknown")


def test_a_sender_that_wakes_up_after_its_claim_has_lapsed_writes_nothing(engine: Engine) -> None:
    book, action_id = a_due_text(engine)

    send_sms(replace(book.ctx, sms=only(Sleeping(book))), action_id)

    assert book.actions("L-1")["text_day_1"] == "unknown"
    moves = [(row.from_status, row.to_status) for row in book.rows(action_event)]
    assert moves == [("claimed", "unknown")]


def test_the_database_itself_refuses_a_second_live_text_for_an_action(engine: Engine) -> None:
    book, action_id = a_due_text(engine)
    send_sms(book.ctx, action_id)
    again = dict(book.one(message)._mapping) | {"id": uuid4(), "sid": "SM-other"}

    with (
        pytest.raises(IntegrityError, match="message_one_live_per_try"),
        engine.begin() as connection,
    ):
        connection.execute(insert(message).values(**again))


def test_a_text_costs_eight_statements_at_most(engine: Engine) -> None:
    book, action_id = a_due_text(engine)

    with statements(engine) as sent:
        send_sms(book.ctx, action_id)

    assert len(sent) <= 8


def test_a_receipt_that_overtakes_a_lost_answer_settles_the_text(engine: Engine) -> None:
    book, action_id = a_due_text(engine)

    class Overtaken(FakeSmsGateway):
        """The receipt is here before the answer, and the answer never comes."""

        def send(self, text: OutgoingText) -> SendResult:
            report(book, "delivered")
            return SendResult(
                SendOutcome.UNKNOWN, because(ReasonCode.NO_ANSWER_IN_TIME, provider="twilio")
            )

    send_sms(replace(book.ctx, sms=only(Overtaken())), action_id)

    assert (book.actions("L-1")["text_day_1"], book.one(message).status) == ("done", "delivered")


def test_a_receipt_that_says_failed_proves_that_it_was_not_tried(engine: Engine) -> None:
    book, action_id = a_due_text(engine, phone=FICTION.format(192))
    send_sms(book.ctx, action_id)

    report(book, "send_failed")

    assert book.actions("L-1")["text_day_1"] == "undelivered"


def test_a_payment_that_waits_to_be_applied_stops_the_text(engine: Engine) -> None:
    book, action_id = a_due_text(engine)
    paid = Payment("P-1", "L-1", Decimal(1000), "USD", book.ctx.today())
    with engine.begin() as connection:
        event_id = store_event(connection, "P-1", "payment", payment_payload(paid), book.ctx.now())

    assert send_sms(book.ctx, action_id) == "nothing to do"
    assert book.action("L-1", "text_day_1").rules == ["lender.event_pending"]

    apply_event(book.ctx, event_id)
    assert book.actions("L-1")["text_day_1"] == "cancelled"
    assert book.sms.sent == []


def report(book: Book, word: str) -> None:
    payload = {
        "message_id": str(book.one(message).id),
        "sid": "SM1",
        "word": word,
        "status": word,
        "code": None,
    }
    with book.ctx.engine.begin() as connection:
        event_id = store_event(connection, f"twilio:SM1:{word}", "receipt", payload, book.ctx.now())
    apply_event(book.ctx, event_id)
