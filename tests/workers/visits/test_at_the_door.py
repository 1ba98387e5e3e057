"""A visit: what the visitors get at its start, and what they see once the person is confirmed."""

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor
from domain.errors import ArrearsError, NotPermittedError
from tests.support.acting import acting
from tests.support.loans import NAME, Book
from workers.calls.amounts import amounts_are_shown
from workers.calls.right_party import RightParty, confirm_right_party
from workers.db.schema import access, visit
from workers.visits.schedule import schedule_visit
from workers.visits.start import start_visit


@pytest.fixture
def book(engine: Engine) -> Book:
    """v-1 and v-2 have the visit of L-1, which begins now; its notice was printed yesterday."""
    book = Book(engine, now="2026-04-02 10:00")
    for visitor in ("v-1", "v-2"):
        book.staff(visitor, "visitor")
    book.loan("L-1")
    book.escalate("L-1")
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"
    book.noticed("L-1")
    book.clock.at = book.one(select(visit.c.starts_at)).starts_at.astimezone(book.zone)
    return book


def sees(book: Book, visitor: str) -> bool:
    with book.ctx.engine.connect() as connection:
        return amounts_are_shown(connection, acting(book.ctx, Actor(visitor)), "L-1")


def test_visitors_see_what_is_owed_once_who_opens_is_confirmed(book: Book) -> None:
    # What they carry and where they go: a name, an address, a closed letter. No amount, no reason.
    started = start_visit(acting(book.ctx, Actor("v-1")), "L-1")
    assert (started.name, started.hand_over) == (NAME, ("written_notice",))
    assert {row.what for row in book.rows(access)} >= {"name", "address"}
    assert started.questions == ("name", "other_number")
    assert not sees(book, "v-1")

    def opens(by: str, **said: str) -> RightParty:
        return confirm_right_party(acting(book.ctx, Actor(by)), str(started.attempt), said)

    # Whoever stands there knows the address: it is not asked.
    with pytest.raises(ArrearsError, match="address_numbers is not asked here"):
        opens("v-1", name=NAME, address_numbers="1")
    with pytest.raises(NotPermittedError, match="another collector's"):
        opens("v-3", name=NAME, other_number="0000")
    last = book.numbers()[0][-4:]
    assert not opens("v-1", name=NAME, other_number="0001").confirmed
    assert not sees(book, "v-1")
    assert opens("v-2", name=NAME, other_number=last).confirmed
    assert [who for who in ("v-1", "v-2", "v-3") if sees(book, who)] == ["v-1", "v-2"]
