"""Calls and visits to a guarantor: the work list says for whom, and what calls them off."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, insert, select, update

from domain.actions import ASSIGN_CALL, SCHEDULE_VISIT
from domain.actors import Actor, Role
from domain.compliance.vocabulary import Party
from domain.errors import RefusedError
from domain.ladder import Days, Item, Ladder, Step
from domain.language.speak import speak
from tests.support.acting import acting
from tests.support.desk import RIGHT
from tests.support.events import store, tell
from tests.support.loans import Book, shipped_policy
from workers.calls.assign import assign_call
from workers.calls.right_party import confirm_right_party
from workers.calls.start import start_call
from workers.db.due_actions import take_due
from workers.db.schema import action, borrower, loan_party, must_not_handle, staff, visit_staff
from workers.history.history import loan_history
from workers.inbox.apply import apply_event
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.staff.call_sheet import call_sheet
from workers.staff.next_work import NothingToServe, ServedWork, next_for
from workers.staff.work_items import WorkList
from workers.staff.worklist import read_work
from workers.visits.letters import open_letter
from workers.visits.schedule import schedule_visit
from workers.visits.start import cancel_visit

ALL_DAY = ("2026-03-01 00:00", "2026-06-01 00:00")
BY_PHONE = Item("call", ASSIGN_CALL, Days(1, 90))
IN_PERSON = Item("visit", SCHEDULE_VISIT, Days(1, 90), template="visit_notice")


def ladder_of(item: Item) -> Ladder:
    """The Chinese ladder with this item for the borrower, and for the guarantors."""
    shipped = max(
        (known for known in shipped_policy().ladders if known.id == "consumer_loan_cn"),
        key=lambda known: known.version,
    )
    to_guarantor = replace(item, id=f"{item.id}_guarantor", to=Party.GUARANTOR)
    return replace(shipped, version=9, steps=(Step("ask", Days(1), (item, to_guarantor)),))


def book_with(engine: Engine, item: Item) -> Book:
    """L-1 of B-1 in China has the guarantor G-1."""
    policy = replace(shipped_policy(), ladders=(ladder_of(item),))
    book = Book(engine, now="2026-03-09 10:00", policy=policy)
    book.staff("c-1", "caller", shift=ALL_DAY)
    for number in (1, 2):
        book.staff(f"v-{number}", "visitor")
    book.loan("L-1", due_on="2026-03-01", borrower_id="B-1")
    book.loan("own", due_on="2027-01-04", borrower_id="G-1", phone="+8613900139001")
    guarantee(book, "L-1")
    book.escalate("L-1")
    return book


@pytest.fixture
def calls(engine: Engine) -> Book:
    book = book_with(engine, BY_PHONE)
    for item in ("call", "call_guarantor"):
        assert assign_call(book.ctx, book.action_id("L-1", item)) == "assigned"
    return book


@pytest.fixture
def visits(engine: Engine) -> Book:
    book = book_with(engine, IN_PERSON)
    with engine.begin() as connection:
        connection.execute(
            update(borrower).where(borrower.c.external_id == "G-1").values(zones=["Asia/Urumqi"])
        )
    for item in ("visit", "visit_guarantor"):
        assert schedule_visit(book.ctx, book.action_id("L-1", item)) == "scheduled"
    return book


def record(book: Book, id: str) -> int:
    return int(book.one(select(borrower.c.id).where(borrower.c.external_id == id)).id)


def work_of(book: Book, on: str = "2026-03-09") -> WorkList:
    with book.ctx.engine.connect() as connection:
        return read_work(connection, book.ctx, date.fromisoformat(on))


def test_a_call_says_whom_it_is_for(calls: Book) -> None:
    listed = {(item.item, item.party, item.record) for item in work_of(calls).calls}
    assert listed == {("call", "borrower", "B-1"), ("call_guarantor", "guarantor", "G-1")}


def test_what_the_borrower_said_is_not_read_to_the_guarantor(calls: Book) -> None:
    """The reason that the sheet of a call shows is the word of the person of that call."""
    c1 = acting(calls.ctx, Actor("c-1"))

    def talked(item: str, attempt: str, reason: str) -> list[str]:
        work = next_for(c1)
        assert isinstance(work, ServedWork)
        start_call(c1, "L-1", item=item, attempt=attempt)
        confirm_right_party(c1, attempt, RIGHT["answers"])
        shown = [each.reason for each in call_sheet(c1, work.lease).reasons]
        said = {"attempt": attempt, "outcome": "spoke", "reason": reason, "actor": "c-1"}
        assert tell(calls, "contact_outcome", **said).status == "applied"
        return shown

    came = {"channel": "call", "at": calls.ctx.now().isoformat(), "outcome": "spoke"}
    came |= {"contact": "in-1", "loan": "L-1", "borrower": "G-1", "reason": "other_debts"}
    assert tell(calls, "inbound_contact", **came, actor="c-1").status == "applied"
    assert talked("call", "a-1", "illness") == []
    assert talked("call_guarantor", "g-1", "other") == ["other_debts"]


def test_a_visit_says_whom_it_is_for_and_the_local_time_there(visits: Book) -> None:
    listed = {(item.item, item.party, item.record, item.zone) for item in work_of(visits).visits}
    assert listed == {
        ("visit", "borrower", "B-1", "Asia/Shanghai"),
        ("visit_guarantor", "guarantor", "G-1", "Asia/Urumqi"),
    }


def test_a_guarantor_is_called_back_although_a_call_to_the_borrower_is_open(engine: Engine) -> None:
    """The guarantor rang and asked for it, so no call of the ladder goes on from there."""
    book = book_with(engine, BY_PHONE)
    assert assign_call(book.ctx, book.action_id("L-1", "call")) == "assigned"
    said = {"contact": "in-1", "loan": "L-1", "channel": "call", "outcome": "callback_requested"}
    said |= {"at": book.ctx.now().isoformat(), "callback_at": "2026-03-09T15:00:00+08:00"}
    done = tell(book, "inbound_contact", **said, borrower="G-1", actor="c-1", reason=None)
    assert done.status == "applied", done.reason
    book.at("2026-03-09 15:00")
    collector = acting(book.ctx, Actor("c-1"))
    work = next_for(collector)
    assert isinstance(work, ServedWork)
    assert (work.party, work.record) == ("guarantor", "G-1")
    started = start_call(collector, "L-1")
    assert (started.party, started.item) == ("guarantor", "call-back")
    assert started.reach == "+8613900139001"


GUARANTOR_ILL = {"borrower": "G-1", "kind": "insolvency", "starts_on": "2026-03-01"}
GUARANTOR_DIED = {"borrower": "G-1", "kind": "deceased", "starts_on": "2026-03-01"}
BORROWER_DIED = {"borrower": "B-1", "kind": "deceased", "starts_on": "2026-03-01"}
BORROWER_ILL = {"borrower": "B-1", "kind": "vulnerability", "starts_on": "2026-03-01"}
DISPUTED = {"loan": "L-1", "kind": "manual", "starts_on": "2026-03-01"}


@pytest.mark.parametrize(
    ("placed", "left"),
    [
        (GUARANTOR_ILL, ["B-1"]),
        (GUARANTOR_DIED, ["B-1"]),
        # Civil Code 681, 688: the guarantor owes it still.
        (BORROWER_DIED, ["G-1"]),
        (BORROWER_ILL, []),
        (DISPUTED, []),
    ],
)
def test_a_hold_calls_off_the_calls_to_those_whom_it_reaches(
    calls: Book, placed: dict[str, str], left: list[str]
) -> None:
    place(calls, placed)
    assert [item.record for item in work_of(calls).calls] == left


@pytest.mark.parametrize(
    ("placed", "left"), [(GUARANTOR_DIED, ["B-1"]), (BORROWER_DIED, ["G-1"]), (BORROWER_ILL, [])]
)
def test_a_hold_calls_off_the_visits_to_those_whom_it_reaches(
    visits: Book, placed: dict[str, str], left: list[str]
) -> None:
    place(visits, placed)
    assert [item.record for item in work_of(visits).visits] == left
    staffed = visits.rows(select(visit_staff).where(visit_staff.c.cancelled_at.is_(None)))
    assert len(staffed) == 2 * len(left), "the visitors are free"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("opt_out", {"channel": None}),
        ("opt_out", {"channel": "visit"}),
        ("person_fact", {"fact": "represented"}),
        ("person_fact", {"fact": "inconvenient_place", "place": "home"}),
        ("address_fact", {"fact": "somebody_else"}),
        ("hold", {**GUARANTOR_DIED, "hold": "H-1", "ends_on": None, "why": "a call"}),
        ("loan_party_end", {"loan": "L-1", "role": "guarantor"}),
    ],
    ids=str,
)
def test_what_stops_the_letter_to_a_guarantor_lets_that_to_the_borrower_go(
    visits: Book, kind: str, said: dict[str, object]
) -> None:
    change = ContactChangeFacts(borrower="G-1", address="77 Other Street")
    assert tell(visits, "contact_change", **change.payload(visits.ctx.cipher)).status == "applied"
    assert goes_out(visits) == {"visit": True, "visit_guarantor": True}

    event = store(visits, kind, **{"borrower": "G-1", "actor": "c-1", **said})
    assert not goes_out(visits)["visit_guarantor"], "it waits"
    assert apply_event(visits.ctx, event).status == "applied"
    assert goes_out(visits) == {"visit": True, "visit_guarantor": False}


def test_the_letter_to_a_guarantor_goes_out_whatever_is_true_of_the_borrower(visits: Book) -> None:
    change = ContactChangeFacts(borrower="G-1", address="77 Other Street")
    tell(visits, "contact_change", **change.payload(visits.ctx.cipher))
    tell(visits, "person_fact", borrower="B-1", fact="represented", actor="c-1")
    tell(visits, "address_fact", borrower="B-1", fact="somebody_else", actor="c-1")
    assert goes_out(visits) == {"visit": False, "visit_guarantor": True}


def goes_out(book: Book) -> dict[str, bool]:
    """Whether each letter of L-1 may be posted, by its item."""
    by = Actor("sup-1")
    return {
        item: open_letter(acting(book.ctx, by), "L-1", item).still_due
        for item in ("visit", "visit_guarantor")
    }


def test_a_request_for_no_contact_calls_off_what_is_for_that_person(calls: Book) -> None:
    tell(calls, "opt_out", borrower="G-1", channel=None, actor="c-1")
    assert [item.record for item in work_of(calls).calls] == ["B-1"]
    assert status(calls, "call_guarantor") == "cancelled"

    calls.at("2026-03-10 10:00").escalate("L-1")
    assert status(calls, "call_guarantor") in ("barred", "cancelled")


def test_a_request_for_no_contact_calls_off_the_visit_of_that_person(visits: Book) -> None:
    tell(visits, "opt_out", borrower="B-1", channel=None, actor="c-1")
    assert [item.record for item in work_of(visits).visits] == ["G-1"]


def test_who_is_guarantor_no_longer_is_not_called(calls: Book) -> None:
    tell(calls, "loan_party_end", loan="L-1", borrower="G-1", role="guarantor", actor="c-1")
    assert [item.record for item in work_of(calls).calls] == ["B-1"]
    with calls.ctx.engine.connect() as connection:
        told = "\n".join(line.text for line in loan_history(connection, calls.ctx, "L-1"))
    assert "Whom it was for is party to the loan no longer." in told


def test_a_guarantor_who_turns_out_to_be_the_borrower_is_called_as_the_borrower(
    calls: Book,
) -> None:
    tell(
        calls,
        "same_person",
        borrower="B-1",
        other="G-1",
        status="confirmed",
        actor="c-1",
        why="one id",
    )
    assert [item.record for item in work_of(calls).calls] == ["B-1"]
    assert status(calls, "call_guarantor") == "cancelled"


def test_what_waits_for_a_guarantor_who_turns_out_to_be_the_borrower_is_cancelled(
    engine: Engine,
) -> None:
    book = book_with(engine, BY_PHONE)
    assert status(book, "call_guarantor") == "planned"
    tell(
        book,
        "same_person",
        borrower="B-1",
        other="G-1",
        status="confirmed",
        actor="c-1",
        why="one id",
    )
    assert (status(book, "call"), status(book, "call_guarantor")) == ("planned", "cancelled")


def test_a_time_that_a_guarantor_calls_inconvenient_calls_off_the_visit_to_them(
    visits: Book,
) -> None:
    every_day = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}
    never = {"fact": "inconvenient_time", "time": {**every_day, "starts": "00:00", "ends": "00:00"}}
    tell(visits, "person_fact", borrower="G-1", actor="c-1", **never)
    assert [item.record for item in work_of(visits, "2026-03-10").visits] == ["B-1"]
    assert status(visits, "visit_guarantor") == "planned"


def test_work_for_a_guarantor_waits_for_the_review_of_what_else_they_guarantee(
    engine: Engine,
) -> None:
    book = book_with(engine, BY_PHONE)
    book.loan("L-2", due_on="2026-03-01", borrower_id="B-2", phone="+8613900139002")
    guarantee(book, "L-2")
    assert due(book) == {"L-1 call"}, "the guarantor of L-2 may be called about both"

    book.at("2026-03-09 10:10").escalate("L-2")
    assert due(book) == {"L-1 call", "L-1 call_guarantor"}


def due(book: Book) -> set[str]:
    """The items of L-1 that are announced to workers now."""
    with book.ctx.engine.connect() as connection:
        found = take_due(
            connection, ASSIGN_CALL, book.ctx.now(), again_after=timedelta(minutes=5), limit=10
        )
    return {name for name in found.values() if name.startswith("L-1 ")}


def guarantee(book: Book, loan: str) -> None:
    """G-1 is a guarantor of a loan."""
    guaranteed = {"loan_id": book.loan_id(loan), "borrower_id": record(book, "G-1")}
    with book.ctx.engine.begin() as connection:
        connection.execute(
            insert(loan_party).values(**guaranteed, role=Party.GUARANTOR, from_tape=False)
        )


def place(book: Book, placed: dict[str, str]) -> None:
    tell(book, "hold", **{"hold": "H-1", "ends_on": None, "why": "told", "actor": "c-1", **placed})


def join(book: Book) -> None:
    """Both records turn out to be of one person."""
    joined = {"borrower": "B-1", "other": "G-1", "status": "confirmed"}
    tell(book, "same_person", **joined, actor="c-1", why="one id")


def status(book: Book, item: str) -> str:
    of_item = (action.c.item == item) & (action.c.loan_id == book.loan_id("L-1"))
    return str(book.one(select(action.c.status).where(of_item)).status)


def test_who_must_not_handle_one_of_a_loan_has_no_work_about_anybody_of_it(calls: Book) -> None:
    # c-1 has the calls to the borrower and to the guarantor, and is served one of them.
    (id,) = (row.id for row in calls.rows(staff) if row.external_id == "c-1")
    me = acting(calls.ctx, Actor("c-1"))
    caller, supervisor = (
        me.acting(Actor("c-1", roles=frozenset({role}))) for role in (Role.CALLER, Role.SUPERVISOR)
    )
    for one in ("B-1", "G-1"):
        work = next_for(me)
        assert isinstance(work, ServedWork)
        with calls.ctx.engine.begin() as connection:
            noted = {"by_roster": True, "noted_by": "s-1", "noted_at": calls.ctx.now()}
            kept = insert(must_not_handle).values(borrower_id=record(calls, one), **noted)
            connection.execute(kept.values(staff_id=id))
        with pytest.raises(RefusedError, match="c-1 must not handle"):
            call_sheet(me, work.lease)
        assert isinstance(next_for(me), NothingToServe), one
        for refused in (open_letter, lambda ctx, loan: cancel_visit(ctx, loan, why="no")):
            with pytest.raises(RefusedError, match="c-1 must not handle"):
                refused(supervisor, "L-1")
        with calls.ctx.engine.begin() as connection:
            assert not read_work(connection, caller, date(2026, 3, 9)).calls
            with pytest.raises(RefusedError, match="c-1 must not handle"):
                loan_history(connection, caller, "L-1")
            connection.execute(update(must_not_handle).values(ended_at=calls.ctx.now()))

    # The guarantor complains of c-1, who loses both calls and is given neither again.
    told = {"complaint": "C-1", "loan": "L-1", "borrower": "G-1", "kind": "conduct", "why": "rude"}
    settled = tell(calls, "complaint", **told, actor="s-1", about_staff="c-1")
    assert "2 pieces of their work are planned again" in speak(settled.reason)
    for item in ("call", "call_guarantor"):
        assert assign_call(calls.ctx, calls.action_id("L-1", item)) == "nobody free"
