"""What the lender's systems tell: stored once if they signed it, refused in a sentence if not."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.support.encrypted import opened
from tests.support.lender import OTHER_SECRET, PAYMENT, SECRET, an_event, listen, signed, tell
from tests.support.loans import Book
from workers.db.engine import connect
from workers.db.free_text import unsealed
from workers.db.inbox import without_hashes
from workers.db.schema import hold, inbox_event, payment, replaced_event
from workers.history import loan_history
from workers.http.app import create_app
from workers.inbox.apply import apply_event, dispatch_events

PHONE = "+8613900139000"
STREET = "2 Example Road"
AT_NOON = "2026-03-02T12:00:00+08:00"

EVENTS: dict[str, dict[str, Any]] = {
    "payment": PAYMENT,
    "reversal": {"payment": "P-1", "reversed_on": "2026-03-02"},
    "promise": {
        "promise": "PR-1",
        "loan": "L-1",
        "amount": "12.5",
        "currency": "CNY",
        "due_on": "2026-03-09",
        "actor": "c-1",
    },
    "promise_withdrawal": {"promise": "PR-1", "was_made": False},
    "dispute": {
        "dispute": "D-1",
        "loan": "L-1",
        "starts_on": "2026-03-02",
        "why": "金额有误",
        "actor": "c-1",
    },
    "hold": {
        "hold": "H-1",
        "loan": "L-1",
        "kind": "vulnerability",
        "starts_on": "2026-03-02",
        "ends_on": None,
        "why": "an illness",
        "actor": "c-1",
    },
    "release": {"hold": "H-1", "ends_on": "2026-03-05"},
    "contact_change": {"borrower": "B-L-1", "zones": ["Asia/Urumqi"], "locale": "zh-Hans"},
    "restructuring": {
        "restructuring": "RS-1",
        "loan": "L-1",
        "currency": "CNY",
        "restructured_on": "2026-03-02",
        "instalments": [
            {"due_on": "2026-05-01", "principal": "600", "interest": "12.50", "fees": "0"}
        ],
        "paid": "0",
        "why": "agreed",
        "actor": "c-1",
    },
    "write_off": {"loan": "L-1", "written_off_on": "2026-03-02"},
    "opt_out": {"borrower": "B-L-1", "channel": None, "actor": "c-1"},
    "number_fact": {
        "borrower": "B-L-1",
        "reply": None,
        "fact": "reaches_nobody",
        "actor": "c-1",
    },
    "number_fact_end": {
        "reply": 7,
        "fact": "reaches_nobody",
        "actor": "c-1",
    },
    "same_person": {
        "borrower": "B-L-1",
        "other": "B-L-2",
        "status": "confirmed",
        "why": "the register",
        "actor": "c-1",
    },
    "validation_notice": {"loan": "L-1", "given_on": "2026-03-02"},
    "acknowledgement": {
        "loan": "L-1",
        "acknowledged_on": "2026-03-02",
        "proof": "signed",
        "document": "D-1",
    },
    "acknowledgement_withdrawal": {
        "loan": "L-1",
        "acknowledged_on": "2026-03-02",
        "proof": "signed",
    },
    "limitation_fact_withdrawal": {"loan": "L-1", "fact": "suit", "starts_on": "2026-02-02"},
    "limitation_fact": {
        "loan": "L-1",
        "fact": "suit",
        "starts_on": "2026-02-02",
        "ends_on": "2026-03-02",
        "document": "D-1",
        "actor": "c-1",
    },
    "contact_outcome": {
        "attempt": "dialer-1",
        "outcome": "spoke",
        "reason": "illness",
        "also_about": ["L-2"],
        "callback_at": None,
        "actor": "c-1",
    },
    "person_fact": {
        "borrower": "B-L-1",
        "fact": "agreed_other_hours",
        "until": "2026-03-09T10:00:00+08:00",
        "actor": "c-1",
    },
    "representative": {
        "borrower": "B-L-1",
        "kind": "attorney",
        "contacted": False,
        "actor": "c-1",
    },
    "loan_party": {
        "loan": "L-1",
        "borrower": "B-L-2",
        "role": "guarantor",
        "actor": "c-1",
    },
    "loan_party_end": {
        "loan": "L-1",
        "borrower": "B-L-2",
        "role": "guarantor",
        "actor": "c-1",
    },
    "person_fact_end": {
        "borrower": "B-L-1",
        "fact": "represented",
        "loan": "L-1",
        "actor": "c-1",
    },
    "staff_absent": {
        **{"staff": "c-3", "kind": "illness", "at": AT_NOON, "until": None},
        "actor": "s-1",
    },
    "staff_left": {"staff": "c-3", "at": AT_NOON, "actor": "s-1"},
    "staff_back": {"staff": "c-3", "actor": "s-1"},
    "events_resent": {"recovery": "7d1f0c39-3f7c-4bb0-9a0e-0d7f6f4f3f55"},
    "inbound_contact": {
        "contact": "call-1",
        "loan": "L-1",
        "channel": "call",
        "at": "2026-03-02T10:00:00+08:00",
        "outcome": "spoke",
        "reason": None,
        "also_about": [],
        "actor": "c-1",
    },
}


@pytest.fixture
def book(engine: Engine) -> Book:
    """A house that takes events of the lender's."""
    book = Book(engine, now="2026-03-02 10:00")
    listen(book, SECRET)
    return book


@pytest.fixture
def gate() -> Book:
    """The same house with its database away: what is refused never asks for it."""
    book = Book(connect("postgresql+psycopg2://u:secret@127.0.0.1:1/x"), now="2026-03-02 10:00")
    listen(book, SECRET)
    return book


def apply_all(book: Book) -> None:
    for event_id in dispatch_events(book.ctx):
        apply_event(book.ctx, event_id)


# --- what is taken


def test_an_event_of_each_kind_is_stored_as_it_was_told(book: Book) -> None:
    for kind, data in EVENTS.items():
        told = tell(book, an_event(kind, **data), id=f"evt_{kind}")
        assert (kind, told.status_code) == (kind, 202)

    stored = {row.kind: row for row in book.rows(inbox_event)}
    assert set(stored) == set(EVENTS)
    for kind, row in stored.items():
        expected = dict(EVENTS[kind])
        if kind == "payment":
            expected["external_id"] = expected.pop("payment")
        assert (row.sender, row.external_id, row.status) == ("lender", f"evt_{kind}", "received")
        typed = expected.pop("why", None)
        assert without_hashes(row.payload) == expected, kind
        assert unsealed(book.ctx.cipher, row.payload).get("why") == typed, kind


def test_an_event_that_comes_again_is_taken_again_and_applied_once(book: Book) -> None:
    book.loan("L-1", due_on="2026-03-01")
    assert tell(book, an_event()).status_code == 202
    apply_all(book)
    assert tell(book, an_event()).status_code == 202
    apply_all(book)

    assert book.one(inbox_event).status == "applied"
    assert book.one(payment).amount == 1000


def test_an_event_for_a_loan_that_is_not_known_yet_is_kept_and_applied_when_it_is(
    book: Book,
) -> None:
    assert tell(book, an_event()).status_code == 202
    apply_all(book)
    assert book.one(inbox_event).status == "received"

    book.loan("L-1", due_on="2026-03-01")
    book.at("2026-03-02 10:10")
    apply_all(book)
    assert book.one(inbox_event).status == "applied"


def test_events_out_of_order_are_applied_in_the_order_that_makes_sense(book: Book) -> None:
    book.loan("L-1", due_on="2026-03-01")
    tell(book, an_event("reversal", **EVENTS["reversal"]), id="evt_2")
    apply_all(book)
    tell(book, an_event(), id="evt_1")
    apply_all(book)
    book.at("2026-03-02 10:10")
    apply_all(book)

    assert {row.status for row in book.rows(inbox_event)} == {"applied"}
    assert book.one(payment).reversed_on is not None


def test_an_event_corrects_one_with_its_id_until_that_is_applied(book: Book) -> None:
    tell(book, an_event(amount="1.00"))
    assert tell(book, an_event(amount="2.00")).status_code == 202
    assert [row.payload["amount"] for row in book.rows(replaced_event)] == ["1.00"]

    book.loan("L-1", due_on="2026-03-01")
    apply_all(book)
    refused = tell(book, an_event(amount="3.00"))
    assert refused.status_code == 409
    assert "with other contents" in refused.json()["detail"]
    assert book.one(payment).amount == 2


def test_whom_a_machine_names_is_on_record_with_the_name_of_the_machine(book: Book) -> None:
    book.loan("L-1", due_on="2026-03-01")
    for kind in ("hold", "dispute", "promise"):
        assert tell(book, an_event(kind, **EVENTS[kind]), id=f"evt-{kind}").status_code == 202
    apply_all(book)
    assert {row.actor for row in book.rows(hold)} == {"c-1 [lender]"}
    with book.ctx.engine.connect() as connection:
        story = "\n".join(line.text for line in loan_history(connection, book.ctx, "L-1"))
    assert "was placed by c-1 [lender]" in story


def test_an_event_never_changes_its_kind(book: Book) -> None:
    tell(book, an_event(amount="1.00"))
    refused = tell(book, an_event("write_off", **EVENTS["write_off"]))
    assert refused.status_code == 409
    assert "its kind never changes" in refused.json()["detail"]
    assert book.one(inbox_event).kind == "payment"


def test_new_contacts_are_encrypted_before_they_are_stored_and_known_again_all_the_same(
    book: Book,
) -> None:
    book.loan("L-1")
    change = an_event("contact_change", borrower="B-L-1", phone=PHONE, address=STREET)
    assert tell(book, change).status_code == 202
    first = book.one(inbox_event).payload
    assert PHONE not in json.dumps(first)
    assert STREET not in json.dumps(first)
    (said,) = opened(book, inbox_event.c.payload)
    assert (said["phone_encrypted"], said["address_encrypted"]) == (PHONE, STREET)

    apply_all(book)
    assert tell(book, change).status_code == 202
    assert book.one(inbox_event).status == "applied"
    other = an_event("contact_change", borrower="B-L-1", phone=PHONE, address="3 Example Road")
    assert tell(book, other).status_code == 409


@pytest.mark.parametrize(
    ("fact", "why"),
    [
        ({"fact": "inconvenient_time"}, '["data"]'),
        ({"fact": "inconvenient_time", "time": {"days": []}}, "days"),
        ({"fact": "inconvenient_time", "time": {"days": ["holiday"]}}, "days"),
        ({"fact": "inconvenient_time", "time": {"days": ["sun"], "starts": "9"}}, "starts"),
        ({"fact": "inconvenient_time", "time": {"days": ["sun"], "ends": "25:00"}}, "ends"),
        ({"fact": "inconvenient_place", "place": "school"}, "place"),
        ({"fact": "language", "locale": "English"}, "locale"),
        ({"fact": "represented", "place": "home"}, '["data"]'),
        ({"fact": "represented", "until": "2026-03-09T10:00:00+08:00"}, '["data"]'),
        ({"fact": "inconvenient_place", "place": "home", "until": "2026-03-09T10:00:00"}, "until"),
    ],
)
def test_a_fact_that_is_not_whole_is_refused_and_the_field_is_named(
    gate: Book, fact: dict[str, object], why: str
) -> None:
    refused = tell(gate, an_event("person_fact", borrower="B-1", actor="c-1", **fact))
    assert (refused.status_code, why in refused.text) == (422, True), refused.text


def test_midnight_at_the_end_of_a_day_is_that_of_the_next(book: Book) -> None:
    sunday = {"days": ["sun"], "starts": "00:00", "ends": "24:00"}
    fact = {"borrower": "B-1", "fact": "inconvenient_time", "time": sunday, "actor": "c-1"}
    assert tell(book, an_event("person_fact", **fact)).status_code == 202
    assert book.one(inbox_event).payload["time"]["ends"] == "00:00"


# --- who signed it


def test_an_event_signed_by_somebody_else_is_refused(gate: Book) -> None:
    refused = tell(gate, an_event(), secret=OTHER_SECRET)
    assert refused.status_code == 401


@pytest.mark.parametrize("header", ["webhook_id", "webhook_timestamp", "webhook_signature"])
@pytest.mark.parametrize("value", ["", "é", "v1,", "v1,AAAA", "9" * 400, "1e9", "a.b"])
def test_an_event_whose_signature_is_broken_is_refused(gate: Book, header: str, value: str) -> None:
    refused = tell(gate, an_event(), **{header: value.encode("latin-1")})  # type: ignore[arg-type]
    assert refused.status_code == 401


@pytest.mark.attack("forged signature")
def test_an_event_changed_on_its_way_is_refused(gate: Book) -> None:
    headers = signed(json.dumps(an_event()).encode(), gate.clock.at)
    with TestClient(create_app(gate.ctx)) as client:
        changed = json.dumps(an_event(amount="9999999.00"))
        refused = client.post("/events", content=changed, headers=headers)
    assert refused.status_code == 401


@pytest.mark.attack("forged signature")
@pytest.mark.parametrize("minutes", [-6, -60 * 24 * 365, 6])
def test_an_event_signed_long_ago_or_in_the_future_is_refused(gate: Book, minutes: int) -> None:
    refused = tell(gate, an_event(), at=gate.clock.at + timedelta(minutes=minutes))
    assert refused.status_code == 401
    assert "five minutes" in refused.json()["detail"]
    assert f"here it is {gate.clock.at.timestamp():.0f}" in refused.json()["detail"]


@pytest.mark.parametrize("minutes", [-5, 5])
def test_an_event_signed_within_five_minutes_is_taken(book: Book, minutes: int) -> None:
    at = book.clock.at + timedelta(minutes=minutes)
    assert tell(book, an_event(), at=at).status_code == 202


def test_while_secrets_rotate_either_of_them_signs(book: Book) -> None:
    listen(book, OTHER_SECRET, SECRET)
    assert tell(book, an_event(), secret=SECRET).status_code == 202
    assert tell(book, an_event(), secret=OTHER_SECRET).status_code == 202
    both = (
        signed(json.dumps(an_event()).encode(), book.clock.at, secret=secret)
        for secret in (OTHER_SECRET, "whsec_" + "A" * 32)
    )
    listen(book, OTHER_SECRET)
    signatures = " ".join(headers["webhook-signature"] for headers in both)
    assert tell(book, an_event(), webhook_signature=signatures).status_code == 202


def test_without_a_secret_nothing_is_taken_in(gate: Book) -> None:
    listen(gate)
    refused = tell(gate, an_event())
    assert refused.status_code == 404
    assert "ARREARS_EVENTS_IN_SECRETS" in refused.json()["detail"]


def test_nothing_is_parsed_before_the_signature_is_verified(gate: Book) -> None:
    assert tell(gate, b"rubbish", secret=OTHER_SECRET).status_code == 401
    assert tell(gate, b"rubbish", secret=OTHER_SECRET, content_type="text/x").status_code == 401


# --- what it says


def test_what_is_not_json_in_utf_8_is_refused(gate: Book) -> None:
    assert tell(gate, b"rubbish").status_code == 400
    assert tell(gate, b"[" * 50_000).status_code == 400
    assert tell(gate, an_event(), content_type="application/json; charset=gbk").status_code == 400
    headers = signed(b"{}", gate.clock.at)
    with TestClient(create_app(gate.ctx)) as client:
        assert client.post("/events", content=b"\xff{}", headers=headers).status_code == 400


def test_another_type_of_content_is_refused(book: Book) -> None:
    assert tell(book, an_event(), content_type="text/plain").status_code == 415
    assert tell(book, an_event(), content_type="").status_code == 415
    assert tell(book, an_event(), content_type="application/json; charset=UTF-8").is_success


@pytest.mark.parametrize(
    ("kind", "changed", "field"),
    [
        ("payment", {"amount": 1000}, "data.amount"),
        ("payment", {"amount": "1e3"}, "data.amount"),
        ("payment", {"amount": "0.00"}, "data.amount"),
        ("payment", {"amount": "-1"}, "data.amount"),
        ("payment", {"amount": "1.00001"}, "data.amount"),
        ("payment", {"amount": "٣"}, "data.amount"),
        ("payment", {"currency": "cny"}, "data.currency"),
        ("payment", {"paid_on": "02/03/2026"}, "data.paid_on"),
        ("payment", {"paid_on": 20260302}, "data.paid_on"),
        ("payment", {"paid_on": "2026-03-02T00:00:00"}, "data.paid_on"),
        ("payment", {"paid_on": "9999-12-31"}, "data.paid_on"),
        ("payment", {"paid_on": "1969-12-31"}, "data.paid_on"),
        ("payment", {"loan": "L-\x00"}, "data.loan"),
        ("payment", {"loan": "L" * 129}, "data.loan"),
        ("payment", {"loan": None}, "data.loan"),
        ("payment", {"note": "x"}, "data.note"),
        ("hold", {"kind": "promise"}, "data.kind"),
        ("hold", {"ends_on": "2026-03-02"}, "data"),
        ("hold", {"why": "two\nlines"}, "data.why"),
        ("contact_change", {"phone": "138 0013 8000"}, "data.phone"),
        ("contact_change", {"phone": "+999123456789"}, "data.phone"),
        ("contact_change", {"zones": ["Mars/Olympus"]}, "data.zones.0"),
        ("contact_change", {"zones": ["../../etc/passwd"]}, "data.zones.0"),
        ("contact_change", {"locale": "Chinese"}, "data.locale"),
        ("contact_change", {"zones": None, "locale": None}, "data"),
    ],
)
def test_a_field_that_is_wrong_is_named_and_its_value_is_not_repeated(
    gate: Book, caplog: pytest.LogCaptureFixture, kind: str, changed: dict[str, Any], field: str
) -> None:
    refused = tell(gate, an_event(kind, **{**EVENTS[kind], **changed}))

    assert refused.status_code == 422
    assert refused.json()["fields"] == [field]
    for value in changed.values():
        if isinstance(value, str) and len(value) > 2:
            assert value not in refused.text
            assert value not in caplog.text


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"type": "gift"}, ["type"]),
        ({"type": 5}, ["type"]),
        ({"timestamp": "2026-03-02T10:00:00"}, ["timestamp"]),
        ({"timestamp": 1772416800}, ["timestamp"]),
        ({"data": None}, ["data"]),
        ({"data": []}, ["data"]),
        ({"extra": 1}, ["extra"]),
    ],
)
def test_an_event_of_another_shape_is_refused(
    gate: Book, changed: dict[str, Any], fields: list[str]
) -> None:
    refused = tell(gate, {**an_event(), **changed})
    assert (refused.status_code, refused.json()["fields"]) == (422, fields)


@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"payment"', b"{}"])
def test_json_that_is_no_event_is_refused(gate: Book, body: bytes) -> None:
    assert tell(gate, body).status_code == 422


def test_an_answer_names_some_fields_and_not_a_thousand(gate: Book) -> None:
    refused = tell(gate, an_event(**{f"x{number}" * 60: 1 for number in range(100)}))
    named = refused.json()["fields"]
    assert (len(named), max(len(name) for name in named)) == (20, 100)


# --- what does not fit, and what is away


def test_an_event_that_is_too_large_is_refused_announced_or_not(gate: Book) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(1_000):
            yield b"x" * 10_000

    assert tell(gate, b"x" * 70_000).status_code == 413
    with TestClient(create_app(gate.ctx)) as client:
        assert client.post("/events", content=pieces()).status_code == 413


def test_while_the_database_is_away_the_sender_is_asked_to_come_again(gate: Book) -> None:
    refused = tell(gate, an_event())
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
    assert "secret" not in refused.text
