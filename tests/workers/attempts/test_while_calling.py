"""What is recorded while a call is on pauses later ones: this call is left to its outcome."""

import json
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import Engine, update

from domain.actors import Role
from domain.errors import RefusedError
from tests.support.desk import at_desk, call_confirmed, token_of
from tests.support.ladders import UNTIL_LEARNT, with_call_plan
from tests.support.loans import Book
from workers.calls.assign import assign_call
from workers.db.free_text import sealed
from workers.db.schema import (
    call,
    complaint,
    contact,
    contact_outcome,
    dispute,
    hold,
    inbox_event,
    person_fact,
    promise,
    promise_part,
)
from workers.hardship.promise_review import count_unkept
from workers.inbox.apply import EventResult, apply_event
from workers.inbox.event_data.conversations import ContactOutcomeFacts
from workers.inbox.store import store_event
from workers.inbox.submit import submit

Token = dict[str, str]


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 and L-2 are loans of one borrower, past due since 1 March; both are in one call."""
    book = Book(engine, now="2026-03-09 10:00", policy=with_call_plan(UNTIL_LEARNT))
    book.staff("c-1", "caller", shift=("2026-03-09 08:00", "2026-03-09 20:00"))
    book.loan("L-1", borrower_id="B-1")
    book.loan("L-2", borrower_id="B-1")
    book.escalate("L-1")
    book.escalate("L-2")
    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "assigned"
    return book


@pytest.fixture
def token(book: Book) -> Token:
    return token_of(book.ctx.engine, "c-1", Role.CALLER)


_PROMISED = {"amount": "1000.00", "currency": "CNY", "due_on": "2026-03-12"}
_PAUSE = {
    "kind": "vulnerability",
    "starts_on": "2026-03-09",
    "ends_on": "2026-03-20",
    "why": "in hospital",
}
_DISPUTED = {"kind": "amount", "starts_on": "2026-03-09", "why": "paid in cash"}


def test_an_outcome_carries_a_promise_in_parts_by_the_limits_of_any_promise(
    book: Book, token: Token
) -> None:
    """Two payments, and what the person can pay a month: more than that only with a supervisor."""
    call_confirmed(book, token)
    parts = [
        {"amount": "300.00", "due_on": "2026-03-12"},
        {"amount": "700.00", "due_on": "2026-03-16"},
    ]
    promised = {"currency": "CNY", "parts": parts}

    def told(why: str | None = "pay day", **more: str) -> Response:
        said = {"attempt": "a-1", "outcome": "promised", "reason": "forgot", "why": why}
        return at_desk(book, token, "/outcomes", {**said, "promised": {**promised, **more}})

    assert told(amount="900.00").status_code == 409, "it is not their sum"
    beyond = told(can_pay_monthly="400.00")
    assert beyond.status_code == 403, "a supervisor agrees first"
    assert book.rows(contact_outcome) == []
    assert told(can_pay_monthly="1000.00").status_code == 200
    assert [(str(row.due_on), str(row.amount)) for row in book.rows(promise_part)] == [
        ("2026-03-12", "300.0000"),
        ("2026-03-16", "700.0000"),
    ]
    stored = book.one(inbox_event.select().where(inbox_event.c.kind == "contact_outcome"))
    assert not {"why", "can_pay_monthly"} & {*stored.payload, *stored.payload["promised"]}
    assert "1000" not in str(stored.payload), "it is kept with the promise, encrypted"
    assert told(can_pay_monthly="1000.00").json()["known"] is True
    # What is left out says nothing; the rest is compared, each by itself.
    for same in (told(why=None, can_pay_monthly="1000.00"), told()):
        assert same.json()["known"] is True, same.json()
    for other, differs in (
        (told(why=None, can_pay_monthly="900.00"), ["can_pay_monthly"]),
        (told(why="rent", can_pay_monthly="1000.00"), ["why"]),
    ):
        assert other.json()["reason"][0]["params"]["fields"] == differs
    alone = {"promise": "p-1", "loan": "L-1", **promised}
    again = at_desk(book, token, "/promises", alone).json()
    assert (again["known"], again["reason"][0]["params"]["promise"]) == (True, "promised:a-1")
    refused = at_desk(book, token, "/promises/withdrawals", {"promise": "p-1"})
    assert refused.status_code == 409
    assert "Withdraw promised:a-1" in refused.json()["detail"], "its id leads to the one on record"
    assert len(book.rows(promise)) == 1, "it is one promise, however it is told"
    # A system will withdraw it by its own id: so it takes its place, and nothing went unkept.
    by_core = {**alone, "promise": "C-1", "actor": "c-1"}
    with book.ctx.engine.begin() as connection:
        event = store_event(connection, "e", "promise", by_core, book.ctx.now(), sender="core")
    assert apply_event(book.ctx, event).status == "applied"
    assert [row.status for row in book.rows(promise)] == ["withdrawn", "open"]
    (terms,) = (each for each in book.ctx.policy.promises if each.name == "promises_cn v2")
    with book.ctx.engine.connect() as connection:
        assert count_unkept(connection, book.loan_id("L-1"), terms, book.ctx.now()) == 0


def test_the_same_outcome_with_other_contents_is_answered_in_one_way(
    book: Book, token: Token
) -> None:
    """Whoever reports it, and under whatever id: what differs is named, and nothing changes."""
    call_confirmed(book, token)
    said = {"attempt": "a-1", "outcome": "promised", "reason": "forgot", "promised": _PROMISED}
    assert at_desk(book, token, "/outcomes", said).status_code == 200
    assert at_desk(book, token, "/outcomes", said).json()["known"] is True
    other_reason = {**said, "reason": "illness", "recording": "REC-9"}
    refused = at_desk(book, token, "/outcomes", other_reason)
    assert refused.status_code == 409
    assert refused.json()["reason"][0]["params"]["fields"] == ["reason", "recording"]
    hours = {"days": ["mon"], "starts": "00:00", "ends": "12:00"}
    mornings = {"fact": "inconvenient_time", "time": hours}
    assert at_desk(book, token, "/outcomes", {**said, "said": [mornings]}).status_code == 409
    with pytest.raises(RefusedError) as by_event:
        submit(book.ctx, "again", "contact_outcome", {**other_reason, "actor": "c-1"})
    assert by_event.value.reason[0].params["fields"] == ["reason", "recording"]
    assert len(book.rows(promise)) == 1
    # What was said protects, so an event that is new brings it. What else it says does not count.
    later = {**other_reason, "actor": "c-1", "said": [mornings]}
    adds = submit(book.ctx, "later", "contact_outcome", later)
    assert [each.code for each in adds.reason] == ["outcome_adds", "outcome_says_otherwise"]
    assert book.one(contact_outcome.select().limit(1)).recording is None
    assert len(book.rows(person_fact)) == 1


@pytest.mark.parametrize(
    ("outcome", "first", "then", "differs"),
    [
        (
            "disputes",
            {"dispute_kind": "amount", "why": "paid in cash"},
            {"dispute_kind": "amount", "why": "never had it"},
            ["why"],
        ),
        ("promised", {"promised": _PROMISED}, {"also_about": ["L-2"]}, None),
        (
            "promised",
            {"promised": _PROMISED},
            {"promised": {**_PROMISED, "amount": "900.00"}},
            None,
        ),
        ("spoke", {"recording": "R-1"}, {"recording": "R-2"}, None),
    ],
)
def test_nothing_that_is_reported_otherwise_is_swallowed(
    book: Book,
    token: Token,
    outcome: str,
    first: dict[str, Any],
    then: dict[str, Any],
    differs: list[str] | None,
) -> None:
    """The core system reported it under an id of its own. What is told again otherwise would not
    count, so it is refused at each door, and what differs is named; what is left out says nothing,
    and the same is known."""
    at_desk(book, token, "/work/next", {})
    at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"})
    said: dict[str, Any] = {"attempt": "a-1", "outcome": outcome, "reason": "forgot"} | first
    by_core = ContactOutcomeFacts.model_validate_json(json.dumps(said | {"actor": "c-1"}))
    changed = ContactOutcomeFacts.model_validate_json(json.dumps(said | then | {"actor": "c-1"}))

    def told(id: str, facts: ContactOutcomeFacts) -> EventResult:
        payload = sealed(book.ctx.cipher, facts.payload(book.ctx.cipher))
        with book.ctx.engine.begin() as connection:
            at = book.ctx.now()
            event = store_event(connection, id, "contact_outcome", payload, at, sender="core")
        return apply_event(book.ctx, event)

    assert told("evt-1", by_core).status == "applied"
    assert told("evt-2", by_core).reason[0].code == "outcome_known"
    assert at_desk(book, token, "/outcomes", said).json()["known"] is True
    refused = at_desk(book, token, "/outcomes", said | then)
    assert refused.status_code == 409, refused.json()
    (reason,) = refused.json()["reason"]
    by_event = told("evt-3", changed)
    assert (by_event.status, reason["code"]) == ("rejected", "outcome_says_otherwise")
    for params in (reason["params"], by_event.reason[0].params):
        assert params["fields"] == (differs or [*then])
    assert at_desk(book, token, "/outcomes", said).json()["known"] is True
    assert len(book.rows(promise)) == (outcome == "promised")


def test_what_was_corrected_since_is_known_as_it_was_reported(book: Book, token: Token) -> None:
    """The kind of a dispute is another one by now: who repeats their report said nothing new."""
    at_desk(book, token, "/work/next", {})
    at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"})
    said = {"attempt": "a-1", "outcome": "disputes", "reason": "forgot", "dispute_kind": "amount"}
    assert at_desk(book, token, "/outcomes", said).status_code == 200
    with book.ctx.engine.begin() as connection:
        connection.execute(update(dispute).values(kind="fraud"))
    assert at_desk(book, token, "/outcomes", said).json()["known"] is True
    now = at_desk(book, token, "/outcomes", {**said, "dispute_kind": "fraud"})
    assert now.json()["known"] is True, "it says so by now"
    assert {row.external_id for row in book.rows(dispute)} == {"disputes:a-1", "disputes:a-1:L-2"}


@pytest.mark.parametrize("began", ["they", "we"])
def test_what_protects_is_taken_in_whatever_order_and_as_often_as_it_is_said(
    book: Book, token: Token, began: str
) -> None:
    """Also a second stop, dispute or complaint of one conversation, whoever began it; each once.
    What is on record stays, and nothing that is about money changes."""
    book.staff("c-4", "caller")
    if began == "we":
        at_desk(book, token, "/work/next", {})
        at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "in-1"})
        path, of_it = "/outcomes", {"attempt": "in-1"}
    else:
        path, of_it = "/inbound-contacts", _CALLED_US | {"loan": "L-1"}

    def told(outcome: str, **more: Any) -> Response:
        return at_desk(book, token, path, {**of_it, "outcome": outcome, **more})

    assert told("hardship", reason="illness").status_code == 200
    hours = {"days": ["mon"], "starts": "00:00", "ends": "12:00"}
    mornings = {"fact": "inconvenient_time", "time": hours}
    protects: list[tuple[str, dict[str, Any]]] = [
        ("disputes", {"dispute_kind": "amount", "why": "paid in cash"}),
        ("disputes", {"dispute_kind": "fraud", "why": "never had it"}),
        ("complains", {"complaint_kind": "harassment", "about_staff": "c-4"}),
        ("complains", {"complaint_kind": "conduct"}),
        ("stop_channel", {"stopped_channel": "sms"}),
        ("stop_channel", {"stopped_channel": "visit", "said": [mornings]}),
        ("prison", {}),
    ]
    for _ in "twice":
        for outcome, more in protects:
            answer = told(outcome, **more)
            assert answer.status_code == 200, answer.json()
    assert book.one(contact.select().where(contact.c.part_of.is_(None))).attempt == "in-1"
    assert {row.outcome for row in book.rows(contact_outcome)} == {"hardship"}
    disputed = {row.external_id.removesuffix(":L-2") for row in book.rows(dispute)}
    assert disputed == {"disputes:in-1", "disputes:in-1:fraud"}
    complained = sorted(row.external_id for row in book.rows(complaint))
    assert complained == ["complains:in-1", "complains:in-1:conduct"]
    facts = sorted((row.kind, row.channel) for row in book.rows(person_fact))
    assert facts == [("inconvenient_time", None), ("no_channel", "sms"), ("no_channel", "visit")]
    assert {"prison:in-1", "hardship:in-1"} < {row.external_id for row in book.rows(hold)}
    assert told("promised", reason="forgot", promised=_PROMISED).status_code == 409
    assert book.rows(promise) == []


def test_an_outcome_of_what_nobody_began_is_refused_at_the_desk(book: Book, token: Token) -> None:
    """There it is a slip of the pen: an event of the lender's waits for its call."""
    for path, said in (
        ("/outcomes", {"attempt": "a-9", "outcome": "no_answer"}),
        ("/inbound-contacts", {**_CALLED_US, "loan": "L-9"}),
    ):
        assert at_desk(book, token, path, said).status_code == 404
    assert book.rows(inbox_event) == []


_CALLED_US = {
    "contact": "in-1",
    "channel": "call",
    "at": "2026-03-09T09:30:00+08:00",
    "outcome": "spoke",
}


@pytest.mark.parametrize(
    ("path", "said", "pauses"),
    [
        ("/promises", {"promise": "p-1", "loan": "L-2", **_PROMISED}, ["promise"]),
        ("/disputes", {"dispute": "d-1", "loan": "L-1", **_DISPUTED}, ["dispute"]),
        ("/holds", {"hold": "h-1", "loan": "L-1", **_PAUSE}, ["vulnerability"]),
        ("/arrangements", {"arrangement": "r-1", "loan": "L-1"}, ["manual"]),
    ],
)
def test_a_call_that_goes_on_is_left_to_its_outcome(
    book: Book, token: Token, path: str, said: dict[str, str], pauses: list[str]
) -> None:
    """Nobody takes the call off the list of who makes it. Its outcome completes it, for every loan
    that it was about; what was recorded meanwhile pauses the loan from then on."""
    call_confirmed(book, token)
    assert at_desk(book, token, path, said).status_code == 200
    assert [row.cancelled_at for row in book.rows(call)] == [None, None]
    (going,) = at_desk(book, token, "/worklist?kind=calls").json()["calls"]["rows"]
    assert going["started_as"] == "a-1"
    spoke = {"attempt": "a-1", "outcome": "spoke", "reason": "illness"}
    assert at_desk(book, token, "/outcomes", spoke).status_code == 200
    assert [row.outcome for row in book.rows(contact_outcome)] == ["spoke", "spoke"]
    assert {book.actions(each)["enquiry_call"] for each in ("L-1", "L-2")} == {"done"}
    assert [row.kind for row in book.rows(hold)] == pauses


def test_what_is_said_of_the_debt_is_taken_once_it_is_known_who_says_it(
    book: Book, token: Token
) -> None:
    """Whoever answers is not the person. What they promise, ask for or tell of the debt is refused
    at the desk, by whatever call; what protects somebody is taken. A supervisor takes a letter."""
    at_desk(book, token, "/work/next", {})
    at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"})

    def code(path: str, said: dict[str, Any], who: Token = token) -> str:
        answer = at_desk(book, who, path, said)
        return "" if answer.status_code == 200 else str(answer.json()["reason"][0]["code"])

    of_call = {"attempt": "a-1", "reason": "forgot"}
    for wrong in (None, {"answers": {"name": "Wang", "address_numbers": "77"}}):
        if wrong:
            assert not at_desk(book, token, "/calls/a-1/right-party", wrong).json()["confirmed"]
        for more in (
            {"outcome": "promised", "promised": _PROMISED},
            {"outcome": "spoke"},
            {"outcome": "asks_plan"},
        ):
            assert code("/outcomes", of_call | more) == "not_confirmed_in_attempt"
    alone: dict[str, dict[str, Any]] = {
        "/promises": {"promise": "p-1", "loan": "L-1", **_PROMISED},
        "/arrangements": {"arrangement": "r-1", "loan": "L-1"},
        "/inbound-contacts": {**_CALLED_US, "loan": "L-1", "outcome": "asks_plan"},
    }
    for path, said in alone.items():
        assert code(path, said) == "nobody_confirmed_today"
    assert book.rows(inbox_event) == [], "nothing of it is kept"
    assert code("/outcomes", {"attempt": "a-1", "outcome": "hung_up"}) == ""
    assert code("/promises", alone["/promises"]) == "nobody_confirmed_today"
    ill = {**_CALLED_US, "loan": "L-1", "outcome": "hardship", "reason": "illness"}
    assert code("/inbound-contacts", ill) == ""
    supervisor = token_of(book.ctx.engine, "s-1", Role.SUPERVISOR)
    assert code("/promises", alone["/promises"], supervisor) == ""
    assert code("/promises", alone["/promises"]) == "", "it is on record"
    by_form = {"arrangement": "r-1", "loan": "L-2", "asked_by": "form"}
    assert code("/arrangements", by_form) == ""


def test_whoever_is_complained_of_in_a_call_ends_that_call(book: Book, token: Token) -> None:
    """From then on they have no work with the person; what came of this call is theirs to say."""
    at_desk(book, token, "/work/next", {})
    at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"})
    rude = {"complaint": "k-1", "loan": "L-2", "kind": "conduct", "about_staff": "c-1"}
    assert at_desk(book, token, "/complaints", {**rude, "why": "rude"}).status_code == 200
    assert [row.cancelled_at for row in book.rows(call)] == [None, None]
    over = {"attempt": "a-1", "outcome": "hung_up_after", "reason": "illness"}
    assert at_desk(book, token, "/outcomes", over).status_code == 200
    assert len(book.rows(contact_outcome)) == 2


def test_a_call_that_may_be_tried_again_is_not_while_a_hold_lasts(book: Book, token: Token) -> None:
    at_desk(book, token, "/work/next", {})
    at_desk(book, token, "/calls", {"loan": "L-1", "attempt": "a-1"})
    at_desk(book, token, "/holds", {"hold": "h-1", "loan": "L-1", **_PAUSE})
    later = {"attempt": "a-1", "outcome": "callback_requested"}
    later |= {"callback_at": "2026-03-10T10:00:00+08:00"}
    refused = at_desk(book, token, "/outcomes", later)
    assert (refused.status_code, "in force" in refused.json()["detail"]) == (409, True)
    later |= {"callback_at": refused.json()["reason"][0]["params"]["until"]}
    assert at_desk(book, token, "/outcomes", later).status_code == 200
    assert {book.actions(each)["enquiry_call"] for each in ("L-1", "L-2")} == {"cancelled"}
