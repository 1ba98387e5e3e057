"""Opening legal files: only what was tried and approved, with the claim and its evidence."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import Engine, delete, insert, update

from domain.language.speak import speak
from domain.loans import Instalment
from domain.reasons import ReasonCode, because
from tests.support.concurrently import concurrently
from tests.support.counting import statements
from tests.support.loans import Book
from workers.calls.assign import assign_call
from workers.db.schema import (
    approval,
    contact,
    legal_file,
    legal_file_line,
    legal_file_need,
    loan,
    message,
)
from workers.legal.legal_files import open_legal_file
from workers.payments.payments import Payment, record_payment
from workers.sms.send import send_sms
from workers.visits.schedule import schedule_visit

TRIED = ("remind", "enquire", "visit")
MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


@pytest.fixture
def book(engine: Engine) -> Book:
    """Ten in the morning, sixty days past due."""
    return Book(engine, now="2026-04-30 10:00")


def instalments() -> list[Instalment]:
    """Two that are past due at the end of April, one of them paid in part, and one to come."""
    return [
        Instalment(MARCH, Decimal(80), Decimal(20), Decimal(5), Decimal(0), Decimal(8), Decimal(5)),
        Instalment(APRIL, Decimal(81), Decimal(19)),
        Instalment(MAY, Decimal(82), Decimal(18)),
    ]


def due_file(book: Book, loan: str = "L-1", **more: object) -> int:
    """A loan whose lender tried every step before it came here, and whose file is approved."""
    book.loan(loan, instalments=instalments(), steps_tried=TRIED, **more)  # type: ignore[arg-type]
    book.escalate(loan)
    book.approve(loan)
    return book.action_id(loan, "legal_file")


def needs(book: Book) -> dict[str, str | None]:
    return {row.need: row.met_by for row in book.rows(legal_file_need)}


def test_a_file_breaks_the_claim_down_and_names_the_limitation_date(book: Book) -> None:
    assert open_legal_file(book.ctx, due_file(book)) == "opened"
    opened = book.one(legal_file)
    assert (opened.principal, opened.interest, opened.fees) == (161, 31, 0)
    assert opened.currency == "CNY"
    assert opened.limitation_on == date(2029, 5, 1)
    lines = book.rows(legal_file_line)
    assert [(line.due_on, line.principal, line.interest) for line in lines] == [
        (MARCH, 80, 12),
        (APRIL, 81, 19),
    ]
    assert book.actions("L-1")["legal_file"] == "done"
    assert book.rows(contact) == []  # a court file reaches nobody


def test_a_claim_leaves_out_an_instalment_whose_own_time_to_sue_is_over(book: Book) -> None:
    """By the federal stand-in, three years from each instalment."""
    old, recent = date(2023, 4, 1), date(2024, 1, 1)
    owed = [Instalment(old, Decimal(80)), Instalment(recent, Decimal(81))]
    book.loan(
        "L-1",
        instalments=owed,
        steps_tried=TRIED,
        jurisdiction="US",
        currency="USD",
        product="personal_loan",
        locale="en",
        zones=("America/New_York",),
    )
    book.escalate("L-1")
    book.approve("L-1")

    assert open_legal_file(book.ctx, book.action_id("L-1", "legal_file")) == "opened"

    assert [line.due_on for line in book.rows(legal_file_line)] == [recent]
    assert book.one(legal_file).principal == 81


def test_what_only_the_lender_has_stays_missing(book: Book) -> None:
    open_legal_file(book.ctx, due_file(book))
    met = needs(book)
    assert speak(met["claim_breakdown"]) == (
        "Principal 161.00, interest 31.00, fees 0.00 CNY; instalments: 2."
    )
    assert met["limitation"] == because(ReasonCode.LIMITATION_DATE, limitation_on="2029-05-01")
    assert {need for need, met_by in met.items() if not met_by} == {
        "contract",
        "identity",
        "disbursement",
        "assignment",
        "demand_delivered",
        "calls",
        "visit",
        "legal_notice",
    }


def test_what_was_done_here_is_evidence_with_the_number_to_find_it_by(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    every_day = ("2026-03-01 00:00", "2026-05-01 00:00")
    book.staff("c-1", "caller", shift=every_day)
    for number in (1, 2):
        book.staff(f"v-{number}", "visitor")
    book.loan("L-1", due_on="2026-03-01")

    def work(now: str, item: str, run_action: Callable[..., str]) -> None:
        book.at(now).escalate("L-1")
        run_action(book.ctx, book.action_id("L-1", item))

    work("2026-03-02 10:00", "text_day_1", send_sms)
    work("2026-03-08 10:00", "enquiry_call", assign_call)
    call = book.called("L-1", actor="c-1")
    work("2026-03-31 10:00", "field_visit", schedule_visit)
    visited = book.visited("L-1", actor="v-1")
    text = book.one(message)
    with engine.begin() as connection:
        connection.execute(update(message).values(status="delivered"))
    book.at("2026-04-30 10:00").escalate("L-1")
    book.approve("L-1")
    assert open_legal_file(book.ctx, book.action_id("L-1", "legal_file")) == "opened"
    met = needs(book)
    assert met["demand_delivered"] == because(
        ReasonCode.TEXT_DELIVERED_ON, sid=text.sid, on="2026-03-02"
    )
    assert speak(met["calls"]) == f"Attempt {call} of 2026-03-08: spoke."
    assert speak(met["visit"]) == f"Attempt {visited} of 2026-04-03: spoke."
    assert met["legal_notice"] == (), "it was written; whether it was handed over …"


@pytest.mark.parametrize(("status", "presumed"), [("undelivered", False), ("accepted", True)])
def test_a_text_that_was_not_delivered_is_no_evidence(
    book: Book, status: str, presumed: bool
) -> None:
    action_id = due_file(book)
    sid = "SM" + "0" * 32
    with book.ctx.engine.begin() as connection:
        contact_id = connection.execute(
            insert(contact)
            .values(borrower_id=1, loan_id=1, action_id=action_id, channel="sms", at=book.clock.at)
            .returning(contact.c.id)
        ).scalar_one()
        connection.execute(
            insert(message).values(
                id=uuid4(),
                action_id=action_id,
                contact_id=contact_id,
                provider="twilio",
                sender="+15005550006",
                sid=sid,
                status=status,
                presumed_at=book.clock.at if presumed else None,
                template="reminder_first",
                template_version="1",
                locale="zh-Hans",
                segments=1,
                body_encrypted=b"",
                created_at=book.clock.at,
                changed_at=book.clock.at,
            )
        )
    open_legal_file(book.ctx, action_id)
    assert needs(book)["demand_delivered"] == ()


def test_nothing_is_opened_before_a_supervisor_approves(book: Book) -> None:
    book.loan("L-1", instalments=instalments(), steps_tried=TRIED)
    book.escalate("L-1")
    assert book.actions("L-1")["legal_file"] == "awaiting_approval"
    assert open_legal_file(book.ctx, book.action_id("L-1", "legal_file")) == "nothing to do"


def test_an_approval_that_is_gone_keeps_the_file_closed(book: Book) -> None:
    action_id = due_file(book)
    with book.ctx.engine.begin() as connection:
        connection.execute(delete(approval))
    assert open_legal_file(book.ctx, action_id) == "not ready"
    waiting = book.action("L-1", "legal_file")
    assert (waiting.status, waiting.due_at) == ("deferred", None)
    assert waiting.reason == because(ReasonCode.NOT_APPROVED, role="supervisor")
    assert waiting.rules == ["lender.not_approved"]
    assert book.rows(legal_file) == []


def test_steps_that_turn_out_untried_keep_the_file_closed(book: Book) -> None:
    action_id = due_file(book)
    with book.ctx.engine.begin() as connection:
        connection.execute(update(loan).values(steps_tried=["remind"]))
    assert open_legal_file(book.ctx, action_id) == "nothing to do"
    waiting = book.action("L-1", "legal_file")
    assert waiting.reason == because(ReasonCode.STEPS_NOT_TRIED, steps=["enquire", "visit"])
    assert waiting.rules == ["lender.steps_not_tried"]


def test_steps_tried_for_other_arrears_do_not_count(book: Book) -> None:
    action_id = due_file(book)
    with book.ctx.engine.begin() as connection:
        connection.execute(update(loan).values(steps_tried_at=date(2025, 3, 1)))
    assert open_legal_file(book.ctx, action_id) == "nothing to do"


def test_without_a_checklist_for_the_jurisdiction_the_file_waits(book: Book) -> None:
    action_id = due_file(book)
    book.ctx = replace(book.ctx, policy=replace(book.ctx.policy, checklists=()))
    assert open_legal_file(book.ctx, action_id) == "not ready"
    waiting = book.action("L-1", "legal_file")
    assert waiting.reason == because(ReasonCode.NO_CHECKLIST, jurisdiction="CN")
    assert waiting.rules == ["lender.no_checklist_known"]


def test_a_payment_after_the_approval_stops_the_file(book: Book) -> None:
    action_id = due_file(book)
    with book.ctx.engine.begin() as connection:
        paid = Payment("P-1", "L-1", Decimal(192), "CNY", book.ctx.today())
        record_payment(connection, book.ctx, paid)
    assert open_legal_file(book.ctx, action_id) == "nothing to do"
    assert book.actions("L-1")["legal_file"] == "cancelled"


def test_two_workers_open_one_file(book: Book) -> None:
    open_file = partial(open_legal_file, book.ctx, due_file(book))
    assert sorted(concurrently(open_file, open_file)) == ["nothing to do", "opened"]
    assert len(book.rows(legal_file)) == 1


def test_a_file_costs_as_many_statements_for_forty_instalments_as_for_one(book: Book) -> None:
    counts = []
    for loan_id, owed in (("L-1", 1), ("L-2", 40)):
        monthly = [Instalment(MARCH + timedelta(days=nr), Decimal(10)) for nr in range(owed)]
        book.loan(loan_id, instalments=monthly, steps_tried=TRIED)
        book.escalate(loan_id)
        book.approve(loan_id)
        with statements(book.ctx.engine) as sent:
            assert open_legal_file(book.ctx, book.action_id(loan_id, "legal_file")) == "opened"
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 13
    assert len(book.rows(legal_file_line)) == 41
