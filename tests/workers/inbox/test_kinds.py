"""A new kind of event needs one entry in `EVENT_KINDS`, from the HTTP call to the history."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from domain.events import Named, NotYetError
from domain.permissions import Permission
from domain.reasons import ReasonCode, Reasons, because
from tests.support.lender import SECRET, listen, tell
from tests.support.loans import Book
from workers.context import Context
from workers.db.schema import inbox_event, message
from workers.history import loan_history
from workers.http.app import create_app
from workers.inbox.apply import apply_events, dispatch_events
from workers.inbox.event_data.fields import Day, EventData, Identifier
from workers.inbox.event_kind import EventKind
from workers.inbox.kinds import EVENT_KINDS

FLOODED = {
    "type": "flood_reported",
    "timestamp": "2026-03-02T10:00:00+08:00",
    "data": {"flood": "F-1", "loan": "L-1", "seen_on": "2026-03-02"},
}
DRIED = {
    "type": "flood_over",
    "timestamp": "2026-03-02T10:00:00+08:00",
    "data": {"flood": "F-1"},
}


class FloodFacts(EventData):
    flood: Identifier
    loan: Identifier
    seen_on: Day


class FloodOverFacts(EventData):
    flood: Identifier


@pytest.fixture
def floods(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the handlers of two made-up kinds did; each kind is declared once, here."""
    done: list[str] = []

    def flood_reported(connection: Connection, ctx: Context, payload: Mapping[str, Any]) -> Reasons:
        done.append(f"flood {payload['flood']} of {payload['loan']}")
        return because(ReasonCode.EVENT_PENDING)

    def flood_over(connection: Connection, ctx: Context, payload: Mapping[str, Any]) -> Reasons:
        if not done:
            raise NotYetError(ReasonCode.ATTEMPT_NOT_KNOWN, attempt=payload["flood"])
        done.append(f"flood {payload['flood']} is over")
        return because(ReasonCode.CURED)

    for kind in (
        EventKind(
            "flood_reported",
            flood_reported,
            (Named.LOAN,),
            Permission.RECORD_HOLDS,
            FloodFacts,
            id_field="flood",
        ),
        EventKind(
            "flood_over",
            flood_over,
            (),
            Permission.RELEASE_HOLDS,
            FloodOverFacts,
            names="flood",
            waits_at_most=timedelta(days=2),
        ),
    ):
        monkeypatch.setitem(EVENT_KINDS, kind.name, kind)
    return done


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    listen(book, SECRET)
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    return book


def apply_pending(book: Book) -> list[str]:
    return [result.status for result in apply_events(book.ctx, dispatch_events(book.ctx))]


def history(book: Book) -> str:
    with book.ctx.engine.connect() as connection:
        return "\n".join(line.text for line in loan_history(connection, book.ctx, "L-1"))


def test_an_event_of_a_new_kind_works_from_the_call_to_the_history(
    book: Book, floods: list[str]
) -> None:
    assert tell(book, FLOODED).status_code == 202
    assert tell(book, FLOODED).status_code == 202, "the same event again"
    stored = book.one(inbox_event)
    assert (stored.kind, stored.status, stored.payload) == (
        "flood_reported",
        "received",
        FLOODED["data"],
    )
    assert "(flood reported lender:evt_1) came in and waits to be applied" in history(book)

    book.send("L-1", "text_day_1")
    held = book.action("L-1", "text_day_1")
    assert (held.status, held.rules) == ("deferred", ["lender.event_pending"])

    assert apply_pending(book) == ["applied"]
    assert apply_pending(book) == []
    assert floods == ["flood F-1 of L-1"], "applied once"
    book.at("2026-03-02 10:30")
    book.send("L-1", "text_day_1")
    assert book.one(message).status == "accepted"


def test_an_event_of_a_new_kind_waits_for_what_it_names_and_gives_up_when_told(
    book: Book, floods: list[str]
) -> None:
    tell(book, DRIED, id="evt_2")
    assert apply_pending(book) == ["received"]
    tell(book, FLOODED, id="evt_1")
    assert apply_pending(book) == ["applied"]
    assert apply_pending(book) == ["applied"], "at once, and not when its lease has ended"
    assert floods == ["flood F-1 of L-1", "flood F-1 is over"]

    floods.clear()
    tell(book, DRIED, id="evt_3")
    book.at("2026-03-05 10:00")
    assert apply_pending(book) == ["rejected"]

    tell(book, {**DRIED, "data": {**DRIED["data"], "flood": "F-2"}}, id="evt_3")
    assert apply_pending(book) == ["received"], "it waits from its correction on"
    corrected = next(row for row in book.rows(inbox_event) if row.external_id == "evt_3")
    assert corrected.received_at < corrected.corrected_at == book.clock.at
    book.at("2026-03-08 10:00")
    assert apply_pending(book) == ["rejected"]


def test_a_new_kind_is_described_and_its_wrong_fields_are_named(
    book: Book, floods: list[str]
) -> None:
    described = create_app(book.ctx).openapi()
    events = described["paths"]["/events"]["post"]["requestBody"]["content"]["application/json"]
    assert "flood_reported" in events["schema"]["discriminator"]["mapping"]
    assert set(described["components"]["schemas"]["FloodFacts"]["required"]) == {
        "flood",
        "loan",
        "seen_on",
    }

    wrong = json.loads(json.dumps(FLOODED))
    wrong["data"]["seen_on"] = "yesterday"
    refused = tell(book, wrong)
    assert (refused.status_code, refused.json()["fields"]) == (422, ["data.seen_on"])
    assert "yesterday" not in refused.text
    assert book.rows(inbox_event) == []


def test_without_its_entry_there_is_no_such_kind(book: Book) -> None:
    refused = tell(book, FLOODED)
    assert (refused.status_code, refused.json()["fields"]) == (422, ["type"])
