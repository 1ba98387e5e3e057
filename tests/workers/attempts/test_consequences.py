"""What follows from a conversation is written with its outcome, or the outcome is refused whole."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from domain.actors import Actor
from domain.contact_outcomes import OUTBOUND, ContactOutcome
from domain.disputes import Matter
from domain.errors import ArrearsError
from domain.holds import HoldKind
from domain.language.speak import speak
from domain.outcome_follows import AT_LEAST, Owner, what_follows
from tests.support.acting import acting
from tests.support.ladders import UNTIL_LEARNT, with_call_plan
from tests.support.loans import Book
from workers.attempts.attempts import BarredError
from workers.attempts.consequences import ASKS_FOR_ARRANGEMENT
from workers.attempts.known_reasons import known_reasons
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.call_sheets import told_reasons
from workers.db.schema import (
    action,
    borrower,
    call,
    complaint,
    contact_outcome,
    dispute,
    duty,
    hold,
    person_fact,
    problem,
    promise,
)
from workers.hardship.matter_lists import read_matter
from workers.history import loan_history
from workers.inbox.apply import EventResult
from workers.inbox.submit import submit

PROMISED = {"amount": "500.00", "currency": "CNY", "due_on": "2026-03-12"}


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 and L-2 are loans of one borrower, past due since 1 March."""
    book = Book(engine, now="2026-03-09 10:00", policy=with_call_plan(UNTIL_LEARNT))
    book.staff("c-1", "caller", capacity=500)
    for day in range(1, 29):
        book.shift(1, f"2026-03-{day:02} 08:00", f"2026-03-{day:02} 20:00")
    book.loan("L-1", borrower_id="B-1")
    book.loan("L-2", borrower_id="B-1")
    return book


def a_call(book: Book, loan: str = "L-1") -> str:
    book.escalate(loan)
    assign_call(book.ctx, book.action_id(loan, "enquiry_call"))
    return str(start_call(acting(book.ctx, Actor("c-1")), loan).attempt)


def came_to(book: Book, attempt: str, outcome: str, **more: object) -> EventResult:
    payload = {"attempt": attempt, "outcome": outcome, "reason": None, "actor": "c-1", **more}
    return submit(book.ctx, f"told:{attempt}:{outcome}", "contact_outcome", payload)


def holds(book: Book) -> list[str]:
    return sorted(row.kind for row in book.rows(hold))


@pytest.mark.parametrize(
    ("outcome", "refusal"),
    [
        ("promised", "What was promised"),
        ("disputes", "What is disputed"),
        ("refuses", "Give the reason"),
        ("spoke", "Give the reason"),
        ("hardship", "Give the reason"),
    ],
)
def test_an_outcome_without_what_it_must_say_is_refused_whole(
    book: Book, outcome: str, refusal: str
) -> None:
    attempt = a_call(book)
    with pytest.raises(ArrearsError, match=refusal):
        came_to(book, attempt, outcome)
    assert (book.rows(contact_outcome), book.rows(hold), book.rows(duty)) == ([], [], [])
    assert came_to(book, attempt, "no_answer").status == "applied", "it can be told again"


def test_what_belongs_to_another_outcome_is_refused(book: Book) -> None:
    attempt = a_call(book)
    with pytest.raises(ArrearsError, match="belongs to the outcome promised"):
        came_to(book, attempt, "spoke", reason="forgot", promised=PROMISED)


def test_a_promise_in_a_call_is_a_promise(book: Book) -> None:
    came_to(book, a_call(book), "promised", reason="forgot", promised=PROMISED)
    made = book.one(promise)
    assert (made.status, str(made.due_on)) == ("open", "2026-03-12")
    assert holds(book) == ["promise"]
    assert book.actions("L-1")["enquiry_call"] == "done"


@pytest.mark.parametrize("theirs", [False, True], ids=["our call", "their call"])
def test_what_is_recorded_in_a_call_and_told_with_its_outcome_is_one_promise(
    book: Book, theirs: bool
) -> None:
    """The collector records it while the borrower is on the telephone, and then reports the
    outcome: nothing is replaced, so nothing counts as unkept."""
    attempt = a_call(book)
    facts = {"promise": "P-1", "loan": "L-1", "actor": "c-1", **PROMISED}

    def outcome() -> EventResult:
        if theirs:
            return inbound(book, "promised", promised=PROMISED)
        return came_to(book, attempt, "promised", reason="forgot", promised=PROMISED)

    def recorded() -> EventResult:
        return submit(book.ctx, "promise:P-1", "promise", facts)

    for told in (recorded, outcome):
        assert told().status == "applied"
        book.clock.at += timedelta(minutes=1)
    assert (book.one(promise).external_id, book.one(promise).status) == ("P-1", "open")
    if not theirs:
        again = {"attempt": attempt, "outcome": "promised", "reason": "forgot", "actor": "c-1"}
        known = submit(book.ctx, "again", "contact_outcome", {**again, "promised": PROMISED})
        assert known.reason[0].code == "outcome_known"
        other = {**again, "promised": {**PROMISED, "amount": "600.00"}}
        with pytest.raises(ArrearsError, match="with other contents: promised"):
            submit(book.ctx, "other", "contact_outcome", other)


@pytest.mark.parametrize("how", ["asked", "called us"])
def test_a_promise_in_a_conversation_is_about_a_loan_of_the_same_person(
    book: Book, how: str
) -> None:
    book.loan("L-9", borrower_id="B-9")
    attempt = a_call(book)

    def promised_for(loan: str) -> EventResult:
        promised = {**PROMISED, "loan": loan}
        if how == "asked":
            return came_to(book, attempt, "promised", reason="forgot", promised=promised)
        return inbound(book, "promised", promised=promised)

    with pytest.raises(ArrearsError, match="L-9 is not one of that person"):
        promised_for("L-9")
    assert (book.rows(contact_outcome), book.rows(promise), book.rows(hold)) == ([], [], [])
    assert promised_for("L-2").status == "applied"
    assert book.one(promise).loan_id == book.loan_id("L-2")


def test_a_promise_that_is_not_taken_leaves_no_outcome(book: Book) -> None:
    attempt = a_call(book)
    with pytest.raises(ArrearsError):
        came_to(
            book, attempt, "promised", reason="forgot", promised={**PROMISED, "currency": "USD"}
        )
    assert (book.rows(contact_outcome), book.rows(promise)) == ([], [])


def test_who_says_that_they_paid_is_left_alone_for_five_days_and_then_asked(book: Book) -> None:
    """The team traces the payment meanwhile, within two days."""
    came_to(book, a_call(book), "says_paid")
    assert holds(book) == ["manual"]
    placed = book.one(hold)
    assert (placed.ends_on - placed.starts_on).days == 5
    owed = book.one(duty)
    assert (owed.owner, owed.staff) == (Owner.TEAM, None)
    assert owed.due_at == book.clock.at + timedelta(hours=48)
    follow_up = book.one(select(action).where(action.c.item == "payment_not_seen_call"))
    assert follow_up.due_at.astimezone(book.zone) == book.moment("2026-03-14 00:00")


def test_who_pays_while_they_speak_is_left_alone_until_the_bank_has_told_of_it(book: Book) -> None:
    came_to(book, a_call(book), "paid_now", reason="forgot")
    placed = book.one(hold)
    assert (placed.kind, (placed.ends_on - placed.starts_on).days) == ("manual", 2)
    assert book.may_call("L-1") == "deferred"
    assert book.rows(duty) == []


def test_hardship_pauses_every_loan_of_the_person_and_a_specialist_has_it(book: Book) -> None:
    words = "lost the work in February; call 138 0013 8009"
    came_to(book, a_call(book), "hardship", reason="unemployed", why=words)
    flagged = book.one(problem)
    assert flagged.kind == "words_have_number"
    assert "8009" not in speak(flagged.detail)
    assert holds(book) == ["vulnerability"]
    assert (book.may_call("L-1"), book.may_call("L-2")) == ("deferred", "deferred")
    assert book.one(duty).owner == Owner.SPECIALIST


def test_who_wants_no_contact_at_all_gets_none_at_once(book: Book) -> None:
    told = came_to(book, a_call(book), "stop_all")
    assert "Nobody contacts the person any more" in speak(told.reason)
    assert (book.may_call("L-1"), book.may_call("L-2")) == ("barred", "barred")


def test_who_wants_no_texts_may_still_be_called(book: Book) -> None:
    told = came_to(book, a_call(book), "stop_channel", stopped_channel="sms")
    assert "nobody contacts them by text, about any of their loans" in speak(told.reason)
    assert [(row.kind, row.channel) for row in book.rows(person_fact)] == [("no_channel", "sms")]
    assert book.number_facts() == ["opted_out"]
    assert book.may_call("L-1") == "allowed"


def test_the_answer_says_what_is_closed_and_when_the_callback_is(book: Book) -> None:
    at = "2026-03-09T17:30:00+08:00"
    told = came_to(book, a_call(book), "callback_requested", callback_at=at)
    assert "Call them again at 2026-03-09 17:30; nobody calls before." in speak(told.reason)


def test_the_answer_says_that_the_number_of_somebody_else_is_closed(book: Book) -> None:
    told = came_to(book, a_call(book), "wrong_person")
    assert "nobody calls or texts that number" in speak(told.reason)


def test_whom_an_adviser_acts_for_is_not_called_any_more(book: Book) -> None:
    came_to(book, a_call(book), "adviser")
    assert book.may_call("L-1") == "deferred"
    assert book.one(duty).owner == Owner.TEAM


def test_who_hung_up_is_not_called_again_on_the_same_day(book: Book) -> None:
    came_to(book, a_call(book), "hung_up")
    assert (book.may_call("L-1"), book.may_call("L-2")) == ("deferred", "deferred")
    assert book.at("2026-03-10 09:00").may_call("L-1") == "allowed"


def test_a_machine_heard_nobody_and_the_caller_says_later_that_they_want_no_contact(
    book: Book,
) -> None:
    attempt = a_call(book)
    came_to(book, attempt, "no_answer")
    assert came_to(book, attempt, "stop_all").status == "applied"
    assert book.may_call("L-2") == "barred"
    assert came_to(book, attempt, "insolvent").status == "applied"
    assert holds(book) == ["insolvency"]
    assert book.one(contact_outcome).outcome == "no_answer"


@pytest.mark.parametrize(
    ("outcome", "owner"),
    [("insolvent", "specialist"), ("adviser", "team"), ("deceased", "specialist")],
)
def test_what_protects_is_owed_also_when_it_is_told_after_a_callback(
    book: Book, outcome: str, owner: str
) -> None:
    attempt = a_call(book)
    callback_at = book.moment("2026-03-09 15:00").isoformat()
    came_to(book, attempt, "callback_requested", callback_at=callback_at)

    told = came_to(book, attempt, outcome)

    assert "Next it is for:" in speak(told.reason)
    owed = [(row.outcome, row.owner, row.ended_by) for row in book.rows(select(duty))]
    assert sorted(owed) == sorted(
        [("callback_requested", "collector", "arrears"), (outcome, owner, None)]
    )
    again = {"attempt": attempt, "outcome": outcome, "reason": None, "actor": "c-1"}
    assert submit(book.ctx, "once-more", "contact_outcome", again).status == "applied"
    assert len(book.rows(duty)) == 2


def test_the_recording_stands_with_the_outcome(book: Book) -> None:
    came_to(book, a_call(book), "no_answer", recording="REC-1")
    assert book.one(contact_outcome).recording == "REC-1"


def inbound(book: Book, outcome: str, id: str = "in-1", **more: object) -> EventResult:
    payload = {
        "contact": id,
        "loan": "L-1",
        "channel": "call",
        "at": book.clock.at.isoformat(),
        "outcome": outcome,
        "reason": None,
        "also_about": [],
        "actor": "c-1",
        **more,
    }
    return submit(book.ctx, f"told:{id}", "inbound_contact", payload)


def test_who_calls_the_lender_is_taken_by_the_same_form(book: Book) -> None:
    assert inbound(book, "promised", promised=PROMISED).status == "applied"
    assert book.one(promise).status == "open"
    assert inbound(book, "hardship", "in-2", reason="illness").status == "applied"
    assert holds(book) == ["promise", "vulnerability"]
    with pytest.raises(ArrearsError, match="What is disputed"):
        inbound(book, "disputes", "in-3")


def test_what_is_disputed_or_complained_of_in_a_call_gets_its_clock(book: Book) -> None:
    came_to(book, a_call(book), "disputes", dispute_kind="already_paid")
    raised = book.one(dispute)
    assert (raised.kind, raised.raised_by, raised.status) == ("already_paid", "call", "received")
    assert holds(book) == ["dispute"]
    with book.ctx.engine.connect() as connection:
        for language, says in (("en", "nothing of it was written"), ("zh", "未另作文字记录")):
            shown = read_matter(
                connection, book.ctx, Matter.DISPUTE, raised.external_id, language=language
            )
            assert says in str(shown.why)
            story = loan_history(connection, book.ctx, "L-1", language=language)
            assert any(says in entry.text for entry in story)
            owed = {"en": "After that (disputes) the next step is owed by", "zh": "此后（"}
            assert any(entry.text.startswith(owed[language]) for entry in story)
    assert inbound(book, "complains", why="They called me at work").status == "applied"
    assert book.one(complaint).status == "received"
    assert book.one(complaint).answer_by is not None


def test_reasons_are_known_to_whoever_calls_next_about_any_loan(book: Book) -> None:
    """Whatever else the conversation came to: who wants to be called at three has said why."""
    came_to(book, a_call(book), "refused", reason="forgot")
    at_three = "2026-03-11T15:00:00+08:00"
    book.at("2026-03-10 09:00")
    inbound(book, "callback_requested", reason="illness", callback_at=at_three)
    with pytest.raises(ArrearsError, match="nobody spoke with the borrower"):
        inbound(book, "spoke_with_other", "in-2", reason="unemployed")
    with book.ctx.engine.connect() as connection:
        known = known_reasons(connection, book.loan_id("L-2"))
        whose = book.one(select(borrower.c.person_id)).person_id
        on_sheet = told_reasons(connection, whose, [book.loan_id("L-1")])
    assert [each.reason for each in on_sheet] == ["illness", "forgot"]
    assert [(each.reason, each.inbound) for each in known] == [("illness", True), ("forgot", False)]


def test_what_the_person_tells_by_themselves_is_not_asked_again(book: Book) -> None:
    """The enquiry that a collector has is done, and one that nobody has yet is never assigned."""
    book.escalate("L-1")
    assign_call(book.ctx, book.action_id("L-1", "enquiry_call"))
    inbound(book, "spoke", reason="illness")
    assert book.actions("L-1")["enquiry_call"] == "done"
    assert book.action("L-1", "enquiry_call").reason[0].code == "learnt_inbound"

    book.loan("L-9", phone="+8613812345678")
    book.escalate("L-9")
    inbound(book, "spoke", "in-9", reason="illness", loan="L-9")
    assert assign_call(book.ctx, book.action_id("L-9", "enquiry_call")) == "learnt already"
    assert book.actions("L-9")["enquiry_call"] == "done"


def test_a_ladder_may_count_reasons_for_a_time_and_end_the_day_with_a_call_of_the_person(
    engine: Engine,
) -> None:
    """`reason_counts_days`: the second call may end without a reason. `inbound_ends_today`: who has
    called is not called on that day."""
    policy = with_call_plan(UNTIL_LEARNT)
    said = {"reason_counts_days": 60, "inbound_ends_today": True}
    ladders = tuple(
        replace(ladder, outcomes=replace(ladder.outcomes, **said))
        for ladder in policy.ladders
        if ladder.outcomes is not None
    )
    book = Book(engine, now="2026-03-09 10:00", policy=replace(policy, ladders=ladders))
    book.staff("c-1", "caller")
    for day in (9, 10, 11):
        book.shift(1, f"2026-03-{day:02} 08:00", f"2026-03-{day:02} 20:00")
    book.loan("L-1", borrower_id="B-1")
    came_to(book, a_call(book), "spoke", reason="forgot")
    book.loan("L-2", borrower_id="B-1")
    assert came_to(book, a_call(book.at("2026-03-10 10:00"), "L-2"), "spoke").status == "applied"

    book.at("2026-03-11 10:00").loan("L-3", borrower_id="B-1")
    inbound(book, "spoke", loan="L-3")
    assert book.may_call("L-3") == "deferred"


NUMBERS = count(100)

DETAILS: dict[str, dict[str, Any]] = {
    "promised": {"promised": PROMISED},
    "disputes": {"dispute_kind": "amount"},
    "callback_requested": {"callback_at": "2026-03-10T10:00:00+08:00"},
}


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(outcome=st.sampled_from(OUTBOUND), given_details=st.booleans())
def test_every_outcome_has_its_consequences_or_is_refused_whole(
    book: Book, outcome: ContactOutcome, given_details: bool
) -> None:
    number = next(NUMBERS)
    loan = f"L-{number}"
    book.clock.at += timedelta(minutes=1)
    book.loan(loan, phone=f"+861381{number:07}")
    attempt = a_call(book, loan)
    details = DETAILS.get(outcome, {}) if given_details else {}
    reason = "forgot" if given_details and outcome.with_borrower else None
    before = (len(book.rows(hold)), len(book.rows(duty)), len(book.rows(contact_outcome)))
    try:
        came_to(book, attempt, outcome, reason=reason, **details)
    except ArrearsError:
        after = (len(book.rows(hold)), len(book.rows(duty)), len(book.rows(contact_outcome)))
        assert after == before
        assert not given_details
        came_to(book, attempt, "no_answer")
        return
    follows = what_follows(book.ctx.policy.ladders[0].outcomes, outcome)
    assert len(book.rows(contact_outcome)) == before[2] + 1
    least = AT_LEAST.get(outcome)
    pauses = {ContactOutcome.PROMISED, *ASKS_FOR_ARRANGEMENT}
    expected = 1 if (least and least.hold) or outcome in pauses else 0
    assert len(book.rows(hold)) == before[0] + expected
    assert len(book.rows(duty)) == before[1] + (1 if follows.owner else 0)
    if least and least.hold and least.hold is not HoldKind.MANUAL:
        with pytest.raises((BarredError, ArrearsError)):
            start_call(acting(book.ctx, Actor("c-1")), loan)
    open_calls = book.rows(select(call).where(call.c.cancelled_at.is_(None)))
    assert len(open_calls) == len({row.action_id for row in open_calls})
