"""Contacts that the person began: what counts for a cap, and what does not."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, select

from domain.compliance.gate import may_contact
from domain.compliance.vocabulary import Channel, Party
from domain.errors import ArrearsError
from domain.language.speak import speak
from tests.support.commands import arrears
from tests.support.concurrently import wait_until_blocked
from tests.support.environment import an_environment
from tests.support.events import tell
from tests.support.loans import Book
from workers.db.loan_facts import load_facts
from workers.db.persons import lock_person_of_loan
from workers.db.schema import borrower, contact, contact_outcome, duty, loan, person_fact
from workers.gate.facts import read_contact_facts
from workers.history import loan_history
from workers.inbox.apply import EventResult
from workers.inbox.submit import submit


@pytest.fixture
def book(engine: Engine) -> Book:
    """Noon in New York; L-1 and L-2 are past due."""
    book = Book(engine, now="2026-03-02 12:00", zone="America/New_York")
    for id in ("L-1", "L-2"):
        book.loan(
            id,
            due_on="2026-03-01",
            jurisdiction="US",
            product="personal_loan",
            currency="USD",
            locale="en",
            zones=("America/New_York",),
        )
    return book


def called(book: Book, id: str = "call-1", **changes: Any) -> EventResult:
    data = {
        "contact": id,
        "loan": "L-1",
        "channel": "call",
        "at": "2026-03-02T11:30:00-05:00",
        "outcome": "spoke",
        "reason": "illness",
        "also_about": [],
        "actor": "c-1",
    } | changes
    return submit(book.ctx, f"inbound:{id}:{len(changes)}", "inbound_contact", data)


def call_verdict(book: Book, loan_id: str = "L-1") -> tuple[str, str]:
    """The permission, and the first of the rules it rests on."""
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, book.ctx, loan_id, book.clock.at)
    verdict = may_contact(facts, Channel.CALL, book.clock.at)
    return verdict.permission, verdict.rules[0]


def test_a_conversation_that_the_person_began_bars_calls_about_that_debt_for_a_week(
    book: Book,
) -> None:
    assert call_verdict(book)[0] == "allowed"

    assert called(book).status == "applied"

    assert call_verdict(book) == ("deferred", "us.call_after_conversation")
    assert call_verdict(book, "L-2")[0] == "allowed"
    made = book.one(contact)
    assert (made.inbound, made.action_id, made.party, made.rules) == (True, None, "borrower", [])
    assert book.one(contact_outcome).reason == "illness"


@pytest.mark.parametrize("outcome", ["no_answer", "voicemail", "wrong_person", "cannot_talk"])
def test_a_call_of_theirs_does_not_come_to_what_only_ours_come_to(book: Book, outcome: str) -> None:
    """Somebody took it, so somebody said something."""
    with pytest.raises(ArrearsError, match="A contact that the person began does not come to"):
        called(book, outcome=outcome)
    with pytest.raises(ArrearsError, match="No visit comes to hung up"):
        called(book, channel="visit", outcome="hung_up", reason=None)
    assert (book.rows(contact), book.rows(contact_outcome)) == ([], [])


@pytest.mark.parametrize("outcome", ["promised", "disputes"])
def test_the_person_is_locked_before_the_loan(book: Book, outcome: str) -> None:
    """As whoever counts what a person owes does it: in two orders, two would wait for each other
    for ever."""
    details: dict[str, Any] = {
        "promised": {"promised": {"amount": "500.00", "currency": "USD", "due_on": "2026-03-06"}},
        "disputes": {"dispute_kind": "amount"},
    }[outcome]
    with ThreadPoolExecutor(1) as pool:
        with book.ctx.engine.begin() as connection:
            lock_person_of_loan(connection, "L-1")
            told = pool.submit(lambda: called(book, outcome=outcome, **details))
            wait_until_blocked(book.ctx.engine)
            row = select(loan.c.id).where(loan.c.external_id == "L-1")
            assert connection.execute(row.with_for_update(nowait=True)).scalar()
        assert told.result(timeout=30).status == "applied"


def test_the_same_contact_with_another_promise_is_refused(book: Book) -> None:
    promised = {"amount": "500.00", "currency": "USD", "due_on": "2026-03-06"}
    assert called(book, outcome="promised", promised=promised).status == "applied"
    again = {**promised, "amount": "600.00"}
    with pytest.raises(ArrearsError, match="with other contents: promised"):
        called(book, outcome="promised", promised=again, recording=None)
    known = called(book, outcome="promised", promised=promised, why=None, recording=None)
    assert known.reason[0].code == "outcome_known"


def test_who_calls_and_asks_to_be_called_back_is_owed_it_by_who_took_the_call(book: Book) -> None:
    later = book.moment("2026-03-02 17:30")
    book.staff("c-1", "caller")
    assert called(book, outcome="callback_requested", callback_at=later.isoformat()).status
    assert book.one(contact_outcome).callback_at == later
    owed = book.one(duty)
    assert (owed.owner, owed.staff, owed.due_at > later) == ("collector", "c-1", True)
    assert call_verdict(book) == ("deferred", "lender.callback_requested"), "and not before"
    at_night = book.moment("2026-03-03 03:00").isoformat()
    with pytest.raises(ArrearsError, match="nobody may call this person"):
        called(book, id="call-2", outcome="callback_requested", callback_at=at_night)


def test_a_debt_that_was_mentioned_counts_as_well(book: Book) -> None:
    with pytest.raises(ArrearsError, match="Loan L-2 is not one of that person"):
        called(book, also_about=["L-2"])
    assert book.rows(contact) == []
    with book.ctx.engine.begin() as connection:
        owner = book.one(loan.select().where(loan.c.external_id == "L-1")).borrower_id
        connection.execute(loan.update().values(borrower_id=owner))

    called(book, also_about=["L-2"])

    assert call_verdict(book, "L-2") == ("deferred", "us.call_after_conversation")


def test_somebody_else_who_calls_is_a_third_party(book: Book) -> None:
    called(book, outcome="spoke_with_other", reason=None)
    assert book.one(contact).party == Party.THIRD_PARTY
    assert call_verdict(book)[0] == "allowed"


def test_the_same_contact_is_recorded_once_and_another_needs_an_id_of_its_own(book: Book) -> None:
    called(book)
    assert called(book, loan="L-1").status == "applied"
    assert len(book.rows(contact)) == 1

    with pytest.raises(ArrearsError, match="Another contact is on record as call-1"):
        called(book, at="2026-03-02T09:00:00-05:00", loan="L-2")
    with pytest.raises(ArrearsError, match=r"2026-03-03 .*which is to come"):
        called(book, "call-2", at="2026-03-03T09:00:00-05:00")
    assert called(book, "call-3", also_about=["L-404"]).status == "received"


MORNINGS = {
    "fact": "inconvenient_time",
    "time": {"days": ["mon", "tue"], "starts": "00:00", "ends": "13:00"},
}
SPANISH = {"fact": "language", "locale": "es"}


def guarantor_verdict(book: Book) -> tuple[str, str]:
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(
            connection, book.ctx, "L-1", book.clock.at, party=Party.GUARANTOR
        )
    verdict = may_contact(facts, Channel.CALL, book.clock.at)
    return verdict.permission, verdict.rules[0]


def test_a_guarantor_who_calls_is_heard_and_counted_for_themselves(book: Book) -> None:
    party = {"loan": "L-1", "borrower": "B-L-2", "role": "guarantor", "actor": "c-1"}
    assert tell(book, "loan_party", **party).status == "applied"
    assert called(book, borrower="B-L-2").status == "applied"

    assert guarantor_verdict(book) == ("deferred", "us.call_after_conversation")
    assert call_verdict(book)[0] == "allowed", "the borrower did not call"
    theirs = select(borrower.c.id).where(borrower.c.external_id == "B-L-2")
    made = book.one(contact)
    assert (made.party, made.borrower_id) == ("guarantor", book.one(theirs).id)
    with book.ctx.engine.connect() as connection:
        story = " ".join(sentence.text for sentence in loan_history(connection, book.ctx, "L-1"))
    assert "which c-1 took: spoke. It is about the guarantor B-L-2." in story

    book.at("2026-03-10 12:00")
    assert guarantor_verdict(book)[0] == "allowed"
    later = {"borrower": "B-L-2", "at": "2026-03-02T11:40:00-05:00", "said": [MORNINGS]}
    assert called(book, "call-2", **later).status == "applied"
    assert (guarantor_verdict(book)[0], call_verdict(book)[0]) == ("deferred", "allowed")

    with pytest.raises(ArrearsError, match="Record B-L-1 never was borrower, co-borrower or"):
        called(book, "call-3", loan="L-2", borrower="B-L-1")
    with pytest.raises(ArrearsError, match="Another contact is on record as call-2"):
        called(book, "call-2", **{**later, "borrower": "B-L-1"}, reason=None)
    assert called(book, "call-4", borrower="G-404").status == "received"


def test_what_a_later_report_of_a_contact_adds_is_recorded_and_what_ended_stays_over(
    book: Book,
) -> None:
    called(book)
    assert called(book, said=[MORNINGS]).status == "applied"
    assert called(book, said=[SPANISH, MORNINGS], also_about=[]).status == "applied"
    kinds = select(person_fact.c.kind).where(person_fact.c.ended_at.is_(None))
    assert sorted(row.kind for row in book.rows(kinds)) == ["inconvenient_time", "language"]

    ended = {"borrower": "B-L-1", "fact": "inconvenient_time", "actor": "c-1"}
    assert tell(book, "person_fact_end", **ended).status == "applied"
    called(book, said=[MORNINGS], also_about=[], by_representative=False)
    assert [row.kind for row in book.rows(kinds)] == ["language"]
    assert len(book.rows(contact)) == 1
    with pytest.raises(ArrearsError, match="is on record as spoke"):
        called(book, outcome="hung_up_after", said=[], also_about=[], by_representative=False)


def test_the_facts_say_who_began_and_what_came_of_it(book: Book) -> None:
    called(book)
    loan_id = book.one(loan.select().where(loan.c.external_id == "L-1")).id
    with book.ctx.engine.connect() as connection:
        facts = load_facts(connection, [loan_id], book.clock.at)[loan_id]
    (past,) = facts.reach.history
    assert (past.inbound, past.outcome, past.connected) == (True, "spoke", True)
    assert (past.also_about, past.number) == (frozenset(), None)


def test_the_story_tells_it_without_an_action(book: Book) -> None:
    called(book)
    with book.ctx.engine.connect() as connection:
        story = [sentence.text for sentence in loan_history(connection, book.ctx, "L-1")]
    assert (
        "The person began a call, which c-1 took: spoke. Why it is overdue, as the borrower said: "
        "illness." in story
    )


def test_a_collector_records_it_at_the_command_line(
    book: Book, database_url: str, broker_url: str
) -> None:
    environment = an_environment(database_url, broker_url)
    book.loan("L-3", borrower_id="B-L-1")
    given = ("call", "inbound", "L-1", "--outcome=spoke", "--also-about=L-3")
    done = arrears(environment, *given)
    assert (done.returncode, "that the person began about loan L-1" in done.stdout) == (0, True)
    assert len(book.one(contact).also_loan_ids) == 1


def test_nobody_agrees_on_a_callback_at_an_hour_that_the_product_forbids(engine: Engine) -> None:
    """Of a microfinance loan in India nobody calls after six."""
    book = Book(engine, now="2026-03-04 14:00", zone="Asia/Kolkata")
    of_india: dict[str, Any] = {"jurisdiction": "IN", "currency": "INR", "zones": ["Asia/Kolkata"]}
    of_india |= {"product": "microfinance_loan", "locale": "en", "phone": "+919876543210"}
    book.loan("L-1", **of_india)
    said = {"loan": "L-1", "channel": "call", "outcome": "callback_requested", "reason": None}
    said |= {"at": book.ctx.now().isoformat(), "actor": "c-1"}

    def asked_for(contact: str, at: str) -> EventResult:
        moment = book.moment(at).isoformat()
        return tell(book, "inbound_contact", **said, contact=contact, callback_at=moment)

    late = asked_for("in-1", "2026-03-05 18:30")
    why, *_ = late.reason
    assert (late.status, why.code) == ("rejected", "callback_out_of_hours")
    assert "2026-03-06 09:00" in speak(late.reason)
    assert asked_for("in-2", "2026-03-05 17:30").status == "applied"
