"""Visits that nobody reported, and notices that nobody printed: somebody is told in time."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from domain.actors import Actor, Role
from domain.errors import NotPermittedError, RefusedError
from domain.language.speak import speak
from tests.support.acting import acting
from tests.support.events import pay
from tests.support.loans import ADDRESS, Book
from workers.context import Context
from workers.db.schema import access, document, problem, visit
from workers.visits.letters import open_letter
from workers.visits.schedule import schedule_visit
from workers.visits.start import cancel_visit, start_visit
from workers.visits.unreported import flag_unreported_visits


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 has a visit by v-1 and v-2."""
    book = Book(engine, now="2026-04-02 10:00")
    book.staff("v-1", "visitor")
    book.staff("v-2", "visitor")
    book.loan("L-1")
    book.escalate("L-1")
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"
    return book


def visiting(book: Book, reference: str) -> Context:
    return book.ctx.acting(Actor(reference, roles=frozenset({Role.VISITOR})))


def after_the_visit(book: Book, hours: float) -> Book:
    ends_at = book.one(select(visit.c.ends_at)).ends_at.astimezone(book.zone)
    book.clock.at = ends_at + timedelta(hours=hours)
    return book


def test_a_visit_that_nobody_reported_is_flagged_the_next_morning(book: Book) -> None:
    """The two were to go on the day of the notice. In the evening nobody has said anything, and it
    may still come. The next morning the supervisor sees a problem with the day and the visitors.
    The visit is no visit: its action stays open, and no lawsuit may rest on it."""
    assert flag_unreported_visits(after_the_visit(book, 0.1).ctx) == 0
    assert flag_unreported_visits(after_the_visit(book, 24).ctx) == 1
    assert flag_unreported_visits(book.ctx) == 0, "each is told of once"
    (told,) = book.rows(select(problem).where(problem.c.kind == "visit_unreported"))
    assert "v-1 and v-2" in speak(told.detail) or "v-1, v-2" in speak(told.detail)
    assert book.actions("L-1")["field_visit"] == "assigned"


def test_its_notice_has_the_address_and_is_printed_before_the_visit_on_record(book: Book) -> None:
    book.at("2026-04-03 09:00")
    ctx = acting(book.ctx, Actor("o-1"))
    assert open_letter(ctx, "L-1", preview=True).body
    # A visitor who has no part in the visit does not see who it is and where.
    for preview in (True, False):
        with pytest.raises(NotPermittedError, match="the notice of a visit of colleagues"):
            open_letter(visiting(book, "v-3"), "L-1", preview=preview)
    assert open_letter(visiting(book, "v-1"), "L-1", preview=True).body
    assert book.one(document).printed_at is None, "a look is no print"
    letter = open_letter(ctx, "L-1")
    assert ADDRESS in str(letter.body)
    printed = book.one(document)
    assert (printed.printed_at, printed.printed_by) == (book.clock.at, "o-1")
    starts_on = book.one(visit).starts_at.astimezone(book.zone).date()
    assert printed.printed_at.astimezone(book.zone).date() < starts_on
    open_letter(acting(book.at("2026-04-03 10:00").ctx, Actor("o-2")), "L-1")
    assert book.one(document).printed_by == "o-1", "the first time stays"


def test_a_visit_that_was_reported_is_not(book: Book) -> None:
    book.visited("L-1", "v-1")
    assert flag_unreported_visits(after_the_visit(book, 24).ctx) == 0


def kinds(book: Book) -> list[str]:
    return [row.kind for row in book.rows(problem) if row.resolved_at is None]


def test_no_visit_begins_without_a_notice_that_was_printed_before_its_day(book: Book) -> None:
    """The visit is on 5 April at nine. On the third nobody need be told. On the day before it is a
    problem, until the notice is printed; the visit then begins."""
    starts_at = book.one(visit).starts_at.astimezone(book.zone)
    book.clock.at = starts_at - timedelta(days=2)
    flag_unreported_visits(book.ctx)
    assert kinds(book) == []

    book.clock.at = starts_at - timedelta(days=1)
    for _ in range(2):
        assert flag_unreported_visits(book.ctx) == 0
        assert kinds(book) == ["notice_not_printed"]
    assert f"{starts_at.date()} is not printed" in speak(book.one(problem).detail)
    open_letter(acting(book.ctx, Actor("o-1")), "L-1")
    assert kinds(book) == []
    book.visited("L-1", "v-1")
    assert book.actions("L-1")["field_visit"] == "done"


def test_one_printed_on_the_day_itself_is_too_late_and_the_visit_is_planned_anew(
    book: Book,
) -> None:
    starts_at = book.one(visit).starts_at.astimezone(book.zone)
    book.clock.at = starts_at - timedelta(hours=1)
    flag_unreported_visits(book.ctx)
    open_letter(acting(book.ctx, Actor("o-1")), "L-1")
    book.clock.at = starts_at
    visitor = acting(book.ctx, Actor("v-1"))
    for dry_run in (True, False):
        with pytest.raises(RefusedError, match="printed before that day") as refused:
            start_visit(visitor, "L-1", dry_run=dry_run)
        assert refused.value.reason[0].code == "visit_without_notice"
    assert book.one(visit).started_at is None
    assert [row.what for row in book.rows(access)] == ["letter"], "the address was not shown"

    cancel_visit(visitor, "L-1", why="no notice")
    assert schedule_visit(book.ctx, book.action_id("L-1", "field_visit")) == "scheduled"
    assert [bool(row.printed_at) for row in book.rows(document)] == [True, False]
    book.clock.at = book.rows(visit)[-1].starts_at.astimezone(book.zone)
    with pytest.raises(RefusedError, match="printed before that day"):
        start_visit(visitor, "L-1")


def test_a_notice_of_a_visit_that_is_not_needed_any_more_is_no_problem(book: Book) -> None:
    book.clock.at = book.one(visit).starts_at.astimezone(book.zone) - timedelta(days=1)
    flag_unreported_visits(book.ctx)
    assert kinds(book) == ["notice_not_printed"]
    pay(book, "1000000")
    flag_unreported_visits(book.ctx)
    assert kinds(book) == []
