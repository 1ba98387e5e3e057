"""How the house stands: counts for operators, complete without a broker and without a name."""

import json
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine

from domain.actions import ActionStatus
from domain.reasons import ReasonCode, because
from tests.support.commands import arrears
from tests.support.counting import statements
from tests.support.fakes import FakeSmsGateway
from tests.support.loans import ADDRESS, KEY, NAME, PHONE, Book, only
from workers.calls.assign import assign_call
from workers.db.problems import note_problem
from workers.escalation.scan import scan_portfolio
from workers.inbox.apply import apply_event
from workers.inbox.store import store_event
from workers.operations.status import ReasonCount, Status, read_status
from workers.payments.payments import Payment, payment_payload
from workers.sms.providers.port import OutgoingText, SendOutcome, SendResult


class Answering(FakeSmsGateway):
    """A provider that gives everybody the same answer."""

    def __init__(self, answer: SendResult) -> None:
        super().__init__()
        self._answer = answer

    def send(self, text: OutgoingText) -> SendResult:
        return self._answer


TOO_MANY = because(ReasonCode.TOO_MANY_REQUESTS, provider="twilio")


def status_of(book: Book) -> Status:
    with book.ctx.engine.connect() as connection:
        found = read_status(connection, book.ctx.now())
    for secret in (NAME, ADDRESS, *PHONE.values()):
        assert secret not in str(found)
    return found


def answer_with(book: Book, outcome: SendOutcome, reason: str) -> None:
    book.ctx = replace(book.ctx, sms=only(Answering(SendResult(outcome, reason))))


def test_an_empty_installation_has_nothing_to_show(engine: Engine) -> None:
    found = status_of(Book(engine))

    assert found.loans.on_the_book == 0
    assert found.scan is None
    assert found.actions.by_type == {}
    assert found.actions.oldest_due_at is None


def test_loans_past_due_are_counted_by_their_days(engine: Engine) -> None:
    book = Book(engine, now="2026-03-31 10:00")
    due_dates = ("2026-03-30", "2026-03-28", "2026-03-27", "2026-03-01", "2026-01-30", "2026-03-31")
    for number, due_on in enumerate(due_dates):
        book.loan(f"L-{number}", due_on=due_on)
    book.escalate(*(f"L-{number}" for number in range(len(due_dates))))

    found = status_of(book)
    assert found.business_date.isoformat() == "2026-03-31"
    assert found.loans.on_the_book == 6
    assert found.loans.past_due == {"1-3": 2, "4-29": 1, "30-59": 1, "60 and more": 1}


def test_a_scan_leaves_its_loans_announced_until_they_are_looked_at(engine: Engine) -> None:
    book = Book(engine)
    for name in ("L-1", "L-2", "L-3"):
        book.loan(name, due_on="2026-03-01")
    scan_portfolio(book.ctx, lambda envelopes: None)
    book.escalate("L-1")

    found = status_of(book)
    assert (found.loans.due_for_review, found.loans.announced) == (2, 2)
    assert found.scan is not None
    assert (found.scan.loans, found.scan.envelopes) == (3, 3)
    assert found.scan.started_at == found.scan.finished_at == book.ctx.now()


def test_what_waits_is_counted_by_its_reason(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 23:30")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    book.at("2026-03-03 09:00")
    assign_call(book.ctx, book.action_id("L-1", "friendly_call"))

    actions = status_of(book).actions
    assert actions.by_type == {"assign_call": {"planned": 1}, "send_sms": {"deferred": 1}}
    assert actions.deferred_by_rules == {"cn.contact_hours": 1}
    assert [counted.count for counted in actions.waiting_by_reason] == [1]
    # Deferred until eight, and nobody has taken it since: the call waits for another moment.
    assert actions.due == 1
    assert actions.oldest_due_at == book.moment("2026-03-03 08:00")
    assert actions.oldest_due_seconds == 3600


def test_what_failed_was_given_up_or_is_not_certain_is_counted(engine: Engine) -> None:
    book = Book(engine)
    for name in ("L-1", "L-2", "L-3", "L-4"):
        book.loan(name, due_on="2026-03-01")
    book.escalate("L-1", "L-2", "L-3", "L-4")
    for name, outcome, reason in (
        ("L-1", SendOutcome.NOT_SENT, TOO_MANY),
        ("L-2", SendOutcome.REFUSED, because(ReasonCode.NUMBER_CANNOT_RECEIVE)),
        ("L-3", SendOutcome.UNKNOWN, because(ReasonCode.MAY_BE_SENT)),
    ):
        answer_with(book, outcome, reason)
        book.send(name, "text_day_1")

    found = status_of(book)
    assert found.actions.by_type["send_sms"] == {"dead": 1, "failed": 1, "planned": 1, "unknown": 1}
    assert found.actions.in_status(ActionStatus.UNKNOWN) == 1
    assert found.actions.dead_by_reason == (
        ReasonCount(because(ReasonCode.NUMBER_CANNOT_RECEIVE), 1),
    )
    assert found.actions.waiting_by_reason == (ReasonCount(TOO_MANY, 1),)
    assert found.messages == {"refused": 1, "not_sent": 1, "unknown": 1}


def test_events_that_changed_nothing_are_shown_with_their_reasons(engine: Engine) -> None:
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    for number, (loan, currency) in enumerate([("L-1", "USD"), ("L-9", "CNY"), ("L-1", "CNY")]):
        paid = Payment(f"P-{number}", loan, Decimal(10), currency, book.ctx.today())
        payload = payment_payload(paid)
        with engine.begin() as connection:
            event_id = store_event(
                connection, f"payment:P-{number}", "payment", payload, book.ctx.now()
            )
        apply_event(book.ctx, event_id)

    events = status_of(book).events
    assert events.waiting == {"payment": 1}
    assert events.rejected == {"payment": 1}
    assert [reason[0].code for reason in events.newest] == [
        ReasonCode.LOAN_NOT_KNOWN,
        ReasonCode.WRONG_CURRENCY,
    ]


def test_problems_are_counted_while_they_are_open(engine: Engine) -> None:
    book = Book(engine)
    with engine.begin() as connection:
        for name in ("L-1", "L-2"):
            reason = because(ReasonCode.ZONE_MISSING)
            note_problem(connection, book.loan(name), "zone_missing", reason, book.ctx.now())

    assert status_of(book).problems == {"zone_missing": 2}


def test_it_costs_the_same_few_statements_however_many_loans_there_are(engine: Engine) -> None:
    book = Book(engine)
    for number in range(20):
        book.loan(f"L-{number}", due_on="2026-03-01")
    book.escalate(*(f"L-{number}" for number in range(20)))

    with statements(engine) as sent:
        status_of(book)

    assert len(sent) == 18  # what stops sending, what stands still, and alarms among them


@pytest.fixture
def environment(engine: Engine, tmp_path: Path) -> dict[str, str]:
    """What an operator's shell has set; the broker named in it does not exist."""
    return {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "ARREARS_ENCRYPTION_KEYS": KEY,
        "ARREARS_LENDER": "Example Lender",
        "ARREARS_LENDER_PHONE": "400-000-0000",
        "ARREARS_ZONE": "Asia/Shanghai",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKENS": "secret",
        "TWILIO_FROM": "+15005550006",
    }


def test_without_a_broker_the_rest_is_shown_and_one_sentence_says_so(
    engine: Engine, environment: dict[str, str]
) -> None:
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")

    shown = arrears(environment, "status")

    assert shown.returncode == 0
    assert "The broker cannot be reached, so the queues are not shown." in shown.stdout
    assert "on the book" in shown.stdout
    assert NAME not in shown.stdout


def test_programs_get_the_same_as_json_with_the_depth_of_each_queue(
    engine: Engine, environment: dict[str, str], broker_url: str
) -> None:
    Book(engine).loan("L-1", due_on="2026-03-01")
    environment |= {"REDIS_URL": broker_url}

    shown = arrears(environment, "status", "--json")

    found = json.loads(shown.stdout)
    assert found["loans"]["on_the_book"] == 1
    assert found["queues"]["sms"] == 0
    assert set(found) == {*asdict(status_of(Book(engine))), "queues", "none_in_force"}
    assert found["none_in_force"] == []


def test_a_story_reaches_programs_as_json(engine: Engine, environment: dict[str, str]) -> None:
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")

    explained = arrears(environment, "explain", "L-1", "--json")
    read = arrears(environment, "explain", "L-1")

    story = json.loads(explained.stdout)
    assert story[1]["at"] == "2026-03-02T10:00:00+08:00"
    assert story[1]["text"].startswith("Reviewed: past due since 2026-03-01")
    assert "2026-03-02, Monday\n10:00  Reviewed: past due since 2026-03-01" in read.stdout
