"""The work list: what people find prepared, each thing once, and nothing that is settled."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from domain.actors import Actor
from domain.errors import ArrearsError
from tests.support.acting import acting
from tests.support.counting import statements
from tests.support.loans import ADDRESS, NAME, PHONE, Book
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.pages import Asked
from workers.legal.legal_files import open_legal_file
from workers.payments.payments import Payment, record_payment
from workers.staff.work_items import CallToMake, Kind, WorkList
from workers.staff.worklist import read_work
from workers.visits.schedule import schedule_visit

ALL_DAY = ("2026-03-01 00:00", "2026-06-01 00:00")


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2026-03-09 10:00")


def work_of(book: Book, on: str = "", member: str | None = None) -> WorkList:
    day = date.fromisoformat(on) if on else book.ctx.today()
    with book.ctx.engine.connect() as connection:
        found = read_work(connection, book.ctx, day, member=member)
    for secret in (NAME, ADDRESS, *PHONE.values()):
        assert secret not in str(found)
    return found


def assigned_call(book: Book, loan: str = "L-1") -> None:
    book.loan(loan, due_on="2026-03-01")
    book.escalate(loan)
    assert assign_call(book.ctx, book.action_id(loan, "enquiry_call")) == "assigned"


def scheduled_visit(book: Book, loan: str = "L-1", **more: object) -> None:
    for number in (1, 2):
        book.staff(f"{loan}-v-{number}", "visitor")
    book.loan(loan, due_on="2026-03-01", **more)  # type: ignore[arg-type]
    book.escalate(loan)
    assert schedule_visit(book.ctx, book.action_id(loan, "field_visit")) == "scheduled"


def waiting_file(book: Book, loan: str = "L-1") -> None:
    book.loan(loan, due_on="2026-03-01", steps_tried=("remind", "enquire", "visit"))
    book.escalate(loan)


def pay(book: Book, loan: str) -> None:
    paid = Payment(f"P-{loan}", loan, Decimal(1000), "CNY", book.ctx.today())
    with book.ctx.engine.begin() as connection:
        record_payment(connection, book.ctx, paid)


def test_a_call_says_who_holds_it_what_to_learn_and_what_may_be_offered(book: Book) -> None:
    book.staff("c-1", "caller", shift=ALL_DAY)
    assigned_call(book)

    (call,) = work_of(book).calls
    assert (call.staff, call.loan, call.language) == ("c-1", "L-1", "zh-Hans")
    assert call.must_learn == ["reason"]
    assert call.may_offer == ["deferral", "instalments"]
    assert call.purpose.startswith("Find out why")


def test_calls_are_those_that_are_open_by_the_end_of_a_day(book: Book) -> None:
    book.staff("c-1", "caller", shift=ALL_DAY)
    assigned_call(book)
    book.at("2026-03-10 08:30")
    assigned_call(book, "L-2")

    assert [call.loan for call in work_of(book).calls] == ["L-1", "L-2"]
    assert [call.loan for call in work_of(book, on="2026-03-09").calls] == ["L-1"]
    attempt = book.called("L-1", "c-1", "busy", None)
    started = start_call(acting(book.ctx, Actor("c-1")), "L-2").attempt
    tries_by_loan = {call.loan: (call.tries, call.started_as) for call in work_of(book).calls}
    # The plan of the call says when L-1 is tried again: tomorrow.
    assert tries_by_loan == {"L-2": (1, started)}
    assert attempt != started


def test_a_visit_says_when_on_both_clocks_and_who_goes(book: Book) -> None:
    scheduled_visit(book.at("2026-03-31 10:00"), zones=["Asia/Urumqi"])

    (visit,) = work_of(book).visits
    assert (visit.loan, visit.staff) == ("L-1", ("L-1-v-1", "L-1-v-2"))
    assert f"{visit.starts_at:%Y-%m-%d %H:%M}" == "2026-04-03 11:00"
    assert f"{visit.local_starts_at:%Y-%m-%d %H:%M}" == "2026-04-03 09:00"
    assert (visit.zone, visit.starts_at) == ("Asia/Urumqi", visit.local_starts_at)
    assert not visit.started
    book.visited("L-1", actor="L-1-v-1")
    assert not work_of(book).visits


def test_a_person_finds_their_own_calls_and_visits(book: Book) -> None:
    book.staff("c-1", "caller", shift=ALL_DAY)
    assigned_call(book)
    book.at("2026-03-31 10:00")
    scheduled_visit(book, "L-2")

    mine = work_of(book, on="2026-03-09", member="c-1")
    assert ([call.loan for call in mine.calls], len(mine.visits)) == (["L-1"], 0)
    mine = work_of(book, on="2026-03-09", member="L-2-v-2")
    assert not mine.calls
    assert [visit.staff for visit in mine.visits] == [("L-2-v-1", "L-2-v-2")]
    with pytest.raises(ArrearsError, match="Nobody on the roster has the reference c-9"):
        work_of(book, member="c-9")


def test_an_approval_waits_for_its_role_and_then_a_file_says_what_is_missing(book: Book) -> None:
    waiting_file(book.at("2026-04-30 10:00"))
    (waiting,) = work_of(book).approvals
    assert (waiting.loan, waiting.item, waiting.role) == ("L-1", "legal_file", "supervisor")
    assert waiting.waits_since == book.clock.at

    book.approve("L-1")
    assert open_legal_file(book.ctx, book.action_id("L-1", "legal_file")) == "opened"
    found = work_of(book)
    assert not found.approvals
    (file,) = found.files
    assert (file.principal, file.interest, file.fees) == (Decimal(1000), Decimal(0), Decimal(0))
    assert file.currency == "CNY"
    assert file.limitation_on == date(2029, 3, 1)
    assert list(file.missing)[:2] == ["contract", "identity"]
    assert file.missing["disbursement"] == "Proof that the loan was paid out"
    assert "claim_breakdown" not in file.missing


def test_nobody_finds_work_for_arrears_that_were_paid(book: Book) -> None:
    book.staff("c-1", "caller", shift=ALL_DAY)
    assigned_call(book)
    book.at("2026-03-31 10:00")
    scheduled_visit(book, "L-2")
    book.at("2026-04-30 10:00")
    waiting_file(book, "L-3")
    book.approve("L-3")
    open_legal_file(book.ctx, book.action_id("L-3", "legal_file"))
    waiting_file(book, "L-4")
    before = work_of(book, on="2026-03-09")
    assert [
        len(items) for items in (before.calls, before.visits, before.files, before.approvals)
    ] == ([1, 1, 1, 1])

    for loan in ("L-1", "L-2", "L-3", "L-4"):
        pay(book, loan)

    assert work_of(book, on="2026-03-09") == WorkList()


def test_only_the_kinds_asked_for_are_read(book: Book) -> None:
    waiting_file(book.at("2026-04-30 10:00"))
    with book.ctx.engine.connect() as connection, statements(book.ctx.engine) as sent:
        found = read_work(connection, book.ctx, book.ctx.today(), {Kind.CALLS})
    assert (found, len(sent)) == (WorkList(), 1)


def test_it_costs_the_same_few_statements_however_many_loans_there_are(book: Book) -> None:
    book.staff("c-1", "caller", capacity=50, shift=ALL_DAY)
    for number in range(20):
        assigned_call(book, f"L-{number}")
    with statements(book.ctx.engine) as sent:
        assert len(work_of(book).calls) == 20
    assert len(sent) == 5


def test_each_kind_is_counted_and_read_page_by_page(book: Book) -> None:
    book.staff("c-1", "caller", capacity=50, shift=ALL_DAY)
    for number in range(5):
        assigned_call(book, f"L-{number}")
    whole = work_of(book).calls
    seen: list[CallToMake] = []
    after = None
    while True:
        with book.ctx.engine.connect() as connection:
            asked = Asked(limit=2, after=after)
            page = read_work(connection, book.ctx, book.ctx.today(), asked=asked).calls
        assert page.total == 5
        seen += page
        if (after := page.after) is None:
            break
    assert seen == list(whole)

    with book.ctx.engine.connect() as connection:
        asked = Asked(limit=2, loan="L-3")
        found = read_work(connection, book.ctx, book.ctx.today(), asked=asked)
    assert [call.loan for call in found.calls] == ["L-3"]
