"""What somebody names and is not on record is answered in one way, whatever it is."""

import re
from collections.abc import Mapping
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import Engine

from domain.actors import Role
from tests.support.desk import asked, token_of
from tests.support.loans import Book
from workers.db.schema import inbox_event
from workers.http.app import create_desk
from workers.http.permission_of import AT_THE_DESK, DESK

NOT_KNOWN: Mapping[str, Mapping[str, Any] | None] = {
    "/work/99/sheet": {},
    "/work/99/heartbeat": {},
    "/work/99/release": {},
    "/work/99/take-over": {"why": "ill", "to": "c-1"},
    "/calls": {"loan": "L-9"},
    "/calls/a-9/right-party": {"answers": {"name": "Li", "postcode": "518000"}},
    "/visits": {"loan": "L-9"},
    "/visits/a-9/right-party": {"answers": {"name": "Li"}},
    "/letters/open": {"loan": "L-9"},
    "/approvals/grant": {"loan": "L-1", "item": "legal_file"},
    "/approvals/reject": {"loan": "L-9", "item": "legal_file", "why": "paid"},
    "/duties/99/done": {},
    "/quotes": {"loan": "L-9", "instalments": 3, "purpose": "asked"},
    "/arrangements/a-9/decline": {"refusal": "not_eligible"},
    "/arrangements/a-9/offer": {},
    "/disputes/d-9": None,
    "/disputes/d-9/acknowledge": {},
    "/disputes/d-9/take": {},
    "/disputes/d-9/extend": {"why": "much to read"},
    "/disputes/d-9/correction": {"kind": "amount", "why": "as written"},
    "/disputes/d-9/letter": {},
    "/complaints/k-9": None,
    "/complaints/k-9/acknowledge": {},
    "/complaints/k-9/take": {},
    "/complaints/k-9/extend": {"why": "much to read"},
    "/complaints/k-9/correction": {"kind": "conduct", "why": "as written"},
    "/complaints/k-9/letter": {},
    "/replies/99/open": {},
    "/replies/readings": {"reply": 99, "meaning": "harmless", "actor": "s-1"},
    "/requests/99/grant": {},
    "/requests/99/refuse": {},
    "/staff/absences": {"staff": "x-9", "kind": "illness", "at": "2026-03-02T10:00:00+08:00"},
    "/staff/departures": {"staff": "x-9", "at": "2026-03-02T10:00:00+08:00"},
    "/staff/returns": {"staff": "x-9"},
    "/quality/samples": {"sheet": "x_9", "first": "2026-03-01", "last": "2026-03-01"},
    "/quality/reviews": {"attempt": "a-9", "sheet": "x_9", "marks": {"says_who": "pass"}},
    "/complaints": {
        **{"complaint": "k-1", "loan": "L-1", "kind": "conduct", "why": "shouted"},
        "about_staff": "x-9",
    },
    "/outcomes": {"attempt": "a-9", "outcome": "no_answer"},
    "/inbound-contacts": {
        **{"contact": "in-1", "loan": "L-9", "channel": "call", "outcome": "spoke"},
        "at": "2026-03-02T09:30:00+08:00",
    },
    "/promises": {
        **{"promise": "p-1", "loan": "L-9", "amount": "9.00", "currency": "CNY"},
        "due_on": "2026-03-05",
    },
    "/promises/withdrawals": {"promise": "p-9"},
    "/arrangements": {"arrangement": "a-1", "loan": "L-9"},
    "/arrangements/acceptances": {
        **{"arrangement": "a-9", "loan": "L-1", "accepted_on": "2026-03-02"},
        **{"proof": "recording", "proof_reference": "R-1"},
    },
    "/arrangements/withdrawals": {"arrangement": "a-9"},
    "/disputes": {
        **{"dispute": "d-1", "loan": "L-9", "kind": "amount", "why": "paid"},
        "starts_on": "2026-03-02",
    },
    "/disputes/resolutions": {"dispute": "d-9", "outcome": "upheld", "finding": "records_agree"},
    "/complaints/resolutions": {"complaint": "k-9", "outcome": "upheld", "finding": "rule_broken"},
    "/holds": {
        **{"hold": "h-1", "loan": "L-9", "kind": "vulnerability", "why": "ill"},
        **{"starts_on": "2026-03-02", "ends_on": "2026-03-09"},
    },
    "/holds/releases": {"hold": "h-9", "ends_on": "2026-03-02"},
    "/letters/returned": {"loan": "L-9"},
}
"""A call about something that nobody has recorded: its path, and its body."""


def test_every_call_about_something_that_exists_stands_here() -> None:
    """A list, and `next`, name nothing that may be missing."""
    named = {re.sub(r"(?<=/)([a-z])-9(?=/|$)|(?<=/)99(?=/|$)", "{}", path) for path in NOT_KNOWN}
    posts = {each.removeprefix(f"POST {DESK}") for each in AT_THE_DESK if each.startswith("POST")}
    assert {re.sub(r"{[a-z]+}", "{}", path) for path in posts} - named == {"/work/next"}


def test_what_is_not_on_record_is_answered_with_404_and_a_sentence(engine: Engine) -> None:
    """At once, with what to do, and nothing of it is kept: the sender of an event cannot know that
    the loan is not here yet, a person has mistyped it."""
    book = Book(engine, now="2026-03-02 10:00")
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.staff("v-1", "visitor", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1")
    people = [
        token_of(engine, reference, role)
        for reference, role in (
            ("s-1", Role.SUPERVISOR),
            ("c-1", Role.CALLER),
            ("v-1", Role.VISITOR),
        )
    ]
    wrong = {}
    with TestClient(create_desk(book.ctx)) as client:
        for path, said in NOT_KNOWN.items():
            asking = (asked(client, token, path, said) for token in people)
            answer = next(each for each in asking if each.status_code != 403)
            if answer.status_code != 404 or not answer.json()["detail"]:
                wrong[path] = (answer.status_code, answer.json())
    assert not wrong, "\n".join(map(str, wrong.items()))
    assert book.rows(inbox_event) == []
