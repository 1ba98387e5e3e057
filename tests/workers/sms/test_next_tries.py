"""A text that the provider took and that did not arrive: what requires it tries once more."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine, select, update

from domain.actions import ASSIGN_CALL, OPEN_LEGAL_FILE, SEND_SMS
from domain.actors import Actor, Role
from domain.errors import ArrearsError
from domain.ladder import Days, Item, Step
from domain.messages import MessageStatus
from domain.reasons import ReasonCode, because
from tests.support.acting import acting
from tests.support.loans import PHONE, Book, shipped_ladder, shipped_policy
from tests.support.sending import Scripted, route
from workers.actions.dead_letters import discard, items_requiring, retry
from workers.db.schema import action, contact, decision, loan, message, problem
from workers.history import loan_history
from workers.legal.legal_files import open_legal_file
from workers.simulator.demo.integrity import count_duplicates, count_unexplained
from workers.sms.decide_unconfirmed import mark_sent
from workers.sms.delivery_receipts import record_receipt
from workers.sms.providers.port import SendOutcome, SendResult

OTHER = "+8613812345679"
FAILED = [MessageStatus.UNDELIVERED, MessageStatus.SEND_FAILED]


def texts_first(approved_by: Role | None = None) -> tuple[Step, ...]:
    """A text on day 1; from day 3 on a legal file that requires it."""
    text = Item("text", SEND_SMS, Days(1, 2), template="reminder_first")
    file = Item("file", OPEN_LEGAL_FILE, Days(3), requires=("remind",), approval=approved_by)
    call = Item("call", ASSIGN_CALL, Days(3))
    return (
        Step("remind", Days(1, 2), (text,)),
        Step("act", Days(3), (call, file)),
    )


def book_of(
    engine: Engine, *loans: str, phones: Sequence[str] = (), approved_by: Role | None = None
) -> Book:
    """Loans of one person, each with a text that the provider took on day 1."""
    ladder = replace(shipped_ladder("consumer_loan_cn"), steps=texts_first(approved_by))
    policy = replace(shipped_policy(), ladders=(ladder,))
    book = Book(engine, now="2026-03-03 10:00", policy=policy)
    for name in loans or ("L-1",):
        book.loan(name, due_on="2026-03-02", borrower_id="HOB", more_phones=phones)
    book.escalate(*(loans or ("L-1",)))
    assert book.send("L-1", "text") == "accepted"
    return book


def report(book: Book, status: MessageStatus, number: int = 1, code: str = "30003") -> None:
    """The receipt of the first, second or third text of a loan."""
    sent = sorted(book.rows(message), key=lambda row: row.contact_id)[number - 1]
    payload = {
        "provider": sent.provider,
        "message_id": str(sent.id),
        "sid": sent.sid or f"SM{number}",
        "word": str(status),
        "status": str(status),
        "code": code,
    }
    with book.ctx.engine.begin() as connection:
        record_receipt(connection, book.ctx, payload)


def review(book: Book, now: str, loan: str = "L-1") -> str:
    """The loan is reviewed; the status of its text then."""
    book.at(now).escalate(loan)
    return book.actions(loan)["text"]


def tries(book: Book) -> list[int]:
    return sorted(row.try_number for row in book.rows(message))


def used(book: Book) -> list[str]:
    return [sent.text.to for sent in book.sms.sent]


@pytest.mark.parametrize("failed", FAILED)
def test_a_required_text_that_did_not_arrive_is_tried_once_more_and_then_what_requires_it_acts(
    engine: Engine, failed: MessageStatus
) -> None:
    book = book_of(engine)
    report(book, failed)
    assert book.actions("L-1") == {"text": "undelivered"}

    assert review(book, "2026-03-05 10:00") == "planned"
    assert "file" not in book.actions("L-1")
    assert book.send("L-1", "text") == "accepted"
    assert book.send("L-1", "text") == "nothing to do"
    assert review(book, "2026-03-06 10:00") == "done", "nobody knows yet whether it arrived"
    assert "file" not in book.actions("L-1")
    assert len(book.sms.sent) == 2

    report(book, MessageStatus.DELIVERED, 2)
    review(book, "2026-03-07 10:00")
    assert book.actions("L-1")["file"] == "planned"
    assert tries(book) == [1, 2]
    with engine.connect() as connection:
        assert (count_duplicates(connection), count_unexplained(connection, book.ctx)) == (0, 0)
        told = " ".join(said.text for said in loan_history(connection, book.ctx, "L-1"))
    assert "text does not count as tried" in told
    assert "which did not arrive (code 30003)" in told


def test_a_text_that_nothing_requires_is_not_repeated(engine: Engine) -> None:
    book = Book(engine, now="2026-03-03 10:00")
    book.loan("L-1", due_on="2026-03-02", steps_tried=["remind"])
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    report(book, MessageStatus.UNDELIVERED)
    for day in range(4, 10):
        book.at(f"2026-03-{day:02d} 10:00").escalate("L-1")
    assert book.actions("L-1")["text_day_1"] == "undelivered"


def test_the_next_try_uses_another_number_and_the_same_again_if_there_is_none(
    engine: Engine,
) -> None:
    book = book_of(engine, phones=[OTHER])
    for number, day in enumerate((5, 6), start=1):
        report(book, MessageStatus.UNDELIVERED, number)
        assert review(book, f"2026-03-{day:02d} 10:00") == "planned"
        book.send("L-1", "text")
    assert used(book) == [PHONE["CN"], OTHER, PHONE["CN"]]
    passed_over = [row.passed_over for row in book.rows(contact)]
    why = because(ReasonCode.NUMBER_PASSED_OVER, place=1, number_fact="not_delivered")
    assert passed_over == [(), why, ()]


def test_another_item_is_texted_at_the_first_number_as_before(engine: Engine) -> None:
    book = book_of(engine, "L-1", phones=[OTHER])
    report(book, MessageStatus.UNDELIVERED)
    book.loan("L-2", due_on="2026-03-04", borrower_id="HOB")
    book.at("2026-03-05 10:00").escalate("L-2")
    book.send("L-2", "text")
    assert used(book) == [PHONE["CN"]] * 2


def test_one_try_a_day_and_three_in_all(engine: Engine) -> None:
    book = book_of(engine)
    for number, day in enumerate((5, 6), start=1):
        report(book, MessageStatus.UNDELIVERED, number)
        assert review(book, f"2026-03-{day:02d} 09:00") == "planned"
        book.send("L-1", "text")
    report(book, MessageStatus.UNDELIVERED, 2)
    assert book.actions("L-1")["text"] == "done", "the receipt of an older try says nothing new"
    report(book, MessageStatus.SEND_FAILED, 3)

    assert review(book, "2026-03-07 10:00") == "dead"
    assert len(book.sms.sent) == 3
    report(book, MessageStatus.UNDELIVERED, 3)
    assert review(book, "2026-03-08 10:00") == "dead"

    retry(acting(book.ctx, Actor("op-1")), book.action_id("L-1", "text"))
    assert book.send("L-1", "text") == "accepted"
    report(book, MessageStatus.DELIVERED, 4)
    assert tries(book) == [1, 2, 3, 4]
    review(book, "2026-03-09 10:00")
    assert book.actions("L-1")["file"] == "planned"


def test_on_the_day_of_a_failure_there_is_no_next_try(engine: Engine) -> None:
    book = book_of(engine)
    report(book, MessageStatus.UNDELIVERED)
    review(book, "2026-03-05 10:00")
    book.send("L-1", "text")
    report(book, MessageStatus.UNDELIVERED, 2)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE loan SET review_on = '2026-03-05'")
    assert review(book, "2026-03-05 18:00") == "undelivered"
    assert book.rows(decision)[-1].review_on.isoformat() == "2026-03-06"


def test_a_text_that_arrives_after_all_makes_its_next_try_needless(engine: Engine) -> None:
    book = book_of(engine)
    report(book, MessageStatus.UNDELIVERED)
    review(book, "2026-03-05 10:00")
    report(book, MessageStatus.DELIVERED)
    assert book.actions("L-1")["text"] == "done"
    assert book.send("L-1", "text") == "nothing to do"
    review(book, "2026-03-06 10:00")
    assert book.actions("L-1")["file"] == "planned"
    assert book.rows(problem) == []


@pytest.mark.parametrize("waits", ["skipped", "cancelled", "deferred", "failed", "dead"])
def test_wherever_its_next_try_is(engine: Engine, waits: str) -> None:
    book = book_of(engine)
    report(book, MessageStatus.UNDELIVERED)
    review(book, "2026-03-05 10:00")
    with engine.begin() as connection:
        connection.execute(update(action).where(action.c.item == "text").values(status=waits))
    report(book, MessageStatus.DELIVERED)
    assert book.actions("L-1")["text"] == "done"


def test_after_the_next_try_it_is_a_problem_that_both_arrived(engine: Engine) -> None:
    book = book_of(engine)
    report(book, MessageStatus.UNDELIVERED)
    review(book, "2026-03-05 10:00")
    book.send("L-1", "text")
    report(book, MessageStatus.DELIVERED, 1)
    assert (book.actions("L-1")["text"], book.one(problem).kind) == ("done", "sent_after_all")
    review(book, "2026-03-06 10:00")
    assert book.actions("L-1")["file"] == "planned"


def test_what_somebody_discarded_stays_so(engine: Engine) -> None:
    book = book_of(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE action SET status = 'dead' WHERE item = 'text'")
    discard(acting(book.ctx, Actor("op-1")), book.action_id("L-1", "text"))
    report(book, MessageStatus.UNDELIVERED)
    report(book, MessageStatus.DELIVERED)
    assert book.actions("L-1")["text"] == "discarded"


def test_that_a_step_waits_for_what_was_discarded_is_a_problem_until_it_was_tried_otherwise(
    engine: Engine,
) -> None:
    book = book_of(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE action SET status = 'dead' WHERE item = 'text'")
    text = book.action_id("L-1", "text")
    assert items_requiring(book.ctx, text) == ["file"]
    discard(acting(book.ctx, Actor("op-1")), text)
    review(book, "2026-03-05 10:00")
    review(book, "2026-03-06 10:00")
    found = book.one(problem)
    assert (found.kind, found.resolved_at) == ("step_discarded", None)
    assert found.detail == because(ReasonCode.STEP_DISCARDED, item="text", step="remind")

    with engine.begin() as connection:  # as the tape says it
        tried = {"steps_tried": ["remind"], "steps_tried_at": date(2026, 3, 2)}
        connection.execute(update(loan).values(tried))
    review(book, "2026-03-07 10:00")
    assert book.one(problem).resolved_at is not None
    assert book.actions("L-1")["file"] == "planned"


def test_a_next_try_whose_answer_is_lost_is_not_followed_by_another(engine: Engine) -> None:
    """Not even if more is heard of the first one."""
    book = book_of(engine)
    report(book, MessageStatus.UNDELIVERED)
    review(book, "2026-03-05 10:00")
    lost = SendResult(SendOutcome.UNKNOWN, because(ReasonCode.MAY_BE_SENT))
    book.ctx = replace(book.ctx, sms=route(twilio=Scripted(lost)))
    assert book.send("L-1", "text") == "unknown"
    for late in (MessageStatus.SENT, MessageStatus.UNDELIVERED, MessageStatus.SEND_FAILED):
        report(book, late, 1)
    assert review(book, "2026-03-09 10:00") == "unknown"
    with pytest.raises(ArrearsError):
        retry(acting(book.ctx, Actor("op-1")), book.action_id("L-1", "text"))

    second = max(book.rows(message), key=lambda row: row.contact_id)
    mark_sent(acting(book.ctx, Actor("op-1")), second.id)
    report(book, MessageStatus.UNDELIVERED, 2)
    assert review(book, "2026-03-10 10:00") == "planned"


def test_a_text_about_two_loans_did_not_arrive_for_either(engine: Engine) -> None:
    book = book_of(engine, "L-1", "L-2")
    assert len(book.sms.sent) == 1
    report(book, MessageStatus.UNDELIVERED)
    assert [book.actions(loan)["text"] for loan in ("L-1", "L-2")] == ["undelivered"] * 2
    book.at("2026-03-05 10:00").escalate("L-1", "L-2")
    book.send("L-2", "text")
    assert len(book.sms.sent) == 2
    assert tries(book) == [1, 1, 2, 2]
    report(book, MessageStatus.DELIVERED, 3)
    book.at("2026-03-06 10:00").escalate("L-1", "L-2")
    assert [book.actions(loan)["file"] for loan in ("L-1", "L-2")] == ["planned"] * 2


def test_a_loan_that_is_paid_has_no_next_try(engine: Engine) -> None:
    book = book_of(engine)
    report(book, MessageStatus.UNDELIVERED)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE instalment SET paid_principal = principal")
    assert review(book, "2026-03-05 10:00") == "undelivered"


@pytest.mark.parametrize("approved_by", [None, Role.SUPERVISOR])
def test_what_was_planned_on_a_text_that_is_then_known_not_to_have_arrived_waits_for_its_next_try(
    engine: Engine, approved_by: Role | None
) -> None:
    book = book_of(engine, approved_by=approved_by)
    with engine.begin() as connection:
        connection.execute(update(message).values(presumed_at=book.clock.at))
    review(book, "2026-03-05 10:00")
    assert book.actions("L-1")["file"] == ("awaiting_approval" if approved_by else "planned")

    report(book, MessageStatus.UNDELIVERED)
    if approved_by:
        book.approve("L-1", "file")
    assert open_legal_file(book.ctx, book.action_id("L-1", "file")) == "nothing to do"
    waiting = book.action("L-1", "file")
    assert (waiting.status, waiting.due_at) == ("deferred", None)
    assert waiting.reason == because(ReasonCode.STEPS_NOT_TRIED, steps=["remind"])
    assert book.one(select(loan.c.review_on)).review_on == date(2026, 3, 6), (
        "no other change was near"
    )

    assert review(book, "2026-03-06 10:00") == "planned"
    assert open_legal_file(book.ctx, book.action_id("L-1", "file")) == "nothing to do"
    assert book.send("L-1", "text") == "accepted"
    report(book, MessageStatus.DELIVERED, 2)
    review(book, "2026-03-07 10:00")
    assert open_legal_file(book.ctx, book.action_id("L-1", "file")) in ("opened", "not ready")
    assert tries(book) == [1, 2]


def test_who_has_not_approved_yet_does_not_keep_the_next_try_from_being_planned(
    engine: Engine,
) -> None:
    book = book_of(engine, approved_by=Role.SUPERVISOR)
    with engine.begin() as connection:
        connection.execute(update(message).values(presumed_at=book.clock.at))
    review(book, "2026-03-05 10:00")
    report(book, MessageStatus.UNDELIVERED)
    assert review(book, "2026-03-06 10:00") == "planned"
    assert book.actions("L-1")["file"] == "awaiting_approval"
