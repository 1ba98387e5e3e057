"""A call is started by who has it, and by who may hand it on."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from domain.actors import Actor, ActorKind, Role
from domain.errors import NoOpenCallError, NotPermittedError, NotServedError, OutcomeMissingError
from domain.permissions import Permission
from tests.support.acting import acting
from tests.support.events import tell
from tests.support.loans import PHONE, Book
from workers.calls.assign import assign_call
from workers.calls.pace import LOOKED_BACK
from workers.calls.start import start_call
from workers.db.schema import access, call, contact, permission_use, staff
from workers.staff.next_work import ServedWork, next_for
from workers.workforce.hand_on import hand_on_work


@pytest.fixture
def book(engine: Engine) -> Book:
    """A call that c-1 has; c-2 and sup-1 came later."""
    book = Book(engine)
    shift = ("2026-03-02 08:00", "2026-03-02 20:00")
    book.staff("c-1", "caller", shift=shift)
    book.loan("L-1")
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    book.staff("c-2", "caller", shift=shift)
    book.staff("sup-1", "supervisor", "caller", shift=shift)
    return book


@pytest.mark.attack("a colleague's call")
def test_a_colleague_gets_no_number_and_a_supervisor_does_on_record(book: Book) -> None:
    colleague = book.ctx.acting(Actor("c-2", roles=frozenset({Role.CALLER})))
    with pytest.raises(NotPermittedError, match="The call for loan L-1 is c-1's"):
        start_call(colleague, "L-1")
    assert book.rows(contact) == book.rows(access) == []

    roles = frozenset({Role.CALLER, Role.SUPERVISOR})
    assert start_call(book.ctx.acting(Actor("sup-1", roles=roles)), "L-1").reach == PHONE["CN"]
    uses = [(use.actor, use.permission, use.granted) for use in book.rows(permission_use)]
    assert uses == [
        ("c-2", "calls:start", True),
        ("c-2", "calls:hand_on", False),
        ("sup-1", "calls:start", True),
        ("sup-1", "calls:hand_on", True),
    ]
    assert (book.one(contact).actor, book.one(access).actor) == ("sup-1", "sup-1")


def test_a_person_calls_for_themselves_whomever_they_name(book: Book) -> None:
    colleague = book.ctx.acting(Actor("c-2", roles=frozenset({Role.CALLER})))
    with pytest.raises(NotPermittedError, match="is c-1's"):
        start_call(colleague, "L-1", caller="c-1")
    own = book.ctx.acting(Actor("c-1", roles=frozenset({Role.CALLER})))
    next_for(own)
    assert start_call(own, "L-1").reach == PHONE["CN"]
    assert [use.permission for use in book.rows(permission_use) if use.actor == "c-1"] == [
        *("work:serve", "calls:start")
    ]


@pytest.mark.attack("the call that suits best")
def test_a_collector_calls_whom_they_were_served_and_nobody_else(book: Book) -> None:
    """c-1 has the calls of both loans, and is served one of them."""
    with_both_calls(book)
    own = book.ctx.acting(Actor("c-1", roles=frozenset({Role.CALLER})))
    with pytest.raises(NotServedError, match="You were not served the call of loan L-1"):
        start_call(own, "L-1")
    served = next_for(own)
    assert isinstance(served, ServedWork)
    other = "L-2" if served.loan == "L-1" else "L-1"
    with pytest.raises(NotServedError, match="c-1 was served somebody else and is at it until"):
        start_call(own, other)
    dialer = Actor("dialer", ActorKind.MACHINE, scopes=frozenset({Permission.START_CALLS}))
    with pytest.raises(NotServedError, match="Finish that work, or give it back"):
        start_call(book.ctx.acting(dialer), other, caller="c-1")
    assert book.rows(contact) == book.rows(access) == []

    assert start_call(own, str(served.loan), attempt="a-1").reach
    said = {"attempt": "a-1", "outcome": "no_answer", "reason": None}
    assert tell(book, "contact_outcome", actor="c-1", **said).status == "applied"
    assert start_call(book.ctx.acting(dialer), other, caller="c-1").reach, "that is finished"


def with_both_calls(book: Book) -> None:
    """c-1 has the call of L-1, and now that of L-2 too."""
    book.loan("L-2", phone="+8613800138002")
    book.escalate("L-2")
    assert assign_call(book.ctx, book.action_id("L-2", "friendly_call")) == "assigned"
    with book.ctx.engine.begin() as connection:
        connection.execute(update(call).values(staff_id=book.rows(call)[0].staff_id))


def test_a_machine_gets_a_number_only_for_who_has_the_call(book: Book) -> None:
    scopes = frozenset({Permission.START_CALLS})
    dialer = book.ctx.acting(Actor("dialer", ActorKind.MACHINE, scopes=scopes))
    with pytest.raises(NoOpenCallError, match="c-2 has no open call"):
        start_call(dialer, "L-1", caller="c-2")
    assert start_call(dialer, "L-1", caller="c-1").reach == PHONE["CN"]
    opened = book.one(access)
    assert (opened.actor, opened.machine) == ("c-1", "dialer")


def test_nobody_has_two_people_on_the_line(book: Book) -> None:
    """Whoever asks: a person at the desk as a dialer does."""
    with_both_calls(book)
    c1 = acting(book.ctx, Actor("c-1"))
    attempt = start_call(c1, "L-1").attempt
    with pytest.raises(OutcomeMissingError, match="about loan L-1, and its outcome is not"):
        start_call(c1, "L-2")
    start_call(c1, "L-2", dry_run=True)
    said = {"attempt": attempt, "outcome": "no_answer", "reason": None}
    assert tell(book, "contact_outcome", actor="sup-1", **said).status == "applied"
    assert start_call(c1, "L-2").attempt
    book.shift(1, "2026-03-03 08:00", "2026-03-03 20:00")
    book.clock.at += LOOKED_BACK  # it is over, whatever came of it
    assert start_call(c1, "L-1").attempt


def test_a_call_that_nobody_reports_is_handed_on_after_an_hour(book: Book) -> None:
    c1, c2 = (acting(book.ctx, Actor(reference)) for reference in ("c-1", "c-2"))
    attempt = start_call(c1, "L-1").attempt
    told = {"staff": "c-1", "at": book.ctx.now().isoformat(), "kind": "illness", "until": None}
    assert tell(book, "staff_absent", actor="sup-1", **told).status == "applied"
    call_action = book.action_id("L-1", "friendly_call")
    assert book.action("L-1", "friendly_call").status == "assigned", "they may be on the line"

    book.clock.at += timedelta(hours=1)
    assert hand_on_work(book.ctx).calls == 1
    with book.ctx.engine.begin() as connection:
        only_c2 = staff.c.external_id != "c-2"
        connection.execute(update(staff).where(only_c2).values(daily_capacity=0))
    assert assign_call(book.ctx, call_action) == "assigned"
    with pytest.raises(OutcomeMissingError, match=f"was started as {attempt}"):
        start_call(c2, "L-1")
    said = {"attempt": attempt, "outcome": "no_answer", "reason": None, "actor": "c-2"}
    assert tell(book, "contact_outcome", **said).status == "applied", "it is theirs by now"
    assert start_call(c2, "L-1").attempt != attempt
