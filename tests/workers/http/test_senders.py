"""Ids belong to the sender that gave them; secrets rotate within a sender."""

from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from domain.actors import Role
from domain.errors import ArrearsError
from domain.language.speak import speak
from tests.support.desk import DESK, token_of
from tests.support.inbound import record_inbound_text
from tests.support.lender import OTHER_SECRET, PAYMENT, SECRET, an_event, listen_to, tell
from tests.support.loans import PHONE, Book
from workers.db.schema import (
    arrangement,
    complaint,
    contact,
    hold,
    inbox_event,
    payment,
    payment_return,
    replaced_schedule,
    reply,
)
from workers.http.app import create_desk
from workers.inbox.apply import apply_event, dispatch_events
from workers.inbox.store import store_event
from workers.inbox.submit import submit
from workers.sms.providers.port import InboundText


@pytest.fixture
def book(engine: Engine) -> Book:
    """A loan, and two systems of its lender."""
    book = Book(engine, now="2026-03-02 10:00")
    listen_to(book, core=[SECRET], dialer=[OTHER_SECRET])
    book.loan("L-1", due_on="2026-03-01")
    return book


def apply_all(book: Book) -> None:
    for event_id in dispatch_events(book.ctx):
        apply_event(book.ctx, event_id)


@pytest.mark.attack("colliding event ids")
def test_the_same_ids_from_two_senders_are_two_events_and_two_payments(book: Book) -> None:
    for secret, amount in ((SECRET, "1.00"), (OTHER_SECRET, "2.00"), (SECRET, "1.00")):
        assert tell(book, an_event(amount=amount), secret=secret).status_code == 202
    apply_all(book)
    assert {(row.sender, row.amount) for row in book.rows(payment)} == {("core", 1), ("dialer", 2)}

    bounced = an_event("reversal", payment="P-1", reversed_on="2026-03-02")
    assert tell(book, bounced, id="evt_2", secret=OTHER_SECRET).status_code == 202
    apply_all(book)
    reversed_on = {row.sender: row.reversed_on for row in book.rows(payment)}
    assert (reversed_on["core"], reversed_on["dialer"]) == (None, date(2026, 3, 2))

    of_core = an_event("reversal", payment="P-1", sender="core", reversed_on="2026-03-02")
    assert tell(book, of_core, id="evt_3", secret=OTHER_SECRET).status_code == 202
    apply_all(book)
    assert all(row.reversed_on for row in book.rows(payment))


def test_the_staff_names_what_any_sender_recorded_unless_several_gave_the_id(book: Book) -> None:
    reversal = {"payment": "P-1", "reversed_on": "2026-03-02"}
    tell(book, an_event(amount="1.00"), secret=SECRET)
    apply_all(book)
    known = submit(book.ctx, "payment:P-1", "payment", paid("1.00"))
    assert "on record already" in speak(known.reason)
    tell(book, an_event(amount="2.00"), secret=OTHER_SECRET)
    apply_all(book)
    with pytest.raises(ArrearsError, match="several senders: core, dialer"):
        submit(book.ctx, "reversal:P-1", "reversal", reversal)
    submit(book.ctx, "reversal:P-1@core", "reversal", {**reversal, "sender": "core"})
    assert {row.sender for row in book.rows(payment) if row.reversed_on} == {"core"}


def test_whoever_names_the_staff_means_what_was_typed_and_nobody_elses(book: Book) -> None:
    reversal = {"payment": "P-1", "reversed_on": "2026-03-02", "sender": "staff"}
    tell(book, an_event(amount="1.00"), secret=SECRET)
    tell(book, an_event("reversal", **reversal), id="a", secret=OTHER_SECRET)
    apply_all(book)
    submit(book.ctx, "reversal:P-1@staff", "reversal", reversal)
    assert {statuses(book)[id] for id in ("a", "reversal:P-1@staff")} == {"received"}
    assert book.one(payment).reversed_on is None, "the staff has given no such id"


def test_what_goes_back_under_one_id_of_two_senders_goes_back_twice(book: Book) -> None:
    """Each may take back its own, or name the other's; the staff means whichever there is."""
    tell(book, an_event(amount="1250.00"), secret=SECRET)
    of_core = {"payment": "P-1", "sender": "core"}
    part = {**of_core, "reversal": "R-1", "reversed_on": "2026-03-02"}
    given = {**of_core, "refund": "RF-1", "refunded_on": "2026-03-02"}
    for id, secret, amount in (("a", SECRET, "10.00"), ("b", OTHER_SECRET, "20.00")):
        tell(book, an_event("refund", **given, amount=amount), id=f"given-{id}", secret=secret)
        tell(book, an_event("reversal", **part, amount=amount), id=f"part-{id}", secret=secret)
    apply_all(book)
    assert {(row.sender, row.kind, row.amount) for row in book.rows(payment_return)} == {
        (sender, kind, amount)
        for sender, amount in (("core", 10), ("dialer", 20))
        for kind in ("refund", "reversal")
    }
    assert book.one(payment).returned == 60

    back = {**of_core, "loan": "L-1", "taken_back_on": "2026-03-02"}
    for kind, id in (("refund", "RF-1"), ("reversal", "R-1")):
        own = an_event(f"{kind}_taken_back", **back, **{kind: id})
        tell(book, own, id=f"own-{kind}", secret=OTHER_SECRET)
        other = an_event(f"{kind}_taken_back", **back, **{kind: id, f"{kind}_sender": "core"})
        apply_all(book)
        assert book.one(payment).returned == {"refund": 40, "reversal": 10}[kind]
        with pytest.raises(ArrearsError, match="several senders: core, dialer"):
            submit(book.ctx, kind, f"{kind}_taken_back", {**back, kind: id})
        tell(book, other, id=f"other-{kind}", secret=OTHER_SECRET)
        apply_all(book)
    assert (book.one(payment).returned, set(statuses(book).values())) == (0, {"applied"})


def test_restructurings_and_contacts_under_one_id_of_two_senders_are_two(book: Book) -> None:
    for day, secret in (("01", SECRET), ("02", OTHER_SECRET), ("01", SECRET)):
        new = an_event(
            "restructuring",
            **{"restructuring": "RS-1", "loan": "L-1", "currency": "CNY", "why": "agreed"},
            restructured_on=f"2026-03-{day}",
            instalments=[{"due_on": "2026-04-01", "principal": "100"}],
            actor="c-1",
        )
        came_in = an_event(
            "inbound_contact",
            **{"contact": "C-1", "loan": "L-1", "channel": "call", "outcome": "spoke"},
            at=f"2026-03-{day}T01:00:00Z",
            actor="c-1",
        )
        for event in (new, came_in):
            tell(book, event, id=f"{event['type']}-{day}", secret=secret)
            apply_all(book)
    told = {(row.sender, row.restructured_on.day) for row in book.rows(replaced_schedule)}
    assert told == {("core", 1), ("dialer", 2)}
    assert [row.sender for row in book.rows(contact)] == ["core", "dialer"]
    assert set(statuses(book).values()) == {"applied"}

    said = {"attempt": "C-1", "outcome": "spoke", "also_about": [], "actor": "c-1"}
    late = an_event("contact_outcome", **said)
    tell(book, late, id="late", secret=OTHER_SECRET)
    apply_all(book)
    assert statuses(book)["late"] == "applied", "the dialer means its own"


def paid(amount: str) -> dict[str, str]:
    """A payment as the staff records it."""
    said = {**PAYMENT, "amount": amount}
    return {"external_id": said.pop("payment"), **said}


PLACED: dict[str, Any] = {
    "hold": "H-1",
    "loan": "L-1",
    "kind": "manual",
    "starts_on": "2026-03-02",
    "ends_on": None,
    "why": "agreed",
    "actor": "c-1",
}


def test_a_hold_is_released_by_its_sender_or_by_whoever_names_it(book: Book) -> None:
    release: dict[str, Any] = {"hold": "H-1", "ends_on": "2026-03-05"}
    tell(book, an_event("hold", **PLACED), id="a", secret=SECRET)
    tell(book, an_event("release", **release), id="b", secret=OTHER_SECRET)
    apply_all(book)
    assert book.one(hold).ends_on is None, "the dialer has no such hold"
    tell(book, an_event("release", **release, sender="core"), id="c", secret=OTHER_SECRET)
    apply_all(book)
    assert (book.one(hold).sender, book.one(hold).ends_on) == ("core", date(2026, 3, 5))


def test_a_hold_of_another_loan_is_never_taken_for_one_on_record(book: Book) -> None:
    book.loan("L-2", due_on="2026-03-01")
    tell(book, an_event("hold", **PLACED), id="a", secret=SECRET)
    tell(book, an_event("hold", **{**PLACED, "loan": "L-2"}), id="b", secret=SECRET)
    apply_all(book)
    assert statuses(book) == {"a": "applied", "b": "rejected"}
    with pytest.raises(ArrearsError, match="H-1 is on record as a hold of L-1 already"):
        submit(book.ctx, "hold:H-1", "hold", {**PLACED, "loan": "L-2"})
    tell(book, an_event("hold", **{**PLACED, "loan": "L-2"}), id="c", secret=OTHER_SECRET)
    apply_all(book)
    held = {(row.sender, row.loan_id) for row in book.rows(hold)}
    assert held == {("core", book.loan_id("L-1")), ("dialer", book.loan_id("L-2"))}


def test_a_dispute_read_from_a_text_is_its_readers_and_never_one_on_record(book: Book) -> None:
    book.loan("L-2", due_on="2026-03-01")
    tell(book, an_event("hold", **{**PLACED, "hold": "D-1"}), id="a", secret=SECRET)
    text = InboundText("twilio", "SM-1", PHONE["CN"], "I do not owe this", None)
    record_inbound_text(book.ctx, text, help_is_answered=True)
    apply_all(book)
    said = {"reply": book.one(reply).id, "meaning": "dispute", "why": "not theirs", "actor": "c-1"}
    read = an_event("reply_read", **said, dispute="D-1", loan="L-2")
    tell(book, read, id="b", secret=SECRET)
    apply_all(book)
    assert statuses(book)["b"] == "rejected", "D-1 of the core system is a hold of another loan"
    assert book.one(reply).handled_at is None

    of_loan = {name: PLACED[name] for name in ("starts_on", "why", "actor")}
    tell(book, an_event("dispute", dispute="D-2", loan="L-2", **of_loan))
    decided = {"outcome": "rejected", "finding": "records_differ", "actor": "s-1"}
    tell(book, an_event("dispute_resolution", dispute="D-2", **decided), id="c")
    tell(book, an_event("reply_read", **said, dispute="D-2", loan="L-2"), id="d")
    apply_all(book)
    assert statuses(book)["d"] == "rejected", "that dispute is over"

    tell(book, read, id="e", secret=OTHER_SECRET)
    apply_all(book)
    held = [row for row in book.rows(hold) if row.sender == "dialer"]
    assert [(row.external_id, row.loan_id) for row in held] == [("D-1", book.loan_id("L-2"))]
    tell(
        book, an_event("dispute_resolution", dispute="D-1", **decided), id="f", secret=OTHER_SECRET
    )
    apply_all(book)
    assert statuses(book)["f"] == "applied"


def statuses(book: Book) -> dict[str, str]:
    """What became of each event, by its sender's id."""
    return {row.external_id: row.status for row in book.rows(inbox_event)}


def test_secrets_rotate_within_a_sender(book: Book) -> None:
    tell(book, an_event(), secret=SECRET)
    listen_to(book, core=[OTHER_SECRET, SECRET])
    assert tell(book, an_event(), secret=OTHER_SECRET).status_code == 202
    assert [row.sender for row in book.rows(inbox_event)] == ["core"]


def test_at_the_desk_people_say_whose_id_is_meant(engine: Engine) -> None:
    book = Book(engine, now="2026-03-04 10:00")
    for number, sender in enumerate(("core", "crm"), start=1):
        loan = f"L-{number}"
        book.loan(loan, borrower_id=f"B-{number}", phone=f"+861380013800{number}")
        said = {
            "complaint": {"complaint": "C-1", "kind": "fees", "why": "too much", "actor": "c-1"},
            "arrangement_request": {"arrangement": "AR-1", "asked_by": "letter", "actor": "c-1"},
        }
        for kind, facts in said.items():
            with engine.begin() as connection:
                stored = store_event(
                    connection,
                    f"{kind}:{sender}",
                    kind,
                    {**facts, "loan": loan},
                    book.ctx.now(),
                    sender=sender,
                )
            assert apply_event(book.ctx, stored).status == "applied"
    supervisor = token_of(engine, "s-1", Role.SUPERVISOR)
    with TestClient(create_desk(book.ctx)) as client:

        def answers(path: str, said: dict[str, object] | None, **sender: str) -> str:
            if said is None:
                answer = client.get(DESK + path, params=sender, headers=supervisor)
            else:
                answer = client.post(DESK + path, json={**said, **sender}, headers=supervisor)
            reason = answer.json().get("reason") if answer.status_code == 409 else None
            return reason[0]["code"] if reason else "understood"

        paths: dict[str, dict[str, object] | None] = {
            "/complaints/C-1": None,
            "/complaints/C-1/letter": {},
            "/complaints/C-1/acknowledge": {},
            "/complaints/C-1/take": {},
            "/complaints/C-1/correction": {"kind": "product", "why": "x"},
            "/complaints/C-1/extend": {"why": "x"},
            "/arrangements/AR-1/decline": {"refusal": "said_no"},
            "/arrangements/AR-1/offer": {"instalments": 3, "purpose": "they wrote"},
        }
        for path, asked in paths.items():
            assert answers(path, asked) == "id_of_several_senders", path
            assert answers(path, asked, sender="crm") != "id_of_several_senders", path
    handled = {row.sender: row.handler for row in book.rows(complaint)}
    assert handled == {"core": None, "crm": "s-1"}
    declined = {row.sender: row.status for row in book.rows(arrangement)}
    assert declined == {"core": "requested", "crm": "declined"}
