"""Calls and visits that people begin: the gate is asked again, and what came of it is on record."""

from functools import partial

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor, Role
from domain.errors import ArrearsError, NoOpenCallError, WrongRoleError
from domain.holds import HoldKind
from domain.reasons import ReasonCode
from tests.support.acting import acting
from tests.support.concurrently import concurrently
from tests.support.loans import ADDRESS, NAME, PHONE, Book
from workers.attempts.attempts import BarredError
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.loan_facts import load_facts
from workers.db.schema import (
    access,
    call,
    contact,
    contact_outcome,
    permission_use,
    problem,
    visit,
    visit_staff,
)
from workers.history import loan_history
from workers.inbox.apply import EventResult, apply_event, dispatch_events
from workers.inbox.store import store_event
from workers.inbox.submit import submit
from workers.visits.schedule import schedule_visit
from workers.visits.start import cancel_visit, start_visit

TODAY = ("2026-03-02 08:00", "2026-03-02 23:00")


@pytest.fixture
def book(engine: Engine) -> Book:
    """Ten in the morning, one day past due, and two collectors on shift until late."""
    book = Book(engine, now="2026-03-02 10:00")
    for reference in ("c-1", "c-2"):
        book.staff(reference, "caller", shift=TODAY)
    return book


def an_open_call(book: Book, loan: str = "L-1", **given: str) -> None:
    book.loan(loan, due_on="2026-03-01", **given)
    book.escalate(loan)
    assert assign_call(book.ctx, book.action_id(loan, "friendly_call")) == "assigned"


def an_enquiry(book: Book) -> None:
    """A call on day 8 that has to learn the reason."""
    book.loan("L-1", due_on="2026-03-01")
    for staff_id in (1, 2):
        book.shift(staff_id, "2026-03-09 08:00", "2026-03-09 20:00")
    book.at("2026-03-09 10:00").escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "assigned"


def tell(
    book: Book, attempt: str | None, outcome: str, reason: str | None = None, actor: str = "c-1"
) -> EventResult:
    reported = {"attempt": attempt, "outcome": outcome, "reason": reason, "actor": actor}
    return submit(book.ctx, f"told:{attempt}:{outcome}", "contact_outcome", reported)


def test_a_call_that_begins_counts_and_gives_the_number_and_the_look_is_on_record(
    book: Book,
) -> None:
    an_open_call(book)
    started = start_call(acting(book.ctx, Actor("c-2")), "L-1")
    assert started.reach == PHONE["CN"]
    assert PHONE["CN"] not in repr(started)
    made = book.one(contact)
    assert (made.channel, made.at, made.actor) == ("call", book.clock.at, "c-2")
    assert made.attempt == started.attempt
    looked = book.one(access)
    assert (looked.what, looked.actor, looked.item) == ("number", "c-2", "friendly_call")


def test_at_night_nobody_can_begin_a_call_and_nothing_is_written(book: Book) -> None:
    an_open_call(book)
    book.at("2026-03-02 22:30")
    with pytest.raises(BarredError) as barred:
        start_call(acting(book.ctx, Actor("c-1")), "L-1")
    assert barred.value.rules == ("cn.contact_hours",)
    assert barred.value.until == book.moment("2026-03-03 08:00")
    assert book.rows(contact) == book.rows(access) == []


def test_nobody_is_called_whose_money_came_who_is_on_hold_or_who_asked_not_to_be(
    book: Book,
) -> None:
    for loan in ("L-hold", "L-asked", "L-waits"):
        an_open_call(book, loan)
    book.hold("L-hold", HoldKind.DISPUTE, "2026-03-02", None)
    wish = {"borrower": "B-L-asked", "channel": None, "actor": "c-1"}
    assert submit(book.ctx, "wish", "opt_out", wish).status == "applied"
    paid = {
        "external_id": "P-1",
        "loan": "L-waits",
        "amount": "1000",
        "currency": "CNY",
        "paid_on": "2026-03-02",
    }
    with book.ctx.engine.begin() as connection:
        store_event(connection, "not-applied-yet", "payment", paid, book.clock.at)
    why = {}
    for loan in ("L-hold", "L-waits"):
        with pytest.raises(BarredError) as barred:
            start_call(acting(book.ctx, Actor("c-1")), loan)
        why[loan] = barred.value.rules
    with pytest.raises(NoOpenCallError):  # it was called off with the wish
        start_call(acting(book.ctx, Actor("c-1")), "L-asked")
    assert why == {
        "L-hold": ("lender.on_hold",),
        "L-waits": ("lender.event_pending",),
    }
    assert book.rows(contact) == []


def test_two_collectors_who_begin_one_call_at_once_make_one_attempt(book: Book) -> None:
    an_open_call(book)

    def begin(actor: str) -> str:
        try:
            start_call(acting(book.ctx, Actor(actor)), "L-1")
        except ArrearsError as refused:
            return "refused" if "its outcome is not recorded" in str(refused) else "other"
        return "started"

    assert sorted(concurrently(partial(begin, "c-1"), partial(begin, "c-2"))) == [
        "refused",
        "started",
    ]
    assert len(book.rows(contact)) == 1


def test_a_call_without_an_answer_may_be_tried_again_and_after_a_conversation_none_may(
    book: Book,
) -> None:
    """12 CFR 1006.14(b)(2): seven in seven days, and seven days of rest once spoken."""
    us = Book(book.ctx.engine, now="2026-03-02 12:00", zone="America/New_York")
    for reference in ("u-1", "u-2"):
        us.staff(reference, "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    us.loan("U-1", due_on="2026-03-01", jurisdiction="US")
    us.escalate("U-1")
    assert assign_call(us.ctx, us.action_id("U-1", "friendly_call")) == "assigned"
    first = start_call(acting(us.ctx, Actor("u-1")), "U-1")
    tell(us, first.attempt, "no_answer", actor="u-1")
    second = start_call(acting(us.ctx, Actor("u-2")), "U-1")
    tell(us, second.attempt, "voicemail", actor="u-2")
    third = start_call(acting(us.ctx, Actor("u-2")), "U-1")
    tell(us, third.attempt, "spoke", actor="u-2")
    assert us.actions("U-1")["friendly_call"] == "done"
    with pytest.raises(ArrearsError, match="No call is open"):
        start_call(acting(us.ctx, Actor("u-1")), "U-1")


def test_a_call_that_nobody_answers_stays_open_and_one_that_reaches_somebody_is_done(
    book: Book,
) -> None:
    an_open_call(book)
    first = start_call(acting(book.ctx, Actor("c-1")), "L-1")
    came = tell(book, first.attempt, "no_answer")
    assert came.reason[0].code is ReasonCode.OUTCOME_RECORDED_TRY_AGAIN
    assert book.actions("L-1")["friendly_call"] == "assigned"
    second = start_call(acting(book.ctx, Actor("c-1")), "L-1")
    tell(book, second.attempt, "spoke")
    assert book.actions("L-1")["friendly_call"] == "done"
    assert [row.connected for row in book.rows(contact_outcome)] == [False, True]


def test_what_came_of_a_call_is_told_once_and_never_changed(book: Book) -> None:
    an_open_call(book)
    started = start_call(acting(book.ctx, Actor("c-1")), "L-1")
    tell(book, started.attempt, "busy")
    with pytest.raises(ArrearsError, match="is on record as busy"):
        tell(book, started.attempt, "spoke")
    again = {"attempt": started.attempt, "outcome": "busy", "reason": None, "actor": "c-1"}
    said = submit(book.ctx, "again", "contact_outcome", again)
    assert said.reason[0].code is ReasonCode.OUTCOME_KNOWN
    assert book.one(contact_outcome).outcome == "busy"


def test_an_outcome_that_comes_before_its_call_is_kept(book: Book) -> None:
    an_open_call(book)
    assert tell(book, "dialer-7", "no_answer").status == "received"
    start_call(acting(book.ctx, Actor("c-1")), "L-1", attempt="dialer-7")
    for event_id in dispatch_events(book.ctx):
        apply_event(book.ctx, event_id)
    assert book.one(contact_outcome).outcome == "no_answer"


def test_a_dialer_that_asks_twice_under_one_id_gets_one_attempt(book: Book) -> None:
    an_open_call(book)
    first = start_call(acting(book.ctx, Actor("c-1")), "L-1", attempt="dialer-7")
    assert start_call(acting(book.ctx, Actor("c-1")), "L-1", attempt="dialer-7") == first
    assert len(book.rows(contact)) == 1
    assert len(book.rows(access)) == 2, "each look at the number is on record"
    book.at("2026-03-02 10:02")
    with pytest.raises(ArrearsError, match="its outcome is not recorded"):
        start_call(acting(book.ctx, Actor("c-1")), "L-1", attempt="dialer-7")


def test_an_attempt_s_id_is_its_own_whatever_the_loan(book: Book) -> None:
    an_open_call(book)
    an_open_call(book, "L-2")
    start_call(acting(book.ctx, Actor("c-1")), "L-1", attempt="dialer-7")
    with pytest.raises(ArrearsError, match="the id of another attempt"):
        start_call(acting(book.ctx, Actor("c-1")), "L-2", attempt="dialer-7")
    assert len(book.rows(contact)) == len(book.rows(access)) == 1
    tell(book, "dialer-7", "spoke")
    began = {"contact": "in-1", "loan": "L-1", "channel": "call", "outcome": "spoke"}
    began |= {"at": book.ctx.now().isoformat(), "actor": "c-1", "reason": None}
    assert submit(book.ctx, "in-1", "inbound_contact", began).status == "applied"
    with pytest.raises(ArrearsError, match="in-1 is the id of another attempt"):
        start_call(acting(book.ctx, Actor("c-1")), "L-2", attempt="in-1")
    assert (len(book.rows(contact)), len(book.rows(access))) == (2, 1)


def test_a_call_that_must_learn_the_reason_is_not_over_without_it(book: Book) -> None:
    an_enquiry(book)
    started = start_call(acting(book.ctx, Actor("c-1")), "L-1")
    assert started.must_learn == ("reason",)
    with pytest.raises(ArrearsError, match="why the loan is overdue"):
        tell(book, started.attempt, "spoke")
    assert tell(book, started.attempt, "spoke", "illness").status == "applied"
    assert book.one(contact_outcome).reason == "illness"


def test_a_number_that_reaches_nobody_is_known_as_such_until_there_is_another(book: Book) -> None:
    an_open_call(book)
    started = start_call(acting(book.ctx, Actor("c-1")), "L-1")
    tell(book, started.attempt, "number_invalid")
    assert book.number_facts() == ["reaches_nobody"]
    assert book.one(problem).kind == "number_closed"
    assert book.actions("L-1")["friendly_call"] == "done"


@pytest.mark.parametrize(
    ("actor", "item", "why"),
    [
        ("nobody", None, "Nobody on the roster"),
        ("v-1", None, "Let a caller do it"),
        ("c-1", "enquiry_call", "No call enquiry_call is open"),
    ],
)
def test_only_a_caller_begins_a_call_and_only_one_that_is_open(
    book: Book, actor: str, item: str | None, why: str
) -> None:
    book.staff("v-1", "visitor")
    an_open_call(book)
    with pytest.raises(ArrearsError, match=why):
        start_call(acting(book.ctx, Actor(actor)), "L-1", item=item)


def test_a_dry_run_asks_the_gate_and_shows_and_writes_nothing(book: Book) -> None:
    an_open_call(book)
    started = start_call(acting(book.ctx, Actor("c-1")), "L-1", dry_run=True)
    assert (started.attempt, started.reach) == (None, None)
    assert book.rows(contact) == book.rows(access) == []


def test_an_assigned_call_that_nobody_made_counts_for_nothing(book: Book) -> None:
    an_open_call(book)
    assert len(book.rows(call)) == 1
    assert book.rows(contact) == []
    with book.ctx.engine.connect() as connection:
        facts = load_facts(connection, [book.loan_id("L-1")], book.clock.at)
    (known,) = [
        action.past
        for action in facts[book.loan_id("L-1")].actions
        if action.past.item == "friendly_call"
    ]
    assert not known.tried
    assert facts[book.loan_id("L-1")].reach.history == ()


def a_visit(book: Book) -> str:
    """Scheduled on day 30. Returns the moment at which it begins, in the lender's zone."""
    book.loan("L-1", due_on="2026-03-01", steps_tried=("remind", "enquire"))
    for reference in ("v-1", "v-2"):
        staff_id = book.staff(reference, "visitor")
        for day in range(1, 10):
            book.shift(staff_id, f"2026-04-0{day} 08:00", f"2026-04-0{day} 20:00")
    book.at("2026-03-31 10:00").escalate("L-1")
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"
    starts_at = book.one(contact).at.astimezone(book.zone)
    return f"{starts_at:%Y-%m-%d %H:%M}"


def test_visitors_begin_a_visit_within_its_hours_and_say_what_came_of_it(book: Book) -> None:
    begins = a_visit(book)
    with pytest.raises(ArrearsError, match="can be started then"):
        start_visit(acting(book.ctx, Actor("v-1")), "L-1")
    book.noticed("L-1")
    book.at(begins)
    with pytest.raises(ArrearsError, match="is made by v-1 and v-2"):
        start_visit(acting(book.ctx, Actor("c-1")), "L-1")
    refused = book.one(permission_use)
    assert (refused.actor, refused.permission, refused.granted) == ("c-1", "visits:start", False)
    started = start_visit(acting(book.ctx, Actor("v-1")), "L-1")
    assert started.reach == ADDRESS
    assert [row.what for row in book.rows(access)] == ["letter", "address", "name"]
    reported = tell(book, started.attempt, "no_answer", actor="v-2")
    assert reported.status == "applied"
    assert book.actions("L-1")["field_visit"] == "done"
    assert len(book.rows(contact)) == 1, "it counts once, from the moment it was arranged"


def test_the_gate_is_asked_again_at_the_door(book: Book) -> None:
    begins = a_visit(book)
    elsewhere = {"borrower": "B-L-1", "fact": "somebody_else", "actor": "c-1"}
    submit(book.ctx, "elsewhere", "address_fact", elsewhere)
    book.at(begins)
    with pytest.raises(BarredError) as barred:
        start_visit(acting(book.ctx, Actor("v-1")), "L-1")
    assert barred.value.rules == ("lender.address_not_to_be_used",)
    assert book.rows(access) == []


def test_a_visit_that_nobody_began_cannot_have_come_to_anything_and_is_called_off(
    book: Book,
) -> None:
    a_visit(book)
    with pytest.raises(ArrearsError, match="was not started"):
        tell(book, book.one(contact).attempt, "spoke", actor="v-1")
    cancel_visit(acting(book.ctx, Actor("v-1")), "L-1", why="a flat tyre")
    assert book.actions("L-1")["field_visit"] == "planned"
    assert all(row.cancelled_at for row in book.rows(visit_staff))
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"
    first, second = book.rows(visit)
    assert first.starts_at == second.starts_at, "the two are free again"
    with book.ctx.engine.connect() as connection:
        facts = load_facts(connection, [book.loan_id("L-1")], book.clock.at)
    (counted,) = facts[book.loan_id("L-1")].reach.history
    assert counted.at == second.starts_at, "the one that is not called off"
    book.visited("L-1", actor="v-1")
    assert book.one(contact_outcome).contact_id == second.contact_id


def test_a_visit_is_begun_and_called_off_by_its_visitors_or_who_hands_on_work(
    book: Book,
) -> None:
    """Another pair is told whose it is, at any hour."""
    a_visit(book)
    stranger = Actor("v-9", roles=frozenset({Role.VISITOR}))
    for act in (
        partial(start_visit, loan_external_id="L-1"),
        partial(cancel_visit, loan_external_id="L-1", why="a flat tyre"),
    ):
        with pytest.raises(WrongRoleError, match="is made by v-1 and v-2"):
            act(book.ctx.acting(stranger))
    assert book.one(visit).cancelled_at is None
    supervisor = Actor("s-1", roles=frozenset({Role.SUPERVISOR}))
    cancel_visit(book.ctx.acting(supervisor), "L-1", why="they are ill")
    assert book.one(visit).cancelled_at is not None


def test_a_story_tells_of_attempts_and_looks_and_shows_nothing_personal(book: Book) -> None:
    an_enquiry(book)
    started = start_call(acting(book.ctx, Actor("c-1")), "L-1")
    tell(book, started.attempt, "spoke", "unemployed")
    with book.ctx.engine.connect() as connection:
        story = "\n".join(entry.text for entry in loan_history(connection, book.ctx, "L-1"))
    assert "The number was shown to c-1 for enquiry_call, to be called." in story
    assert "c-1 reported the result of the call for enquiry_call: spoke." in story
    assert "Why it is overdue, as the borrower said: unemployed." in story
    assert PHONE["CN"] not in story
    assert NAME not in story
    assert book.rows(select(access.c.purpose)) == [("call",)]
