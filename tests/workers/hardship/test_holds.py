"""Holds and disputes pause everything that reaches a borrower, and call off what was arranged."""

from datetime import date

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor, ActorKind, Role
from domain.disputes import Matter
from domain.errors import RefusedError
from domain.language.speak import speak
from domain.permissions import Permission
from domain.reasons import ReasonCode, because
from domain.second_person import RequestStatus
from tests.support.events import place, store, tell
from tests.support.loans import Book
from tests.support.matters import answer_matter
from workers.access.requests import decide
from workers.access.second_person import SecondPersonNeededError
from workers.calls.assign import assign_call
from workers.context import Context
from workers.db.schema import call, document, hold, loan, visit, visit_staff
from workers.inbox.submit import submit
from workers.legal.legal_files import open_legal_file
from workers.simulator.demo.integrity import count_duplicates, count_unexplained
from workers.visits.schedule import schedule_visit

DISPUTE = {
    "dispute": "D-1",
    "loan": "L-1",
    "starts_on": "2026-03-02",
    "why": "the borrower says it was paid",
    "actor": "col-1",
}


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1")
    book.escalate("L-1")
    return book


def with_a_visit(engine: Engine, days_past_due_on: str = "2026-03-31 10:00") -> Book:
    """L-1 on its day 30, with a visit planned and two people who could make it."""
    book = Book(engine, now=days_past_due_on)
    book.loan("L-1")
    for who in ("v-1", "v-2"):
        book.staff(who, "visitor")
    book.escalate("L-1")
    return book


def test_a_dispute_stops_a_text_until_it_is_decided(book: Book) -> None:
    settled = tell(book, "dispute", **DISPUTE)
    pauses = because(ReasonCode.LADDER_PAUSES_UNTIL_CLOSED, loan="L-1", starts_on="2026-03-02")
    assert settled.reason[:1] == pauses

    assert book.send("L-1", "text_day_1") == "nothing to do"
    assert book.one(loan).review_on is None

    book.at("2026-03-03 10:00")
    decided = answer_matter(book, Matter.DISPUTE, "D-1", "rejected", "records_differ")
    assert decided.status == "applied"
    assert book.one(loan).review_on == date(2026, 3, 3)
    assert book.send("L-1", "text_day_1") == "accepted"


@pytest.mark.parametrize("day", ["2026-03-31 10:00", "2026-04-30 10:00"])
def test_a_hold_stops_calls_visits_and_legal_files(engine: Engine, day: str) -> None:
    book = with_a_visit(engine, day)
    book.staff("c-1", "caller", shift=("2026-03-01 00:00", "2026-05-01 00:00"))
    place(book, "vulnerability", "2026-03-31")

    work = {
        "friendly_call": assign_call,
        "enquiry_call": assign_call,
        "field_visit": schedule_visit,
        "legal_file": open_legal_file,
    }
    for item, status in book.actions("L-1").items():
        if status == "planned" and item in work:
            assert work[item](book.ctx, book.action_id("L-1", item)) == "nothing to do"
            assert book.action("L-1", item).rules == ["lender.on_hold"]
    assert book.rows(call) == book.rows(visit) == []


def count_duplicates_in(book: Book) -> int:
    with book.ctx.engine.connect() as connection:
        return count_duplicates(connection) + count_unexplained(connection, book.ctx)


def test_a_hold_calls_off_a_call_that_was_assigned_and_nothing_else(book: Book) -> None:
    book.staff("c-1", "caller", shift=("2026-03-02 09:00", "2026-03-02 18:00"))
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"

    place(book, "manual", "2026-03-02", "2026-03-04")

    assert book.one(call).cancelled_at is not None
    assert book.actions("L-1") == {"text_day_1": "planned", "friendly_call": "cancelled"}
    assert book.action("L-1", "friendly_call").reason == because(ReasonCode.PAUSED)


def test_a_call_that_a_hold_called_off_is_made_after_it_and_not_thought_to_have_been(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-03-08 10:00")
    book.loan("L-1", steps_tried=["remind"])
    shift = ("2026-03-08 09:00", "2026-04-30 18:00")
    book.staff("c-1", "caller", shift=shift)
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "assigned"
    place(book, "manual", "2026-03-08", "2026-03-10")

    book.at("2026-03-10 10:00").escalate("L-1")

    assert book.actions("L-1")["enquiry_call"] == "planned", "its days have not passed"
    assert assign_call(book.ctx, book.action_id("L-1", "enquiry_call")) == "assigned"
    assert [row.cancelled_at is None for row in book.rows(select(call).order_by(call.c.id))] == [
        False,
        True,
    ]


def test_a_visit_that_a_hold_called_off_is_assigned_anew_with_a_letter_of_its_own(
    engine: Engine,
) -> None:
    book = with_a_visit(engine)
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"
    place(book, "moratorium", "2026-03-31", "2026-04-08")
    assert book.actions("L-1")["field_visit"] == "cancelled"

    book.at("2026-04-08 10:00").escalate("L-1")
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"

    first, second = book.rows(select(visit).order_by(visit.c.id))
    assert (first.cancelled_at is None, second.cancelled_at) == (False, None)
    assert len(book.rows(document)) == 2
    assert count_duplicates_in(book) == 0


@pytest.mark.parametrize(
    ("ends_on", "called_off"), [("2026-04-02", False), ("2026-04-30", True), (None, True)]
)
def test_a_hold_calls_off_the_visits_of_its_days(
    engine: Engine, ends_on: str | None, called_off: bool
) -> None:
    book = with_a_visit(engine)
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"
    assert book.one(visit).starts_at.date() > date(2026, 4, 1)

    place(book, "moratorium", "2026-03-31", ends_on)

    assert (book.one(visit).cancelled_at is not None) is called_off
    freed = [row.cancelled_at is not None for row in book.rows(visit_staff)]
    assert freed == [called_off] * 2, "the visitors are free again"


def test_a_hold_of_days_to_come_lets_today_be(book: Book) -> None:
    place(book, "arrangement", "2026-03-10", "2026-03-20")
    assert book.send("L-1", "text_day_1") == "accepted"


def test_the_same_hold_told_twice_is_one(book: Book) -> None:
    place(book, "manual", "2026-03-02")
    known = place(book, "manual", "2026-03-02")
    assert known.reason == because(ReasonCode.HOLD_KNOWN, hold_id="H-1")
    assert len(book.rows(hold)) == 1


def test_a_release_told_late_or_twice_never_makes_a_hold_longer(book: Book) -> None:
    place(book, "manual", "2026-03-02")
    tell(book, "release", hold="H-1", ends_on="2026-03-05")
    late = tell(book, "release", hold="H-1", ends_on="2026-03-08")
    assert late.reason == because(ReasonCode.HOLD_OVER_BY_THEN, hold_id="H-1")
    assert book.one(hold).ends_on == date(2026, 3, 5)


def test_who_mistypes_a_year_is_asked_and_a_system_may_say_what_is_older(book: Book) -> None:
    said = {"loan": "L-1", "kind": "manual", "why": "x", "ends_on": None, "actor": "c-1"}
    long_ago = said | {"hold": "H-9", "starts_on": "2025-03-02"}
    with pytest.raises(RefusedError, match="2025-03-02 is long ago"):
        submit(book.ctx, "hold:H-9", "hold", long_ago)
    disputed = {"dispute": "D-1", "loan": "L-1", "why": "x", "actor": "c-1"}
    disputed |= {"starts_on": "2026-03-02", "received_at": "2025-03-02T09:00:00+08:00"}
    with pytest.raises(RefusedError, match="is long ago"):
        submit(book.ctx, "dispute:D-1", "dispute", disputed)
    assert book.rows(hold) == []
    assert place(book, "manual", "2025-03-02").status == "applied"


def test_a_release_does_not_end_a_hold_before_its_first_day(book: Book) -> None:
    place(book, "manual", "2026-03-02")
    early = tell(book, "release", hold="H-1", ends_on="2026-02-02")
    assert (early.status, book.one(hold).ends_on) == ("rejected", None)
    assert tell(book, "release", hold="H-1", ends_on="2026-03-02").status == "applied"


def test_a_release_that_overtakes_its_hold_waits_for_it(book: Book) -> None:
    assert tell(book, "release", hold="H-1", ends_on="2026-03-05").status == "received"


@pytest.mark.parametrize(
    ("kind", "ends_on", "says"),
    [
        ("promise", None, "not a kind of hold"),
        ("holiday", None, "not a kind of hold"),
        ("manual", "2026-03-01", "before it starts"),
    ],
)
def test_a_hold_that_cannot_be_meant_is_rejected(
    book: Book, kind: str, ends_on: str | None, says: str
) -> None:
    settled = place(book, kind, "2026-03-02", ends_on)
    assert (settled.status, says in speak(settled.reason)) == ("rejected", True)


@pytest.mark.parametrize("kind", ["dispute", "hold", "promise", "write_off"])
def test_a_pending_event_stops_a_text(book: Book, kind: str) -> None:
    store(book, kind, loan="L-1")

    assert book.send("L-1", "text_day_1") == "nothing to do"
    assert book.action("L-1", "text_day_1").rules == ["lender.event_pending"]


def test_a_pending_event_of_another_loan_or_of_a_release_stops_nothing(book: Book) -> None:
    store(book, "dispute", loan="L-2")
    store(book, "release", hold="H-1", ends_on="2026-03-05")
    assert book.send("L-1", "text_day_1") == "accepted"


def in_the_uk(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00", zone="Europe/London")
    book.loan("L-1", due_on="2026-03-01", jurisdiction="GB")
    return book


def test_a_breathing_space_lasts_sixty_days_where_nobody_names_its_end(engine: Engine) -> None:
    """The Debt Respite Scheme Regulations 2020, SI 2020/1311."""
    book = in_the_uk(engine)
    assert "pause from 2026-03-02 up to 2026-05-01" in speak(
        place(book, "breathing_space", "2026-03-02").reason
    )
    assert book.one(hold).ends_on == date(2026, 5, 1)


def test_a_breathing_space_lasts_as_long_as_whoever_places_it_says(engine: Engine) -> None:
    book = in_the_uk(engine)
    place(book, "breathing_space", "2026-03-02", "2026-03-20")
    assert book.one(hold).ends_on == date(2026, 3, 20)


def test_a_crisis_of_mental_health_lasts_thirty_days_longer_than_its_treatment(
    engine: Engine,
) -> None:
    """SI 2020/1311: until thirty days after the day on which the treatment ends."""
    book = in_the_uk(engine)
    place(book, "mental_health_crisis", "2026-03-02")
    assert book.one(hold).ends_on is None, "nobody knows how long the treatment will take"
    tell(book, "release", hold="H-1", ends_on="2026-06-01")
    assert book.one(hold).ends_on == date(2026, 7, 1)


@pytest.mark.parametrize("kind", ["deferral", "insolvency", "deceased", "legal_stay"])
def test_what_no_law_gives_an_end_lasts_until_it_is_released(book: Book, kind: str) -> None:
    place(book, kind, "2026-03-02")
    assert book.one(hold).ends_on is None
    assert book.send("L-1", "text_day_1") == "nothing to do"


def test_a_collector_pauses_for_two_weeks_alone_and_longer_once_a_supervisor_agrees(
    book: Book,
) -> None:
    """At every door; nothing is paused that is over, and nobody pauses until 2099."""
    for who, role in (("c-1", "caller"), ("s-1", "supervisor")):
        book.staff(who, role)
    collector, supervisor = (
        book.ctx.acting(Actor(who, ActorKind.STAFF, roles=frozenset({role})))
        for who, role in (("c-1", Role.CALLER), ("s-1", Role.SUPERVISOR))
    )
    told = {"hold": "H-1", "loan": "L-1", "kind": "manual", "starts_on": "2026-03-02"}

    def placed(ctx: Context, ends_on: str | None, **more: str) -> str:
        said = {**told, "ends_on": ends_on, "why": "a letter", "actor": "c-1", **more}
        return submit(ctx, f"hold:{said['hold']}", "hold", said).status

    for ctx in (collector, supervisor):
        for ends_on, starts_on, why in (
            ("2026-03-01", "2026-02-01", "it would pause nothing"),
            ("2026-03-02", "2026-03-02", "it would pause nothing"),
            ("2099-01-01", "2026-03-02", "Nobody places one beyond 2027-03-03"),
            (None, "2098-01-01", "No hold starts after 2027-03-03"),
        ):
            with pytest.raises(RefusedError, match=why):
                placed(ctx, ends_on, starts_on=starts_on)
    for ends_on in (None, "2026-06-01"):
        with pytest.raises(SecondPersonNeededError, match="holds:agree"):
            placed(collector, ends_on)
        with pytest.raises(RefusedError, match="longer than somebody may alone"):
            placed(collector, ends_on, loan="L-404")  # it would be applied later, unasked
    assert book.rows(hold) == []
    with pytest.raises(SecondPersonNeededError) as needed:
        placed(collector, "2026-06-01")
    request = needed.value.values["id"]
    assert isinstance(request, int)
    decide(supervisor, request, RequestStatus.GRANTED)
    assert placed(collector, "2026-06-01") == "applied"
    assert placed(collector, "2026-03-16", hold="H-2") == "applied"
    assert placed(supervisor, None, hold="H-3") == "applied"
    machine = book.ctx.acting(
        Actor("dialer", ActorKind.MACHINE, scopes=frozenset({Permission.RECORD_HOLDS}))
    )
    with pytest.raises(RefusedError, match="until 2026-03-16 at the latest"):
        placed(machine, None, hold="H-4")
    with pytest.raises(SecondPersonNeededError, match="until 2026-03-02"):
        placed(collector, "2026-03-03", hold="H-5", starts_on="2026-02-16")  # of days that are past
    book.at("2026-03-16 10:00")
    with pytest.raises(SecondPersonNeededError, match="until 2026-03-16"):
        placed(collector, "2026-03-17", hold="H-5", starts_on="2026-03-16")  # right after the other
