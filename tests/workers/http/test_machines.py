"""Each call of a machine asks one table. What the table does not name is refused, and on record."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, delete, update

from domain.permissions import PERMISSIONS, Permission
from tests.support.counting import statements
from tests.support.lender import EVERY_SCOPE, SECRET, allow, an_event, listen_to, signed
from tests.support.loans import Book
from tests.workers.http.test_lender_events import EVENTS
from workers.access import admission
from workers.access.admission import Admission
from workers.access.machines import read_machines, revoke_machine
from workers.db.schema import access, inbox_event, machine, permission_use
from workers.http import permission_of
from workers.http.app import create_api, create_app
from workers.inbox.event_kind import EventKind
from workers.inbox.kinds import EVENT_KINDS

_VALUES: dict[str, Any] = {
    **dict.fromkeys(("payment", "refund", "adjustment", "loan", "borrower", "actor"), "X-1"),
    **dict.fromkeys(("taken_back_on", "refunded_on", "due_on", "booked_on"), "2026-03-02"),
    **dict.fromkeys(("instalment", "reversed_on"), "2026-03-02"),
    **{"amount": "1.00", "currency": "CNY", "component": "fees", "order": [1], "reply": 7},
    **{"fact": "reaches_nobody", "meaning": "harmless"},
    **dict.fromkeys(("arrangement", "proof_reference", "dispute", "complaint"), "X-1"),
    **{"accepted_on": "2026-03-02", "proof": "recording", "kind": "conduct"},
    **{"outcome": "upheld", "finding": "records_agree", "why": "It is as they say"},
}


def example_of(kind: EventKind) -> dict[str, Any]:
    """An event of a kind; where there is no example, what its required fields need."""
    if kind.name in EVENTS:
        return an_event(kind.name, **EVENTS[kind.name])
    assert kind.data
    fields = kind.data.model_fields.items()
    data = {name: _VALUES[name] for name, field in fields if field.is_required()}
    return an_event(kind.name, **data)


POSTED = [kind for kind in EVENT_KINDS.values() if kind.data]
CALL = {"attempt": "dialer-1", "loan": "L-9", "actor": "c-9"}
DOORS: dict[str, tuple[str, Permission, object]] = {
    **{kind.name: ("/events", kind.permission, example_of(kind)) for kind in POSTED},
    "calls": ("/calls/start", Permission.START_CALLS, CALL),
}
"""What machines can do: where, with which scope, and what they say."""


@dataclass
class Clock:
    at: float = 0.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Core:
    """The lender's core system, which calls a webhook of Arrears, and its API."""

    book: Book
    client: TestClient
    api: TestClient
    clock: Clock

    def post(self, path: str, said: object, id: str = "evt_1") -> Response:
        body = json.dumps(said).encode()
        headers = signed(body, self.book.clock.at, id=id)
        client = self.api if path == "/calls/start" else self.client
        return client.post(path, content=body, headers=headers)

    def pay(self) -> Response:
        return self.post("/events", an_event())

    def later(self, seconds: float = admission.READ_EVERY) -> None:
        self.clock.at += seconds
        self.book.clock.at += timedelta(seconds=seconds)

    def refusals(self) -> list[tuple[str, int]]:
        return [(row.permission, row.times) for row in self.book.rows(permission_use)]


@pytest.fixture
def core(engine: Engine) -> Iterator[Core]:
    book = Book(engine, now="2026-03-02 10:00")
    listen_to(book, core=[SECRET])
    app, api, clock = create_app(book.ctx), create_api(book.ctx), Clock()
    for each in (app, api):
        each.state.admission = Admission(clock)
    with TestClient(app) as client, TestClient(api) as api_client:
        yield Core(book, client, api_client, clock)


def test_every_kind_of_event_that_is_posted_may_be_allowed_to_a_machine() -> None:
    assert {kind.permission for kind in POSTED} <= set(EVERY_SCOPE)


def test_every_path_is_named_with_who_may_call_it(core: Core) -> None:
    named = (
        *permission_of.OPEN_TO_ALL,
        *permission_of.OF_PROVIDERS,
        *permission_of.BY_KIND,
        *permission_of.PERMISSION_OF,
    )
    assert len(set(named)) == len(named)
    served = set[str]()
    for client in (core.client, core.api):
        app: Any = client.app
        served |= {route.path for route in app.routes if hasattr(route, "path")}
        served |= set(app.openapi()["paths"])
    assert served == set(named)


@pytest.mark.attack("beyond the scope")
def test_no_machine_does_anything_without_its_scope(core: Core) -> None:
    """Every door, to a sender that is no machine, was revoked, is over, or has every other scope;
    and then to one that has this scope alone."""
    book = core.book
    yesterday = book.clock.at - timedelta(days=1)

    def refused(door: str, case: str) -> None:
        core.later()
        path, permission, said = DOORS[door]
        answer = core.post(path, said)
        assert answer.status_code == 403, (door, case)
        assert f"scope {permission}." in answer.json()["detail"], (door, case)

    with book.ctx.engine.begin() as connection:
        connection.execute(delete(machine))
    for door in DOORS:
        refused(door, "no machine")
    allow(book, "core", expires_at=book.clock.at + timedelta(days=1))
    with book.ctx.engine.begin() as connection:
        connection.execute(update(machine).values(expires_at=yesterday))
    for door in DOORS:
        refused(door, "over")
    allow(book, "core")
    revoke_machine(book.ctx, "core")
    for door in DOORS:
        refused(door, "revoked")
    for door, (_, permission, _) in DOORS.items():
        allow(book, "core", *(scope for scope in EVERY_SCOPE if scope != permission))
        refused(door, "other scopes")
    assert book.rows(inbox_event) == []
    assert book.rows(access) == []
    assert {row.permission for row in book.rows(permission_use)} == {
        permission for _, permission, _ in DOORS.values()
    }
    assert {(row.actor, row.actor_kind, row.granted) for row in book.rows(permission_use)} == {
        ("core", "machine", False)
    }

    for door, (path, permission, said) in DOORS.items():
        core.later()
        allow(book, "core", permission)
        answer = core.post(path, said, id=f"{door}-1")
        assert answer.status_code == (409 if door == "calls" else 202), (door, answer.text)


def test_what_is_only_for_people_is_no_scope() -> None:
    assert not {scope for scope in EVERY_SCOPE if not PERMISSIONS[scope].machines}
    assert Permission.ERASE_DATA not in EVERY_SCOPE


@pytest.mark.attack("beyond the scope")
def test_a_machine_that_is_revoked_may_call_no_longer_within_seconds(core: Core) -> None:
    assert core.pay().status_code == 202
    revoke_machine(core.book.ctx, "core")
    core.later(4.9)
    assert core.pay().status_code == 403
    allow(core.book, "core")
    core.later(4.9)
    assert core.pay().status_code == 202


def test_a_call_costs_no_statement_of_its_own(core: Core) -> None:
    with statements(core.book.ctx.engine) as first:
        core.pay()
    with statements(core.book.ctx.engine) as second:
        core.post("/events", an_event(payment="P-2"), id="evt_2")
    assert len(first) - len(second) == 1, "the machines are read and noted in one"
    assert not any("machine" in each for each in second)


def test_the_last_use_is_on_record_and_not_written_with_each_call(core: Core) -> None:
    core.pay()
    (known,) = core.book.rows(machine)
    assert known.last_used_at == core.book.clock.at
    core.later(1)
    core.pay()
    assert core.book.one(machine).last_used_at == known.last_used_at
    core.later()
    core.pay()
    assert core.book.one(machine).last_used_at == core.book.clock.at


def test_a_machine_that_calls_too_often_is_told_when_it_may(core: Core) -> None:
    allow(core.book, "core", calls_a_minute=6)
    assert [core.pay().status_code for _ in range(7)] == [202] * 6 + [429]
    answer = core.pay()
    assert answer.headers["Retry-After"] == "10"
    core.later(10)
    assert [core.pay().status_code for _ in range(2)] == [202, 429]
    core.later(3600)
    assert [core.pay().status_code for _ in range(7)] == [202] * 6 + [429]


def test_however_many_calls_are_refused_a_minute_has_a_row(core: Core) -> None:
    allow(core.book, "core", Permission.START_CALLS, calls_a_minute=10_000)
    for _ in range(50):
        assert core.pay().status_code == 403
    assert core.refusals() == [("events:payment", 1)]
    core.later(59)
    core.pay()
    assert core.refusals() == [("events:payment", 1)]
    core.later(2)
    core.pay()
    assert core.refusals() == [("events:payment", 1), ("events:payment", 51)]


def test_what_was_refused_last_is_on_record_when_the_process_has_ended(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    listen_to(book, core=[SECRET])
    allow(book, "core", Permission.START_CALLS)
    with TestClient(create_app(book.ctx)) as client:
        own = Core(book, client, client, Clock())
        assert {own.pay().status_code for _ in range(3)} == {403}
    assert [row.times for row in book.rows(permission_use)] == [1, 2]


def test_a_scope_that_this_release_does_not_know_permits_nothing(core: Core) -> None:
    with core.book.ctx.engine.begin() as connection:
        connection.execute(machine.update().values(scopes=["events:payment", "events:everything"]))
        (known,) = read_machines(connection, core.book.ctx)
    actor = known.actor_at(core.book.ctx.now())
    assert actor is not None
    assert actor.scopes == {Permission.RECORD_PAYMENTS}
    assert core.pay().status_code == 202
