"""Whom a dialer or a CRM names is a member of staff like whoever types here."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, text

from domain.actors import Actor, ActorKind, Role
from domain.arrangements import Refusal
from domain.disputes import Matter
from domain.errors import ArrearsError, RefusedError
from domain.events import person_of
from domain.permissions import Permission
from tests.support.acting import acting
from tests.support.arrangements import decline
from tests.support.events import tell
from tests.support.loans import NAME, Book
from workers.attempts.duties import end_duty
from workers.calls.right_party import confirm_right_party
from workers.context import Context
from workers.daily.totals import write_totals
from workers.db.schema import arrangement, daily_total, duty, must_not_handle, roster_version, visit
from workers.db.who_acted import person_in
from workers.hardship import handling
from workers.history import loan_history
from workers.inbox.submit import submit
from workers.staff.next_work import NothingToServe, next_for
from workers.visits.schedule import schedule_visit
from workers.workforce.hand_on import hand_on_work

SHIFT = ("2026-03-02T09:00:00+08:00", "2026-04-30T18:00:00+08:00")


def by_machine(book: Book) -> Context:
    scopes = frozenset(map(str, Permission))
    return book.ctx.acting(Actor("dialer", kind=ActorKind.MACHINE, scopes=scopes))


def as_role(book: Book, reference: str, role: Role) -> Context:
    return acting(book.ctx, Actor(reference)).acting(Actor(reference, roles=frozenset({role})))


def came_in(book: Book, id: str, actor: str, outcome: str = "spoke", **more: Any) -> None:
    """The borrower calls in, and the dialer reports it."""
    said = {"contact": id, "loan": "L-1", "channel": "call", "outcome": outcome, "also_about": []}
    said |= {"at": book.ctx.now().isoformat(), "actor": actor, "reason": "illness"}
    submit(by_machine(book), f"inbound_contact:{id}", "inbound_contact", said | more)


def is_served(book: Book, who: str) -> bool:
    return not isinstance(next_for(as_role(book, who, Role.CALLER)), NothingToServe)


@pytest.fixture(params=["now", "before"])
def book(engine: Engine, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Book:
    """A day, and the same day with rows that name people as they were named before."""
    if request.param == "before":
        for place in ("inbound", "consequences"):
            monkeypatch.setattr(f"workers.attempts.{place}.person_of", str)
    book = Book(engine, now="2026-03-04 10:00")
    book.loan("L-1", due_on="2026-03-01")
    for who in ("c-1", "c-2"):
        book.staff(who, "caller", shift=SHIFT)
    book.staff("s-1", "supervisor")
    return book


def test_what_they_owe_is_theirs_until_they_are_ill(book: Book) -> None:
    came_in(book, "in-1", "c-1", "asks_plan")
    with book.ctx.engine.begin() as connection:
        assert "c-1 [dialer]" in str(list(loan_history(connection, book.ctx, "L-1")))
    book.at("2026-03-05 09:00")
    assert (is_served(book, "c-2"), is_served(book, "c-1")) == (False, True)
    left: dict[str, Any] = {"staff": "c-1", "at": book.ctx.now().isoformat(), "until": None}
    done = tell(book, "staff_absent", **left, kind="illness", actor="s-1")
    assert done.status == "applied", done.reason
    hand_on_work(book.ctx)
    assert [(row.owner, row.staff) for row in book.rows(duty)] == [("team", None)]


def test_they_end_what_they_owe_and_confirm_who_called_them(book: Book) -> None:
    came_in(book, "in-1", "c-1", "asks_plan")
    answers = {"name": NAME, "address_numbers": "1"}
    assert confirm_right_party(by_machine(book), "in-1", answers, "c-1").confirmed
    decline(book, Refusal.NOT_ELIGIBLE, id=book.one(arrangement).external_id)
    end_duty(as_role(book, "c-1", Role.CALLER), book.one(duty).id)


def test_they_are_kept_away_from_a_complaint_about_them(book: Book) -> None:
    came_in(book, "in-1", "s-1")
    about = {"loan": "L-1", "about_attempt": "in-1", "actor": "c-2"}
    for id, kind in (("C-1", "fees"), ("C-2", "conduct")):
        done = tell(book, "complaint", complaint=id, kind=kind, why="it was not right", **about)
        assert done.status == "applied", done.reason
        if id == "C-1":
            with pytest.raises(ArrearsError):
                handling.take(as_role(book, "s-1", Role.SUPERVISOR), Matter.COMPLAINT, id)
    assert len(book.rows(must_not_handle)) == 1


def test_what_was_promised_to_them_counts_for_their_team(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        members = [{"id": "c-1", "team": "north"}]
        loaded = {"loaded_at": book.ctx.now() - timedelta(days=1), "loaded_by": "adm"}
        connection.execute(insert(roster_version).values(members=members, **loaded))
    said = {"promise": "P-1", "loan": "L-1", "amount": "1000", "currency": "CNY"}
    said |= {"due_on": "2026-03-08", "actor": "c-1"}
    submit(by_machine(book), "promise:P-1", "promise", said)
    with book.ctx.engine.begin() as connection:
        now = book.ctx.now().astimezone(book.zone)
        write_totals(connection, date(2026, 3, 4), now, counts_work=False)
    teams = {row.measure: row.team for row in book.rows(daily_total)}
    assert teams["promises_made"] == "north"


def test_they_agree_on_no_callback_while_they_are_on_a_visit(engine: Engine) -> None:
    book = Book(engine, now="2026-04-02 10:00")
    for visitor in ("v-1", "v-2"):
        book.staff(visitor, "visitor", "caller", shift=SHIFT)
    for loan in ("L-1", "L-2"):
        book.loan(loan)
    book.escalate("L-1")
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"
    at = book.one(select(visit.c.starts_at)).starts_at + timedelta(hours=1)
    more = {"loan": "L-2", "reason": None, "callback_at": at.isoformat()}
    with pytest.raises(RefusedError):
        came_in(book, "in-1", "v-1", "callback_requested", **more)


def test_sql_and_python_find_the_same_person(engine: Engine) -> None:
    names = ["c-1", "c-1 [dialer]", "c-1[dialer]", "c-1 [a [b", " [dialer]", "[dialer]", ""]
    asked = f"SELECT {person_in('n')} FROM unnest(:names) WITH ORDINALITY u (n, i) ORDER BY i"  # noqa: S608
    with engine.connect() as connection:
        found = connection.execute(text(asked), {"names": names}).scalars().all()
    assert found == [person_of(name) for name in names]
