"""A call is started by who has it, and by who may hand it on."""

import pytest
from sqlalchemy import Engine

from domain.actors import Actor, ActorKind, Role
from domain.errors import NoOpenCallError, NotPermittedError
from domain.permissions import Permission
from tests.support.loans import PHONE, Book
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.schema import access, contact, permission_use


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
    assert start_call(own, "L-1").reach == PHONE["CN"]
    assert [use.permission for use in book.rows(permission_use) if use.actor == "c-1"] == [
        "calls:start"
    ]


def test_a_machine_gets_a_number_only_for_who_has_the_call(book: Book) -> None:
    scopes = frozenset({Permission.START_CALLS})
    dialer = book.ctx.acting(Actor("dialer", ActorKind.MACHINE, scopes=scopes))
    with pytest.raises(NoOpenCallError, match="c-2 has no open call"):
        start_call(dialer, "L-1", caller="c-2")
    assert start_call(dialer, "L-1", caller="c-1").reach == PHONE["CN"]
    opened = book.one(access)
    assert (opened.actor, opened.machine) == ("c-1", "dialer")
