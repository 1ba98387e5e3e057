"""Stories of disputes: won, lost, traced, not ended by a release, and in time."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor
from domain.disputes import Matter
from domain.errors import RefusedError
from domain.language.speak import speak
from domain.reasons import ReasonCode
from tests.support.acting import acting, acting_alone
from tests.support.events import pay, tell
from tests.support.loans import Book
from workers.db.schema import dispute, hold, loan, outbox_event, problem
from workers.hardship import handling
from workers.hardship.answer_clock import watch_answers
from workers.hardship.answer_letters import open_answer


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 owes 1000 since 1 March; a collector, and two supervisors who may decide."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1")
    book.staff("c-1", "caller")
    book.staff("s-1", "supervisor")
    book.staff("s-2", "supervisor")
    book.escalate("L-1")
    return book


def disputes(book: Book, kind: str = "amount", **more: object) -> str:
    told = {"dispute": "D-1", "loan": "L-1", "starts_on": "2026-03-02", "actor": "c-1", **more}
    return speak(tell(book, "dispute", **told, kind=kind, why="200 too much").reason)


def decided(book: Book, outcome: str, finding: str, actor: str = "s-1", **more: object) -> str:
    told = {"dispute": "D-1", "outcome": outcome, "finding": finding, "actor": actor}
    settled = tell(book, "dispute_resolution", **{**told, **more})
    return f"{settled.status}: {speak(settled.reason)}"


def taken(book: Book, by: str = "s-1", id: str = "D-1") -> None:
    handling.take(acting(book.ctx, Actor(by)), Matter.DISPUTE, id)


def ends_on(book: Book) -> date | None:
    (day,) = book.one(select(hold.c.ends_on))
    return day  # type: ignore[no-any-return]  # a column of dates


def open_problems(book: Book) -> list[str]:
    return [row.kind for row in book.rows(problem) if row.resolved_at is None]


def letter(book: Book, by: str = "s-1") -> str:
    return open_answer(acting(book.ctx, Actor(by)), Matter.DISPUTE, "D-1").body


def test_a_dispute_is_won_the_ledger_corrects_what_is_owed_and_the_letter_says_so(
    book: Book,
) -> None:
    # On 2 March the borrower says on the telephone that 200 were asked for too much.
    said = disputes(book, amount="200", currency="CNY", raised_by="call")
    assert "Dispute D-1 (the amount) is to be answered by 2026-03-17." in said
    assert said.endswith("Next it is for: a supervisor, until 2026-03-03 10:00.")
    assert book.send("L-1", "text_day_1") == "nothing to do"

    # The next day a supervisor acknowledges it and looks into it: not the collector who took it.
    book.at("2026-03-03 09:00")
    supervisor = acting(book.ctx, Actor("s-1"))
    handling.acknowledge(supervisor, Matter.DISPUTE, "D-1")
    taken(book)
    assert book.one(dispute).status == "investigating"

    # The records agree with the borrower: the lender's ledger waives 200, and the dispute is won.
    waived = {"adjustment": "W-1", "loan": "L-1", "component": "principal", "amount": "200"}
    booked = {"currency": "CNY", "due_on": "2026-03-01", "booked_on": "2026-03-05"}
    book.at("2026-03-05 09:00")
    assert tell(book, "waiver", **waived, **booked, actor="b-1").status == "applied"
    done = decided(book, "upheld", "records_agree", corrected_by="W-1")
    assert done.startswith("applied: The dispute D-1 is decided: upheld.")

    # The hold ends, and only 800 are asked for from here on.
    assert ends_on(book) == date(2026, 3, 5)
    assert book.one(loan).review_on == date(2026, 3, 5)
    assert "异议（D-1）" in letter(book)
    assert "您所提成立" in letter(book)
    assert "您的欠款已更正" in letter(book)
    assert "12378" in letter(book)


def test_a_dispute_is_lost_and_the_ladder_goes_on_where_it_stood(book: Book) -> None:
    disputes(book)
    taken(book)
    book.at("2026-03-10 09:00")

    assert decided(book, "rejected", "records_differ").startswith("applied")

    assert ends_on(book) == date(2026, 3, 10)
    # The hold covered eight days: the ladder is still on its first day.
    book.escalate("L-1")
    assert book.send("L-1", "text_day_1") == "accepted"
    # The letter lies there. The next morning that is a problem, until somebody prints it.
    assert (watch_answers(book.ctx), open_problems(book)) == (0, [])
    book.at("2026-03-11 09:00")
    for changed in (1, 0):
        assert watch_answers(book.ctx) == changed
        assert open_problems(book) == ["dispute_answer_not_printed"]
    assert "不成立" in letter(book)
    assert "您的欠款不变" in letter(book, by="s-2")
    assert (open_problems(book), book.one(dispute).letter_printed_by) == ([], "s-1")
    assert watch_answers(book.at("2026-03-12 09:00").ctx) == 0


def test_a_payment_is_traced_before_a_dispute_about_it_is_won(book: Book) -> None:
    assert pay(book, "1", id="P-OLD").status == "applied"
    disputes(book.at("2026-03-02 11:00"), kind="already_paid")
    taken(book)

    # What was on record before corrects nothing.
    old = decided(book, "upheld", "payment_found", corrected_by="P-OLD")
    assert old.startswith("received: Loan L-1 has no adjustment and no payment P-OLD")
    # Nothing on record has that id yet: nothing is decided, and nothing ends.
    assert "rejected" in decided(book, "rejected", "rules_kept"), "it is about what is owed"
    waits = decided(book, "upheld", "payment_found", corrected_by="P-9")
    assert waits.startswith("received: Loan L-1 has no adjustment and no payment P-9")
    assert ends_on(book) is None

    assert pay(book, "1000", id="P-9", paid_on="2026-02-28").status == "applied"
    assert decided(book, "upheld", "payment_found", corrected_by="P-9").startswith("applied")
    assert ends_on(book) == date(2026, 3, 2)


def test_who_decides_one_of_two_disputes_learns_what_still_pauses_the_ladder(book: Book) -> None:
    disputes(book)
    disputes(book, dispute="D-2")
    taken(book)
    taken(book, id="D-2")
    assert "The ladder still pauses, because of other holds: dispute." in decided(
        book, "rejected", "records_differ"
    )
    assert "The ladder goes on where it stood." in decided(
        book, "rejected", "records_differ", dispute="D-2"
    )


def test_who_was_right_is_asked_for_nothing_until_what_is_owed_is_corrected(book: Book) -> None:
    disputes(book, kind="not_mine")
    taken(book)

    done = decided(book, "upheld", "not_the_debtor")

    assert "The hold stays until what is owed is corrected" in done
    assert ends_on(book) is None
    assert "不会就该笔贷款要求您还款" in letter(book)
    assert tell(book, "release", hold="D-1", ends_on="2026-03-02").status == "applied"
    assert book.one(dispute).status == "upheld", "the release changes nothing of the decision"


def test_a_release_does_not_end_a_dispute_and_its_clock_runs_on(book: Book) -> None:
    # As systems tell it that know nothing of kinds.
    plain = {"dispute": "D-1", "loan": "L-1", "starts_on": "2026-03-02", "why": "no", "actor": "c"}
    assert tell(book, "dispute", **plain).status == "applied"
    assert book.one(dispute).kind == "other"

    # The lender's system cannot end it without an answer, and no person can.
    released = tell(book, "release", hold="D-1", ends_on="2026-03-02")
    assert released.status == "rejected"
    assert "ends with its answer: decide the dispute" in speak(released.reason)
    assert (ends_on(book), book.one(dispute).status) == (None, "received")
    assert book.one(dispute).check_at is not None

    # Nor is there a hold of a dispute of which nothing else is on record.
    bare = {"hold": "H-1", "loan": "L-1", "kind": "dispute", "starts_on": "2026-03-02"}
    refused = tell(book, "hold", **bare, ends_on=None, why="no", actor="c")
    assert refused.reason[0].code is ReasonCode.HOLD_KIND_UNKNOWN

    # Whoever answers it has taken it before.
    untaken = decided(book, "rejected", "records_differ")
    assert untaken == "rejected: Nobody handles the dispute D-1 yet. Somebody takes it first."
    assert book.one(dispute).resolved_at is None
    taken(book)
    assert decided(book, "rejected", "records_differ").startswith("applied")
    assert ends_on(book) == date(2026, 3, 2)
    assert decided(book, "rejected", "records_differ").startswith("rejected: The dispute D-1 is ov")


@pytest.mark.parametrize(
    ("by", "why"),
    [("c-1", "they had the contact in question"), ("s-2", "s-1 handles the dispute D-1")],
)
def test_only_who_handles_it_and_took_no_part_decides(book: Book, by: str, why: str) -> None:
    disputes(book, raised_by="call")
    taken(book)
    refused = decided(book, "rejected", "records_differ", actor=by)
    assert refused.startswith("rejected")
    assert why in refused
    assert book.one(dispute).status == "investigating"


def test_a_collector_who_had_the_call_cannot_take_the_dispute(book: Book) -> None:
    disputes(book, raised_by="call")
    with pytest.raises(RefusedError, match="c-1 may not handle the dispute D-1"):
        taken(book, by="c-1")


def test_a_finding_must_go_with_what_was_decided(book: Book) -> None:
    disputes(book)
    refused = decided(book, "upheld", "records_differ")
    assert "If it is upheld, the finding cannot be that the records say otherwise." in refused


def test_what_nears_its_end_and_what_is_late_is_said_once(book: Book) -> None:
    disputes(book)  # acknowledged by 5 March, answered by 17 March
    assert watch_answers(book.at("2026-03-03 09:00").ctx) == 0
    assert watch_answers(book.at("2026-03-04 10:00").ctx) == 1, "nobody has taken it in a day"
    assert watch_answers(book.at("2026-03-05 10:00").ctx) == 1
    assert watch_answers(book.ctx) == 0
    open_ = [(p.kind, p.resolved_at) for p in book.rows(problem)]
    assert open_ == [("duty_late", None), ("dispute_answer_due", None)]

    assert watch_answers(book.at("2026-03-06 00:00").ctx) == 1
    late = [p.kind for p in book.rows(problem) if p.resolved_at is None]
    assert late == ["duty_late", "dispute_answer_late"]

    # Acknowledged, the clock runs for the answer; decided, nothing is late any more.
    handling.acknowledge(acting(book.ctx, Actor("s-1")), Matter.DISPUTE, "D-1")
    assert book.one(dispute).clock == "running"
    taken(book)
    decided(book, "rejected", "records_differ")
    assert [p for p in book.rows(problem) if p.resolved_at is None] == []
    assert letter(book)
    assert watch_answers(book.at("2026-05-01 10:00").ctx) == 0


def test_the_time_to_answer_is_made_longer_as_often_as_the_law_says(book: Book) -> None:
    disputes(book)
    alone = acting_alone(book.ctx, Actor("s-1"))
    for last_day in ("2026-04-01", "2026-05-01"):
        longer = handling.extend(alone, Matter.DISPUTE, "D-1", "the bank has not answered")
        assert speak(longer) == f"The dispute D-1 is to be answered by {last_day}."
    with pytest.raises(RefusedError, match="No rule makes the time to answer"):
        handling.extend(alone, Matter.DISPUTE, "D-1", "once more")
    late_at = book.one(dispute).answer_by.astimezone(book.zone)
    assert (late_at - timedelta(seconds=1)).date() == date(2026, 5, 1)


def test_an_amount_that_is_more_than_the_loan_owes_is_said(book: Book) -> None:
    said = disputes(book, amount="9999999.00", currency="CNY")
    assert "9999999.00 CNY is disputed, and the loan owes 1000.00 CNY." in said
    assert book.one(dispute).amount == Decimal("9999999.00")


def test_one_id_is_one_dispute(book: Book) -> None:
    disputes(book)
    again = tell(
        book, "dispute", dispute="D-1", loan="L-1", starts_on="2026-03-02", why="x", actor="c"
    )
    assert again.reason[0].code is ReasonCode.HOLD_KNOWN
    assert len(book.rows(dispute)) == 1
    assert book.rows(outbox_event) == [], "this house has no webhook"
