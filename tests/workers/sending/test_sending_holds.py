"""A sending hold: everything is decided and nobody is contacted, until it is resumed."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from domain.actions import SEND_SMS
from domain.actors import Actor
from domain.errors import ArrearsError
from domain.sending import EVERYTHING, Scope, SendingScope
from tests.support.acting import acting
from tests.support.commands import arrears, granted
from tests.support.environment import an_environment
from tests.support.loans import Book
from workers.actions.dispatch import dispatch_due_actions
from workers.attempts.attempts import BarredError
from workers.calls.assign import assign_call
from workers.calls.locate import start_location_call
from workers.calls.start import start_call
from workers.db.action_claims import read_held_back
from workers.db.schema import contact, message, sending_hold
from workers.operations.sending_holds import resume_sending, stop_sending
from workers.operations.status import read_status

SMS = Scope(SendingScope.CHANNEL, "sms")
US = Scope(SendingScope.JURISDICTION, "US")


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-cn and L-us are one day past due, and each is owed a text; a caller is on shift."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-cn")
    book.loan("L-us", jurisdiction="US-NY", zones=["Asia/Shanghai"], steps_tried=())
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    return book


def dispatched(book: Book) -> int:
    return dispatch_due_actions(book.ctx, SEND_SMS, lambda ids: None, 0)


def test_while_sending_is_stopped_everything_is_decided_and_nothing_is_sent(book: Book) -> None:
    stop_sending(book.ctx, EVERYTHING, "the texts name a wrong amount")

    book.escalate("L-cn")

    planned = book.action("L-cn", "text_day_1")
    assert planned.status == "planned"
    assert book.send("L-cn", "text_day_1") == "nothing to do"
    assert dispatched(book) == 0
    assert book.action("L-cn", "text_day_1") == planned, "it waits as it was"
    assert (book.sms.sent, book.rows(contact), book.rows(message)) == ([], [], [])

    [hold] = book.rows(sending_hold)
    resume_sending(book.ctx, hold.id)

    assert dispatched(book) == 1
    assert book.send("L-cn", "text_day_1") == "accepted"
    assert len(book.sms.sent) == 1


def test_what_the_ladder_went_on_without_is_not_sent_when_sending_is_resumed(book: Book) -> None:
    book.escalate("L-cn")
    stop_sending(book.ctx, EVERYTHING, "why")

    book.at("2026-03-20 10:00").escalate("L-cn")

    assert book.action("L-cn", "text_day_1").status == "skipped"
    resume_sending(book.ctx, book.one(sending_hold).id)
    assert book.send("L-cn", "text_day_1") == "nothing to do"


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        (EVERYTHING, {"L-cn", "L-us"}),
        (SMS, {"L-cn", "L-us"}),
        (Scope(SendingScope.CHANNEL, "call"), set()),
        (US, {"L-us"}),
        (Scope(SendingScope.JURISDICTION, "US-NY"), {"L-us"}),
        (Scope(SendingScope.JURISDICTION, "US-MA"), set()),
        (Scope(SendingScope.JURISDICTION, "CN"), {"L-cn"}),
        (Scope(SendingScope.LADDER, "consumer_loan_cn"), {"L-cn"}),
        (Scope(SendingScope.LADDER, "consumer_loan_us"), {"L-us"}),
    ],
    ids=lambda each: str(each) if isinstance(each, Scope) else " ".join(sorted(each)),
)
def test_a_hold_stops_what_it_names_and_nothing_else(
    book: Book, scope: Scope, stopped: set[str]
) -> None:
    book.at("2026-03-02 22:30")  # the morning of New York is the night of Shanghai
    book.escalate("L-cn", "L-us")
    with book.ctx.engine.begin() as connection:
        connection.execute(
            text("UPDATE action SET status = 'planned', due_at = :now, rules = '{}'"),
            {"now": book.clock.at},
        )
    stop_sending(book.ctx, scope, "why")

    ids = {book.action_id(loan, "text_day_1"): loan for loan in ("L-cn", "L-us")}
    with book.ctx.engine.connect() as connection:
        held_back = read_held_back(connection, list(ids))
    assert {loan for id, loan in ids.items() if held_back[id].sending_held} == stopped
    assert dispatched(book) == 2 - len(stopped)


def test_a_call_that_was_assigned_before_is_not_started(book: Book) -> None:
    book.escalate("L-cn")
    assert assign_call(book.ctx, book.action_id("L-cn", "friendly_call")) == "assigned"
    stop_sending(book.ctx, Scope(SendingScope.CHANNEL, "call"), "the dialer calls too often")

    with pytest.raises(BarredError, match="Sending is on hold") as refused:
        start_call(acting(book.ctx, Actor("c-1")), "L-cn")

    assert refused.value.rules == ("lender.sending_hold",)
    with pytest.raises(BarredError, match="Sending is on hold"):
        start_location_call(acting(book.ctx, Actor("c-1")), "L-us", "+1 212 555 0177")
    assert book.rows(contact) == []
    resume_sending(book.ctx, book.one(sending_hold).id)
    assert start_call(acting(book.ctx, Actor("c-1")), "L-cn").attempt


def test_whoever_has_the_server_may_stop_and_two_persons_let_it_go_on(
    book: Book, database_url: str, broker_url: str, tmp_path: Path
) -> None:
    environment = an_environment(database_url, broker_url)
    no_token = environment | {"ARREARS_TOKEN_FILE": str(tmp_path / "none")}

    stopped = arrears(no_token, "sending", "stop", "--channel=sms", "--why=texts name no sum")

    assert "Sending is stopped" in stopped.stdout
    hold = book.one(sending_hold)
    for command in ("status", "check"):
        shown = arrears(no_token, command).stdout
        assert shown.startswith("SENDING IS ON HOLD (channel sms) since"), shown
        assert "texts name no sum" in shown
        assert f"arrears sending resume {hold.id}" in shown
    listed = arrears(no_token, "sending", "list", "--json").stdout
    assert json.loads(listed)[0]["cause"] == "person"
    refused = arrears(no_token, "sending", "resume", str(hold.id))
    assert refused.returncode == 2
    assert book.one(sending_hold).resumed_at is None

    resumed = granted(environment, "sending", "resume", str(hold.id))

    assert "It goes on" in resumed.stdout, resumed.stderr
    assert book.one(sending_hold).resumed_by
    assert "ON HOLD" not in arrears(no_token, "status").stdout
    assert "Nothing is stopped" in arrears(no_token, "sending", "list").stdout


def test_who_stops_twice_or_resumes_what_has_ended_is_answered_so(book: Book) -> None:
    assert stop_sending(book.ctx, SMS, "why").is_new
    assert not stop_sending(book.ctx, SMS, "why else").is_new
    assert stop_sending(book.ctx, EVERYTHING, "more").is_new
    first, second = book.rows(sending_hold)

    assert resume_sending(book.ctx, first.id).subject == "sms"
    with pytest.raises(ArrearsError, match="No sending hold"):
        resume_sending(book.ctx, first.id)
    assert [hold.resumed_by for hold in book.rows(sending_hold)] == ["arrears", None]
    with book.ctx.engine.connect() as connection:
        shown = read_status(connection, book.ctx.now()).sending_holds
    assert [(hold.id, hold.scope) for hold in shown] == [(second.id, "all")]


@pytest.mark.parametrize(
    "scope",
    [Scope(SendingScope.JURISDICTION, "UA"), Scope(SendingScope.LADDER, "consumer_loan")],
    ids=str,
)
def test_a_misspelt_name_is_refused_for_it_would_stop_nothing(book: Book, scope: Scope) -> None:
    with pytest.raises(ArrearsError, match=f"is called {scope.subject}"):
        stop_sending(book.ctx, scope, "why")
    assert book.rows(sending_hold) == []
