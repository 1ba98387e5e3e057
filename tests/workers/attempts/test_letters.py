"""Letters of the person come in by the form of calls and visits, and are no conversation."""

from typing import Any

import pytest
from sqlalchemy import Engine, select

from domain.compliance.gate import may_contact
from domain.compliance.vocabulary import Channel
from domain.errors import ArrearsError
from domain.reasons import Reasons
from tests.support.events import tell
from tests.support.loans import Book
from workers.db.call_sheets import last_contacts
from workers.db.schema import (
    arrangement,
    borrower,
    complaint,
    contact,
    contact_outcome,
    dispute,
    person_fact,
    promise,
)
from workers.gate.facts import read_contact_facts
from workers.history import loan_history
from workers.inbox.submit import submit

ARRIVED = "2026-02-27T09:00:00-05:00"


@pytest.fixture
def book(engine: Engine) -> Book:
    """Noon in New York; L-1 is past due."""
    book = Book(engine, now="2026-03-02 12:00", zone="America/New_York")
    book.loan(
        "L-1",
        due_on="2026-03-01",
        jurisdiction="US",
        product="personal_loan",
        currency="USD",
        locale="en",
        zones=("America/New_York",),
    )
    return book


def wrote(book: Book, id: str, outcome: str, **more: Any) -> Reasons:
    said = {"contact": id, "loan": "L-1", "channel": "letter", "at": ARRIVED, "outcome": outcome}
    said |= {"reason": None, "also_about": [], "actor": "c-1", **more}
    result = submit(book.ctx, f"inbound:{id}", "inbound_contact", said)
    assert result.status == "applied"
    return result.reason


def may_be_called(book: Book) -> bool:
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, book.ctx, "L-1", book.clock.at)
    assert facts.history == (), "a letter is in no count"
    return may_contact(facts, Channel.CALL, book.clock.at).permission == "allowed"


def test_what_a_letter_says_counts_and_the_letter_does_not(book: Book) -> None:
    """A call of theirs would bar calls for seven days. Their reason and their wish are kept."""
    came = wrote(book, "m-1", "wrote", reason="illness", said=[{"fact": "employer_forbids"}])
    assert came[0].code == "letter_recorded"
    made = book.one(contact)
    assert (made.channel, made.inbound, made.at) == (
        "letter",
        True,
        book.moment("2026-02-27 09:00"),
    )
    told = book.one(contact_outcome)
    assert (told.outcome, told.connected, told.reason) == ("wrote", False, "illness")
    assert book.one(person_fact).kind == "employer_forbids"
    assert may_be_called(book)

    wrote(book, "m-2", "promised", recording="MAIL-2", promised=PROMISED)
    wrote(book, "m-3", "asks_deferral", recording="MAIL-3")
    wrote(book, "m-4", "disputes", dispute_kind="amount", why="I owe less")
    wrote(book, "m-5", "complains", complaint_kind="fees")
    assert book.one(promise).due_on.isoformat() == "2026-03-06"
    asked = book.one(arrangement)
    assert (asked.asked_by, asked.asked_in) == ("letter", "m-3")
    for matter in (book.one(dispute), book.one(complaint)):
        assert (matter.raised_by, matter.received_at) == ("letter", made.at), "the clock runs"
    wrote(book, "m-6", "stop_channel", stopped_channel="call")
    assert not may_be_called(book)
    with book.ctx.engine.connect() as connection:
        (person,) = connection.execute(select(borrower.c.person_id)).scalars()
        talks = last_contacts(connection, person, book.ctx.now())
    assert [talk.channel for talk in talks] == ["letter"] * 3, "whoever calls next sees them"
    for language, said in (
        ("en", "The person wrote a letter, which c-1 took in: asks deferral."),
        ("zh", "借款人来信，由c-1登记：申请延期还款。"),
    ):
        with book.ctx.engine.connect() as connection:
            story = loan_history(connection, book.ctx, "L-1", language=language)
        assert said in " ".join(sentence.text for sentence in story)


PROMISED = {"amount": "500.00", "currency": "USD", "due_on": "2026-03-06"}


def test_a_letter_comes_to_no_conversation_and_claims_nothing_without_its_paper(
    book: Book,
) -> None:
    later = book.moment("2026-03-02 17:30").isoformat()
    for refused, why in {
        "spoke": "A letter does not come to spoke: that takes a conversation",
        "paid_now": "Report what it says: promised, says_paid",
        "hung_up_after": "that is wrote",
    }.items():
        with pytest.raises(ArrearsError, match=why):
            wrote(book, "m-1", refused)
    with pytest.raises(ArrearsError, match="takes a conversation"):
        wrote(book, "m-1", "callback_requested", callback_at=later)
    for claims, more in {"asks_plan": {}, "promised": {"promised": PROMISED}}.items():
        with pytest.raises(ArrearsError, match="reference under which it is filed"):
            wrote(book, "m-1", claims, **more)
    with pytest.raises(ArrearsError, match="By which channel does the letter want no contact"):
        wrote(book, "m-1", "stop_channel")
    with pytest.raises(ArrearsError, match="A contact that the person began does not come to"):
        wrote(book, "m-1", "wrote", channel="call")
    assert book.rows(select(contact.c.id)) == []
    ours = {"attempt": "a-1", "outcome": "wrote", "reason": None, "also_about": [], "actor": "c-1"}
    assert tell(book, "contact_outcome", **ours).reason[0].code == "outcome_of_letter"
