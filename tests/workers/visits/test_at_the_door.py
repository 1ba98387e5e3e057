"""A visit: what the visitors get at its start, and what they see once the person is confirmed."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update

from domain.access_log import Opened
from domain.actors import Actor
from domain.errors import ArrearsError, NotKnownError, NotPermittedError
from domain.reasons import ReasonCode
from tests.support.acting import acting
from tests.support.events import tell
from tests.support.loans import NAME, Book
from workers.calls.amounts import amounts_are_shown
from workers.calls.right_party import RightParty, confirm_right_party
from workers.db.schema import access, staff, visit
from workers.history import loan_history
from workers.inbox.apply import EventResult
from workers.visits.schedule import schedule_visit
from workers.visits.start import start_visit
from workers.workforce.members import MayNotStartError


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


def test_nobody_promises_to_call_while_they_are_on_a_visit(book: Book) -> None:
    """Somebody else calls v-1, who wants to call back within the visit, which begins now."""
    book.loan("L-2")
    now, ends_at = book.ctx.now(), book.one(select(visit.c.ends_at)).ends_at
    told = {"loan": "L-2", "channel": "call", "at": now.isoformat(), "reason": None, "actor": "v-1"}
    told |= {"outcome": "callback_requested", "also_about": []}

    def agreed(id: str, at: datetime, **more: str) -> EventResult:
        said = told | more | {"contact": id, "callback_at": at.isoformat()}
        return tell(book, "inbound_contact", **said)

    refused = agreed("in-1", now + timedelta(hours=1))
    assert (refused.status, refused.reason[0].code) == ("rejected", ReasonCode.CALLBACK_AT_VISIT)
    assert datetime.fromisoformat(refused.reason[0].params["until"]) == ends_at
    assert agreed("in-2", now + timedelta(hours=1), actor="v-3").status == "applied"
    assert agreed("in-3", ends_at).status == "applied"


def test_nobody_goes_alone(book: Book) -> None:
    """One of the two cannot come: the other one gets no address, and the visit is called off."""
    of_v2 = staff.c.external_id == "v-2"
    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).where(of_v2).values(trained_on="2025-04-01"))
    with pytest.raises(MayNotStartError, match="v-2"):
        start_visit(acting(book.ctx, Actor("v-1")), "L-1")
    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).where(of_v2).values(trained_on="2026-01-01"))
    book.clock.at += timedelta(minutes=10)
    ill = {"staff": "v-2", "kind": "illness", "at": book.ctx.now().isoformat()}
    ill |= {"until": None, "actor": "s-1"}
    assert tell(book, "staff_absent", **ill).status == "applied"
    assert book.one(visit).cancelled_at == book.ctx.now()
    with pytest.raises(NotKnownError, match="No visit is scheduled"):
        start_visit(acting(book.ctx, Actor("v-1")), "L-1")
    assert Opened.ADDRESS not in {row.what for row in book.rows(access)}


def test_without_a_number_on_record_all_else_is_asked_and_all_of_it_must_be_right(
    book: Book,
) -> None:
    book.set_numbers("B-L-1")
    started = start_visit(acting(book.ctx, Actor("v-1")), "L-1")
    assert started.questions == ("name", "address_numbers")

    def opens(**said: str) -> RightParty:
        return confirm_right_party(acting(book.ctx, Actor("v-1")), str(started.attempt), said)

    with pytest.raises(ArrearsError, match="too few to confirm somebody"):
        opens(name=NAME)
    assert not opens(name=NAME, address_numbers="2").confirmed
    assert opens(name=NAME, address_numbers="1").confirmed
    assert sees(book, "v-1")


def sees(book: Book, visitor: str) -> bool:
    with book.ctx.engine.connect() as connection:
        return amounts_are_shown(connection, acting(book.ctx, Actor(visitor)), "L-1")


def test_visitors_see_what_is_owed_once_who_opens_is_confirmed(book: Book) -> None:
    # What they carry and where they go: a name, an address, a closed letter. No amount, no reason.
    started = start_visit(acting(book.ctx, Actor("v-1")), "L-1")
    assert (started.name, started.hand_over) == (NAME, ("written_notice",))
    assert {"promised", "no_answer"} <= set(started.outcomes)
    assert "voicemail" not in started.outcomes, "that is of a telephone"
    heard = {"attempt": started.attempt, "outcome": "voicemail", "reason": None, "actor": "v-1"}
    refused = tell(book, "contact_outcome", **heard)
    assert (refused.status, refused.reason[0].code) == ("rejected", "outcome_not_of_visit")
    assert "voicemail" not in refused.reason[0].params["known"]
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
    with book.ctx.engine.connect() as connection:
        told = [each.text for each in loan_history(connection, book.ctx, "L-1")]
    assert "v-1 did not confirm the person: 1 of 2 answers were right." in told
    assert "v-2 confirmed the person: 2 of 2 answers were right." in told
