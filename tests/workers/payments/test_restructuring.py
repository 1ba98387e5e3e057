"""A new schedule replaces the old one: what falls due by it counts, and the old one is kept."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from domain.language.speak import speak
from domain.loans import Instalment
from domain.reasons import ReasonCode
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.events import is_held_back, pay, promise, reverse, store, tell
from tests.support.loans import Book
from workers.db.schema import (
    allocation,
    hold,
    inbox_event,
    instalment,
    loan,
    payment,
    replaced_instalment,
    replaced_schedule,
)
from workers.db.schema import promise as promises
from workers.history.history import loan_history
from workers.inbox.apply import EventResult

JANUARY, FEBRUARY = date(2026, 1, 31), date(2026, 2, 28)
ON = ("booked_on", "due_on")
LATER = ({"due_on": "2026-05-31", "principal": "90", "interest": "10"},)


@pytest.fixture
def book(engine: Engine) -> Book:
    """Two instalments are past due, and half of the first is paid."""
    book = Book(engine, now="2026-03-10 10:00")
    two = [Instalment(due, Decimal(100), Decimal(10)) for due in (JANUARY, FEBRUARY)]
    book.loan("L-1", instalments=two)
    book.escalate("L-1")
    pay(book, "55", paid_on="2026-03-09")
    return book


def restructure(
    book: Book, *, id: str = "RS-1", on: str = "2026-03-10", **more: object
) -> EventResult:
    told = {
        "restructuring": id,
        "loan": "L-1",
        "currency": "CNY",
        "restructured_on": on,
        "instalments": LATER,
        "why": "both agreed",
        "actor": "c-1",
    }
    return tell(book, "restructuring", **(told | more))


def schedule(book: Book) -> dict[date, tuple[Decimal, Decimal]]:
    """What is owed in all of each instalment, and what of it is paid."""
    return {
        row.due_on: (
            row.principal + row.interest + row.fees,
            row.paid_principal + row.paid_interest + row.paid_fees,
        )
        for row in book.rows(instalment)
    }


def test_a_loan_that_is_not_past_due_any_more_leaves_the_ladder(book: Book) -> None:
    assert "planned" in book.actions("L-1").values()

    assert restructure(book).status == "applied"

    stands = book.one(loan)
    assert (stands.delinquent_since, stands.ladder_since) == (None, None)
    assert "planned" not in book.actions("L-1").values()
    assert stands.review_on == date(2026, 6, 2), "due on a Sunday, and so by Monday"
    assert schedule(book) == {date(2026, 5, 31): (100, 0)}


def test_what_is_past_due_by_the_new_schedule_counts_from_its_day(book: Book) -> None:
    past_due = [{"due_on": "2026-03-05", "principal": "40"}, *LATER]
    result = restructure(book, instalments=past_due)

    assert book.one(loan).delinquent_since == date(2026, 3, 5)
    assert "40.00 CNY" in speak(result.reason)
    assert "planned" not in book.actions("L-1").values(), "they were for the old arrears"


def test_what_was_paid_stays_on_record_and_the_old_schedule_is_kept(book: Book) -> None:
    restructure(book)

    kept = {r.due_on: r.paid_principal + r.paid_interest for r in book.rows(replaced_instalment)}
    assert kept == {JANUARY: 55, FEBRUARY: 0}
    assert sum(row.amount for row in book.rows(allocation)) == 55
    assert book.one(payment).amount == 55


def test_a_payment_of_before_its_day_is_in_it_and_a_later_one_is_added(book: Book) -> None:
    pay(book, "30", id="P-2", paid_on="2026-03-10")
    restructure(book, paid="20")
    assert schedule(book) == {date(2026, 5, 31): (100, 50)}

    late = pay(book, "7", id="P-3", paid_on="2026-03-09")
    pay(book, "5", id="P-4")

    assert late.reason[0].code is ReasonCode.PAYMENT_IN_TAPE
    assert schedule(book) == {date(2026, 5, 31): (100, 55)}
    reverse(book, "P-2")
    assert schedule(book) == {date(2026, 5, 31): (100, 25)}


def test_the_same_one_twice_changes_nothing_and_another_under_its_id_is_refused(book: Book) -> None:
    restructure(book)
    pay(book, "5", id="P-4")

    again = restructure(book)

    assert again.reason[0].code is ReasonCode.RESTRUCTURING_KNOWN
    assert schedule(book) == {date(2026, 5, 31): (100, 5)}
    assert len(book.rows(replaced_schedule)) == 1
    for other in (
        {"instalments": [{"due_on": "2026-05-31", "principal": "99"}]},
        {"instalments": [{"due_on": "2026-05-31", "principal": "80", "interest": "20"}]},
        {"paid": "40"},
    ):
        refused = restructure(book, **other)  # type: ignore[arg-type]
        assert refused.reason[0].code is ReasonCode.RESTRUCTURING_ID_TAKEN


def test_it_is_the_same_one_also_if_a_waiver_of_its_day_was_made_again(book: Book) -> None:
    waived = {"adjustment": "A-1", "loan": "L-1", "amount": "5", "currency": "CNY"}
    assert tell(book, "waiver", **waived, booked_on="2026-03-10").status == "applied"
    restructure(book)
    assert schedule(book) == {date(2026, 5, 31): (95, 0)}

    assert restructure(book, paid="0.00").reason[0].code is ReasonCode.RESTRUCTURING_KNOWN


def test_it_contains_what_was_charged_before_it_on_its_day_and_not_what_comes_in_after_it(
    book: Book,
) -> None:
    charged = {"loan": "L-1", "amount": "10", "currency": "CNY", "component": "fees"}
    charged |= {"booked_on": "2026-03-10"}
    tell(book, "charge", adjustment="A-1", due_on="2026-02-28", **charged)
    tell(book, "acceleration", adjustment="A-2", loan="L-1", **dict.fromkeys(ON, "2026-03-10"))
    restructure(book)
    assert schedule(book) == {date(2026, 5, 31): (100, 0)}, "the fee is in it"
    assert book.one(loan).delinquent_since is None

    tell(book, "charge", adjustment="A-3", due_on="2026-05-31", **charged)
    assert schedule(book) == {date(2026, 5, 31): (110, 0)}


def test_instalments_of_one_day_are_one_as_on_a_tape(book: Book) -> None:
    restructure(book, instalments=[*LATER, {"due_on": "2026-05-31", "principal": "7"}])
    assert schedule(book) == {date(2026, 5, 31): (107, 0)}


def test_a_schedule_may_be_replaced_again_on_the_same_day(book: Book) -> None:
    restructure(book)
    restructure(book, id="RS-2", instalments=[{"due_on": "2026-07-31", "principal": "120"}])

    assert schedule(book) == {date(2026, 7, 31): (120, 0)}
    assert len(book.rows(replaced_schedule)) == 2


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"on": "2026-03-11"}, ReasonCode.RESTRUCTURING_IN_FUTURE),
        ({"instalments": []}, ReasonCode.SCHEDULE_LENGTH),
        ({"instalments": [LATER[0] | {"principal": "-10"}]}, ReasonCode.AMOUNT_NOT_PAYABLE),
        ({"instalments": [LATER[0] | {"fees": "-1"}]}, ReasonCode.AMOUNT_NOT_PAYABLE),
        ({"paid": "100.01"}, ReasonCode.SCHEDULE_OVERPAID),
        ({"paid": "0.001"}, ReasonCode.AMOUNT_TOO_FINE),
        ({"currency": "USD"}, ReasonCode.WRONG_CURRENCY),
    ],
)
def test_one_that_cannot_be_is_refused_and_changes_nothing(
    book: Book, told: dict[str, object], code: ReasonCode
) -> None:
    before = schedule(book)
    result = restructure(book, **told)  # type: ignore[arg-type]
    assert (result.status, result.reason[0].code) == ("rejected", code)
    assert schedule(book) == before


def test_one_of_before_the_last_restructuring_is_refused(book: Book) -> None:
    restructure(book)
    older = restructure(book, id="RS-0", on="2026-03-09")
    assert older.reason[0].code is ReasonCode.RESTRUCTURING_BEFORE_TAPE


def test_nobody_is_contacted_until_it_is_applied(book: Book) -> None:
    assert not is_held_back(book, "L-1")
    store(book, "restructuring", restructuring="RS-1", loan="L-1")
    assert is_held_back(book, "L-1")


def test_a_promise_and_its_pause_stay(book: Book) -> None:
    promise(book, "60", "2026-03-20")
    restructure(book, instalments=[{"due_on": "2026-03-05", "principal": "40"}, *LATER])

    assert book.one(promises).status == "open"
    assert book.one(hold).ends_on > date(2026, 3, 20)


def test_the_history_says_it_in_both_languages(book: Book) -> None:
    restructure(book)
    with book.ctx.engine.connect() as connection:
        english, chinese = (
            " ".join(entry.text for entry in loan_history(connection, book.ctx, "L-1", language=of))
            for of in ("en", "zh")
        )
    assert (
        "Restructured as of 2026-03-10: the schedule of 2 instalment(s), due 2026-01-31 to "
        "2026-02-28, over 220.00 CNY with 55.00 paid, was replaced by 1 instalment(s), due "
        "2026-05-31 to 2026-05-31, over 100.00 with 0.00 paid. It was recorded by c-1. "
        'Why: "both agreed".' in english
    )
    assert "自2026-03-10起重组：原还款计划共2期" in chinese


def test_the_command_line_replaces_it(engine: Engine, database_url: str) -> None:
    book = Book(engine)
    book.loan("L-1")
    at = an_environment(database_url)
    command = ("schedule", "replace", "L-1", "2026-09-30 500 12.50; 2026-08-31 500", "CNY")
    told = ("--id", "RS-1", "--paid", "20", "--why", "agreed")

    dry = arrears(at, *command, *told, "--dry-run")
    assert (dry.returncode, book.rows(replaced_schedule)) == (0, []), dry.stderr
    done = arrears(at, *command, *told)
    assert done.returncode == 0, done.stderr
    assert "a new schedule of 2 instalment(s)" in done.stdout
    assert schedule(book) == {
        date(2026, 8, 31): (500, 20),
        date(2026, 9, 30): (Decimal("512.5"), 0),
    }
    assert book.one(inbox_event).status == "applied"
    assert arrears(at, *command, *told).returncode == 1, "it is on record"
    wrong = arrears(at, "schedule", "replace", "L-1", "2026-09-30", "CNY", *told)
    assert (wrong.returncode, "is not an instalment" in wrong.stderr) == (2, True)
