"""A text that came in and was not applied yet: what it asks for is not lost, and it is theirs."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, update

from domain.actors import Actor
from domain.compliance.gate import may_contact
from domain.compliance.verdict import Permission
from domain.compliance.vocabulary import Channel
from tests.support.acting import acting, acting_alone
from tests.support.concurrently import wait_until_blocked
from tests.support.encrypted import opened
from tests.support.loans import PHONE, Book
from workers.db.inbox_queue import lock_event
from workers.db.schema import inbox_event, reply
from workers.gate.facts import read_contact_facts
from workers.http.inbound_texts import store_text
from workers.inbox.apply import apply_in
from workers.inbox.discard import discard_event
from workers.payments.write_offs import write_off
from workers.privacy.subject_requests import erase_subject, export_subject
from workers.sms.providers.port import InboundText

OTHERS = "+8613800138002"
ACTOR = Actor("sup-1")


@pytest.fixture
def book(engine: Engine) -> Book:
    """Two borrowers, and a text from each that nobody has applied."""
    book = Book(engine, now="2026-03-02 10:00")
    book.staff("sup-1", "supervisor")
    for loan, number, words in (
        ("L-1", PHONE["CN"], "TD退订，我是张三"),
        ("L-2", OTHERS, "STOP 李四"),
    ):
        book.loan(loan, due_on="2026-03-01", phone=number)
        text = InboundText("twilio", f"SM-{loan}", number, words, None)
        assert store_text(book.ctx, text, help_is_answered=True).event_id
    return book


def may_text(book: Book, loan: str) -> Permission:
    with book.ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, book.ctx, loan, book.ctx.now(), channel=Channel.SMS)
    return may_contact(facts, Channel.SMS, book.ctx.now()).permission


def exported(book: Book, borrower: str) -> str:
    data = export_subject(acting_alone(book.ctx, ACTOR), borrower, purpose="a request")
    return json.dumps(data, default=str, ensure_ascii=False)


def test_a_text_that_is_discarded_waits_to_be_read_and_holds_texts(book: Book) -> None:
    assert may_text(book, "L-1") is Permission.ALLOWED, "the gate does not know of it yet"
    discard_event(acting(book.ctx, ACTOR), "twilio:text:SM-L-1", why="it fails", dry_run=True)
    assert book.rows(reply) == []

    discard_event(acting(book.ctx, ACTOR), "twilio:text:SM-L-1", why="it fails")

    kept = book.one(reply)
    assert (kept.kind, kept.to_read, kept.handled_at) == ("other", True, None)
    assert opened(book, reply.c.body_encrypted)[0] == "TD退订，我是张三"
    assert may_text(book, "L-1") is not Permission.ALLOWED
    assert may_text(book, "L-2") is Permission.ALLOWED
    event = next(row for row in book.rows(inbox_event) if row.external_id == "text:SM-L-1")
    assert event.status == "discarded"
    assert not {"body_encrypted", "number"} & set(event.payload), "the words are in one place"


def test_a_text_that_no_key_opens_is_kept_as_it_is(book: Book) -> None:
    """That is why it could not be applied, and the key may be found again."""
    with book.ctx.engine.begin() as connection:
        payload = inbox_event.c.payload.op("||")({"body_encrypted": "AAAA"})
        connection.execute(update(inbox_event).values(payload=payload))
    discard_event(acting(book.ctx, ACTOR), "twilio:text:SM-L-1", why="no key")
    assert book.one(reply).body_encrypted == b"\0\0\0"
    assert may_text(book, "L-1") is not Permission.ALLOWED


def test_a_text_of_a_number_that_nobody_has_is_kept_for_whoever_gets_it(book: Book) -> None:
    text = InboundText("twilio", "SM-9", "+8613800138099", "STOP", None)
    store_text(book.ctx, text, help_is_answered=True)
    discard_event(acting(book.ctx, ACTOR), "twilio:text:SM-9", why="nobody's")
    book.loan("L-3", due_on="2026-03-01", phone="+8613800138099")
    assert may_text(book, "L-3") is not Permission.ALLOWED


def test_what_is_told_to_a_person_has_their_text_and_not_anothers(book: Book) -> None:
    told = exported(book, "B-L-1")
    assert "TD退订，我是张三" in told
    assert "李四" not in told
    assert "gAAAA" not in told


def test_of_a_number_that_two_people_have_the_text_is_whose_it_would_be(book: Book) -> None:
    """Of the one whose loan is past due longest, where neither was texted."""
    book.loan("L-4", due_on="2026-02-20", phone=OTHERS)
    book.escalate("L-2", "L-4")
    assert "李四" in exported(book, "B-L-4")
    assert "李四" not in exported(book, "B-L-2")


def test_an_erasure_takes_the_words_and_leaves_the_stop(book: Book) -> None:
    book.loan("L-6", due_on="2026-03-01", phone=PHONE["CN"])
    with book.ctx.engine.begin() as connection:
        write_off(connection, book.ctx, "L-1", book.ctx.today())
    erase_subject(acting_alone(book.ctx, ACTOR), "B-L-1", why="asked", law="PIPL 47", dry_run=False)

    event = next(row for row in book.rows(inbox_event) if row.external_id == "text:SM-L-1")
    assert (event.status, event.payload["body_encrypted"]) == ("rejected", None)
    assert "number" not in event.payload
    kept = book.one(reply)
    assert (kept.to_read, kept.body_encrypted) == (True, None)
    assert may_text(book, "L-6") is not Permission.ALLOWED, "who has the number too"
    others = next(row for row in book.rows(inbox_event) if row.external_id == "text:SM-L-2")
    assert (others.status, others.payload["body_encrypted"] is None) == ("received", False)


@pytest.mark.parametrize("is_applied", [True, False], ids=["applied", "only locked"])
def test_a_text_that_a_worker_applies_while_its_borrower_is_erased_leaves_no_words(
    book: Book, is_applied: bool
) -> None:
    """The worker locks the text first and the borrower after it, and so does the erasure: neither
    waits for the other in a circle."""
    text = InboundText("twilio", "SM-7", PHONE["CN"], "我失业了", None)
    event_id = store_text(book.ctx, text, help_is_answered=True).event_id
    assert event_id
    with book.ctx.engine.begin() as connection:
        write_off(connection, book.ctx, "L-1", book.ctx.today())
    with ThreadPoolExecutor(1) as pool:
        with book.ctx.engine.begin() as worker:
            if is_applied:
                apply_in(worker, book.ctx, event_id)
            else:
                lock_event(worker, event_id)
            erased = pool.submit(
                erase_subject,
                *(acting_alone(book.ctx, ACTOR), "B-L-1"),
                why="asked",
                law="PIPL 47",
                dry_run=False,
            )
            wait_until_blocked(book.ctx.engine)
            if not is_applied:
                apply_in(worker, book.ctx, event_id)
        erased.result(timeout=60)
    applied = next(row for row in book.rows(inbox_event) if row.id == event_id)
    assert applied.status == "applied", "it was, before the erasure"
    assert {row.body_encrypted for row in book.rows(reply)} == {None}
    others = next(row for row in book.rows(inbox_event) if row.external_id == "text:SM-L-2")
    assert (others.status, others.payload["body_encrypted"] is None) == ("received", False)
