"""Scheduling visits: two people, a lawful slot, a written notice, nobody in two places."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from domain.actions import SCHEDULE_VISIT
from domain.actors import Actor
from domain.collectors import Span
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.rules import packs_for
from domain.compliance.verdict import Permission
from domain.compliance.vocabulary import Channel, Party
from domain.holds import HoldKind
from domain.ladder import Item, Ladder, Step
from domain.language.speak import speak
from domain.reasons import ReasonCode, because
from tests.support.acting import acting
from tests.support.concurrently import concurrently
from tests.support.counting import statements
from tests.support.encrypted import opened
from tests.support.events import tell, tell_personal
from tests.support.loans import ADDRESS, NAME, Book, shipped_policy
from tests.workers.borrowers.test_parties import party
from workers.attempts.duties import end_duty
from workers.calls.assign import assign_call
from workers.calls.start import start_call
from workers.db.callers import read_callers
from workers.db.party_checks import sees_person
from workers.db.schema import call, contact, document, duty, problem, staff, visit, visit_staff
from workers.inbox.event_data.persons import RepresentativeFacts
from workers.payments.payments import Payment, record_payment
from workers.staff.next_work import NothingToServe, next_for
from workers.visits.schedule import LawfulSlots, schedule_visit
from workers.workforce.members import MayNotStartError


@pytest.fixture
def book(engine: Engine) -> Book:
    """Ten in the morning, thirty days past due."""
    return Book(engine, now="2026-03-31 10:00")


def due_visit(book: Book, loan: str = "L-1", **more: object) -> int:
    book.loan(loan, due_on="2026-03-01", **more)  # type: ignore[arg-type]
    book.escalate(loan)
    return book.action_id(loan, "field_visit")


def two_visitors(book: Book, **more: object) -> None:
    for number in (1, 2):
        book.staff(f"visitor-{number}", "visitor", **more)  # type: ignore[arg-type]


def test_a_visit_is_in_the_first_slot_after_the_notice_and_two_people_go(book: Book) -> None:
    two_visitors(book)
    action_id = due_visit(book)
    assert schedule_visit(book.ctx, action_id) == "scheduled"
    assert schedule_visit(book.ctx, action_id) == "nothing to do"
    planned = book.one(visit)
    assert planned.starts_at == book.moment("2026-04-03 09:00")
    assert planned.ends_at == book.moment("2026-04-03 11:00")
    assert [row.starts_at for row in book.rows(visit_staff)] == [planned.starts_at] * 2
    assert book.actions("L-1")["field_visit"] == "assigned"
    reserved = book.one(contact)
    assert (reserved.channel, reserved.at) == ("visit", planned.starts_at)
    assert reserved.rule_packs == ["cn v6", "lender v4"]


@pytest.mark.parametrize(
    ("starts", "ends", "visit_at"),
    [
        ("09:30", "10:30", "2026-04-03 11:00"),
        ("09:30", "16:45", "2026-04-03 17:00"),
        ("08:00", "09:00", "2026-04-03 09:00"),
        ("10:01", "10:14", "2026-04-03 11:00"),
        ("10:59", "11:01", "2026-04-03 13:00"),
        ("09:00", "09:01", "2026-04-03 11:00"),
        ("11:00", "11:05", "2026-04-03 13:00"),
    ],
)
def test_a_visit_keeps_clear_of_a_time_that_lies_within_its_hours(
    book: Book, starts: str, ends: str, visit_at: str
) -> None:
    two_visitors(book)
    action_id = due_visit(book)
    time = {"days": ["fri"], "starts": starts, "ends": ends}
    said = {"borrower": "B-L-1", "fact": "inconvenient_time", "time": time, "actor": "c-1"}
    tell(book, "person_fact", **said)
    assert schedule_visit(book.ctx, action_id) == "scheduled"
    assert book.one(visit).starts_at == book.moment(visit_at)


def test_a_visit_at_a_time_that_becomes_inconvenient_is_called_off_and_scheduled_anew(
    book: Book,
) -> None:
    two_visitors(book)
    action_id = due_visit(book)
    schedule_visit(book.ctx, action_id)
    said = {"borrower": "B-L-1", "fact": "inconvenient_time", "actor": "c-1"}
    evenings = {"days": ["fri"], "starts": "18:00", "ends": "22:00"}
    tell(book, "person_fact", **said, time=evenings)
    assert book.actions("L-1")["field_visit"] == "assigned", "it is in the morning"

    tell(book, "person_fact", **said, time={"days": ["fri"], "starts": "10:45", "ends": "12:00"})
    assert book.actions("L-1")["field_visit"] == "planned"
    assert "The borrower called this time inconvenient" in speak(
        book.action("L-1", "field_visit").reason
    )
    assert schedule_visit(book.ctx, action_id) == "scheduled"
    first, second = book.rows(visit)
    assert (first.cancelled_at is not None, second.starts_at) == (
        True,
        book.moment("2026-04-03 13:00"),
    )


def test_a_visit_to_a_home_that_becomes_inconvenient_is_called_off(book: Book) -> None:
    two_visitors(book)
    action_id = due_visit(book)
    schedule_visit(book.ctx, action_id)
    said = {"borrower": "B-L-1", "fact": "inconvenient_place", "place": "home", "actor": "c-1"}
    tell(book, "person_fact", **said)
    assert book.one(visit).cancelled_at is not None
    assert schedule_visit(book.ctx, action_id) == "nothing to do"
    assert book.action("L-1", "field_visit").status == "deferred"
    assert [row.kind for row in book.rows(problem)] == ["inconvenient_place"]


def test_the_written_notice_says_who_comes_when_and_is_encrypted(book: Book) -> None:
    two_visitors(book)
    schedule_visit(book.ctx, due_visit(book))
    notice = book.one(document)
    assert notice.kind == "written_notice"
    assert NAME.encode() not in bytes(notice.body_encrypted)
    letter = opened(book, document.c.body_encrypted)[0]
    assert NAME in letter
    assert "visitor-1、visitor-2" in letter or "visitor-1, visitor-2" in letter
    assert "2026年4月3日 09:00–11:00" in letter
    assert ADDRESS in letter, "it goes there and nowhere else"


def test_two_visits_that_race_for_the_same_people_get_different_slots(book: Book) -> None:
    two_visitors(book)
    visits = [due_visit(book, f"L-{number}") for number in (1, 2, 3)]
    outcomes = concurrently(*(partial(schedule_visit, book.ctx, visit_id) for visit_id in visits))
    assert outcomes == ["scheduled"] * 3
    assert sorted(row.starts_at for row in book.rows(visit)) == [
        book.moment(f"2026-04-03 {hour}:00") for hour in ("09", "11", "13")
    ]


def test_two_workers_with_one_visit_schedule_it_once(book: Book) -> None:
    two_visitors(book)
    schedule = partial(schedule_visit, book.ctx, due_visit(book))
    assert sorted(concurrently(schedule, schedule)) == ["nothing to do", "scheduled"]
    assert len(book.rows(visit)) == 1


def test_the_database_itself_keeps_people_out_of_two_places(book: Book) -> None:
    two_visitors(book)
    schedule_visit(book.ctx, due_visit(book))
    taken = book.rows(visit_staff)[0]
    other = due_visit(book, "L-2")
    with book.ctx.engine.begin() as connection:
        second = connection.execute(
            insert(visit)
            .values(
                loan_id=book.loan_id("L-2"),
                action_id=other,
                purpose="an overlap",
                starts_at=book.moment("2026-04-03 10:00"),
                ends_at=book.moment("2026-04-03 12:00"),
                scheduled_at=book.clock.at,
            )
            .returning(visit.c.id, visit.c.starts_at, visit.c.ends_at)
        ).one()
    overlap = {"visit_id": second.id, "starts_at": second.starts_at, "ends_at": second.ends_at}
    with (
        pytest.raises(IntegrityError, match="visit_staff_one_place_at_a_time"),
        book.ctx.engine.begin() as connection,
    ):
        connection.execute(insert(visit_staff).values(staff_id=taken.staff_id, **overlap))


def test_visitors_go_where_they_serve(book: Book) -> None:
    two_visitors(book, regions=["440000"])
    assert schedule_visit(book.ctx, due_visit(book, "L-1", region="310000")) == "nobody free"
    waiting = book.action("L-1", "field_visit")
    assert waiting.status == "planned"
    assert waiting.reason == because(ReasonCode.NO_TWO_VISITORS, days=21)
    assert waiting.due_at == book.moment("2026-04-01 00:00")
    assert book.rows(contact) == []
    assert schedule_visit(book.ctx, due_visit(book, "L-2", region="440000")) == "scheduled"


def test_shifts_move_a_visit_to_a_slot_in_which_both_work(book: Book) -> None:
    book.staff("v-1", "visitor", shift=("2026-04-03 12:00", "2026-04-03 18:00"))
    book.staff("v-2", "visitor", shift=("2026-04-03 14:00", "2026-04-03 18:00"))
    schedule_visit(book.ctx, due_visit(book))
    assert book.one(visit).starts_at == book.moment("2026-04-03 15:00")


def test_a_slot_is_lawful_from_its_beginning_to_its_end() -> None:
    """In India contact ends at 19:00, so a visit that would last until then is not planned."""
    facts = ContactFacts(
        past_due=Decimal(1),
        zones=("Asia/Kolkata",),
        lender_zone="Asia/Kolkata",
        packs=packs_for(shipped_policy().rule_packs, "IN"),
        reachable=frozenset({Channel.VISIT}),
    )
    at_night = datetime(2026, 3, 31, 23, 30, tzinfo=ZoneInfo("Asia/Kolkata"))
    lawful = LawfulSlots(at_night)
    assert lawful(facts).permission is Permission.ALLOWED
    assert {slot.starts_at.hour for slot in lawful.slots} == {9, 11, 13, 15}


def test_no_visit_is_announced_while_a_hold_pauses_the_ladder(book: Book) -> None:
    two_visitors(book)
    action_id = due_visit(book)
    book.hold("L-1", HoldKind.DISPUTE, "2026-03-31", "2026-04-01")
    assert schedule_visit(book.ctx, action_id) == "nothing to do"
    assert book.actions("L-1")["field_visit"] == "deferred"
    assert book.rows(document) == []


def test_a_hold_to_come_keeps_its_days_free_of_visits(book: Book) -> None:
    two_visitors(book)
    action_id = due_visit(book)
    book.hold("L-1", HoldKind.MORATORIUM, "2026-04-02", "2026-04-10")
    assert schedule_visit(book.ctx, action_id) == "scheduled"
    assert book.one(visit).starts_at == book.moment("2026-04-10 09:00")


def test_without_an_address_or_a_time_zone_nobody_is_sent(book: Book) -> None:
    two_visitors(book)
    assert schedule_visit(book.ctx, due_visit(book, "L-1", address=None)) == "nothing to do"
    assert schedule_visit(book.ctx, due_visit(book, "L-2", zones=[])) == "nothing to do"
    deferred = [book.action(loan, "field_visit") for loan in ("L-1", "L-2")]
    assert [(action.status, action.due_at) for action in deferred] == [("deferred", None)] * 2


def test_a_visit_costs_as_many_statements_for_the_tenth_slot_as_for_the_first(book: Book) -> None:
    two_visitors(book)
    counts: Counter[int] = Counter()
    for number in range(10):
        action_id = due_visit(book, f"L-{number}")
        with statements(book.ctx.engine) as sent:
            assert schedule_visit(book.ctx, action_id) == "scheduled"
        counts[len(sent)] += 1
    assert len(counts) == 1
    assert max(counts) <= 13  # one of them locks the address
    assert len(book.rows(select(visit.c.starts_at).distinct())) == 10


def test_a_visit_counts_as_tried_once_its_visitors_say_what_came_of_it(engine: Engine) -> None:
    book = Book(engine, now="2026-05-02 10:00")
    two_visitors(book)
    book.loan("L-1", due_on="2026-03-01", steps_tried=("remind", "enquire"))
    book.escalate("L-1")
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"
    ends_at = book.one(visit).ends_at

    book.clock.at = ends_at + timedelta(days=1)
    book.escalate("L-1")
    assert "legal_file" not in book.actions("L-1"), "nobody has said that anybody went"

    book.visited("L-1", "visitor-1", "spoke_with_other")
    with book.ctx.engine.connect() as connection:
        assert not sees_person(connection, "visitor-1", "L-1", ends_at - timedelta(days=1))
    book.clock.at = ends_at + timedelta(days=2)
    book.escalate("L-1")
    assert book.actions("L-1")["legal_file"] == "awaiting_approval"


def test_money_that_comes_in_calls_the_visit_off_and_frees_the_visitors(book: Book) -> None:
    two_visitors(book)
    schedule_visit(book.ctx, due_visit(book))
    with book.ctx.engine.begin() as connection:
        paid = Payment("P-1", "L-1", Decimal(1000), "CNY", book.ctx.today())
        record_payment(connection, book.ctx, paid)

    assert book.one(visit).cancelled_at is not None
    assert all(row.cancelled_at for row in book.rows(visit_staff))
    assert schedule_visit(book.ctx, due_visit(book, "L-2")) == "scheduled", "by the same two"


def test_where_nobody_speaks_the_language_the_reason_says_so(engine: Engine) -> None:
    book = Book(engine, now="2026-03-31 10:00")
    for number in (1, 2):
        book.staff(f"v-{number}", "visitor", languages=("en",))
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")

    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "nobody free"
    waiting = book.action("L-1", "field_visit")
    assert waiting.reason == because(ReasonCode.NO_VISITOR_SPEAKS, language="zh-Hans")


def with_a_visit_to_guarantors(ladder: Ladder) -> Ladder:
    """The ladder with one more item: whoever guarantees a loan is visited too."""

    def more(step: Step) -> tuple[Item, ...]:
        visits = [item for item in step.items if item.do is SCHEDULE_VISIT]
        theirs = [replace(item, id="guarantor_visit", to=Party.GUARANTOR) for item in visits]
        return (*step.items, *theirs)

    return replace(ladder, steps=tuple(replace(step, items=more(step)) for step in ladder.steps))


STOPS_VISITS: dict[str, Callable[[Book, str], object]] = {
    "somebody acts for the person": lambda book, record: tell_personal(
        book,
        "representative",
        RepresentativeFacts,
        borrower=record,
        kind="attorney",
        phone="+8613900139007",
        actor="c-1",
    ),
    "no visits": lambda book, record: tell(
        book, "opt_out", borrower=record, channel="visit", actor="c-1"
    ),
    "not at work": lambda book, record: [
        tell(book, "address_fact", borrower=record, fact="at_work", actor="c-1"),
        tell(book, "person_fact", borrower=record, fact="employer_forbids", actor="c-1"),
    ],
}


@pytest.mark.parametrize("fact", STOPS_VISITS)
def test_a_fact_that_stops_a_visit_calls_off_the_one_that_is_scheduled_of_whomever_it_is_true(
    engine: Engine, fact: str
) -> None:
    shipped = shipped_policy()
    ladders = tuple(with_a_visit_to_guarantors(ladder) for ladder in shipped.ladders)
    book = Book(engine, now="2026-03-31 10:00", policy=replace(shipped, ladders=ladders))
    two_visitors(book)
    book.loan("L-1", due_on="2026-03-01")
    party(book, "G-1", name="Wu Guarantor", address="9 Road", zones=["Asia/Shanghai"])
    book.staff("s-1", "supervisor")
    book.escalate("L-1")
    items = {"B-L-1": "field_visit", "G-1": "guarantor_visit"}
    for item in items.values():
        assert schedule_visit(book.ctx, book.action_id("L-1", item)) == "scheduled"

    left = dict(items)
    for record in ("G-1", "B-L-1"):
        assert {book.actions("L-1")[item] for item in left.values()} == {"assigned"}
        STOPS_VISITS[fact](book, record)
        called_off = book.action("L-1", left.pop(record))
        assert called_off.status == "planned"
        assert schedule_visit(book.ctx, called_off.id) == "nothing to do"
    assert {row.cancelled_at for row in book.rows(visit_staff)} == {book.clock.at}
    assert {book.actions("L-1")[item] for item in items.values()} <= {"deferred", "barred"}


def test_who_calls_and_visits_does_one_of_them_at_a_time(book: Book) -> None:
    """Somebody asked one of them to call at half past nine, and somebody else, who rang, the other
    at half past eleven. So the visit is after that. During it its visitors make no calls, and it
    uses up its part of their day."""
    for number in (1, 2):
        book.staff(f"visitor-{number}", "caller", "visitor")
        for day in ("2026-03-31", "2026-04-03"):
            book.shift(number, f"{day} 09:00", f"{day} 18:00")
    book.loan("L-9", due_on="2026-03-29", phone="+8613800138009")
    book.escalate("L-9")
    assert assign_call(book.ctx, book.action_id("L-9", "friendly_call")) == "assigned"
    (who,) = book.rows(select(staff.c.external_id).join(call, call.c.staff_id == staff.c.id))
    theirs = acting(book.ctx, Actor(who.external_id))
    start_call(theirs, "L-9", attempt="c-1")
    asked = {"callback_at": book.moment("2026-04-03 09:30").isoformat(), "reason": None}
    told = {"attempt": "c-1", "outcome": "callback_requested", "actor": who.external_id} | asked
    assert tell(book, "contact_outcome", **told).status == "applied"

    other = {"visitor-1", "visitor-2"} - {who.external_id}
    book.loan("L-8", due_on="2026-03-29", phone="+8613800138008")
    rang = {"contact": "in-1", "loan": "L-8", "channel": "call", "at": book.ctx.now().isoformat()}
    at = {"callback_at": book.moment("2026-04-03 11:30").isoformat(), "reason": None}
    told = {**rang, "outcome": "callback_requested", "actor": other.pop(), **at}
    assert tell(book, "inbound_contact", **told).status == "applied"

    assert schedule_visit(book.ctx, due_visit(book)) == "scheduled"
    planned = book.one(visit)
    assert planned.starts_at == book.moment("2026-04-03 13:00")
    now = book.at("2026-04-03 13:05").ctx.now()
    with book.ctx.engine.connect() as connection:
        free = read_callers(connection, now, now + timedelta(days=1), 75)
    after = Span(planned.ends_at, book.moment("2026-04-03 18:00"))
    assert [each.working for each in free] == [(after,), (after,)]
    nothing = next_for(theirs)
    assert isinstance(nothing, NothingToServe)
    assert nothing.ask_again_at == planned.ends_at
    with pytest.raises(MayNotStartError, match="makes no calls before its outcome is reported"):
        start_call(theirs, "L-9")

    # With 45 minutes at the door and 30 on the way, a day of 80 has room for one call of five.
    book.at("2026-04-03 15:30")
    of_day(book, 80)
    for loan in ("L-5", "L-6", "L-7"):
        book.loan(loan, due_on="2026-04-01", phone=f"+861380013801{loan[-1]}")
        book.escalate(loan)
    calls = [book.action_id(loan, "friendly_call") for loan in ("L-5", "L-6", "L-7")]
    given = [assign_call(book.ctx, each) for each in calls]
    assert sorted(given) == ["assigned", "assigned", "nobody free"]
    book.staff("s-1", "supervisor")
    for owed in book.rows(duty):
        end_duty(acting(book.ctx, Actor("s-1")), owed.id)
    of_day(book, 79)
    nothing = next_for(theirs)
    assert isinstance(nothing, NothingToServe)
    assert "take 75 minutes of it" in speak(nothing.why)
    with pytest.raises(MayNotStartError, match="take 75 minutes of it"):
        start_call(theirs, "L-9")


def of_day(book: Book, minutes: int) -> None:
    """Everybody's day has so many minutes."""
    with book.ctx.engine.begin() as connection:
        connection.execute(update(staff).values(minutes_a_day=minutes))
