"""Who must not handle somebody reads nothing of them; who oversees the work reads on, by ids."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from domain.actors import Actor, Role
from domain.compliance.vocabulary import Channel, Party, Purpose
from domain.disputes import Matter
from domain.errors import RefusedError
from tests.support.acting import acting
from tests.support.events import tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import Book
from workers.access.requests import waiting_requests
from workers.access.second_person import SecondPersonNeededError
from workers.attempts.duties import read_duties
from workers.borrowers import reply_queue
from workers.calls.assign import assign_call
from workers.context import Context
from workers.evidence.report import export_evidence
from workers.gate.question import ask_contact
from workers.hardship.arrangement_reads import (
    list_arrangements,
    open_arrangements,
    read_arrangement,
)
from workers.hardship.matter_lists import read_matters
from workers.hardship.read_promises import promise_policy_of, read_promises
from workers.history import loan_history
from workers.inbox.submit import submit
from workers.operations.contact_points import read_address, read_numbers
from workers.operations.loan_parties import read_parties
from workers.operations.persons import read_person
from workers.sms.providers.port import InboundText
from workers.staff.worklist import read_work

SHIFT = ("2026-03-01 09:00", "2026-07-31 21:00")
BOTH = {"L-1", "L-2"}
SECRET = "c-1 came to my shop"


@pytest.fixture
def book(engine: Engine) -> Book:
    """Two borrowers. That of L-1 complained of c-1; c-2 has the calls and the texts of both."""
    book = Book(engine, now="2026-03-04 10:00")
    for loan, phone in (("L-1", "+8613800138000"), ("L-2", "+8613900139000")):
        book.loan(loan, phone=phone)
    book.escalate("L-1", "L-2")
    book.staff("c-2", "caller", shift=SHIFT)
    for loan, phone in (("L-1", "+8613800138000"), ("L-2", "+8613900139000")):
        item = next(name for name in book.actions(loan) if name.endswith("call"))
        assert assign_call(book.ctx, book.action_id(loan, item)) == "assigned"
        text = InboundText("fake", f"SM-{loan}", phone, "why do you shout", None)
        record_inbound_text(book.ctx, text, help_is_answered=False)
    assert reply_queue.assign_replies(book.ctx) == 2
    book.staff("c-1", "caller", "lawyer", shift=SHIFT)
    book.staff("s-1", "supervisor")
    for loan, about in (("L-1", "c-1"), ("L-2", None)):
        kind = "conduct" if about else "fees"
        told = {"complaint": f"C-{loan}", "loan": loan, "kind": kind, "why": SECRET}
        assert tell(book, "complaint", **told, actor="s-1", about_staff=about).status == "applied"
    return book


def as_role(book: Book, reference: str, *roles: Role) -> Context:
    return acting(book.ctx, Actor(reference)).acting(Actor(reference, roles=frozenset(roles)))


def of_lists(book: Book, ctx: Context) -> dict[str, set[str]]:
    """The loans in each list, as somebody sees it."""
    with book.ctx.engine.connect() as connection:
        work = read_work(connection, ctx, ctx.today(), member="c-2")
        lists: dict[str, Any] = {
            "calls": work.calls,
            "replies": work.replies,
            "duties": read_duties(connection, ctx),
            "complaints": read_matters(connection, ctx, Matter.COMPLAINT),
            "arrangements": open_arrangements(connection, ctx),
        }
        found = {name: {row.loan for row in rows} for name, rows in lists.items()}
        found["arrangements of all"] = {row.loan for row in list_arrangements(connection, ctx)}
    return found


def test_lists_leave_out_whom_one_must_not_handle(book: Book) -> None:
    me = as_role(book, "c-1", Role.CALLER, Role.LAWYER)
    before = of_lists(book, me)
    assert before["calls"] == before["replies"] == before["complaints"] == {"L-2"}
    for loan in sorted(BOTH):
        asked = {"arrangement": f"A-{loan}", "loan": loan, "asked_by": "call", "instalments": 3}
        assert tell(book, "arrangement_request", **asked, actor="c-2").status == "applied"
        told = {"contact": f"in-{loan}", "loan": loan, "channel": "call", "reason": None}
        told |= {"at": book.ctx.now().isoformat(), "outcome": "asks_settlement"}
        assert tell(book, "inbound_contact", **told, actor="c-2", also_about=[]).status == "applied"
    after = of_lists(book, me)
    for name in ("duties", "complaints", "arrangements", "arrangements of all"):
        assert after[name] == {"L-2"}, name
    overseen = of_lists(book, as_role(book, "c-1", Role.CALLER, Role.SUPERVISOR))
    for name in ("duties", "complaints", "arrangements", "arrangements of all", "replies"):
        assert overseen[name] == BOTH, name


def test_what_is_about_one_loan_or_record_is_refused(book: Book, tmp_path: Path) -> None:
    asked = {"arrangement": "A-1", "loan": "L-1", "asked_by": "call", "instalments": 3}
    assert tell(book, "arrangement_request", **asked, actor="c-2").status == "applied"
    purpose = {"party": Party.BORROWER, "borrower": None, "purpose": Purpose.COLLECT}
    reads = [
        lambda at, ctx: loan_history(at, ctx, "L-1"),
        lambda at, ctx: read_promises(at, ctx, "L-1"),
        lambda at, ctx: promise_policy_of(at, ctx, "L-1"),
        lambda at, ctx: read_arrangement(at, ctx, "A-1"),
        lambda at, ctx: read_parties(at, "L-1", ctx),
        lambda at, ctx: read_person(at, "B-L-1", ctx),
        lambda at, ctx: read_numbers(at, ctx, "B-L-1"),
        lambda at, ctx: read_address(at, ctx, "B-L-1"),
        lambda _, ctx: ask_contact(ctx, "L-1", Channel.CALL, None, **purpose),
        lambda _, ctx: export_evidence(ctx, "L-1", tmp_path / f"{len(ctx.actor.roles)}.zip"),
    ]
    me = as_role(book, "c-1", Role.CALLER, Role.LAWYER)
    oversees = as_role(book, "c-1", Role.CALLER, Role.LAWYER, Role.SUPERVISOR)
    with book.ctx.engine.connect() as connection:
        for read in reads:
            with pytest.raises(RefusedError, match="c-1 must not handle this person"):
                read(connection, me)
            read(connection, oversees)


def test_who_oversees_reads_a_history_without_what_was_said_of_them(book: Book) -> None:
    with book.ctx.engine.connect() as connection:
        told = {
            who: " ".join(
                each.text
                for each in loan_history(connection, as_role(book, who, Role.SUPERVISOR), "L-1")
            )
            for who in ("c-1", "s-1")
        }
    assert "C-L-1" in told["c-1"]
    assert SECRET not in told["c-1"]


def test_nor_what_is_said_of_them_in_a_request(book: Book) -> None:
    hold = {"hold": "H-1", "loan": "L-1", "kind": "manual", "why": SECRET, "actor": "c-2"}
    hold |= {"starts_on": "2026-03-04", "ends_on": "2026-06-01"}
    with pytest.raises(SecondPersonNeededError):
        submit(as_role(book, "c-2", Role.CALLER), "hold:H-1", "hold", hold)
    (closed,) = waiting_requests(as_role(book, "c-1", Role.SUPERVISOR))
    (opened,) = waiting_requests(as_role(book, "s-1", Role.SUPERVISOR))
    assert closed.id == opened.id
    assert (SECRET in closed.shown, SECRET in opened.shown) == (False, True)
