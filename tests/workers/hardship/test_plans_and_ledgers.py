"""What a ledger says of a plan after it was confirmed: other numbers, the agreed ones, a tape."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine

from domain.actors import Actor
from domain.loans import ZERO
from tests.support.acting import acting
from tests.support.arrangements import (
    accept,
    arranged,
    as_quoted,
    ask,
    confirm,
    in_difficulty,
    offer,
    status,
)
from tests.support.events import pay, reverse, tell
from tests.support.loans import Book
from tests.workers.tapes.test_import_tape import bring_in, row
from workers.db.schema import arrangement, arrangement_instalment, instalment, problem
from workers.hardship.agreed_numbers import days_paid
from workers.hardship.arrangement_review import settle_arrangements
from workers.hardship.arrangements import found
from workers.history import loan_history
from workers.operations.problems import resolve_problem

ENDED = date(2026, 5, 20)
"""By then the instalments of April and May are missed."""


@pytest.fixture
def book(engine: Engine) -> Book:
    return in_difficulty(engine)


def problems(book: Book) -> list[str]:
    return [row.kind for row in book.rows(problem) if row.resolved_at is None]


def told(book: Book, language: str = "en") -> str:
    with book.ctx.engine.connect() as connection:
        said = loan_history(connection, book.ctx, "L-1", language=language)
        return " ".join(each.text for each in said)


def dearer(book: Book, by: int) -> list[dict[str, str]]:
    """The schedule that was agreed, each instalment dearer."""
    return [{**each, "interest": str(Decimal(each["interest"]) + by)} for each in as_quoted(book)]


def amount(each: dict[str, str]) -> Decimal:
    return sum((Decimal(each[part]) for part in ("principal", "interest", "fees")), ZERO)


def with_dearer_schedule(book: Book) -> list[dict[str, str]]:
    """A plan whose ledger asks for 5 more in each instalment; what was agreed."""
    ask(book)
    offer(book)
    accept(book)
    confirm(book, dearer(book, 5))
    return as_quoted(book)


def differing(book: Book) -> Book:
    """The first instalment of such a plan is paid as agreed."""
    first, *_ = with_dearer_schedule(book)
    book.at(f"{first['due_on']} 10:00")
    pay(book, str(amount(first)), id="P-1")
    assert (status(book), problems(book)) == ("active", ["arrangement_differs"])
    return book


def test_while_numbers_differ_it_is_looked_at_on_the_next_agreed_day(book: Book) -> None:
    differing(book)
    settle_arrangements(book.at("2026-04-20 00:01").ctx)
    review_on = book.rows(arrangement)[-1].review_on
    assert (review_on.year, review_on.month) == (2026, 5), "by the ledger one is missed already"
    settle_arrangements(book.at(f"{ENDED} 00:01").ctx)
    assert (status(book), book.rows(arrangement)[-1].missed) == ("active", 1)

    # Somebody closes the problem by hand: the ledger's numbers count from today on.
    operator = acting(book.ctx, Actor("ops-1"))
    resolve_problem(operator, "L-1", "arrangement_differs", why="she agrees to these")
    settle_arrangements(book.ctx)
    assert status(book) == "defaulted"


def test_numbers_differ_again_when_a_default_is_taken_back(book: Book) -> None:
    first, second, third, *_ = with_dearer_schedule(book)
    settle_arrangements(book.at(f"{ENDED} 00:01").ctx)
    assert (status(book), problems(book)) == ("defaulted", [])
    book.at(f"{ENDED} 10:00")
    pay(book, str(amount(first) + 5), id="P-1", paid_on=first["due_on"])
    assert (status(book), problems(book)) == ("active", ["arrangement_differs"])
    pay(book, str(amount(second)), id="P-2")
    book.at(f"{third['due_on']} 10:00")
    pay(book, str(amount(third)), id="P-3")
    settle_arrangements(book.at("2026-06-25 00:01").ctx)
    assert (status(book), book.rows(arrangement)[-1].missed) == ("active", 0)


def test_money_in_time_counts_by_what_was_agreed_also_when_it_is_reported_late(book: Book) -> None:
    first, *_ = with_dearer_schedule(book)
    settle_arrangements(book.at(f"{ENDED} 00:01").ctx)
    assert status(book) == "defaulted"
    book.at(f"{ENDED} 10:00")
    pay(book, str(amount(first)), id="P-1", paid_on=first["due_on"])
    assert (status(book), problems(book)) == ("active", ["arrangement_differs"])
    settle_arrangements(book.at("2026-05-30 00:01").ctx)
    assert (status(book), book.rows(arrangement)[-1].missed) == ("active", 1)


@pytest.mark.parametrize("known", ["as agreed before", "silent before"])
def test_what_was_paid_before_other_numbers_came_is_paid(book: Book, known: str) -> None:
    """The first instalment is paid, then the ledger asks for 5 more in each of the others."""
    ask(book)
    offer(book)
    accept(book)
    if known == "as agreed before":
        confirm(book)
    first, *others = as_quoted(book)
    book.at(f"{first['due_on']} 10:00")
    pay(book, str(amount(first)), id="P-1")
    new = {
        **{"restructuring": "RS-2", "loan": "L-1", "currency": "CNY", "arrangement": "AR-1"},
        **{"instalments": [first, *dearer(book, 5)[1:]], "paid": str(amount(first))},
        **{"restructured_on": "2026-04-02", "why": "corrected", "actor": "core"},
    }
    assert tell(book.at("2026-04-02 10:00"), "restructuring", **new).status == "applied"
    for number, each in enumerate(others, 2):
        book.at(f"{each['due_on']} 10:00")
        pay(book, str(amount(each)), id=f"P-{number}")
        later = date.fromisoformat(each["due_on"]) + timedelta(days=15)
        settle_arrangements(book.at(f"{later} 00:01").ctx)
        assert (status(book), book.rows(arrangement)[-1].missed) == ("active", 0)


@pytest.mark.parametrize("how", ["named", "not named", "silent before"])
def test_a_ledger_may_leave_out_what_is_paid(book: Book, how: str) -> None:
    """The first instalment is paid. The ledger's next schedule has only the others, as agreed: the
    plan goes on, and is completed when these are paid. Then it asks for 5 more in each, and leaves
    out the second one, which is paid by then: she keeps paying what was agreed."""
    ask(book)
    offer(book)
    accept(book)
    if how != "silent before":
        confirm(book)
    first, second, third = as_quoted(book)
    book.at(f"{first['due_on']} 10:00")
    pay(book, str(amount(first)), id="P-1")
    book.at("2026-04-02 10:00")
    id = "AR-1" if how == "named" else None
    said = confirm(book, [second, third], id=id, restructuring="RS-2")
    codes = {reason.code for reason in said.reason}
    assert codes & {"arrangement_as_agreed", "arrangement_is_active"}
    assert (status(book), problems(book)) == ("active", [])

    book.at(f"{second['due_on']} 10:00")
    pay(book, str(amount(second)), id="P-2")
    book.at("2026-05-02 10:00")
    confirm(book, dearer(book, 5)[2:], restructuring="RS-3")
    assert problems(book) == ["arrangement_differs"]
    book.at(f"{third['due_on']} 10:00")
    pay(book, str(amount(third)), id="P-3")
    settle_arrangements(book.at("2026-06-20 00:01").ctx)
    assert (status(book), book.rows(arrangement)[-1].missed) == ("active", 0)
    confirm(book, [third], restructuring="RS-4")
    assert problems(book) == []


def test_numbers_differ_again_when_money_of_a_completed_plan_goes_back(book: Book) -> None:
    agreed = with_dearer_schedule(book)
    book.at(f"{agreed[0]['due_on']} 10:00")
    pay(book, str(sum(amount(each) + 5 for each in agreed)), id="P-1")
    assert (status(book), problems(book)) == ("completed", [])
    reverse(book, "P-1")
    assert (status(book), problems(book)) == ("active", ["arrangement_differs"])


def test_a_schedule_with_the_agreed_numbers_closes_the_problem(book: Book) -> None:
    differing(book)
    book.at("2026-04-20 10:00")
    other = confirm(book, dearer(book, -2), restructuring="RS-2")
    assert "arrangement_differs" in [reason.code for reason in other.reason]
    assert (status(book), "arrangement_differs" in problems(book)) == ("active", True)
    again = confirm(book, id=None, restructuring="RS-3")
    assert "arrangement_as_agreed" in [reason.code for reason in again.reason]
    assert (status(book), problems(book)) == ("active", [])
    agreed = [each["due_on"] for each in as_quoted(book)]
    assert [row.due_on.isoformat() for row in book.rows(arrangement_instalment)] == agreed
    assert "The problem (arrangement differs) was resolved." in told(book)

    # What was paid of it counts, and the rest is missed by what was agreed.
    settle_arrangements(book.at(f"{ENDED} 00:01").ctx)
    assert (status(book), book.rows(arrangement)[-1].missed) == ("active", 1)


def test_waivers_of_what_is_too_much_close_it_as_well(book: Book) -> None:
    differing(book)
    for number, each in enumerate(as_quoted(book), 1):
        assert problems(book) == ["arrangement_differs"]
        waived = {"adjustment": f"W-{number}", "loan": "L-1", "amount": "5", "currency": "CNY"}
        booked = {"booked_on": "2026-04-01", "why": "not agreed"}
        result = tell(book, "waiver", **waived, **booked, instalment=each["due_on"], actor="core")
        assert result.status == "applied", result.reason
    assert (status(book), problems(book)) == ("active", [])


def shows(book: Book, folder: Path, as_of: date, paid: Decimal, but: Decimal = ZERO) -> None:
    """A tape of this day shows so much as paid of the schedule, besides what was paid before."""
    paid += but
    cell = "; ".join(
        f"{each.due_on} {each.principal:.2f} {each.interest:.2f} {each.fees:.2f}"
        for each in sorted(book.rows(instalment), key=lambda each: each.due_on)
    )
    report = bring_in(
        book,
        folder,
        row("L-1", borrower="B-L-1", instalments=cell, paid=f"{paid:.2f}"),
        as_of=as_of,
    )
    assert report.kept, report


def ended(book: Book, folder: Path, *, last_tape: date) -> Sequence[Decimal]:
    """A plan that ended in default, with the day of the tape before that; its instalments."""
    arranged(book)
    book.at(f"{last_tape} 12:00")
    shows(book, folder, last_tape, Decimal(0))
    settle_arrangements(book.at(f"{ENDED} 00:01").ctx)
    assert status(book) == "defaulted"
    return [row.principal + row.interest + row.fees for row in book.rows(arrangement_instalment)]


def test_what_a_tape_shows_as_paid_in_time_brings_a_plan_back(book: Book, tmp_path: Path) -> None:
    """The tape of the day on which it ended came in after it: all of it was paid before."""
    first, *_ = ended(book, tmp_path, last_tape=date(2026, 5, 19))
    shows(book.at(f"{ENDED} 06:00"), tmp_path, ENDED, first)
    settle_arrangements(book.ctx)
    assert (status(book), problems(book)) == ("active", [])
    assert book.rows(arrangement)[-1].ended_at is None
    said = told(book)
    assert "Arrangement AR-1 was defaulted" in said or "AR-1 was in default" in said, said
    assert "had been paid in time: its end was taken back. It goes on again." in said
    assert "安排恢复执行。" in told(book, "zh")


def test_while_the_ledger_is_silent_a_tape_shows_that_it_is_paid(
    book: Book, tmp_path: Path
) -> None:
    """What came in on the day of the acceptance, but before it, was in the quote: it pays nothing
    of what was agreed."""
    pay(book, "500", id="P-1")
    ask(book)
    offer(book)
    accept(book)
    with book.ctx.engine.connect() as connection:
        assert days_paid(connection, found(connection, "AR-1", None)) == frozenset()
    first = sum(Decimal(as_quoted(book)[0][part]) for part in ("principal", "interest", "fees"))
    before = book.ctx.today()
    settle_arrangements(book.at("2026-03-16 00:01").ctx)
    shows(book.at("2026-04-02 06:00"), tmp_path, date(2026, 4, 2), first, but=Decimal(2340))
    settle_arrangements(book.at("2026-04-20 00:01").ctx)
    assert book.rows(arrangement)[-1].missed == 0, before
    assert problems(book) == ["arrangement_not_confirmed"]


def test_what_a_tape_shows_as_paid_since_is_too_late(book: Book, tmp_path: Path) -> None:
    first, *_ = ended(book, tmp_path, last_tape=date(2026, 5, 19))
    shows(book.at(f"{ENDED} 06:00"), tmp_path, ENDED, Decimal(0))
    shows(book.at("2026-05-22 06:00"), tmp_path, date(2026, 5, 22), first)
    settle_arrangements(book.ctx)
    assert (status(book), problems(book)) == ("defaulted", [])


def test_where_the_tapes_leave_the_day_open_a_person_finds_it_out(
    book: Book, tmp_path: Path
) -> None:
    first, *_ = ended(book, tmp_path, last_tape=date(2026, 5, 10))
    shows(book.at("2026-05-22 06:00"), tmp_path, date(2026, 5, 22), first)
    settle_arrangements(book.ctx)
    assert (status(book), problems(book)) == ("defaulted", ["arrangement_paid_by_tape"])
    told_later = {"external_id": "P-1", "loan": "L-1", "currency": "CNY", "amount": f"{first}"}
    tell(book, "payment", **told_later, paid_on="2026-05-15")
    assert (status(book), problems(book)) == ("active", [])
