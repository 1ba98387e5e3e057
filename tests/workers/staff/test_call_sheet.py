"""A call from the first look to the end: what is shown when, and to whom it is not."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, delete, insert, select, update

from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.errors import ArrearsError, NotPermittedError
from domain.holds import HoldKind
from domain.language.speak import speak
from domain.right_party import Question
from tests.support.acting import acting
from tests.support.loans import ADDRESS, NAME, PHONE, Book
from workers.calls.assign import assign_call
from workers.calls.right_party import RightParty, confirm_right_party
from workers.calls.start import start_call
from workers.context import Context
from workers.db.schema import access, borrower, borrower_number, contact, loan, party_check
from workers.inbox.submit import submit
from workers.staff.call_sheet import CallSheet, Stage, call_sheet
from workers.staff.next_work import ServedWork, next_for

TODAY = ("2026-03-09 08:00", "2026-03-09 20:00")
RIGHT = {"name": NAME, "other_number": "13900139001"}


@pytest.fixture
def book(engine: Engine) -> Book:
    """Day 8 of the arrears: the call that asks why."""
    book = Book(engine, now="2026-03-09 10:00")
    book.loan("L-1", due_on="2026-03-01", more_phones=["+8613900139001"])
    book.escalate("L-1")
    book.staff("c-1", "caller", shift=TODAY)
    book.staff("c-2", "caller", shift=TODAY, languages=["en"])
    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "assigned"
    return book


@pytest.fixture
def c1(book: Book) -> Context:
    return acting(book.ctx, Actor("c-1"))


def lease(c1: Context) -> int:
    work = next_for(c1)
    assert isinstance(work, ServedWork)
    return work.lease


def confirmed(ctx: Context, attempt: str | None, answers: Mapping[str, str]) -> RightParty:
    return confirm_right_party(ctx, str(attempt), answers)


def assert_shows_no_secret(sheet: CallSheet) -> None:
    shown = f"{sheet} {sheet.name} {sheet.money} {sheet.reasons} {sheet.offers}"
    assert NAME not in shown
    assert ADDRESS not in shown
    assert PHONE["CN"] not in shown
    assert "1000" not in shown
    assert "consumer_loan" not in shown


def test_each_stage_of_a_call_shows_more_than_the_one_before(book: Book, c1: Context) -> None:
    # She had three texts: long ago, this week, this morning.
    of_loan = book.one(select(loan.c.id.label("loan_id"), loan.c.borrower_id))
    text = {**of_loan._mapping, "channel": "sms", "purpose": "collect"}
    with book.ctx.engine.begin() as connection:
        for at in ("2026-03-02 09:00", "2026-03-04 10:00", "2026-03-09 09:00"):
            connection.execute(insert(contact).values(**text, at=book.moment(at)))
    id = lease(c1)

    # Before the call: why now, whether she may, and what asks for care. No name and no amount.
    sheet = call_sheet(c1, id)
    assert sheet.stage is Stage.CLAIMED
    assert_shows_no_secret(sheet)
    assert (sheet.loan, sheet.item, sheet.must_learn) == ("L-1", "enquiry_call", ("reason",))
    by_phone = next(each for each in sheet.may if each.channel is Channel.CALL)
    assert by_phone.allowed
    assert by_phone.until == book.moment("2026-03-09 22:00")
    assert len(sheet.outcomes) == 15
    assert sheet.local_times == {"Asia/Shanghai": book.ctx.now()}
    assert sheet.local_times["Asia/Shanghai"].utcoffset() == timedelta(hours=8)
    assert (sheet.contacts_today, sheet.contacts_in_seven_days) == (1, 2)
    assert {"promised", "spoke_with_other", "no_answer"} < set(sheet.outcomes)
    assert sheet.hidden["money"] is Stage.CONFIRMED
    assert book.rows(select(access.c.what)) == []

    # The call has started: whom to ask for. That she saw the name is on record.
    attempt = start_call(c1, "L-1").attempt
    sheet = call_sheet(c1, id)
    assert (sheet.stage, sheet.name, sheet.attempt) == (Stage.STARTED, NAME, attempt)
    assert (sheet.contacts_today, sheet.contacts_in_seven_days) == (2, 3)
    assert (sheet.money, sheet.offers, sheet.reasons) == ((), (), ())
    assert "1000" not in str(sheet)
    assert [row.what for row in book.rows(select(access.c.what))] == ["number", "name"]

    # The person says their name and the end of their other number. The house is another one: that
    # is a wrong answer all the same.
    result = confirmed(c1, attempt, {**RIGHT, "address_numbers": "99"})
    assert (result.confirmed, result.tries_left) == (True, 2)
    sheet = call_sheet(c1, id)
    assert sheet.stage is Stage.CONFIRMED
    # From then on nothing can be found out by guessing.
    assert confirmed(c1, attempt, {**RIGHT, "address_numbers": "1"}) == result
    assert len(book.rows(party_check)) == 1
    (money,) = sheet.money
    assert (money.loan, money.past_due, money.to_settle) == ("L-1", Decimal(1000), Decimal(1000))
    assert (money.days_past_due, money.principal, money.fees) == (8, Decimal(1000), Decimal(0))
    assert money.oldest_due_on == book.one(loan).delinquent_since
    assert {offer.kind for offer in sheet.offers} == {"deferral", "instalment_plan"}
    assert sheet.hidden == {}


def test_the_wrong_person_answers_and_learns_nothing(book: Book, c1: Context) -> None:
    id = lease(c1)
    attempt = start_call(c1, "L-1").attempt
    said = {"name": "赵某某", "other_number": "0000"}
    for left in (2, 1, 0):
        result = confirmed(c1, attempt, said)
        assert (result.confirmed, result.tries_left) == (False, left)
        assert set(result.matched.values()) == {False}
    with pytest.raises(ArrearsError, match="Say nothing of the debt"):
        confirmed(c1, attempt, RIGHT)
    sheet = call_sheet(c1, id)
    assert sheet.stage is Stage.STARTED
    assert sheet.money == ()

    # Who asked which questions, and what was right, is on record. No answer is.
    rows = book.rows(party_check)
    assert [(row.actor, row.questions, row.matched, row.passed) for row in rows] == [
        ("c-1", ["name", "other_number"], [], False)
    ] * 3
    assert "赵某某" not in str(rows)

    # Another call on the same day gives no other tries; the next day does.
    outcome = {"attempt": attempt, "outcome": "wrong_person", "reason": None, "actor": "c-1"}
    assert submit(book.ctx, "o-1", "contact_outcome", outcome).status == "applied"


def test_too_few_answers_and_unknown_questions_are_no_try(book: Book, c1: Context) -> None:
    attempt = start_call(c1, "L-1").attempt
    with pytest.raises(ArrearsError, match="too few"):
        confirmed(c1, attempt, {"name": NAME, "address_numbers": " "})
    with pytest.raises(ArrearsError, match="not asked here"):
        confirmed(c1, attempt, {"name": NAME, "mother": "x"})
    assert book.rows(party_check) == []


def test_only_what_is_on_record_is_asked_and_too_little_says_what_to_do(
    book: Book, c1: Context
) -> None:
    id = lease(c1)
    asked = (Question.NAME, Question.ADDRESS_NUMBERS, Question.OTHER_NUMBER)
    assert call_sheet(c1, id).questions == asked, "no postcode is on record"
    attempt = start_call(c1, "L-1").attempt
    assert call_sheet(c1, id).questions == asked
    with pytest.raises(ArrearsError, match="postcode is not asked here"):
        confirmed(c1, attempt, {"name": NAME, "postcode": "518000"})
    assert book.rows(party_check) == [], "it is no try"
    with book.ctx.engine.begin() as connection:
        connection.execute(delete(borrower_number).where(borrower_number.c.position > 1))
        no_address = {"address_encrypted": None, "address_point_id": None}
        connection.execute(update(borrower).values(no_address))
    sheet = call_sheet(c1, id)
    assert sheet.questions == ()
    assert "Say nothing of the debt; ask a supervisor" in speak(sheet.not_confirmed)


def test_only_who_started_a_call_confirms_in_it_and_only_while_it_goes_on(
    book: Book, c1: Context
) -> None:
    attempt = start_call(c1, "L-1").attempt
    with pytest.raises(NotPermittedError, match="another collector's"):
        confirmed(acting(book.ctx, Actor("c-2")), attempt, RIGHT)
    with pytest.raises(ArrearsError, match="No call"):
        confirmed(c1, "call-of-nobody", RIGHT)
    outcome = {"attempt": attempt, "outcome": "no_answer", "reason": None, "actor": "c-1"}
    assert submit(book.ctx, "o-1", "contact_outcome", outcome).status == "applied"
    with pytest.raises(ArrearsError, match="No call"):
        confirmed(c1, attempt, RIGHT)


def test_a_sheet_is_for_who_has_the_work(book: Book, c1: Context) -> None:
    id = lease(c1)
    with pytest.raises(ArrearsError, match="somebody else has it"):
        call_sheet(acting(book.ctx, Actor("c-2")), id)
    with pytest.raises(ArrearsError, match="somebody else has it"):
        call_sheet(c1, id + 1)


def test_what_asks_for_care_is_on_the_sheet(book: Book, c1: Context) -> None:
    id = lease(c1)
    book.hold("L-1", HoldKind.VULNERABILITY, "2026-03-09", "2026-04-01")
    sheet = call_sheet(c1, id)
    assert [(sign.kind, str(sign.until)) for sign in sheet.stop_signs] == [
        ("vulnerability", "2026-04-01")
    ]
    by_phone = next(each for each in sheet.may if each.channel is Channel.CALL)
    assert not by_phone.allowed
    assert by_phone.why


def test_nobody_calls_a_person_whom_a_colleague_was_served(book: Book, c1: Context) -> None:
    lease(c1)
    other = acting(book.ctx, Actor("c-2"))
    with pytest.raises(ArrearsError, match="c-1 was served this person"):
        start_call(other, "L-1")
