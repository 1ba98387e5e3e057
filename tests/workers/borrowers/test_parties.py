"""Who else is party to a loan, who acts for a person, and what becomes of their data."""

from typing import Any

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor
from domain.compliance.vocabulary import Party
from domain.errors import ArrearsError
from domain.language.speak import speak
from domain.persons import PersonFact
from domain.reasons import ReasonCode
from tests.support.acting import acting_alone
from tests.support.encrypted import opened
from tests.support.events import store
from tests.support.loans import Book
from workers.db.schema import borrower, inbox_event, loan_party, representative
from workers.gate.facts import read_contact_facts
from workers.history.history import loan_history
from workers.inbox.apply import apply_event
from workers.inbox.event_data.fields import PersonalEventData
from workers.inbox.event_data.persons import LoanPartyFacts, RepresentativeFacts
from workers.inbox.submit import submit
from workers.operations.loan_parties import read_parties
from workers.operations.persons import read_person
from workers.privacy.subject_requests import erase_subject, export_subject

PHONE = "+8613900139000"


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    book.staff("s-1", "supervisor")
    book.loan("L-1", due_on="2026-03-01")
    return book


def tell(book: Book, kind: str, payload: dict[str, Any]) -> str:
    """Store an event and apply it; what came of it, in words."""
    count = len(book.rows(inbox_event))
    return speak(submit(book.ctx, f"{kind}:{count}", kind, payload).reason)


def party(book: Book, id: str, role: str = "guarantor", **details: Any) -> str:
    given = {"loan": "L-1", "borrower": id, "role": role, "actor": "s-1", **details}
    return tell(book, "loan_party", encrypted(book, LoanPartyFacts, given))


def represented(book: Book, id: str = "B-L-1", **details: Any) -> str:
    given = {"borrower": id, "actor": "s-1", **details}
    return tell(book, "representative", encrypted(book, RepresentativeFacts, given))


def encrypted(book: Book, model: type[PersonalEventData], given: dict[str, Any]) -> dict[str, Any]:
    return model.model_validate(given, strict=False).payload(book.ctx.cipher)


def parties(book: Book, loan: str = "L-1") -> list[tuple[str, str]]:
    with book.ctx.engine.connect() as connection:
        found = read_parties(connection, loan, book.ctx)
    return [(party.borrower, party.role) for party in found]


def history(book: Book) -> str:
    with book.ctx.engine.connect() as connection:
        return "\n".join(line.text for line in loan_history(connection, book.ctx, "L-1"))


# --- parties


def test_a_guarantor_nobody_knew_becomes_a_record_and_a_person_of_their_own(book: Book) -> None:
    said = party(book, "G-1", name="Wu Guarantor", phone=PHONE, zones=["Asia/Shanghai"])
    assert said == "Borrower G-1 is guarantor of loan L-1 from now on."
    assert parties(book) == [("G-1", "guarantor")]

    record = book.one(select(borrower).where(borrower.c.external_id == "G-1"))
    assert opened(book, borrower.c.name_encrypted)[-1] == "Wu Guarantor"
    assert book.numbers("G-1") == [PHONE]
    assert record.zones == ["Asia/Shanghai"]
    assert record.locale == "zh-Hans", "the borrower's, where none is given"
    assert "Wu Guarantor" not in str(book.rows(inbox_event))


def test_a_record_that_is_known_keeps_its_own_details(book: Book) -> None:
    book.loan("L-2", borrower_id="B-2")
    numbers = book.numbers("B-2")
    party(book, "B-2", "co_borrower", name="Married Name", phone=numbers[0])
    party(book, "G-1", name="Wu Guarantor", phone=PHONE)
    party(book, "G-1", loan="L-2", name="WU guarantor", phone="+8613900139009", address="9 Road")
    assert opened(book, borrower.c.name_encrypted)[:2] == ["Lin Example"] * 2
    assert (book.numbers("B-2"), book.numbers("G-1")) == (numbers, [PHONE])


@pytest.mark.parametrize("given", [{"phone": PHONE}, {"address": "9 Road"}])
def test_a_stranger_who_has_the_id_of_somebody_else_does_not_make_them_guarantor(
    book: Book, given: dict[str, str]
) -> None:
    book.loan("L-2", borrower_id="B-2")
    with pytest.raises(ArrearsError, match="If B-2 is meant, leave out the name"):
        party(book, "B-2", name="Bob Stranger", **given)
    assert parties(book) == []
    party(book, "B-2", **given)
    assert parties(book) == [("B-2", "guarantor")]


def test_whoever_has_the_name_and_the_number_under_another_id_is_meant_by_it(book: Book) -> None:
    book.loan("L-2", borrower_id="B-2")
    (shared,) = book.numbers("B-2")
    party(book, "G-1", name="Bob Stranger", phone=shared)
    with pytest.raises(ArrearsError, match="points to somebody else"):
        party(book, "B-2", name="BOB Stranger", phone=shared)
    assert parties(book) == [("G-1", "guarantor")]


def test_whoever_is_on_no_record_and_has_no_name_is_waited_for(book: Book) -> None:
    assert "B-9" in party(book, "B-9")
    assert parties(book) == []
    book.loan("L-9", borrower_id="B-9")
    assert parties(book) == []


@pytest.mark.parametrize("first", ["the old one ends", "the new one begins"])
def test_a_guarantor_under_a_new_id_with_a_new_number_keeps_what_protects_them(
    book: Book, first: str
) -> None:
    party(book, "G-1", name="Wu Guarantor", phone=PHONE)
    party(book, "G-2", name="Zhao Guarantor", phone="+8613900139002")
    asked = {"borrower": "G-1", "channel": None, "actor": "s-1"}
    tell(book, "opt_out", asked)
    end = {"loan": "L-1", "borrower": "G-1", "role": "guarantor", "actor": "s-1"}
    if first == "the old one ends":
        tell(book, "loan_party_end", end)
    party(book, "G-9", name="WU guarantor", phone="+8613900139009")
    if first != "the old one ends":
        tell(book, "loan_party_end", end)

    known = {row.external_id: row.person_id for row in book.rows(borrower)}
    assert known["G-9"] == known["G-1"] != known["G-2"]
    with book.ctx.engine.connect() as connection:
        told = read_contact_facts(
            connection, book.ctx, "L-1", book.clock.at, party=Party.GUARANTOR, record="G-9"
        )
    assert PersonFact.CEASED in told.person_facts


def test_a_guarantor_who_was_released_is_none_again_by_an_event_that_was_applied_late(
    book: Book,
) -> None:
    book.loan("L-2", borrower_id="B-2")
    book.loan("L-3")
    of_loan = {"borrower": "B-2", "role": "guarantor", "actor": "s-1"}
    begins, ends = (
        store(book, kind, loan="L-1", **of_loan) for kind in ("loan_party", "loan_party_end")
    )
    waits = apply_event(book.ctx, ends)
    assert (waits.status, waits.reason[0].code) == ("received", ReasonCode.EARLIER_EVENT_WAITS)
    party(book, "B-2", loan="L-3")
    assert parties(book, "L-3") == [("B-2", "guarantor")], "nothing waits for another loan"

    assert [apply_event(book.ctx, event).status for event in (begins, ends)] == ["applied"] * 2
    assert parties(book) == []


def test_the_borrower_is_not_their_own_guarantor_by_whatever_record(book: Book) -> None:
    book.loan("L-2", borrower_id="B-2", same_person_as="B-L-1")
    for record in ("B-L-1", "B-2"):
        with pytest.raises(ArrearsError, match="cannot be guarantor besides"):
            party(book, record)
    assert parties(book) == []


def test_nobody_is_party_in_two_roles_by_whatever_record(book: Book) -> None:
    book.loan("L-2", borrower_id="B-2")
    book.loan("L-3", borrower_id="B-3", same_person_as="B-2")
    party(book, "B-2", "co_borrower")
    for record in ("B-2", "B-3"):
        with pytest.raises(ArrearsError, match="End the other role first"):
            party(book, record)
    end = {"loan": "L-1", "borrower": "B-2", "role": "co_borrower", "actor": "s-1"}
    tell(book, "loan_party_end", end)
    party(book, "B-3")
    assert parties(book) == [("B-3", "guarantor")]


def test_a_party_ends_and_comes_back_and_the_history_tells(book: Book) -> None:
    party(book, "G-1", name="Wu Guarantor")
    assert "already" in party(book, "G-1")
    end = {"loan": "L-1", "borrower": "G-1", "role": "guarantor", "actor": "s-1"}
    assert tell(book, "loan_party_end", end) == "Borrower G-1 is no longer guarantor of loan L-1."
    assert "was no guarantor" in tell(book, "loan_party_end", end)
    assert parties(book) == []
    party(book, "G-1")
    assert parties(book) == [("G-1", "guarantor")]
    assert len(book.rows(loan_party)) == 1, "one party for ever"

    told = history(book)
    assert told.count("Record G-1 is guarantor of this loan since then (source: s-1).") == 2
    assert told.count("Record G-1 is no longer guarantor of this loan (source: s-1).") == 1


def test_a_person_shows_the_loans_of_others_to_which_they_are_party(book: Book) -> None:
    book.loan("L-2", borrower_id="B-2")
    party(book, "B-2", "co_borrower")
    with book.ctx.engine.connect() as connection:
        shown = read_person(connection, "B-2", book.ctx)
    assert [(of.loan, of.role) for of in shown.party_of] == [("L-1", "co_borrower")]


# --- who acts for a person


def test_who_acts_for_a_person_is_on_record_with_the_fact_and_ends_with_it(book: Book) -> None:
    represented(book, kind="attorney", name="Zhao Attorney", phone=PHONE)
    acting = book.one(representative)
    assert opened(book, representative.c.name_encrypted)[-1] == "Zhao Attorney"
    assert acting.contacted
    told = history(book)
    assert "An attorney acts for them; they may be contacted instead, where a rule says so" in told
    assert "Zhao" not in told

    represented(book, kind="debt_adviser", contacted=False)
    with book.ctx.engine.connect() as connection:
        shown = read_person(connection, "B-L-1", book.ctx).represented_by
    assert [(acts.kind, acts.contacted) for acts in shown] == [("debt_adviser", False)]

    over = {"borrower": "B-L-1", "fact": "represented", "actor": "s-1"}
    tell(book, "person_fact_end", over)
    with book.ctx.engine.connect() as connection:
        assert read_person(connection, "B-L-1", book.ctx).represented_by == ()


# --- their data


def test_a_copy_of_what_is_held_has_the_representative_and_the_loans_of_others(
    book: Book,
) -> None:
    party(book, "G-1", name="Wu Guarantor", phone=PHONE)
    represented(book, "G-1", kind="attorney", name="Zhao Attorney")
    copy = export_subject(acting_alone(book.ctx, Actor("s-1")), "G-1", purpose="a request")["data"]
    assert copy["borrower"][0]["name"] == "Wu Guarantor"
    assert copy["representative"][0]["name"] == "Zhao Attorney"
    assert copy["loan_party"][0]["role"] == "guarantor"
    assert {event["payload"].get("name") for event in copy["inbox_event"]} == {
        "Wu Guarantor",
        "Zhao Attorney",
    }

    of_borrower = export_subject(acting_alone(book.ctx, Actor("s-1")), "B-L-1", purpose="a request")
    assert "loan_party" not in of_borrower["data"]


def test_an_erasure_leaves_neither_a_party_nor_who_acts_for_them(book: Book) -> None:
    party(book, "G-1", name="Wu Guarantor", phone=PHONE)
    represented(book, "G-1", kind="attorney", name="Zhao Attorney", phone=PHONE)
    with pytest.raises(Exception, match="L-1 of borrower G-1 is open"):
        erase_subject(
            acting_alone(book.ctx, Actor("s-1")), "G-1", why="asked", law="a court", dry_run=False
        )
    tell(book, "write_off", {"loan": "L-1", "written_off_on": "2026-03-02"})
    erase_subject(
        acting_alone(book.ctx, Actor("s-1")), "G-1", why="asked", law="a court", dry_run=False
    )

    acting = book.one(representative)
    assert (acting.name_encrypted, acting.phone_encrypted, acting.phone_blind_index) == (None,) * 3
    details = ("name_encrypted", "phone_encrypted", "address_encrypted")
    stored = [row.payload for row in book.rows(inbox_event)]
    assert all(payload.get(detail) is None for payload in stored for detail in details)
