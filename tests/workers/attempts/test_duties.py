"""A story of what is owed after conversations: late, done by whom it is for, and needless."""

import pytest
from sqlalchemy import Engine, insert, select, update

from domain.actors import Actor, Role
from domain.arranged import Wish
from domain.disputes import Matter
from domain.errors import NotPermittedError, RefusedError
from domain.language.speak import speak
from domain.outcome_follows import Owner
from tests.support.acting import acting
from tests.support.arrangements import ask, in_difficulty, offer
from tests.support.events import pay, tell
from tests.support.loans import Book
from workers.attempts.duties import Duty, end_duty, read_duties
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.context import Context
from workers.db.pages import Asked
from workers.db.schema import arrangement, certificate, duty, problem, staff
from workers.hardship import handling
from workers.hardship.answer_clock import watch_answers
from workers.inbox.submit import submit
from workers.operations.status import read_status
from workers.staff.next_work import ServedWork, next_for
from workers.staff.pieces import owners_of
from workers.staff.who_works import read_working


def owed(book: Book, **asked: str) -> list[Duty]:
    with book.ctx.engine.connect() as connection:
        return list(read_duties(connection, book.ctx, Asked(**asked)).rows)


def came_in(book: Book, loan: str, outcome: str, **more: str) -> None:
    said = {"contact": f"call-of-{loan}", "loan": loan, "channel": "call", "outcome": outcome}
    at = book.ctx.now().isoformat()
    said_by = {"at": at, "reason": None, "also_about": [], "actor": "c-1", **more}
    assert tell(book, "inbound_contact", **{**said, **said_by}).status == "applied"


def open_problems(book: Book) -> list[str]:
    return [row.kind for row in book.rows(select(problem).where(problem.c.resolved_at.is_(None)))]


def serves_specialists(who: Context) -> bool:
    """Whether somebody is served what specialists owe."""
    with who.engine.connect() as connection:
        me = read_working(connection, who.actor, who.now())
    return Owner.SPECIALIST in owners_of(who, me, who.now())


def test_what_is_owed_is_shown_late_done_and_needless(engine: Engine) -> None:
    book = Book(engine, now="2026-03-09 10:00")
    book.staff("c-1", "caller")
    book.staff("c-2", "caller")
    with engine.begin() as connection:
        knows = update(staff).where(staff.c.external_id == "c-2").values(skills=["hardship"])
        connection.execute(knows)
    for loan in ("L-1", "L-2", "L-3"):
        book.loan(loan)
    book.escalate("L-1", "L-2", "L-3")

    # Three people call: one lost the work, one says it is paid, one disputes the amount.
    came_in(book, "L-1", "hardship", reason="unemployed")
    came_in(book, "L-2", "says_paid")
    came_in(book, "L-3", "disputes", dispute_kind="amount")
    assert [(each.loan, each.owner) for each in owed(book)] == [
        ("L-1", Owner.SPECIALIST),
        ("L-3", Owner.SUPERVISOR),
        ("L-2", Owner.TEAM),
    ]

    # A day later nobody has answered two of them: that is a problem of these loans, once.
    book.at("2026-03-10 10:00")
    assert watch_answers(book.ctx) == 2
    assert watch_answers(book.ctx) == 0
    assert open_problems(book) == ["duty_late", "duty_late"]
    with book.ctx.engine.connect() as connection:
        counted = read_status(connection, book.ctx.now()).duties
    assert (counted.open, counted.late) == (3, 2)

    # Who took the call may not say that the specialist's work is done; the specialist may.
    (first, *_) = owed(book, loan="L-1")
    caller = book.ctx.acting(Actor("c-1", roles=frozenset({Role.CALLER})))
    specialist = book.ctx.acting(Actor("c-2", roles=frozenset({Role.CALLER})))
    with pytest.raises(NotPermittedError, match="c-1 may not end duty"):
        end_duty(caller, first.id)
    # … with a certificate for it that is not over.
    held = {"staff_id": 2, "kind": "hardship", "valid_until": "2026-03-09"}
    with engine.begin() as connection:
        connection.execute(insert(certificate).values(held))
    with pytest.raises(NotPermittedError, match="c-2 may not end duty"):
        end_duty(specialist, first.id)
    assert serves_specialists(specialist) is False
    with engine.begin() as connection:
        connection.execute(update(certificate).values(valid_until="2026-03-10"))
    assert serves_specialists(specialist) is True
    assert speak(end_duty(specialist, first.id)) == f"Duty {first.id} is done."
    with pytest.raises(RefusedError, match="No duty"):
        end_duty(specialist, first.id)

    # The dispute is taken, so nobody owes that it is; the payment came, so nobody has to trace it.
    handling.take(acting(book.ctx, Actor("s-1")), Matter.DISPUTE, "disputes:call-of-L-3")
    assert open_problems(book) == []
    assert pay(book, "1000", loan="L-2").status == "applied"
    watch_answers(book.ctx)
    assert owed(book) == []
    ended = {row.ended_by for row in book.rows(duty)}
    assert ended == {"c-2", "s-1", "arrears"}


def called(book: Book, outcome: str, **more: str) -> None:
    start = start_call(acting(book.ctx, Actor("c-1")), "L-1")
    said = {"attempt": start.attempt, "outcome": outcome, "reason": None, "actor": "c-1", **more}
    assert submit(book.ctx, start.attempt, "contact_outcome", said).status == "applied"


def test_what_was_owed_ends_when_it_is_done_and_is_not_late_before_it_can_be(
    engine: Engine,
) -> None:
    book = in_difficulty(engine)
    book.staff("c-1", "caller", shift=("2026-03-11 08:00", "2026-03-20 20:00"))
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "assigned"

    # 11 March: she asks to be called on the 13th. On the 12th nobody is late.
    called(book, "callback_requested", callback_at=book.moment("2026-03-13 10:00").isoformat())
    assert watch_answers(book.at("2026-03-12 12:00").ctx) == 0
    assert len(owed(book)) == 1

    # She is called back and asks for a plan, which is offered. Nothing is owed any more.
    book.at("2026-03-13 10:05")
    called(book, "asks_plan", reason="unemployed")
    watch_answers(book.ctx)
    assert [each.outcome for each in owed(book)] == ["asks_plan"]
    with pytest.raises(RefusedError, match="is done once the request"):
        end_duty(acting(book.ctx, Actor("s-1")), owed(book)[0].id)
    offer(book, Wish(instalments=3), id=book.one(arrangement).external_id)
    watch_answers(book.at("2026-03-15 10:00").ctx)
    assert (owed(book), open_problems(book)) == ([], [])

    # She complains twice. Whoever takes one has not taken the other.
    for kind in ("fees", "privacy"):
        more = {"contact": f"in-{kind}", "complaint_kind": kind, "why": "wrong"}
        came_in(book, "L-1", "complains", **more)
    handling.take(acting(book.ctx, Actor("s-1")), Matter.COMPLAINT, "complains:in-fees")
    assert len(owed(book)) == 1
    handling.take(acting(book.ctx, Actor("s-1")), Matter.COMPLAINT, "complains:in-privacy")
    assert owed(book) == []


def test_a_callback_is_not_done_before_its_moment_unless_somebody_spoke_with_the_person(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-03-04 10:00")
    book.staff("c-1", "caller", shift=("2026-03-02 09:00", "2026-04-30 18:00"))
    book.loan("L-1", due_on="2026-03-01")
    at = book.moment("2026-03-05 15:00").isoformat()
    came_in(book, "L-1", "callback_requested", callback_at=at)
    (callback,) = owed(book)
    supervisor = acting(book.ctx, Actor("s-1"))
    with pytest.raises(RefusedError, match="to call the person at 2026-03-05 15:00"):
        end_duty(supervisor, callback.id)

    book.at("2026-03-04 12:00")
    came_in(book, "L-1", "spoke", contact="in-2", reason="illness")
    assert speak(end_duty(supervisor, callback.id)) == f"Duty {callback.id} is done."


@pytest.mark.parametrize("role", ["supervisor", "visitor"])
def test_what_somebody_would_owe_who_makes_no_calls_is_any_collectors(
    engine: Engine, role: str
) -> None:
    book = Book(engine, now="2026-03-04 10:00")
    book.loan("L-1", due_on="2026-03-01")
    shift = ("2026-03-02T09:00:00+08:00", "2026-04-30T18:00:00+08:00")
    book.staff("x-1", role, shift=shift)
    book.staff("c-1", "caller", shift=shift)
    said = {"contact": "in-1", "loan": "L-1", "channel": "call", "also_about": []}
    said |= {"outcome": "asks_plan", "reason": "illness", "at": book.ctx.now().isoformat()}
    tell(book, "inbound_contact", **said, actor="x-1")
    owed = book.one(duty)
    assert (owed.owner, owed.staff) == ("team", None)
    book.at("2026-03-05 09:00")
    served = next_for(acting(book.ctx, Actor("c-1")))
    assert isinstance(served, ServedWork)
    assert served.duty == owed.id


def test_who_asked_for_a_plan_and_had_the_offer_at_once_is_owed_nothing(engine: Engine) -> None:
    """The offer is recorded while they speak, and the outcome after it. What is asked for in a
    later conversation is owed."""
    book = in_difficulty(engine)
    book.staff("c-1", "caller")
    ask(book)
    began = book.ctx.now().isoformat()
    offer(book.at("2026-03-11 10:05"))
    book.at("2026-03-11 10:06")
    came_in(book, "L-1", "asks_plan", contact="in-1", reason="unemployed", at=began)
    assert book.rows(duty) == []

    came_in(book, "L-1", "asks_plan", contact="in-2", reason="unemployed")
    watch_answers(book.at("2026-03-11 10:16").ctx)
    assert [each.outcome for each in owed(book)] == ["asks_plan"]
