"""What was settled long ago goes; what somebody may still want stays."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, insert, select

from tests.support.concurrently import concurrently
from tests.support.events import tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import PHONE, Book
from workers.db.schema import contact_point, inbox_event, outbox_event, reply
from workers.history import loan_history
from workers.inbox.apply import apply_event
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.inbox.store import store_event
from workers.inbox.submit import submit
from workers.privacy.pruning import prune
from workers.sms.providers.port import InboundText

STRANGER, STOPPED = "+8613800138999", "+8613800138998"


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1")
    return book


def event_out(book: Book, status: str) -> None:
    settled = {"due_at": None, "completed_at": book.clock.at}
    values: dict[str, Any] = {
        "event_id": uuid4(),
        "loan_id": book.loan_id("L-1"),
        "kind": "text_sent",
        "payload": {},
        "happened_at": book.clock.at,
        "status": status,
        **({"due_at": book.clock.at} if status == "waiting" else settled),
    }
    with book.ctx.engine.begin() as connection:
        connection.execute(insert(outbox_event).values(**values))


def days_later(book: Book, days: int, seconds: int = 0) -> None:
    book.clock.at += timedelta(days=days, seconds=seconds)


def test_events_out_that_were_delivered_go_after_their_time_and_no_others(book: Book) -> None:
    for status in ("delivered", "waiting", "dead"):
        event_out(book, status)

    days_later(book, 90)
    assert prune(book.ctx).events_out == 0, "ninety days to the second"
    days_later(book, 0, seconds=1)
    assert prune(book.ctx).events_out == 1

    assert {row.status for row in book.rows(outbox_event)} == {"waiting", "dead"}
    assert not prune(book.ctx).anything


def test_events_in_that_were_applied_go_and_those_that_wait_or_were_refused_stay(
    book: Book,
) -> None:
    for id, loan, currency in (("P-1", "L-1", "CNY"), ("P-2", "L-9", "CNY"), ("P-3", "L-1", "USD")):
        payload = {"external_id": id, "loan": loan, "amount": "5", "currency": currency}
        with book.ctx.engine.begin() as connection:
            stored = store_event(
                connection,
                f"payment:{id}",
                "payment",
                payload | {"paid_on": "2026-03-02"},
                book.ctx.now(),
            )
        apply_event(book.ctx, stored)

    days_later(book, 91)

    assert prune(book.ctx).events_in == 1
    left = {row.external_id: row.status for row in book.rows(inbox_event)}
    assert left == {"payment:P-2": "received", "payment:P-3": "rejected"}


def test_that_contacts_changed_is_still_told_and_what_they_are_is_not(book: Book) -> None:
    facts = ContactChangeFacts(borrower="B-L-1", phone=PHONE["CN"], address="2 Example Road")
    payload = facts.payload(book.ctx.cipher)
    submit(book.ctx, "E-1", "contact_change", payload)

    days_later(book, 91)

    assert prune(book.ctx).words == 1
    kept = book.one(inbox_event)
    gone = {"phone_encrypted": None, "address_encrypted": None}
    assert kept.payload == {"borrower": "B-L-1", "digest": payload["digest"], **gone}
    with book.ctx.engine.connect() as connection:
        story = "\n".join(entry.text for entry in loan_history(connection, book.ctx, "L-1"))
    assert "the number, the address" in story
    assert not prune(book.ctx).anything
    # The same event told again is still known to be the same.
    told_again = submit(book.ctx, "E-1", "contact_change", facts.payload(book.ctx.cipher))
    assert told_again.status == "applied"


def test_what_a_stranger_wrote_goes_when_somebody_has_seen_to_it(book: Book) -> None:
    for sid, number in (("SM1", STRANGER), ("SM2", STRANGER), ("SM3", PHONE["CN"])):
        text = InboundText("twilio", sid, number, "hello", None)
        record_inbound_text(book.ctx, text, help_is_answered=True)
    numbers = {row.sid: row.id for row in book.rows(select(reply.c.sid, reply.c.id))}
    for sid in ("SM1", "SM3"):
        tell(book, "reply_read", reply=numbers[sid], meaning="harmless", actor="c-1")

    days_later(book, 91)

    assert prune(book.ctx).words == 2, "the words, and that they came from that number"
    left = {
        row.sid: (row.body_encrypted is not None, row.contact_point_id is not None)
        for row in book.rows(reply)
    }
    assert left == {"SM1": (False, False), "SM2": (True, True), "SM3": (True, True)}


def test_the_hash_of_a_strangers_number_goes_with_the_last_of_their_texts(book: Book) -> None:
    said = {"SM1": (STRANGER, "hello"), "SM2": (STRANGER, "who"), "SM3": (STOPPED, "STOP")}
    for sid, (number, words) in said.items():
        text = InboundText("twilio", sid, number, words, None)
        record_inbound_text(book.ctx, text, help_is_answered=True)
    of = {number: book.ctx.cipher.blind_index(number) for number in (STRANGER, STOPPED)}
    ids = {row.sid: row.id for row in book.rows(select(reply.c.sid, reply.c.id))}

    def known() -> set[bytes]:
        return {bytes(row.blind_index) for row in book.rows(contact_point)} & {*of.values()}

    for sid, number in (("SM1", STRANGER), ("SM2", STRANGER)):
        assert of[number] in known(), "another text of theirs is not read yet"
        tell(book, "reply_read", reply=ids[sid], meaning="harmless", actor="c-1")
        days_later(book, 91)
        prune(book.ctx)
    assert known() == {of[STOPPED]}, "who said stop is not texted, whoever they are"
    assert not prune(book.ctx).anything


def test_two_at_once_take_each_event_once(book: Book) -> None:
    for _ in range(20):
        event_out(book, "delivered")
    days_later(book, 91)

    done = concurrently(*(lambda: prune(book.ctx) for _ in range(2)))

    assert sum(run.events_out for run in done) == 20
    assert book.rows(outbox_event) == []


def test_what_belongs_to_nobody_on_record_goes_after_its_time(book: Book) -> None:
    for borrower in ("B-L-1", "B-L-9"):
        facts = ContactChangeFacts(borrower=borrower, address="2 Example Road")
        payload = facts.payload(book.ctx.cipher)
        with book.ctx.engine.begin() as connection:
            store_event(connection, f"E-{borrower}", "contact_change", payload, book.ctx.now())
    unread = InboundText("twilio", "SM-1", STRANGER, "who are you", None)
    record_inbound_text(book.ctx, unread, help_is_answered=True)

    days_later(book, 365)
    assert prune(book.ctx).words == 0, "a year to the second"
    days_later(book, 0, seconds=1)
    assert prune(book.ctx).words == 2
    assert not prune(book.ctx).anything

    events = {
        row.external_id: row for row in book.rows(inbox_event) if row.kind == "contact_change"
    }
    assert events["E-B-L-1"].status == "received", "they are on record"
    assert events["E-B-L-1"].payload["address_encrypted"]
    assert events["E-B-L-9"].status == "rejected"
    assert events["E-B-L-9"].payload == {"borrower": "B-L-9", "address_encrypted": None}
    answer = book.one(reply)
    assert (answer.body_encrypted, answer.to_read) == (None, True)
