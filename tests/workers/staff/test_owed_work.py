"""What is owed after a conversation is served too: callbacks, duties, what supervisors owe."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete, insert, select, update

from domain.arrangements import Refusal
from domain.disputes import Matter
from domain.errors import ArrearsError, NoOpenCallError, RefusedError, WrongRoleError
from domain.holds import HoldKind
from domain.language.speak import speak
from domain.next_work import Band
from domain.reasons import ReasonCode, because
from tests.support.arrangements import decline
from tests.support.events import tell
from tests.support.loans import Book
from tests.support.served_work import (
    TODAY,
    assigned,
    called,
    collector,
    hired,
    nothing,
    reported,
    served,
)
from workers.attempts.attempts import BarredError
from workers.attempts.duties import end_duty
from workers.calls.start import start_call
from workers.db.duties import watch_duties
from workers.db.schema import absence, call, duty, hold, staff, visit, work_lease
from workers.hardship import handling
from workers.staff import next_work, served_leases
from workers.staff.call_sheet import call_sheet
from workers.staff.next_work import NothingToServe
from workers.visits.schedule import schedule_visit
from workers.visits.start import start_visit
from workers.workforce.hand_on import hand_on_work


@pytest.fixture
def book(engine: Engine) -> Book:
    """Ten in the morning, one day past due."""
    return Book(engine, now="2026-03-02 10:00")


def watch(book: Book) -> int:
    with book.ctx.engine.begin() as connection:
        return watch_duties(connection, book.ctx.now(), 10)


def test_a_callback_that_a_colleague_misses_falls_to_the_team(book: Book) -> None:
    c1 = hired(book, "c-1")
    assigned(book, "L-1")
    called(book, c1, "L-1", "callback_requested", book.moment("2026-03-02 11:00"))
    c2 = hired(book, "c-2")
    assert nothing(c2).why == because(ReasonCode.NOTHING_TO_SERVE)
    book.at("2026-03-02 11:14")
    assert nothing(c2).why == because(ReasonCode.NOTHING_TO_SERVE)

    book.at("2026-03-02 11:15")
    work = served(c2)
    assert (work.loan, work.band) == ("L-1", Band.CALLBACK)
    assert "a colleague has not done so" in speak(work.why)
    assert start_call(c2, "L-1").reach is not None, "the call is theirs now"
    assert nothing(c1).why == because(ReasonCode.NOTHING_TO_SERVE)


def test_a_callback_that_was_agreed_in_their_own_call_falls_to_the_team_too(book: Book) -> None:
    """No call of the ladder carries it: whoever took the call owes it."""
    c1, c2 = hired(book, "c-1"), hired(book, "c-2")
    book.loan("L-1", due_on="2026-03-01")
    said = {"contact": "in-1", "loan": "L-1", "channel": "call", "outcome": "callback_requested"}
    said |= {"at": book.ctx.now().isoformat(), "callback_at": "2026-03-02T15:00:00+08:00"}
    assert tell(book, "inbound_contact", **said, actor="c-1", reason=None).status == "applied"

    book.at("2026-03-02 14:59")
    assert nothing(c1).why == nothing(c2).why == because(ReasonCode.NOTHING_TO_SERVE)
    book.at("2026-03-02 15:00")
    assert nothing(c2).why == because(ReasonCode.NOTHING_TO_SERVE)
    work = served(c1)
    assert (work.kind, work.band, work.duty) == ("duty", Band.CALLBACK, book.one(duty).id)
    served_leases.release(c1, work.lease)

    book.at("2026-03-02 15:15")
    work = served(c2)
    assert "a colleague has not done so" in speak(work.why)
    assert served(c2).lease == work.lease
    assert nothing(c1).why == because(ReasonCode.NOTHING_TO_SERVE)

    # It begins as a call of its own, which the gate was asked about and which has its outcome.
    with pytest.raises(NoOpenCallError):
        start_call(c1, "L-1")
    start_call(c2, "L-1", dry_run=True)
    assert book.rows(call) == []
    book.hold("L-1", HoldKind.MANUAL, "2026-03-02", "2026-03-03")
    with pytest.raises(BarredError, match="hold"):
        start_call(c2, "L-1")
    with book.ctx.engine.begin() as connection:
        connection.execute(delete(hold))
    started = start_call(c2, "L-1")
    assert (started.item, started.purpose) == ("call-back", "Call back, as was agreed.")
    assert started.reach is not None
    assert call_sheet(c2, work.lease).attempt == started.attempt
    book.at("2026-03-02 15:20")
    reported(book, c2, started.attempt, "spoke")
    assert watch(book) == 0
    assert book.one(duty).ended_at == book.ctx.now()
    assert book.action("L-1", "call-back").status == "done"
    assert nothing(c2).why == because(ReasonCode.NOTHING_TO_SERVE)
    with pytest.raises(NoOpenCallError):
        start_call(c2, "L-1")


def test_what_somebody_owes_who_is_on_no_roster_is_any_collectors(book: Book) -> None:
    c1 = hired(book, "c-1")
    book.staff("c-8", "caller", shift=TODAY)
    book.loan("L-1", due_on="2026-03-01")
    said = {"contact": "in-1", "loan": "L-1", "channel": "call", "outcome": "callback_requested"}
    said |= {"at": book.ctx.now().isoformat(), "callback_at": "2026-03-02T15:00:00+08:00"}
    assert tell(book, "inbound_contact", **said, actor="c-9", reason=None).status == "applied"
    assert (book.one(duty).owner, book.one(duty).staff) == ("team", None)
    with book.ctx.engine.begin() as connection:
        before = {"owner": "collector", "staff": "c-9"}  # as an earlier release wrote it
        connection.execute(update(duty).values(before))
    hand_on_work(book.ctx)
    book.at("2026-03-02 15:00")
    assert served(c1).duty == book.one(duty).id


def test_a_callback_that_was_agreed_at_the_door_is_served_to_who_makes_calls(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-04-02 10:00")
    book.staff("v-1", "visitor")
    book.staff("v-2", "visitor")
    book.staff("c-1", "caller", shift=("2026-04-01 08:00", "2026-04-30 20:00"))
    book.loan("L-1")
    book.escalate("L-1")
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"
    book.noticed("L-1")
    book.clock.at = book.one(visit).starts_at
    attempt = start_visit(collector(book, "v-1"), "L-1").attempt
    book.clock.at += timedelta(minutes=20)
    at = (book.ctx.now() + timedelta(days=1)).replace(hour=15, minute=0)
    reported(book, collector(book, "v-1"), attempt, "callback_requested", at)

    book.clock.at = at
    work = served(collector(book))
    assert (work.kind, work.band, work.duty) == ("duty", Band.CALLBACK, book.one(duty).id)


def test_what_is_owed_after_a_conversation_comes_before_what_brings_more(book: Book) -> None:
    who = hired(book, "c-1")
    assigned(book, "L-small", amount="100")
    assigned(book, "L-big", amount="9000")
    # The borrower of the small loan rang and speaks another language: any collector answers.
    called_in = {"contact": "in-1", "loan": "L-small", "channel": "call", "outcome": "language"}
    at = book.ctx.now().isoformat()
    said = {**called_in, "at": at, "reason": None, "also_about": [], "actor": "c-9"}
    assert tell(book, "inbound_contact", **said).status == "applied"
    work = served(who)
    assert (work.loan, work.band) == ("L-small", Band.CLOCK)
    assert "to be done by 2026-03-03" in speak(work.why)


def test_who_does_not_speak_the_language_is_not_served_a_callback(book: Book) -> None:
    c1 = hired(book, "c-1")
    assigned(book, "L-1")
    called(book, c1, "L-1", "callback_requested", book.moment("2026-03-02 11:00"))
    book.staff("c-2", "caller", languages=["en"], shift=TODAY)
    book.at("2026-03-02 12:00")
    assert isinstance(next_work.next_for(collector(book, "c-2")), NothingToServe)


def test_what_is_owed_after_a_conversation_is_served_also_without_an_open_call(book: Book) -> None:
    """The borrower asked for a plan: it is owed within a day, and the call is over."""
    hired(book, "c-1")
    hired(book, "c-2")
    assigned(book, "L-1")
    (who,) = book.rows(select(staff.c.external_id).join(call, call.c.staff_id == staff.c.id))
    asked = collector(book, who.external_id)
    start_call(asked, "L-1", attempt="a-1")
    said = {"attempt": "a-1", "outcome": "asks_plan", "reason": "illness"}
    assert tell(book, "contact_outcome", actor=who.external_id, **said).status == "applied"

    work = served(asked)
    owed = book.one(duty)
    assert (work.kind, work.band, work.duty) == ("duty", "clock", owed.id)
    assert "something is owed by" in speak(work.why)
    assert served(asked).lease == work.lease
    other = collector(book, "c-2" if who.external_id == "c-1" else "c-1")
    assert isinstance(next_work.next_for(other), NothingToServe), "it is for whoever spoke"

    # A supervisor who makes no calls does it instead, and it is supervisors' from then on.
    book.staff("s-1", "supervisor", trained_on=None)
    supervisor = collector(book, "s-1")
    served_leases.take_over(supervisor, work.lease, "she went home")
    assert isinstance(next_work.next_for(asked), NothingToServe)
    theirs = served(supervisor)
    assert (theirs.duty, theirs.band) == (owed.id, "taken_over")
    assert (book.one(duty).owner, book.one(duty).staff) == ("supervisor", "s-1")
    with pytest.raises(ArrearsError, match="Give it to whom it is for"):
        served_leases.take_over(supervisor, theirs.lease, "she is back", to=who.external_id)

    with pytest.raises(RefusedError, match="is done once the request contact:a-1 is answered"):
        end_duty(supervisor, owed.id)
    decline(book, Refusal.NOT_ELIGIBLE, id="contact:a-1")
    end_duty(supervisor, owed.id)
    assert isinstance(next_work.next_for(supervisor), NothingToServe)
    assert book.rows(work_lease)[-1].ended_because == "done"


def test_who_only_supervises_is_served_what_supervisors_owe_and_no_call(book: Book) -> None:
    """Not trained for calls and without a shift: s-1 works at a desk."""
    hired(book, "c-1")
    book.staff("s-1", "supervisor", trained_on=None)
    for loan in ("L-1", "L-2"):
        assigned(book, loan)
    supervisor = collector(book, "s-1")
    assert nothing(supervisor).why == because(ReasonCode.NOTHING_TO_SERVE), "calls are for others"
    caller = collector(book)
    call_of = served(caller)
    assert call_of.loan == "L-1"
    start_call(caller, "L-1", attempt="a-1")
    said = {"attempt": "a-1", "outcome": "complains", "reason": "illness", "why": "was shouted at"}
    assert tell(book, "contact_outcome", actor="c-1", **said).status == "applied"

    # Their work ended with the report, whether they ask for more or not.
    with pytest.raises(ArrearsError, match=f"The work {call_of.lease} ended"):
        served_leases.heartbeat(caller, call_of.lease)
    work = served(supervisor)
    assert [row.ended_because for row in book.rows(work_lease)] == ["done", None]
    owed = book.one(select(duty).where(duty.c.owner == "supervisor"))
    assert (work.kind, work.duty) == ("duty", owed.id)
    served_leases.heartbeat(supervisor, work.lease)
    served_leases.release(supervisor, work.lease)
    # A complaint is done by taking it, and by nothing else.
    with pytest.raises(RefusedError, match="once somebody takes the complaint complains:a-1"):
        end_duty(supervisor, owed.id)
    assert served(supervisor).complaint == "complains:a-1"
    handling.take(supervisor, Matter.COMPLAINT, "complains:a-1")
    assert nothing(supervisor).why == because(ReasonCode.NOTHING_TO_SERVE)

    # So is a dispute that a system of the lender's tells: it is served with its id.
    told = {"dispute": "D-1", "loan": "L-2", "starts_on": "2026-03-02", "kind": "amount"}
    assert tell(book, "dispute", actor="c-1", why="too much", **told).status == "applied"
    work = served(supervisor)
    assert (work.dispute, work.complaint) == ("D-1", None)
    assert "The dispute D-1 waits for somebody to take it" in speak(work.why)
    handling.take(supervisor, Matter.DISPUTE, "D-1")
    assert nothing(supervisor).why == because(ReasonCode.NOTHING_TO_SERVE)

    book.staff("v-1", "visitor")
    with pytest.raises(WrongRoleError, match="not as a caller"):
        next_work.next_for(collector(book, "v-1"))
    id = book.one(select(staff.c.id).where(staff.c.external_id == "s-1")).id
    now = book.ctx.now()
    away = {"staff_id": id, "kind": "illness", "starts_at": now, "by_roster": False}
    with book.ctx.engine.begin() as connection:
        connection.execute(insert(absence).values(**away, noted_by="s-2", noted_at=now))
    assert nothing(supervisor).why[0].code == ReasonCode.ABSENT_SINCE
