"""What a person may ask for: everything that is held about them, and nothing about others."""

import json
import logging

import pytest
from sqlalchemy import Engine

from domain.actors import Actor
from domain.errors import ArrearsError
from tests.support.acting import acting_alone
from tests.support.encrypted import typed
from tests.support.events import tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import ADDRESS, NAME, PHONE, Book
from workers.db.schema import access, borrower, erasure
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.inbox.event_data.persons import LoanPartyFacts, RepresentativeFacts
from workers.inbox.store import store_event
from workers.inbox.submit import submit
from workers.payments.write_offs import write_off
from workers.privacy.erasure import erase_expired_data
from workers.privacy.subject_requests import erase_subject, export_subject
from workers.sms.providers.port import InboundText
from workers.visits.schedule import schedule_visit

OTHERS = "+8613800138002"
LAW = "PIPL art. 47(1)(4)"


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 has all that can be held about a person; L-2 is somebody else's, and has some of it."""
    book = Book(engine, now="2026-03-02 10:00")
    for number in (1, 2):
        book.staff(f"v-{number}", "visitor")
    book.staff("sup-1", "supervisor")
    book.loan("L-1", due_on="2026-03-01")
    book.loan("L-2", due_on="2026-03-01", phone=OTHERS, address="9 Other Road")
    for loan, number, said in (("L-1", PHONE["CN"], "我失业了"), ("L-2", OTHERS, "下周还")):
        book.escalate(loan)
        book.send(loan, "text_day_1")
        text = InboundText("twilio", f"SM-{loan}", number, said, None)
        record_inbound_text(book.ctx, text, help_is_answered=True)
    facts = ContactChangeFacts(borrower="B-L-1", address="2 Example Road")
    submit(book.ctx, "E-1", "contact_change", facts.payload(book.ctx.cipher))
    book.at("2026-03-31 10:00").escalate("L-1")
    schedule_visit(book.ctx, book.action_id("L-1", "field_visit"))
    return book


def export(book: Book) -> str:
    exported = export_subject(
        acting_alone(book.ctx, Actor("sup-1")), "B-L-1", purpose="asked for by the person"
    )
    return json.dumps(exported, ensure_ascii=False, default=str)


def close(book: Book, loan: str = "L-1") -> None:
    with book.ctx.engine.begin() as connection:
        write_off(connection, book.ctx, loan, book.ctx.today())


def test_what_an_event_said_before_it_was_corrected_is_told_too(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        for amount in ("1.00", "2.00"):
            paid = {"external_id": "P-9", "loan": "L-1", "amount": amount, "currency": "CNY"}
            store_event(connection, "payment:P-9", "payment", paid, book.ctx.now())
    held = json.loads(export(book))["data"]
    assert [row["payload"]["amount"] for row in held["replaced_event"]] == ["1.00"]


def test_all_that_is_held_is_told_in_the_clear_and_nothing_of_anybody_else(book: Book) -> None:
    exported = export(book)

    for theirs in (NAME, PHONE["CN"], "2 Example Road", "我失业了", "B-L-1", "L-1", "field_visit"):
        assert theirs in exported
    for anothers in (OTHERS, "下周还", "9 Other Road", "L-2"):
        assert anothers not in exported
    held = json.loads(exported)["data"]
    assert {"borrower", "loan", "instalment", "decision", "action", "contact"} <= set(held)
    assert {"message", "reply", "document", "visit", "inbox_event", "access"} <= set(held)
    assert NAME in held["document"][0]["body"]
    assert held["borrower"][0]["name"] == NAME
    assert held["inbox_event"][0]["payload"]["address"] == "2 Example Road"
    assert "gAAAA" not in exported
    assert "digest" not in held["borrower"][0]


def test_a_guarantor_and_who_acts_for_them_are_not_told_to_the_borrower(book: Book) -> None:
    guarantor = LoanPartyFacts.model_validate(
        {
            **{"loan": "L-1", "borrower": "G-1", "role": "guarantor", "actor": "sup-1"},
            **{"name": "Wu Guarantor", "phone": "+8613900139077"},
        }
    )
    tell(book, "loan_party", **guarantor.payload(book.ctx.cipher))
    attorney = RepresentativeFacts.model_validate(
        {
            **{"loan": "L-1", "borrower": "G-1", "kind": "attorney", "actor": "sup-1"},
            **{"name": "Qian Attorney", "phone": "+8613900139088"},
        },
        strict=False,
    )
    tell(book, "representative", **attorney.payload(book.ctx.cipher))

    exported = export(book)
    for theirs in ("Wu Guarantor", "Qian Attorney", "8613900139077", "8613900139088"):
        assert theirs not in exported


def test_the_look_is_on_record_with_its_purpose_and_in_what_is_told(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="workers.privacy"):
        exported = export(book)

    look = book.one(access)
    assert (look.what, look.purpose) == ("everything", "hand_to_data_subject")
    assert typed(book, look.purpose_id) == "asked for by the person"
    assert (look.actor, look.loan_id) == ("sup-1", book.loan_id("L-1"))
    assert look.borrower_id is not None
    assert caplog.messages == ["borrower B-L-1: all stored data was opened by sup-1"]
    assert "asked for by the person" in exported


@pytest.mark.parametrize(
    ("borrower_id", "actor", "says"),
    [
        ("B-9", "sup-1", "Borrower B-9 is not known"),
        ("L-1", "sup-1", "and not that of a loan"),
    ],
)
def test_nothing_is_shown_or_erased_for_whom_or_by_whom_nobody_knows(
    book: Book, borrower_id: str, actor: str, says: str
) -> None:
    with pytest.raises(ArrearsError, match=says):
        export_subject(acting_alone(book.ctx, Actor(actor)), borrower_id, purpose="asked for")
    with pytest.raises(ArrearsError, match=says):
        erase_subject(
            acting_alone(book.ctx, Actor(actor)),
            borrower_id,
            why="asked for",
            law=LAW,
            dry_run=False,
        )
    assert book.rows(access) == []
    assert book.rows(erasure) == []


def test_while_a_loan_is_open_nothing_is_erased_whatever_the_law(book: Book) -> None:
    for law in (None, LAW):
        with pytest.raises(ArrearsError, match="Loan L-1 of borrower B-L-1 is open"):
            erase_subject(
                acting_alone(book.ctx, Actor("sup-1")), "B-L-1", why="asked", law=law, dry_run=False
            )

    assert NAME in export(book)


def test_while_it_must_be_kept_the_person_is_told_until_when_and_by_which_rule(book: Book) -> None:
    close(book.at("2026-04-05 10:00"))

    with pytest.raises(ArrearsError, match=r"must be kept until 2031-04-05 \(cn.keep_records\)"):
        erase_subject(
            acting_alone(book.ctx, Actor("sup-1")), "B-L-1", why="asked for", dry_run=False
        )

    assert NAME in export(book)


def test_where_a_law_asks_for_it_sooner_it_is_erased_and_the_law_is_on_record(book: Book) -> None:
    close(book.at("2026-04-05 10:00"))

    erase_subject(
        acting_alone(book.ctx, Actor("sup-1")), "B-L-1", why="asked for", law=LAW, dry_run=False
    )

    on_record = book.one(erasure)
    assert (on_record.actor, on_record.why, on_record.law) == ("sup-1", "typed", None)
    assert (typed(book, on_record.why_id), typed(book, on_record.law_id)) == ("asked for", LAW)
    assert (on_record.rules, str(on_record.kept_until)) == (["cn.keep_records"], "2031-04-05")
    exported = export(book)
    for personal in (NAME, PHONE["CN"], ADDRESS, "2 Example Road", "我失业了"):
        assert personal not in exported
    assert {row.external_id: row.erased_at is None for row in book.rows(borrower)} == {
        "B-L-1": False,
        "B-L-2": True,
    }


def test_a_day_after_its_time_it_is_erased_for_the_asking(book: Book) -> None:
    close(book.at("2026-04-05 10:00"))
    book.at("2031-04-06 00:00")

    kept = erase_subject(
        acting_alone(book.ctx, Actor("sup-1")), "B-L-1", why="asked for", dry_run=True
    )
    assert str(kept.until) == "2031-04-05"
    assert book.rows(erasure) == []
    erase_subject(acting_alone(book.ctx, Actor("sup-1")), "B-L-1", why="asked for", dry_run=False)

    assert len(book.rows(erasure)) == 1


def test_a_second_time_there_is_nothing_left_and_that_is_said(book: Book) -> None:
    close(book.at("2026-04-05 10:00"))
    erase_expired_data(book.at("2031-04-06 00:00").ctx)

    with pytest.raises(ArrearsError, match="was erased on 2031-04-06 by erase_expired_data"):
        erase_subject(
            acting_alone(book.ctx, Actor("sup-1")), "B-L-1", why="asked for", dry_run=False
        )
