"""Work is served and not chosen: a collector's morning, and what waits."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, insert, select, update

from domain.errors import NotOnRosterError, WrongRoleError
from domain.language.speak import speak
from domain.next_work import Band
from domain.reasons import ReasonCode, because
from tests.support.counting import statements
from tests.support.events import place
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
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.pages import Asked
from workers.db.schema import (
    absence,
    borrower,
    call,
    contact,
    hold,
    must_not_handle,
    promise,
    staff,
    work_lease,
)
from workers.inbox.submit import submit
from workers.payments.payments import Payment, payment_payload
from workers.staff import next_work, served_leases
from workers.staff.served import work_under_way
from workers.workforce.members import MayNotStartError


@pytest.fixture
def book(engine: Engine) -> Book:
    """Ten in the morning, one day past due."""
    return Book(engine, now="2026-03-02 10:00")


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
    book.at("2026-03-02 12:00")
    assert "absent since 2026-03-02 10:00" in speak(nothing(c1).why)


def test_what_was_served_is_found_again_where_two_calls_lead_to_it(book: Book) -> None:
    """A call was made part of another one, and a third one still counts as its part."""
    c1 = hired(book, "c-1")
    for loan in ("L-1", "L-2", "L-3"):
        assigned(book, loan)
    lease = served(c1).lease
    leased = book.one(work_lease).call_id
    whole, part = (row.id for row in book.rows(call) if row.id != leased)
    with book.ctx.engine.begin() as connection:
        for id, of in ((leased, whole), (part, leased)):
            connection.execute(update(call).where(call.c.id == id).values(part_of=of))
    assert served(c1).lease == lease


def test_who_is_at_what_is_listed_page_by_page_the_earliest_first(book: Book) -> None:
    c1, c2 = hired(book, "c-1"), hired(book, "c-2")
    for loan in ("L-1", "L-2"):
        assigned(book, loan)
    for number, loan in enumerate(("L-1", "L-2"), start=1):
        theirs = select(staff.c.id).where(staff.c.external_id == f"c-{number}").scalar_subquery()
        with book.ctx.engine.begin() as connection:
            of_loan = call.c.loan_id == book.loan_id(loan)
            connection.execute(update(call).where(of_loan).values(staff_id=theirs))
    served(c2)
    book.at("2026-03-02 10:05")
    served(c1)
    with book.ctx.engine.connect() as connection:
        first = work_under_way(connection, collector(book, "s-1"), Asked(limit=1))
        rest = work_under_way(connection, collector(book, "s-1"), Asked(limit=1, after=first.after))
    assert (first.total, [each.staff for each in (*first, *rest)]) == (2, ["c-2", "c-1"])
    assert rest.after is None


def test_days_of_a_hold_do_not_bring_the_last_day_for_a_call(book: Book) -> None:
    """A friendly call is for three days of the ladder, which is paused after the first."""
    book.loan("L-1", due_on="2026-03-01")
    assert place(book, "manual", "2026-03-03", "2026-03-06").status == "applied"
    book.staff("c-1", "caller", shift=("2026-03-07 08:00", "2026-03-07 20:00"))
    book.at("2026-03-07 10:00").escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    work = served(collector(book))
    assert (work.band, speak(work.why)) == (Band.WINDOW, "This is the last day for this call.")


def broken_before(book: Book, loan: str) -> None:
    """A promise about earlier arrears, all of which were paid since."""
    made, ended = book.moment("2026-01-02 10:00"), book.moment("2026-01-06 10:00")
    by = {"loan_id": book.loan_id(loan), "actor": "c-1"}
    days = {"starts_on": made.date(), "ends_on": ended.date()}
    with book.ctx.engine.begin() as connection:
        pause = insert(hold).values(kind="promise", made_at=made, **days, **by)
        (hold_id,) = connection.execute(pause.returning(hold.c.id)).scalars()
        said = {"external_id": "PR-1", "sender": "lender", "amount": 100, "due_on": days["ends_on"]}
        how = {"made_at": made, "status": "broken", "completed_at": ended}
        connection.execute(insert(promise).values(hold_id=hold_id, **said, **how, **by))


def test_a_collectors_morning(book: Book) -> None:
    c1 = hired(book, "c-1")
    for loan, amount in (("L-1", "100"), ("L-2", "900"), ("L-3", "500")):
        assigned(book, loan, amount)
    broken_before(book, "L-1")

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
