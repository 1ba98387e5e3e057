"""The second person sees everything that decides what is done, at every door."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, update

from domain.actors import Actor, Role
from domain.arranged import Wish
from domain.arrangements import AskedBy
from domain.disputes import Matter
from domain.errors import ArrearsError, Text
from domain.language.sentences import in_chinese
from domain.permissions import PERMISSIONS, Permission
from domain.sending import EVERYTHING, Scope, SendingScope
from tests.support.acting import acting
from tests.support.events import tell
from tests.support.lender import allow
from tests.support.loans import Book
from workers.access.machines import allow_machine, revoke_machine
from workers.access.requests import waiting_requests
from workers.access.second_person import SecondPersonNeededError
from workers.access.secrets import digest_of, fingerprint_of
from workers.access.tokens import enrol_token
from workers.actions.approvals import approve
from workers.context import Context
from workers.db.schema import loan, machine
from workers.hardship.arrangement_offers import offer_arrangement
from workers.hardship.arrangements import NewRequest, record_request
from workers.hardship.handling import extend
from workers.inbox.event_data.promises import PromiseFacts
from workers.inbox.submit import submit
from workers.operations.sending_holds import resume_sending, stop_sending
from workers.privacy.key_rotation import rotate
from workers.privacy.subject_requests import erase_subject, export_subject
from workers.staff.roster import load_roster

WORKERS = Path(inspect.getfile(Context)).parent
F1, F2 = (fingerprint_of(digest_of(each)) for each in ("one", "two"))
ROSTER = """
staff:
  - id: s-1
    roles: [supervisor]
    languages: [en]
    daily_capacity: 5
    zone: UTC
    shifts: {mon-fri: "08:00-20:00"}
  - {id: s-2, roles: [caller], daily_capacity: 9}
"""
ROSTER_CHANGES = {
    "roles: [supervisor]": ("roles: [administrator]", "supervisor becomes administrator"),
    "daily_capacity: 5": ("daily_capacity: 6", "becomes 6"),
    "languages: [en]": ("languages: [zh]", "becomes zh"),
    "zone: UTC": ("zone: Asia/Tokyo", "(Asia/Tokyo)"),
    'mon-fri: "08:00-20:00"': ('mon-sun: "00:00-24:00"', "mon tue wed thu fri sat sun"),
    "daily_capacity: 9": ("daily_capacity: 9, left_on: 2026-04-01", "2026-04-01"),
    "id: s-2": ("id: s-3", "s-3, roles"),
}


@pytest.fixture
def book(engine: Engine, tmp_path: Path) -> Book:
    """Something of each kind that two persons decide about; time goes on by a second each time."""
    book = Book(engine, now="2026-04-30 10:00")
    for number in ("1", "2"):
        book.loan(f"L-{number}", due_on="2026-03-01", steps_tried=("remind", "enquire", "visit"))
        book.loan(f"L-9{number}", borrower_id=f"B-9{number}")
    book.loan("L-3", due_on="2026-03-01")
    book.escalate("L-1", "L-2")
    with engine.begin() as connection:
        connection.execute(
            update(loan).where(loan.c.external_id.like("L-9%")).values(written_off_on="2010-01-01")
        )
        connection.execute(
            insert(machine).values(
                name="s-0", scopes=[], calls_a_minute=1, created_at=book.clock.at, created_by="x"
            )
        )
        known = {"annual_rate_percent": 12, "disbursed_on": "2025-03-01"}
        connection.execute(update(loan).values(known))
        for number, sender in (("1", "staff"), ("2", "staff"), ("3", "core")):
            id = "AR-2" if number == "2" else "AR-1"
            asked = NewRequest(
                arrangement=id, loan=f"L-{number}", asked_by=AskedBy.CALL, sender=sender
            )
            record_request(connection, book.ctx, asked)
    for number, sender in (("1", "staff"), ("2", "staff"), ("3", "core")):
        about = {"loan": f"L-{number}", "kind": "fees", "why": "too high", "actor": "s-1"}
        id = "C-2" if number == "2" else "C-1"
        assert tell(book, "complaint", complaint=id, sender=sender, **about).status == "applied"
    book.loan("L-4")
    disputed = {"loan": "L-4", "starts_on": "2026-04-30", "why": "too high", "actor": "s-1"}
    assert tell(book, "dispute", dispute="C-1", **disputed).status == "applied"
    book.staff("s-0", "supervisor")
    book.staff("s-1", "supervisor")
    book.staff("s-2", "supervisor")
    book.staff("asks-1", "supervisor")
    stop_sending(book.ctx, EVERYTHING, "the texts name a wrong amount")
    stop_sending(book.ctx, Scope(SendingScope.CHANNEL, "sms"), "complaints")
    return book


Change = tuple[str, Any, str]
"""The name of an argument, another value of it, and what the second person reads of that."""


def doors(tmp_path: Path) -> Iterator[tuple[Callable[..., Any], dict[str, Any], list[Change]]]:
    until = date(2027, 1, 31)
    yield (
        enrol_token,
        {"holder": "s-0", "fingerprint": F1, "of_machine": False, "days": 90},
        [
            ("holder", "s-2", "member of staff: s-2"),
            ("fingerprint", F2, F2),
            ("of_machine", True, "machine: s-0"),
            ("days", 91, "91"),
        ],
    )
    yield (
        allow_machine,
        {"name": "core", "scopes": [Permission.RECORD_PAYMENTS]},
        [
            ("name", "nightly", "nightly"),
            ("scopes", [Permission.RECORD_HOLDS], "events:hold"),
            ("calls_a_minute", 7, "7"),
            ("expires_at", Book.moment, "2027-01-31"),
        ],
    )
    roster = tmp_path / "roster.yaml"
    roster.write_text(ROSTER)
    files = []
    for number, (old, (new, seen)) in enumerate(ROSTER_CHANGES.items()):
        other = tmp_path / f"{number}.yaml"
        assert ROSTER.count(old) == 1
        other.write_text(ROSTER.replace(old, new))
        files.append(("path", other, seen))
    yield (
        load_roster,
        {"path": roster, "starts_on": until, "days": 28},
        [*files, ("starts_on", until + timedelta(days=1), "2027-02-01"), ("days", 29, "29")],
    )
    yield resume_sending, {"id": 1}, [("id", 2, "sms")]
    yield (
        export_subject,
        {"external_id": "B-91", "purpose": "asked for"},
        [("external_id", "B-92", "B-92"), ("purpose", "a court", 'purpose: "a court"')],
    )
    yield (
        erase_subject,
        {"external_id": "B-91", "why": "asked for", "law": "order 9", "dry_run": False},
        [
            ("external_id", "B-92", "B-92"),
            ("why", 'asked"\nlaw: "none', r'why: "asked\"\nlaw: \"none"'),
            ("law", "order 1/2026", 'law: "order 1/2026"'),
        ],
    )
    yield (
        approve,
        {"loan_external_id": "L-1", "item": "legal_file"},
        [("loan_external_id", "L-2", "L-2")],
    )
    yield (
        offer_as_caller,
        {"name": "AR-1", "wish": Wish(instalments=5), "sender": "staff"},
        [
            ("name", "AR-2", "L-2"),
            ("wish", Wish(instalments=6), "instalments: 6"),
            ("sender", "core", "L-3"),
        ],
    )
    yield (
        extend,
        {"matter": Matter.COMPLAINT, "id": "C-1", "why": "the bank is slow", "sender": "staff"},
        [
            ("matter", Matter.DISPUTE, "dispute C-1"),
            ("id", "C-2", "complaint C-2"),
            ("why", "somebody is ill", 'why: "somebody is ill"'),
            ("sender", "core", "L-3"),
        ],
    )
    promised = {
        "promise": "PR-1",
        "loan": "L-1",
        "amount": "100",
        "currency": "CNY",
        "due_on": "2026-05-05",
        "actor": "asks-1",
    }
    parts = [{"amount": "50", "due_on": f"2026-05-0{day}"} for day in (4, 5)]
    yield (
        promise_as_caller,
        {"payload": promised},
        [
            ("payload", {**promised, "promise": "PR-2"}, "PR-2"),
            ("payload", {**promised, "loan": "L-2"}, "L-2"),
            ("payload", {**promised, "amount": "101"}, "101.00 CNY 2026-05-05"),
            ("payload", {**promised, "due_on": "2026-05-06"}, "100.00 CNY 2026-05-06"),
            ("payload", {**promised, "parts": parts}, "50.00 CNY 2026-05-04, 50.00 CNY 2026-05-05"),
            ("payload", {**promised, "can_pay_monthly": "10"}, "more than the borrower said"),
        ],
    )
    paused = {
        "hold": "H-1",
        "loan": "L-1",
        "kind": "manual",
        "starts_on": "2026-04-30",
        "ends_on": "2026-07-01",
        "why": "a letter",
        "actor": "asks-1",
    }
    yield (
        hold_as_caller,
        {"payload": paused},
        [
            ("payload", {**paused, "hold": "H-2"}, "H-2"),
            ("payload", {**paused, "loan": "L-2"}, "L-2"),
            ("payload", {**paused, "kind": "deferral"}, "kind: deferral"),
            ("payload", {**paused, "starts_on": "2026-05-02"}, "first day: 2026-05-02"),
            ("payload", {**paused, "ends_on": "2026-07-02"}, "until: 2026-07-01"),
            ("payload", {**paused, "why": "a call"}, 'why: "a call"'),
        ],
    )
    gone = {"staff": "s-1", "at": "2026-05-01T00:00:00+08:00", "actor": "asks-1"}
    yield (
        departure,
        {"payload": gone},
        [
            ("payload", {**gone, "staff": "s-2"}, "staff: s-2"),
            ("payload", {**gone, "at": "2026-05-02T00:00:00+08:00"}, "left_on: 2026-05-02"),
        ],
    )
    yield rotate, {"progress": print}, []
    sold = {"loan": "L-1", "written_off_on": "2026-04-30", "why": "sold", "actor": "asks-1"}
    yield (
        submit,
        {"external_id": "write_off:L-1", "kind": "write_off", "payload": sold},
        [
            ("external_id", "write_off:x", "write_off:x"),
            ("payload", {**sold, "written_off_on": "2026-04-29"}, "2026-04-29"),
            ("payload", {**sold, "why": "a mistake"}, 'why: "a mistake"'),
            ("payload", {**sold, "loan": "L-2"}, "L-2"),
        ],
    )


def offer_as_caller(ctx: Context, name: str, wish: Wish, sender: str) -> object:
    """A collector may not agree to more than three instalments."""
    caller = ctx.acting(replace(ctx.actor, roles=frozenset({Role.CALLER})))
    return offer_arrangement(caller, name, wish, sender=sender)


def promise_as_caller(ctx: Context, payload: Mapping[str, Any]) -> object:
    """A collector may not take a promise of so small a part of what is past due."""
    caller = ctx.acting(replace(ctx.actor, roles=frozenset({Role.CALLER})))
    given = PromiseFacts.model_validate(payload, strict=False).payload(ctx.cipher)
    return submit(caller, f"promise:{payload['promise']}", "promise", given)


def hold_as_caller(ctx: Context, payload: Mapping[str, Any]) -> object:
    """A collector may not pause a ladder for so long alone."""
    caller = ctx.acting(replace(ctx.actor, roles=frozenset({Role.CALLER})))
    return submit(caller, f"hold:{payload['hold']}", "hold", payload)


def departure(ctx: Context, payload: Mapping[str, Any]) -> object:
    """Each time it is another report, as at the desk."""
    return submit(ctx, f"staff_left:{ctx.now()}", "staff_left", payload)


NOT_VARIED = {"ctx", "progress", "dry_run", "may_wait", "check", "item", "kind"}
"""What decides nothing; and of approvals and events, of which one item and one kind is in use."""


@pytest.mark.attack("own request")
def test_every_argument_is_shown_and_is_another_request(book: Book, tmp_path: Path) -> None:
    ctx = acting(book.ctx, Actor("asks-1"))
    asked_for = set[Permission]()
    for door, base, changes in doors(tmp_path):
        assert {name for name, *_ in changes} >= set(
            inspect.signature(door).parameters
        ) - NOT_VARIED, door
        first = _asked(book, partial(door, ctx, **base))
        assert _asked(book, partial(door, ctx, **base)) == first, "the same is asked for once"
        texts = {first[0]: first[1]}
        for name, value, seen in changes:
            if value is Book.moment:
                value = book.moment("2027-01-31 23:59")
            id, shown = _asked(book, partial(door, ctx, **{**base, name: value}))
            assert seen in shown, (door, name, shown)
            assert id not in texts, (door, name)
            assert shown not in texts.values(), (door, name)
            texts[id] = shown
        asked_for.add(_last(book).permission)
    assert asked_for == {each for each in Permission if PERMISSIONS[each].second_person}


def test_the_keys_and_what_a_machine_could_before_are_shown(book: Book) -> None:
    ctx = acting(book.ctx, Actor("asks-1"))
    rotated = partial(rotate, progress=print)
    id, shown = _asked(book, partial(rotated, ctx))
    assert f"first key: {ctx.cipher.current_key_id}" in shown
    others = copy(ctx.cipher)
    others.key_ids = ("another", *ctx.cipher.key_ids)
    again, shown = _asked(book, partial(rotated, replace(ctx, cipher=others)))
    assert again != id
    assert f"first key: another\nother keys: {ctx.cipher.current_key_id}" in shown

    allow(book, "dialer", Permission.START_CALLS, calls_a_minute=30)
    revoke_machine(book.ctx, "dialer")
    _, shown = _asked(book, partial(allow_machine, ctx, "dialer", [Permission.RECORD_HOLDS]))
    assert "before: calls:start, 30 calls a minute, revoked 2026-04-30" in shown


@pytest.mark.attack("own request")
def test_a_law_that_says_nothing_sets_no_rule_aside(book: Book) -> None:
    ctx = acting(book.ctx, Actor("asks-1"))
    for nothing in ("", " ", "-", "\u200b"):
        with pytest.raises(ArrearsError, match="says nothing"):
            erase_subject(ctx, "B-91", why="asked for", law=nothing, dry_run=True)
        with pytest.raises(ArrearsError, match="says nothing"):
            export_subject(ctx, "B-91", purpose=nothing)
    shown = _asked(
        book, partial(erase_subject, ctx, "B-91", why="asked", law="order 1", dry_run=False)
    )[1]
    assert re.search("must be kept until: .*\nby the rules: .*\n", shown), shown


def test_no_door_makes_its_own_text_for_the_second_person() -> None:
    """Those that the first test tries, the two of a recovery, and two that stories tell: what was
    promised by mistake, and a decline of what was accepted."""
    asking = {
        str(file.relative_to(WORKERS)): count
        for file in WORKERS.rglob("*.py")
        if (count := len(re.findall(r"^ .*\bwith_second_person\(", file.read_text(), re.MULTILINE)))
    }
    assert asking == {
        "access/machines.py": 1,
        "access/tokens.py": 1,
        "actions/approvals.py": 1,
        "hardship/arrangement_offers.py": 1,
        "hardship/arrangement_endings.py": 1,
        "hardship/handling.py": 1,
        "hardship/hold_limits.py": 1,
        "hardship/promise_review.py": 2,
        "inbox/submit.py": 1,
        "operations/sending_holds.py": 1,
        "privacy/key_rotation.py": 1,
        "privacy/subject_requests.py": 2,
        "recovery/run.py": 2,
        "staff/roster_changes.py": 1,
        "workforce/absences.py": 1,
    }


def _last(book: Book) -> Any:
    reader = acting(book.ctx, Actor("reads-1"))
    return waiting_requests(reader)[-1]


def _asked(book: Book, door: Callable[[], Any]) -> tuple[int, str]:
    """The request that a door asks for, and what is shown of it."""
    with pytest.raises(SecondPersonNeededError) as needed:
        door()
    id = needed.value.values["id"]
    reader = acting(book.ctx, Actor("reads-1"))
    waiting = waiting_requests(reader)
    for each in waiting:
        assert list(_english_only(each.lines())) == [], "this is said in Chinese too"
    shown: Mapping[int, str] = {each.id: each.shown for each in waiting}
    assert isinstance(id, int)
    return id, shown[id]


def _english_only(texts: Iterable[object]) -> Iterator[str]:
    """What of the texts, and of those among their values, has no Chinese."""
    for each in texts:
        if isinstance(each, Text):
            if each.text not in {*in_chinese(), "{what}", "{words}", "{who_may}"}:
                yield each.text
            yield from _english_only(each.values.values())
            name = each.values.get("name")
            if isinstance(name, str):
                yield name
