"""What calls come to, beyond a conversation: wrong people, callbacks, refusals and deaths."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from domain.actors import Actor
from domain.contact_points import NumberFact
from domain.errors import ArrearsError, RefusedError
from domain.language.speak import speak
from domain.reasons import ReasonCode
from tests.support.acting import acting
from tests.support.encrypted import in_payload
from tests.support.events import tell
from tests.support.loans import PHONE, Book
from workers.attempts.attempts import BarredError
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.schema import contact_outcome, hold, problem
from workers.history import loan_history
from workers.inbox.apply import EventResult
from workers.inbox.submit import submit
from workers.staff.work_items import Kind
from workers.staff.worklist import read_work

OTHER_NUMBER = "+8613900139000"


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 and L-2 are loans of one borrower. A relative has the same number."""
    book = Book(engine, now="2026-03-02 10:00")
    for day in range(2, 12):
        for reference in ("c-1", "c-2"):
            if day == 2:
                book.staff(reference, "caller")
        for staff_id in (1, 2):
            book.shift(staff_id, f"2026-03-{day:02} 08:00", f"2026-03-{day:02} 20:00")
    book.loan("L-1", borrower_id="B-1")
    book.loan("L-2", borrower_id="B-1")
    book.loan("relative")
    return book


def a_call(book: Book, item: str = "friendly_call", loan: str = "L-1") -> str:
    """Assign the call of a loan if that was not done, and start it. Gives the attempt."""
    book.escalate(loan)
    assign_call(book.ctx, book.action_id(loan, item))
    return str(start_call(acting(book.ctx, Actor("c-1")), loan).attempt)


def came_to(book: Book, attempt: str, outcome: str, **more: object) -> EventResult:
    payload = {"attempt": attempt, "outcome": outcome, "reason": None, "actor": "c-1", **more}
    return submit(book.ctx, f"told:{attempt}:{outcome}", "contact_outcome", payload)


def open_problems(book: Book) -> list[str]:
    rows = book.rows(problem)
    return [row.kind for row in rows if row.resolved_at is None]


@pytest.mark.parametrize(
    ("outcome", "fact"),
    [
        ("number_invalid", "reaches_nobody"),
        ("wrong_person", "somebody_else"),
        ("third_party_refused", "refused"),
    ],
)
def test_a_number_of_no_use_is_closed_at_once_on_every_loan_of_everybody_who_has_it(
    book: Book, outcome: str, fact: str
) -> None:
    assert came_to(book, a_call(book), outcome).status == "applied"

    assert book.actions("L-1")["friendly_call"] == "done"
    assert book.number_facts() == [fact]
    assert open_problems(book) == ["number_closed"] * 3
    for loan in ("L-1", "L-2", "relative"):
        assert book.may_call(loan) == "deferred"
        book.escalate(loan)
        assert book.send(loan, "text_day_1") == "nothing to do"


def test_the_notice_of_legal_action_does_not_go_to_a_number_that_reached_nobody(book: Book) -> None:
    came_to(book, a_call(book), "number_invalid")
    for day in ("2026-03-04", "2026-03-09", "2026-03-20"):
        book.at(f"{day} 10:00").escalate("L-1", "L-2")
        for loan in ("L-1", "L-2"):
            for item, status in book.actions(loan).items():
                if item.startswith("text") and status in ("planned", "deferred"):
                    assert book.send(loan, item) == "nothing to do"
    assert book.sms.sent == []


def test_a_new_number_opens_the_loans_of_the_borrower_and_nobody_elses(book: Book) -> None:
    came_to(book, a_call(book), "wrong_person")
    sealed = in_payload(book, "phone_encrypted", OTHER_NUMBER, "B-1")
    tell(book, "contact_change", borrower="B-1", phone_encrypted=sealed)

    assert (book.may_call("L-1"), book.may_call("L-2")) == ("allowed", "allowed")
    assert book.may_call("relative") == "deferred"
    assert open_problems(book) == ["number_closed"]


def test_a_conversation_with_the_borrower_opens_the_number_again(book: Book) -> None:
    """The fact came in while the call was under way."""
    attempt = a_call(book)
    book.note_number_fact(NumberFact.REACHES_NOBODY, Actor("twilio"))
    book.note_number_fact(NumberFact.REFUSED, Actor("c-2"))

    came_to(book, attempt, "spoke")

    assert book.number_facts() == ["refused"], "what a third party wants stays"


def test_a_conversation_that_is_reported_late_ends_nothing_that_became_known_after_it(
    book: Book,
) -> None:
    attempt = a_call(book)
    book.at("2026-03-02 11:00").note_number_fact(NumberFact.SOMEBODY_ELSE, Actor("c-2"))
    came_to(book.at("2026-03-02 12:00"), attempt, "spoke")
    assert book.number_facts() == ["somebody_else"]


def test_somebody_else_who_answers_shows_that_the_number_reaches_somebody(book: Book) -> None:
    attempt = a_call(book)
    book.note_number_fact(NumberFact.REACHES_NOBODY, Actor("twilio"))
    came_to(book, attempt, "wrong_person")
    assert book.number_facts() == ["somebody_else"]


def test_a_call_that_has_to_learn_something_stays_open_if_somebody_else_answers(book: Book) -> None:
    book.at("2026-03-09 10:00")
    said = came_to(book, a_call(book, "enquiry_call"), "spoke_with_other")

    assert said.reason[0].code is ReasonCode.OUTCOME_RECORDED_TRY_AGAIN
    assert book.actions("L-1")["enquiry_call"] == "planned", "its plan tries it again"


def test_a_call_that_only_reminds_is_done_if_somebody_else_answers(book: Book) -> None:
    came_to(book, a_call(book), "spoke_with_other")
    assert book.actions("L-1")["friendly_call"] == "done"


def callback(book: Book, moment: str, attempt: str | None = None) -> EventResult:
    at = book.moment(moment).isoformat()
    return came_to(book, attempt or a_call(book), "callback_requested", callback_at=at)


def test_nobody_calls_before_the_moment_that_the_borrower_named(book: Book) -> None:
    assert callback(book, "2026-03-02 17:30").status == "applied"

    for loan in ("L-1", "L-2"):
        assert book.may_call(loan) == "deferred"
    with pytest.raises(BarredError) as barred:
        start_call(acting(book.ctx, Actor("c-1")), "L-1")
    assert barred.value.rules == ("lender.callback_requested",)
    assert barred.value.until == book.moment("2026-03-02 17:30")
    assert book.may_call("relative") == "allowed"

    book.at("2026-03-02 17:30")
    assert start_call(acting(book.ctx, Actor("c-1")), "L-1").attempt, "the call was left open"


def test_the_work_list_shows_when_to_call_back(book: Book) -> None:
    callback(book, "2026-03-02 17:30")
    with book.ctx.engine.connect() as connection:
        (call,) = read_work(connection, book.ctx, book.ctx.today(), [Kind.CALLS]).calls
    assert call.callback_at == book.moment("2026-03-02 17:30")
    assert call.started_as is None


def test_a_callback_at_night_is_not_agreed_on_and_the_morning_is_named(book: Book) -> None:
    attempt = a_call(book)
    for moment, next_day in (("2026-03-02 23:30", "03-03"), ("2026-03-04 03:00", "03-04")):
        with pytest.raises(RefusedError, match="nobody may call this person") as refused:
            callback(book, moment, attempt)
        lawful = book.moment(f"2026-{next_day} 08:00")
        until = str(refused.value.reason[0].params["until"])
        assert datetime.fromisoformat(until) == lawful
    assert book.rows(contact_outcome) == []
    assert callback(book, "2026-03-04 08:00", attempt).status == "applied"


@pytest.mark.parametrize(
    ("moment", "refusal"),
    [
        ("2026-03-02 10:00", "is over"),
        ("2026-03-01 17:00", "is over"),
        ("2026-04-03 10:00", "more than 31 days ahead"),
    ],
)
def test_a_moment_that_is_over_or_far_away_is_refused_and_the_outcome_can_be_told_again(
    book: Book, moment: str, refusal: str
) -> None:
    attempt = a_call(book)
    with pytest.raises(ArrearsError, match=refusal):
        callback(book, moment, attempt)
    assert book.rows(contact_outcome) == []
    assert came_to(book, attempt, "no_answer").status == "applied"


def test_a_callback_needs_a_moment_and_nobody_but_the_borrower_says_the_reason(book: Book) -> None:
    attempt = a_call(book)
    with pytest.raises(ArrearsError, match="When did the borrower ask"):
        came_to(book, attempt, "callback_requested")
    later = (book.clock.at + timedelta(hours=2)).isoformat()
    with pytest.raises(ArrearsError, match="Only the outcome callback_requested"):
        came_to(book, attempt, "busy", callback_at=later)
    for outcome in ("no_answer", "wrong_person", "spoke_with_other"):
        with pytest.raises(ArrearsError, match="nobody spoke with the borrower"):
            came_to(book, attempt, outcome, reason="illness")
    speaks = [{"fact": "language", "locale": "en"}]
    told = came_to(book, attempt, "cannot_talk", reason="illness", said=speaks)
    assert "kept from now on" in speak(told.reason)


def test_the_last_moment_that_was_named_counts(book: Book) -> None:
    callback(book, "2026-03-02 12:00")
    book.at("2026-03-02 12:00")
    callback(book, "2026-03-04 12:00")
    book.at("2026-03-03 12:00")
    assert book.may_call("L-1") == "deferred"
    assert book.at("2026-03-04 12:00").may_call("L-1") == "allowed"


def test_who_asks_for_a_callback_agrees_to_it_where_the_law_lets_that_count(engine: Engine) -> None:
    """12 CFR 1006.14(b)(3)(i): a call with consent does not count; else seven days of rest."""
    us = Book(engine, now="2026-03-02 12:00", zone="America/New_York")
    us.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    us.loan("U-1", jurisdiction="US")
    attempt = a_call(us, loan="U-1")
    callback(us, "2026-03-04 15:00", attempt)
    assert us.at("2026-03-03 15:00").may_call("U-1") == "deferred"
    assert us.at("2026-03-04 15:00").may_call("U-1") == "allowed"


def test_a_death_pauses_every_loan_of_the_person_until_somebody_says_that_it_is_wrong(
    book: Book,
) -> None:
    attempt = a_call(book)
    said = came_to(book, attempt, "deceased")

    assert f"until hold death:{attempt} is released" in speak(said.reason)
    placed = book.one(hold)
    assert (placed.kind, placed.ends_on, placed.actor) == ("deceased", None, "c-1")
    assert (book.may_call("L-1"), book.may_call("L-2")) == ("deferred", "deferred")
    assert book.may_call("relative") == "allowed", "that is another person with the number"
    book.loan("L-3", borrower_id="B-1")
    assert book.may_call("L-3") == "deferred"

    book.at("2026-03-02 11:00")
    tell(book, "release", hold=f"death:{attempt}", ends_on="2026-03-02")
    assert (book.may_call("L-1"), book.may_call("L-3")) == ("allowed", "allowed")


@pytest.mark.parametrize(
    ("outcome", "facts", "permission"),
    [
        ("wrong_person", ["somebody_else"], "deferred"),
        ("third_party_refused", ["refused"], "deferred"),
        ("number_invalid", ["reaches_nobody"], "deferred"),
        ("deceased", [], "deferred"),
    ],
)
def test_a_machine_heard_nobody_and_the_caller_says_later_what_protects(
    book: Book, outcome: str, facts: list[str], permission: str
) -> None:
    attempt = a_call(book)
    came_to(book, attempt, "no_answer")

    late = came_to(book.at("2026-03-02 11:00"), attempt, outcome)
    again = {"attempt": attempt, "outcome": outcome, "reason": None, "actor": "c-2"}

    assert (late.status, late.reason[0].code) == ("applied", ReasonCode.OUTCOME_ADDS)
    assert tell(book, "contact_outcome", **again).status == "applied", "and once more"
    assert book.number_facts() == facts
    assert [row.external_id for row in book.rows(hold)] == ([] if facts else [f"death:{attempt}"])
    assert [book.may_call(loan) for loan in ("L-1", "L-2")] == [permission] * 2
    assert book.one(contact_outcome).outcome == "no_answer", "what is on record is not changed"
    for harmless in ("busy", "spoke"):
        with pytest.raises(ArrearsError, match="is on record as"):
            came_to(book, attempt, harmless)


def test_the_story_tells_what_came_of_each_call_and_shows_no_number(book: Book) -> None:
    callback(book, "2026-03-02 17:30")
    book.at("2026-03-02 17:30")
    came_to(book, a_call(book), "third_party_refused")
    with book.ctx.engine.connect() as connection:
        story = "\n".join(entry.text for entry in loan_history(connection, book.ctx, "L-1"))
    assert "The borrower asked to be called again at 2026-03-02 17:30." in story
    assert "whoever answers it refuses contact (source: c-1)" in story
    assert PHONE["CN"][3:] not in story


def test_whoever_made_a_call_reports_what_came_of_it(book: Book) -> None:
    """A colleague may not; a supervisor may. What protects somebody anybody may add."""
    attempt = a_call(book)
    with pytest.raises(RefusedError, match="is a colleague's"):
        came_to(book, attempt, "no_answer", actor="c-2")
    assert book.rows(contact_outcome) == []
    book.staff("sup-1", "supervisor")
    assert came_to(book, attempt, "spoke", actor="sup-1", reason="forgot").status == "applied"
    assert came_to(book, attempt, "stop_all", actor="c-2").status == "applied"
