"""A collector falls ill at noon, another one leaves, a third goes home: what a supervisor sees."""

import pytest
from sqlalchemy import Engine, select, update

from domain.actors import Actor
from domain.errors import RefusedError
from domain.language.speak import speak
from domain.reasons import ReasonCode, because
from tests.support.acting import acting
from tests.support.inbound import record_inbound_text
from tests.support.loans import Book
from workers.borrowers.reply_queue import assign_replies
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.schema import (
    absence,
    action,
    borrower,
    call,
    collector_day,
    contact,
    duty,
    loan,
    reply,
    staff,
    visit,
)
from workers.history import loan_history
from workers.inbox.submit import submit
from workers.sms.providers.port import InboundText
from workers.visits.schedule import schedule_visit
from workers.workforce.absences import hand_on_all, must_not_handle
from workers.workforce.hand_on import HandedOn, hand_on_what_must_be
from workers.workforce.members import MayNotStartError

TODAY = ("2026-03-02 08:00", "2026-03-02 20:00")
TOMORROW = ("2026-03-03 08:00", "2026-03-03 20:00")
SUPERVISOR = Actor("s-1")


@pytest.fixture
def book(engine: Engine) -> Book:
    """Ten in the morning. Mei and Lan are there, and each has two calls to make."""
    book = Book(engine, now="2026-03-02 10:00")
    book.staff("mei", "caller", capacity=4, shift=TODAY)
    for loan_id in ("L-1", "L-2"):
        give(book, loan_id)
    book.staff("lan", "caller", capacity=4, shift=TODAY)
    for loan_id in ("L-3", "L-4"):
        give(book, loan_id)
    assert open_calls(book) == {"L-1": "mei", "L-2": "mei", "L-3": "lan", "L-4": "lan"}
    return book


def give(book: Book, loan_id: str) -> None:
    book.loan(loan_id, due_on="2026-03-01")
    book.escalate(loan_id)
    assert assign_call(book.ctx, book.action_id(loan_id, "friendly_call")) == "assigned"


def open_calls(book: Book) -> dict[str, str]:
    """By loan, who has its call."""
    has = (
        select(loan.c.external_id, staff.c.external_id.label("staff"))
        .select_from(call.join(staff).join(loan, loan.c.id == call.c.loan_id))
        .where(call.c.cancelled_at.is_(None))
        .order_by(call.c.id)
    )
    return {row.external_id: row.staff for row in book.rows(has)}


def tell(book: Book, event: str, **payload: object) -> str:
    """The lender's own system says what happens to staff."""
    at = book.ctx.now().isoformat()
    settled = submit(
        book.ctx, f"{event}:{payload}:{at}", event, {"actor": "s-1", "at": at, **payload}
    )
    return str(settled.status)


def ill(book: Book, who: str, until: str | None = None) -> str:
    ends = book.moment(until).isoformat() if until else None
    return tell(book, "staff_absent", staff=who, kind="illness", until=ends)


def take_up(book: Book) -> None:
    """The workers take up every call that is due."""
    due = action.c.type == "assign_call", action.c.status == "planned"
    for row in book.rows(select(action.c.id).where(*due).order_by(action.c.id)):
        assign_call(book.ctx, row.id)


def sweep(book: Book) -> HandedOn:
    with book.ctx.engine.begin() as connection:
        return hand_on_what_must_be(connection, book.ctx, book.ctx.now())


def test_a_collector_falls_ill_at_noon_and_the_other_one_makes_the_calls(book: Book) -> None:
    # In the morning Mei speaks with the borrower of L-1, who asks to be called by nobody again.
    book.called("L-1", "mei", "spoke")
    book.at("2026-03-02 12:00")
    assert ill(book, "mei", until="2026-03-04 00:00") == "applied"
    # Her other call is planned again at once, and says why.
    waiting = book.action("L-2", "friendly_call")
    assert (waiting.status, waiting.due_at) == ("planned", book.ctx.now())
    assert waiting.reason == because(ReasonCode.HANDED_ON_ABSENT, staff="mei")
    take_up(book)
    assert open_calls(book)["L-2"] == "lan"
    # Nobody can make Mei's call by mistake, and Mei herself starts none.
    with pytest.raises(MayNotStartError, match="mei is absent now"):
        start_call(acting(book.ctx, Actor("mei")), "L-2", dry_run=True)
    with book.ctx.engine.connect() as connection:
        story = " ".join(line.text for line in loan_history(connection, book.ctx, "L-2"))
    assert "mei is absent; somebody else does it." in story


def test_an_absence_to_come_is_answered_as_one(book: Book) -> None:
    """Nobody reads that somebody is away who works until three."""
    for at, said in (
        ("2026-03-02T15:00:00+08:00", "mei will be absent from 2026-03-02 15:00;"),
        (book.ctx.now().isoformat(), "mei is absent;"),
    ):
        told = {"staff": "mei", "kind": "illness", "at": at, "until": None, "actor": "s-1"}
        settled = submit(book.ctx, f"away:{at}", "staff_absent", told)
        assert speak(settled.reason).startswith(said)


def test_a_call_that_is_being_made_stays_with_who_makes_it(book: Book) -> None:
    start_call(acting(book.ctx, Actor("mei")), "L-1", attempt="A-1")
    assert ill(book, "mei") == "applied"
    assert book.actions("L-1")["friendly_call"] == "assigned"
    assert book.actions("L-2")["friendly_call"] == "planned"
    # Nobody answered, so the call is still to be made: by somebody else.
    book._made("A-1", "no_answer", None, "mei")
    sweep(book)
    assert book.actions("L-1")["friendly_call"] != "assigned"


def test_an_absence_that_leaves_working_time_of_the_day_takes_nothing_away(book: Book) -> None:
    assert ill(book, "mei", until="2026-03-02 14:00") == "applied"
    assert open_calls(book)["L-1"] == "mei"
    with pytest.raises(RefusedError, match="mei is absent now"):
        start_call(acting(book.ctx, Actor("mei")), "L-1", dry_run=True)
    book.at("2026-03-02 14:00")
    assert start_call(acting(book.ctx, Actor("mei")), "L-1", dry_run=True)


def test_a_shift_that_ends_with_work_left_hands_it_on(book: Book) -> None:
    book.shift(2, *TOMORROW)
    book.at("2026-03-02 20:00")
    assert sweep(book) == HandedOn(calls=4)
    assert sweep(book) == HandedOn()
    take_up(book)
    assert book.action("L-1", "friendly_call").due_at == book.moment("2026-03-03 08:00")
    book.at("2026-03-03 08:00")
    take_up(book)
    assert set(open_calls(book).values()) == {"lan"}, "mei does not come on that day"


def test_whoever_leaves_has_no_work_and_no_access_any_more(book: Book) -> None:
    # She owes a callback, and has a text to read.
    attempt = start_call(acting(book.ctx, Actor("mei")), "L-1").attempt
    asked = {"outcome": "callback_requested", "reason": None, "actor": "mei"}
    at = book.moment("2026-03-03 15:00").isoformat()
    told = {"attempt": attempt, "callback_at": at, **asked}
    assert submit(book.ctx, "told", "contact_outcome", told).status == "applied"
    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).values(daily_capacity=20))
    text = InboundText("fake", "SM-1", book.numbers()[0], "Who are you?", None)
    record_inbound_text(book.ctx, text, help_is_answered=False)
    with book.ctx.engine.begin() as connection:
        connection.execute(update(reply).values(staff_id=1, assigned_at=book.ctx.now()))

    with pytest.raises(RefusedError, match="more than a year ahead"):
        tell(book, "staff_left", staff="mei", at="2027-03-04T10:00:00+08:00")
    assert tell(book, "staff_left", staff="mei") == "applied"
    owed = book.one(duty)
    assert (owed.owner, owed.staff) == ("team", None)
    assert assign_replies(book.ctx) == 1
    assert book.one(reply).staff_id == 2
    assert book.actions("L-1")["friendly_call"] == "planned"
    take_up(book)
    assert open_calls(book)["L-2"] == "lan"
    assert str(book.rows(staff)[0].left_on) == "2026-03-02"


def test_somebody_who_is_back_gets_work_again(book: Book) -> None:
    ill(book, "mei")
    ill(book, "lan")
    take_up(book)
    assert open_calls(book) == {}
    assert book.action("L-1", "friendly_call").due_at == book.moment("2026-03-03 00:00")
    assert tell(book, "staff_back", staff="mei") == "applied"
    give(book, "L-5")
    assert open_calls(book) == {"L-5": "mei"}


def test_a_later_word_about_an_absence_counts(book: Book) -> None:
    ill(book, "mei")
    book.at("2026-03-02 11:00")
    assert ill(book, "mei", until="2026-03-02 12:00") == "applied"
    first, second = book.rows(absence)
    assert first.ends_at == second.starts_at
    assert second.ends_at == book.moment("2026-03-02 12:00")


def test_leave_that_was_noted_for_later_outlasts_a_days_illness(book: Book) -> None:
    later = {"staff": "mei", "kind": "leave", "at": book.moment("2026-03-20 00:00").isoformat()}
    assert tell(book, "staff_absent", **later, until="2026-04-01T00:00:00+08:00") == "applied"
    book.at("2026-03-03 09:00")
    assert ill(book, "mei", until="2026-03-04 00:00") == "applied"
    assert tell(book, "staff_back", staff="mei") == "applied"
    book.at("2026-03-19 09:00")
    assert ill(book, "mei") == "applied"

    leave = book.rows(absence)[0]
    assert leave.ends_at == book.moment("2026-04-01 00:00")
    # Its own days are put right by naming its beginning again.
    assert tell(book, "staff_absent", **later, until="2026-03-23T00:00:00+08:00") == "applied"
    old, *_, new = book.rows(absence)
    assert (old.ends_at, new.ends_at) == (old.starts_at, book.moment("2026-03-23 00:00"))

    # With the same end and another beginning it begins then, earlier or later.
    book.at("2026-03-19 10:00")
    assert tell(book, "staff_back", staff="mei") == "applied"
    for at in ("2026-03-21T00:00:00+08:00", "2026-03-20T12:00:00+08:00"):
        moved = {**later, "at": at, "until": "2026-03-23T00:00:00+08:00"}
        assert tell(book, "staff_absent", **moved) == "applied"
    left = [row for row in book.rows(absence) if row.ends_at > row.starts_at][-1:]
    assert [row.starts_at for row in left] == [book.moment("2026-03-20 12:00")]
    # It is taken back by its beginning, and not by a word that she is back.
    book.at("2026-03-19 10:01")
    with pytest.raises(RefusedError, match="mei is not absent"):
        tell(book, "staff_back", staff="mei")
    with pytest.raises(RefusedError, match="Nothing is noted of mei that begins at"):
        tell(book, "staff_back", staff="mei", starts_at="2026-03-21T00:00:00+08:00")
    assert tell(book, "staff_back", staff="mei", starts_at="2026-03-20T12:00:00+08:00") == "applied"
    assert not [r for r in book.rows(absence) if r.ends_at > max(r.starts_at, book.ctx.now())]


def test_what_is_said_twice_is_known_and_what_cannot_be_is_refused(book: Book) -> None:
    with pytest.raises(RefusedError, match="mei is not absent, so there is nothing to end"):
        tell(book, "staff_back", staff="mei")
    ill(book, "mei", until="2026-03-03 00:00")
    book.at("2026-03-02 11:00")
    assert ill(book, "mei", until="2026-03-03 00:00") == "applied"
    assert len(book.rows(absence)) == 1, "known"
    assert ill(book, "mei", until="2026-03-04 00:00") == "applied", "another end is news"
    book.at("2026-03-04 00:00")
    with pytest.raises(RefusedError, match="mei is not absent"):
        tell(book, "staff_back", staff="mei")
    assert ill(book, "mei") == "applied", "ill again"
    assert len(book.rows(absence)) == 3


def test_whoever_left_is_back_once_the_roster_says_so(book: Book) -> None:
    assert tell(book, "staff_left", staff="mei") == "applied"
    book.at("2026-03-02 11:00")
    for said in ("staff_left", "staff_back"):
        with pytest.raises(RefusedError, match=r"mei left on 2026-03-02\. If they work here again"):
            tell(book, said, staff="mei")
    with pytest.raises(RefusedError, match="mei left on 2026-03-02"):
        ill(book, "mei")
    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).values(left_on=None))  # as a newer roster does
    assert tell(book, "staff_back", staff="mei") == "applied"
    give(book, "L-5")
    assert "mei" in open_calls(book).values()


def test_a_departure_that_is_to_come_may_be_put_right(book: Book) -> None:
    tell(book, "staff_left", staff="mei", at="2026-03-31T00:00:00+08:00")
    tell(book, "staff_left", staff="mei", at="2026-04-30T00:00:00+08:00")
    assert str(book.rows(staff)[0].left_on) == "2026-04-30"
    first, second = book.rows(absence)
    assert (first.ends_at, second.ends_at) == (first.starts_at, None)
    with pytest.raises(RefusedError, match="2025-03-05"):
        tell(book, "staff_left", staff="mei", at="2025-03-05T00:00:00+08:00")
    assert tell(book, "staff_back", staff="mei", starts_at="2026-04-30T00:00:00+08:00") == "applied"
    assert book.rows(staff)[0].left_on is None


def test_an_absence_of_nobody_or_that_is_over_is_refused(book: Book) -> None:
    with pytest.raises(RefusedError, match="Nobody on the roster has the reference anna"):
        ill(book, "anna")
    with pytest.raises(RefusedError, match="or over"):
        ill(book, "mei", until="2026-03-02 09:00")
    assert book.rows(absence) == []


def test_who_complained_about_a_collector_is_called_by_another_one(book: Book) -> None:
    person = book.rows(borrower)[0].person_id
    with book.ctx.engine.begin() as connection:
        done = must_not_handle(
            connection, book.ctx, 1, person, "She was rude.", SUPERVISOR, book.ctx.now()
        )
    assert done == HandedOn(calls=1)
    reason = because(ReasonCode.HANDED_ON_MUST_NOT_HANDLE, staff="mei")
    assert book.action("L-1", "friendly_call").reason == reason
    take_up(book)
    assert open_calls(book)["L-1"] == "lan"
    assert open_calls(book)["L-2"] == "mei"


def test_a_visit_that_a_visitor_cannot_make_is_called_off_and_planned_again(book: Book) -> None:
    book.loan("L-9", due_on="2026-01-20")
    book.escalate("L-9")
    for visitor in ("v-1", "v-2"):
        book.staff(visitor, "visitor")
    action_id = book.action_id("L-9", "field_visit")
    assert schedule_visit(book.ctx, action_id) == "scheduled"
    at = book.rows(visit)[0].starts_at
    until = at.astimezone(book.zone).strftime("%Y-%m-%d 23:00")
    assert ill(book, "v-1", until=until) == "applied"
    assert book.action("L-9", "field_visit").status == "planned"
    reason = because(ReasonCode.HANDED_ON_ABSENT, staff="v-1")
    assert book.action("L-9", "field_visit").reason == reason


def test_a_supervisor_takes_all_calls_of_somebody(book: Book) -> None:
    assert hand_on_all(acting(book.ctx, SUPERVISOR), "mei") == HandedOn(calls=2)
    assert {row.pieces for row in book.rows(collector_day)} == {0, 2}
    assert book.rows(contact) == []


def test_who_makes_no_calls_any_more_keeps_none(book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        became = update(staff).where(staff.c.external_id == "mei").values(roles=["supervisor"])
        connection.execute(became)
        handed = hand_on_what_must_be(connection, book.ctx, book.ctx.now())
    assert handed == HandedOn(calls=2)
    for loan_id in ("L-1", "L-2"):
        why = book.one(
            select(action.c.reason).where(action.c.id == book.action_id(loan_id, "friendly_call"))
        ).reason
        assert why == because(ReasonCode.HANDED_ON_MAKES_NO_CALLS, staff="mei")
