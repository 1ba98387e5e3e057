"""Work is served and not chosen: a collector's morning, two collectors, leases, takeovers."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import Engine, delete, insert, select, update

from domain.actors import Actor
from domain.disputes import Matter
from domain.errors import (
    ArrearsError,
    NoOpenCallError,
    NotOnRosterError,
    RefusedError,
    WrongRoleError,
)
from domain.holds import HoldKind
from domain.language.speak import speak
from domain.next_work import Band
from domain.reasons import ReasonCode, because
from tests.support.acting import acting
from tests.support.concurrently import concurrently
from tests.support.counting import statements
from tests.support.events import tell
from tests.support.loans import Book
from workers.attempts.attempts import BarredError
from workers.attempts.duties import end_duty
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.context import Context
from workers.db.duties import watch_duties
from workers.db.schema import (
    absence,
    borrower,
    call,
    contact,
    duty,
    hold,
    must_not_handle,
    staff,
    visit,
    work_lease,
    work_takeover,
)
from workers.hardship import handling
from workers.history import loan_history
from workers.inbox.submit import submit
from workers.payments.payments import Payment, payment_payload
from workers.staff import next_work, served_leases
from workers.staff.call_sheet import call_sheet
from workers.staff.next_work import NothingToServe, ServedWork
from workers.visits.schedule import schedule_visit
from workers.visits.start import start_visit
from workers.workforce.hand_on import hand_on_work
from workers.workforce.members import MayNotStartError

TODAY = ("2026-03-02 08:00", "2026-03-02 20:00")


@pytest.fixture
def book(engine: Engine) -> Book:
    """Ten in the morning, one day past due."""
    return Book(engine, now="2026-03-02 10:00")


def collector(book: Book, reference: str = "c-1") -> Context:
    return acting(book.ctx, Actor(reference))


def hired(book: Book, reference: str, capacity: int = 100) -> Context:
    book.staff(reference, "caller", capacity=capacity, shift=TODAY)
    return collector(book, reference)


def assigned(book: Book, loan: str, amount: str = "1000", borrower: str = "") -> None:
    book.loan(loan, due_on="2026-03-01", amount=amount, borrower_id=borrower)
    book.escalate(loan)
    assert assign_call(book.ctx, book.action_id(loan, "friendly_call")) == "assigned"


def served(who: Context) -> ServedWork:
    work = next_work.next_for(who)
    assert isinstance(work, ServedWork)
    return work


def nothing(who: Context) -> NothingToServe:
    work = next_work.next_for(who)
    assert isinstance(work, NothingToServe)
    return work


def watch(book: Book) -> int:
    with book.ctx.engine.begin() as connection:
        return watch_duties(connection, book.ctx.now(), 10)


def called(
    book: Book, who: Context, loan: str, outcome: str = "no_answer", at: datetime | None = None
) -> None:
    """Start the call that was served, and report what came of it."""
    started = start_call(who, loan)
    reported(book, who, started.attempt, outcome, at)


def reported(
    book: Book, who: Context, attempt: str | None, outcome: str, at: datetime | None = None
) -> None:
    payload = {"attempt": attempt, "outcome": outcome, "actor": who.actor.reference}
    payload |= {"reason": "forgot" if outcome == "spoke" else None}
    payload |= {"callback_at": at.isoformat()} if at else {}
    assert submit(book.ctx, f"o:{attempt}", "contact_outcome", payload).status == "applied"


def test_who_is_absent_or_must_not_handle_somebody_is_served_nothing_of_them(book: Book) -> None:
    c1 = hired(book, "c-1")
    assigned(book, "L-1")
    lease = served(c1).lease
    staff_id = book.one(select(staff.c.id).where(staff.c.external_id == "c-1")).id
    now = book.ctx.now()
    noted = {"staff_id": staff_id, "by_roster": False, "noted_by": "s-1", "noted_at": now}
    with book.ctx.engine.begin() as connection:
        record = select(borrower.c.id).scalar_subquery()
        connection.execute(insert(must_not_handle).values(borrower_id=record, **noted))
    with pytest.raises(MayNotStartError, match="must not handle"):
        served_leases.heartbeat(c1, lease)
    assert nothing(c1).why == because(ReasonCode.NOTHING_TO_SERVE)
    with book.ctx.engine.begin() as connection:
        connection.execute(update(must_not_handle).values(ended_at=now))
        away = {"kind": "illness", "starts_at": now, **noted}
        connection.execute(insert(absence).values(**away))
    assert nothing(c1).why == because(ReasonCode.NOT_ON_SHIFT)


def test_a_collectors_morning(book: Book) -> None:
    c1 = hired(book, "c-1")
    for loan, amount in (("L-1", "100"), ("L-2", "900"), ("L-3", "500")):
        assigned(book, loan, amount)

    # She asks for work. Nobody has spoken with any of the three; most is past due on L-2.
    work = served(c1)
    assert (work.loan, work.band) == ("L-2", Band.FIRST_CONTACT)
    assert speak(work.why) == ("Nobody has spoken with the borrower about these arrears yet.")

    # She looks away and asks again: it is the same, and not another one.
    assert served(c1).loan == "L-2"

    # She starts the call. Before she has said what came of it there is nothing else for her.
    attempt = start_call(c1, "L-2").attempt
    unfinished = served(c1)
    assert (unfinished.loan, unfinished.attempt) == ("L-2", attempt)
    assert unfinished.band == "unfinished"

    # The borrower asks to be called at eleven. So she goes on with the next one.
    eleven = book.moment("2026-03-02 11:00")
    reported(book, c1, attempt, "callback_requested", eleven)
    assert served(c1).loan == "L-3"
    called(book, c1, "L-3", "spoke")

    # At eleven the callback comes before everything else.
    book.at("2026-03-02 11:00")
    work = served(c1)
    assert (work.loan, work.band) == ("L-2", Band.CALLBACK)
    called(book, c1, "L-2", "spoke")
    assert served(c1).loan == "L-1"
    called(book, c1, "L-1", "spoke")

    assert nothing(c1).why == because(ReasonCode.NOTHING_TO_SERVE)
    ends = [row.ended_because for row in book.rows(work_lease)]
    assert ends == ["done"] * 4


def test_who_could_not_be_reached_waits_until_the_gate_allows_another_try(book: Book) -> None:
    c1 = hired(book, "c-1")
    assigned(book, "L-1")
    book.shift(1, "2026-03-02 20:00", "2026-03-02 23:00")
    book.at("2026-03-02 21:30")
    work = served(c1)
    assert speak(work.why).startswith("It may be called about until 2026-03-02")
    served_leases.release(c1, work.lease)
    book.at("2026-03-02 22:30")
    later = nothing(c1)
    assert later.why == because(ReasonCode.NOTHING_ALLOWED_NOW, count=1)
    assert later.ask_again_at == book.moment("2026-03-03 08:00")


def test_what_is_given_back_comes_last_for_two_hours_unless_a_callback_comes_due(
    book: Book,
) -> None:
    c1 = hired(book, "c-1")
    for loan, amount in (("L-1", "100"), ("L-2", "900"), ("L-3", "500")):
        assigned(book, loan, amount)
    given_back = []
    for _ in range(4):
        book.clock.at += timedelta(minutes=1)
        work = served(c1)
        given_back.append(work.loan)
        served_leases.release(c1, work.lease)
    assert given_back == ["L-2", "L-3", "L-1", "L-2"]
    assert work.why == because(ReasonCode.NEXT_GIVEN_BACK)
    book.at("2026-03-02 12:05")
    assert served(c1).loan == "L-2"
    called(book, c1, "L-2", "callback_requested", book.moment("2026-03-02 15:00"))
    book.at("2026-03-02 14:00")
    called(book, c1, served(c1).loan or "", "spoke")
    served_leases.release(c1, served(c1).lease)
    book.at("2026-03-02 15:00")
    assert (served(c1).loan, served(c1).band) == ("L-2", Band.CALLBACK)


def one_person_of_two(book: Book) -> tuple[Context, Context]:
    """Two loans of a person. The call about one of them is with a colleague, as it may be that was
    given on another day."""
    c1 = hired(book, "c-1")
    assigned(book, "L-1", borrower="B-1")
    assigned(book, "L-2", borrower="B-1")
    c2 = hired(book, "c-2")
    colleague = select(staff.c.id).where(staff.c.external_id == "c-2").scalar_subquery()
    with book.ctx.engine.begin() as connection:
        of_second = call.c.loan_id == book.loan_id("L-2")
        apart = {"staff_id": colleague, "part_of": None, "minutes": 5}
        connection.execute(update(call).where(of_second).values(apart))
    return c1, c2


def test_two_collectors_are_never_served_one_person(book: Book) -> None:
    c1, c2 = one_person_of_two(book)
    assert {row.external_id for row in book.rows(select(staff).join(call))} == {"c-1", "c-2"}

    first = served(c1)
    assert nothing(c2).why == because(ReasonCode.NOTHING_TO_SERVE)
    served_leases.release(c1, first.lease)
    assert served(c2).loan == "L-2"


def test_nobody_calls_a_person_with_whom_a_colleague_is_on_the_phone(book: Book) -> None:
    """Also where the lease has lapsed meanwhile; an hour later the outcome was forgotten."""
    c1, c2 = one_person_of_two(book)
    served(c1)
    started = start_call(c1, "L-1")
    book.at("2026-03-02 10:20")  # the lease was for ten minutes
    assert nothing(c2).why == because(ReasonCode.NOTHING_TO_SERVE)
    with pytest.raises(ArrearsError, match="not reported the outcome"):
        start_call(c2, "L-2")
    reported(book, c1, started.attempt, "no_answer")
    assert served(c2).loan == "L-2"


def test_who_forgot_an_outcome_reports_it_though_a_colleague_was_served_the_person(
    book: Book,
) -> None:
    c1, c2 = one_person_of_two(book)
    served(c1)
    started = start_call(c1, "L-1")
    book.at("2026-03-02 11:10")
    assert served(c2).loan == "L-2"
    unfinished = served(c1)
    assert (unfinished.attempt, unfinished.lease) == (started.attempt, None)
    assert unfinished.band == "unfinished"
    reported(book, c1, started.attempt, "no_answer")
    assert nothing(c1).why == because(ReasonCode.NOTHING_TO_SERVE)


def test_nobody_takes_over_whom_they_must_not_handle(book: Book) -> None:
    c1, _ = one_person_of_two(book)
    lease = served(c1).lease
    barred = select(staff.c.id).where(staff.c.external_id == "c-2").scalar_subquery()
    record = select(borrower.c.id).where(borrower.c.external_id == "B-1").scalar_subquery()
    noted = {"by_roster": False, "noted_by": "s-1", "noted_at": book.ctx.now()}
    with book.ctx.engine.begin() as connection:
        row = {"staff_id": barred, "borrower_id": record, **noted}
        connection.execute(insert(must_not_handle).values(**row))
    with pytest.raises(MayNotStartError, match="c-2 must not handle this person"):
        served_leases.take_over(collector(book, "s-1"), lease, "she went home", "c-2")
    assert served(c1).lease == lease


def test_a_lease_that_lapses_lets_a_colleague_on(book: Book) -> None:
    c1, c2 = one_person_of_two(book)
    work = served(c1)

    # She gives signs of life for an hour.
    for minute in range(5, 60, 5):
        book.at(f"2026-03-02 10:{minute:02}")
        until = served_leases.heartbeat(c1, work.lease)
        assert until == book.ctx.now() + timedelta(minutes=10)
    assert isinstance(next_work.next_for(c2), NothingToServe)

    # Then she leaves her desk, and after ten minutes a colleague goes on.
    book.at("2026-03-02 11:06")
    assert served(c2).loan == "L-2"
    with pytest.raises(ArrearsError, match="Ask for the next one"):
        served_leases.heartbeat(c1, work.lease)
    assert [row.ended_because for row in book.rows(work_lease)] == ["lapsed", None]


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


def test_a_supervisor_takes_work_over_and_says_why(book: Book) -> None:
    c1 = hired(book, "c-1")
    assigned(book, "L-1")
    hired(book, "c-2")
    book.staff("s-1", "supervisor")
    supervisor = collector(book, "s-1")
    work = served(c1)

    with pytest.raises(ArrearsError, match="Write why"):
        served_leases.take_over(supervisor, work.lease, " ", to="c-2")
    with pytest.raises(WrongRoleError):
        served_leases.take_over(supervisor, work.lease, "c-1 is ill")
    book.staff("c-3", "caller")
    with pytest.raises(ArrearsError, match="c-3 is not on shift"):
        served_leases.take_over(supervisor, work.lease, "c-1 is ill", to="c-3")
    served_leases.take_over(supervisor, work.lease, "c-1 is ill", to="c-2")

    theirs = served(collector(book, "c-2"))
    assert (theirs.loan, theirs.band) == ("L-1", "taken_over")
    start_call(collector(book, "c-2"), "L-1", attempt="a-2")
    with pytest.raises(ArrearsError, match="c-2 has called this person"):
        served_leases.take_over(supervisor, theirs.lease, "c-1 is back", to="c-1")
    assert isinstance(next_work.next_for(c1), NothingToServe)
    noted = book.one(work_takeover)
    assert (noted.taken_from, noted.given_to, noted.actor) == ("c-1", "c-2", "s-1")
    with book.ctx.engine.connect() as connection:
        told = str([each.text for each in loan_history(connection, supervisor, "L-1")])
    assert 'The work that c-1 had was given to c-2, by s-1. Why: "c-1 is ill".' in told
    with pytest.raises(ArrearsError, match="Ask for the next one"):
        served_leases.take_over(supervisor, work.lease, "again", to="c-2")
    reported(book, collector(book, "c-2"), "a-2", "no_answer")
    with pytest.raises(ArrearsError, match="Ask for the next one"):
        served_leases.take_over(supervisor, theirs.lease, "it is done", to="c-1")


def test_what_is_paid_meanwhile_is_served_to_nobody(book: Book) -> None:
    c1 = hired(book, "c-1")
    assigned(book, "L-1")
    assert served(c1).loan == "L-1"
    paid = Payment("P-1", "L-1", Decimal(1000), "CNY", book.ctx.today())
    assert submit(book.ctx, "P-1", "payment", payment_payload(paid)).status == "applied"
    assert nothing(c1).why == because(ReasonCode.NOTHING_TO_SERVE)
    assert book.one(work_lease).ended_because == "done"


def test_a_full_day_brings_no_new_call_and_a_started_one_goes_on(book: Book) -> None:
    c1 = hired(book, "c-1", capacity=2)
    assigned(book, "L-1")
    assigned(book, "L-2")
    called(book, c1, served(c1).loan or "")
    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).values(daily_capacity=1))
    book.at("2026-03-02 15:00")
    again = served(c1)
    tried = book.rows(select(contact.c.loan_id))
    assert book.loan_id(again.loan or "") in {row.loan_id for row in tried}


def test_nobody_is_served_off_shift_or_without_the_role(book: Book) -> None:
    book.staff("c-1", "caller", shift=("2026-03-02 14:00", "2026-03-02 20:00"))
    assert nothing(collector(book)).why == because(ReasonCode.NOT_ON_SHIFT)
    book.staff("v-1", "visitor", shift=TODAY)
    with pytest.raises(WrongRoleError):
        next_work.next_for(collector(book, "v-1"))
    with pytest.raises(NotOnRosterError):
        next_work.next_for(collector(book, "c-9"))


def test_what_was_handed_on_has_waited_all_the_time(book: Book) -> None:
    """L-1 was given to somebody three days ago, and is c-1's since. It comes before more money."""
    hired(book, "c-1")
    for loan, amount in (("L-1", "100"), ("L-2", "900")):
        assigned(book, loan, amount)
    work = served(collector(book))
    assert (work.loan, work.band) == ("L-2", Band.FIRST_CONTACT)
    served_leases.release(collector(book), work.lease)

    now = book.ctx.now()
    first, _ = book.rows(select(call).order_by(call.c.loan_id))
    given = {**first._mapping, "assigned_at": now - timedelta(days=3), "cancelled_at": now}
    with book.ctx.engine.begin() as connection:
        del given["id"]
        connection.execute(insert(call).values(**given))
    work = served(collector(book))
    assert (work.loan, work.band) == ("L-1", Band.WAITED)


def test_a_collector_who_asks_from_many_screens_has_one_piece_of_work(book: Book) -> None:
    hired(book, "c-1")
    for number in range(8):
        assigned(book, f"L-{number}")
    asked = concurrently(*[partial(next_work.next_for, collector(book)) for _ in range(8)])
    got = {work.lease for work in asked if isinstance(work, ServedWork)}
    assert len(got) == 1
    assert len([row for row in book.rows(work_lease) if row.ended_at is None]) == 1


@pytest.mark.parametrize("loans", [2, 30])
def test_the_number_of_statements_does_not_grow_with_the_work(book: Book, loans: int) -> None:
    c1 = hired(book, "c-1")
    for number in range(loans):
        assigned(book, f"L-{number}")
    served_leases.release(c1, served(c1).lease)
    with statements(book.ctx.engine) as executed:
        served(c1)
    assert len(executed) <= 8


def test_nobody_is_called_again_at_once_nor_before_the_moment_that_they_named(book: Book) -> None:
    c1 = hired(book, "c-1")
    assigned(book, "L-1")
    called(book, c1, served(c1).loan or "")
    tried_at = book.ctx.now()

    later = nothing(c1)
    assert later.ask_again_at == tried_at + timedelta(hours=2)
    book.clock.at = tried_at + timedelta(hours=2)
    call_back_at = book.ctx.now() + timedelta(minutes=30)
    called(book, c1, served(c1).loan or "", "callback_requested", call_back_at)
    assert nothing(c1).ask_again_at == call_back_at
    book.clock.at = call_back_at
    assert served(c1).band == Band.CALLBACK


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
    start_call(collector(book), "L-1", attempt="a-1")
    said = {"attempt": "a-1", "outcome": "complains", "reason": "illness", "why": "was shouted at"}
    assert tell(book, "contact_outcome", actor="c-1", **said).status == "applied"

    work = served(supervisor)
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
    assert nothing(supervisor).why == because(ReasonCode.NOT_ON_SHIFT)
