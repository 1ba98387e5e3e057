"""Charges, waivers, instalments left out and accelerations: as events, beside tapes, taken back."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from domain.loans import Component, Instalment
from domain.reasons import ReasonCode
from tests.support.events import is_held_back, pay, store, tell
from tests.support.loans import Book
from tests.workers.tapes.test_import_tape import bring_in, row
from workers.db.schema import adjustment_part, allocation, collection_case, instalment, loan
from workers.db.schema import payment as payment_table
from workers.history import loan_history
from workers.inbox.apply import EventResult, apply_event
from workers.inbox.submit import submit
from workers.operations.problems import read_problems

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
TODAY = "2026-03-02"


@pytest.fixture
def book(engine: Engine) -> Book:
    """Two instalments of 110, one of them past due since yesterday."""
    book = Book(engine, now=f"{TODAY} 10:00")
    due = [Instalment(day, Decimal(100), Decimal(10)) for day in (MARCH, APRIL)]
    book.loan("L-1", instalments=due)
    book.escalate("L-1")
    return book


def charge(book: Book, amount: str = "5", *, id: str = "A-1", **more: str) -> EventResult:
    given = {"component": "fees", "due_on": "2026-03-01", "booked_on": TODAY, **more}
    return tell(book, "charge", adjustment=id, loan="L-1", amount=amount, currency="CNY", **given)


def waive(book: Book, *, id: str = "A-1", **more: str) -> EventResult:
    given = {"booked_on": book.ctx.today().isoformat(), **more}
    return tell(book, "waiver", adjustment=id, loan="L-1", currency="CNY", **given)


def take_back(book: Book, id: str = "A-1", **more: str) -> EventResult:
    given = {"reversed_on": book.ctx.today().isoformat(), **more}
    return tell(book, "adjustment_reversal", adjustment=id, loan="L-1", **given)


def codes(result: EventResult) -> list[str]:
    return [reason.code for reason in result.reason]


def unpaid(book: Book) -> dict[date, int]:
    rows = book.rows(select(instalment).order_by(instalment.c.due_on))
    return {
        row.due_on: int(sum(getattr(row, c) - getattr(row, f"paid_{c}") for c in Component))
        for row in rows
    }


def test_what_is_waived_is_not_owed_and_the_ladder_stops(book: Book) -> None:
    told = waive(book, instalment="2026-03-01")

    assert (told.status, codes(told)) == ("applied", [ReasonCode.ADJUSTMENT_RECORDED])
    assert unpaid(book) == {APRIL: 110}
    assert book.one(collection_case).closed_because == "cured"
    assert set(book.actions("L-1").values()) == {"cancelled"}


def test_a_charge_is_owed_with_its_instalment_and_paid_by_what_was_left_over(book: Book) -> None:
    pay(book, "223")
    charge(book, "5")

    assert unpaid(book) == {MARCH: 2, APRIL: 0}
    assert book.one(payment_table).unallocated == 0
    assert book.one(loan).delinquent_since == MARCH


def test_a_charge_taken_back_is_owed_no_more_and_what_was_paid_of_it_pays_something_else(
    book: Book,
) -> None:
    charge(book, "5")
    pay(book, "10")
    assert unpaid(book) == {MARCH: 105, APRIL: 110}

    assert codes(take_back(book))[0] == ReasonCode.ADJUSTMENT_TAKEN_BACK
    assert unpaid(book) == {MARCH: 100, APRIL: 110}
    assert sum(row.amount for row in book.rows(allocation)) == 10
    assert codes(take_back(book)) == [ReasonCode.ADJUSTMENT_TAKEN_BACK_KNOWN]
    assert codes(charge(book, "5")) == [ReasonCode.ADJUSTMENT_TAKEN_BACK_KNOWN]


@pytest.mark.parametrize("on", ["2026-03-02", "2026-03-03"])
def test_a_charge_that_a_new_schedule_contains_is_owed_no_more_once_it_is_taken_back(
    book: Book, on: str
) -> None:
    charge(book, "5")
    book.at(f"{on} 11:00")
    new = [{"due_on": "2026-05-01", "principal": "90", "interest": "10", "fees": "8"}]
    told = {"restructuring": "RS-1", "loan": "L-1", "currency": "CNY", "instalments": new}
    said = {"restructured_on": on, "why": "agreed", "actor": "c-1"}
    assert tell(book, "restructuring", **told, **said).status == "applied"
    assert unpaid(book) == {MAY: 108}

    assert codes(take_back(book))[0] == ReasonCode.ADJUSTMENT_TAKEN_BACK
    assert unpaid(book) == {MAY: 103}, "and only so much as was charged"


def test_an_instalment_that_is_left_out_is_due_after_the_last_one_and_comes_back(
    book: Book,
) -> None:
    given = {"adjustment": "A-1", "loan": "L-1", "instalment": "2026-03-01", "booked_on": TODAY}
    tell(book, "instalment_left_out", **given)
    assert unpaid(book) == {APRIL: 110, MAY: 110}
    assert book.one(loan).delinquent_since is None

    take_back(book)
    assert unpaid(book) == {MARCH: 110, APRIL: 110}
    assert book.one(loan).delinquent_since == MARCH


def test_all_that_is_to_come_falls_due_on_one_day(book: Book) -> None:
    given = {"adjustment": "A-1", "loan": "L-1", "due_on": TODAY, "booked_on": TODAY}
    told = tell(book, "acceleration", **given)

    assert unpaid(book) == {MARCH: 110, date(2026, 3, 2): 110}
    assert told.reason[1].params["amount"] == "110.00", "past due from the next day on"
    take_back(book)
    assert unpaid(book) == {MARCH: 110, APRIL: 110}


@pytest.mark.parametrize(
    ("kind", "given", "reason"),
    [
        ("waiver", {"currency": "USD", "amount": "1"}, ReasonCode.WRONG_CURRENCY),
        ("waiver", {"booked_on": "2026-03-03"}, ReasonCode.ADJUSTMENT_IN_FUTURE),
        ("waiver", {"adjustment": "A-9", "amount": "7"}, ReasonCode.ADJUSTMENT_ID_TAKEN),
        ("adjustment_reversal", {"reversed_on": "2026-03-01"}, ReasonCode.TAKEN_BACK_TOO_EARLY),
        ("adjustment_reversal", {"loan": "L-2"}, ReasonCode.ADJUSTMENT_ID_TAKEN),
    ],
)
def test_what_cannot_be_is_refused(
    book: Book, kind: str, given: dict[str, str], reason: ReasonCode
) -> None:
    book.loan("L-2", borrower_id="B-2")
    charge(book, id="A-9")
    told: dict[str, str] = {
        "adjustment": "A-1",
        "loan": "L-1",
        "currency": "CNY",
        "booked_on": TODAY,
    }
    if kind == "adjustment_reversal":
        told = {"adjustment": "A-9", "loan": "L-1", "reversed_on": TODAY}

    refused = tell(book, kind, **{**told, **given})

    assert (refused.status, codes(refused)) == ("rejected", [reason])


def test_a_waiver_of_more_than_is_unpaid_says_what_waives_nothing(book: Book) -> None:
    told = waive(book, amount="300.00", component="interest")

    assert told.reason[1].params == {"amount": "280.00", "currency": "CNY"}
    assert unpaid(book) == {MARCH: 100, APRIL: 100}
    assert codes(waive(book, amount="300", component="interest")) == [ReasonCode.ADJUSTMENT_KNOWN]
    assert codes(take_back(book))[0] == ReasonCode.ADJUSTMENT_TAKEN_BACK
    assert unpaid(book) == {MARCH: 110, APRIL: 110}


@pytest.mark.parametrize("amount", [{"amount": "30"}, {}])
def test_a_waiver_that_comes_before_its_charge_waives_it(
    book: Book, amount: dict[str, str]
) -> None:
    waive(book, id="W-1", component="fees", **amount)
    charge(book, "20")
    charge(book, "20", id="A-2")

    of_second = 10 if amount else 0
    assert unpaid(book) == {MARCH: 110 + of_second, APRIL: 110}
    take_back(book, "W-1")
    assert unpaid(book) == {MARCH: 150, APRIL: 110}


def test_a_waiver_waits_seven_days_for_the_schedule_that_has_its_instalment(book: Book) -> None:
    told = {"adjustment": "W-1", "loan": "L-1", "currency": "CNY", "booked_on": TODAY}
    waits = store(book, "waiver", instalment="2026-03-09", **told)
    result = apply_event(book.ctx, waits)
    assert (result.status, codes(result)) == ("received", [ReasonCode.NO_SUCH_INSTALMENT])

    book.at("2026-03-09 10:01")
    assert apply_event(book.ctx, waits).status == "rejected", "a wrong date is seen"


def test_what_may_lower_a_debt_holds_back_contacts_until_it_is_applied(book: Book) -> None:
    told = {"adjustment": "A-1", "loan": "L-1", "currency": "CNY", "booked_on": TODAY}
    store(book, "charge", amount="5", component="fees", due_on="2026-03-01", **told)
    assert not is_held_back(book, "L-1")
    store(book, "adjustment_reversal", adjustment="A-1", loan="L-1", reversed_on=TODAY)
    assert is_held_back(book, "L-1")


def test_the_command_line_says_what_is_on_record(book: Book) -> None:
    payload = {"adjustment": "A-1", "loan": "L-1", "currency": "CNY", "booked_on": TODAY}
    submit(book.ctx, "waiver:A-1", "waiver", {**payload, "actor": "c-1"})
    again = submit(book.ctx, "waiver:A-1", "waiver", {**payload, "actor": "c-2"})

    assert codes(again) == [ReasonCode.ADJUSTMENT_KNOWN]


def test_the_story_tells_each_of_them_in_both_languages(book: Book) -> None:
    charge(book, why="a letter", actor="c-1")
    waive(book, id="A-2", amount="3", component="fees")
    waive(book, id="A-3", component="interest")
    given = {"adjustment": "A-4", "loan": "L-1", "instalment": "2026-03-01", "booked_on": TODAY}
    tell(book, "instalment_left_out", **given)
    given = {"adjustment": "A-5", "loan": "L-1", "due_on": "2026-03-20", "booked_on": TODAY}
    tell(book, "acceleration", **given)
    take_back(book, "A-1", actor="c-2")

    with book.ctx.engine.connect() as connection:
        english, chinese = (
            "\n".join(s.text for s in loan_history(connection, book.ctx, "L-1", language=language))
            for language in ("en", "zh")
        )

    assert (
        "The lender charged 5.00 as of 2026-03-02 (A-1): fees, due on 2026-03-01. Changed: fees "
        'due on 2026-03-01 (5.00). It was recorded by c-1. Why: "a letter".' in english
    )
    assert "The lender waived 3.00 as of 2026-03-02 (A-2)." in english
    assert "waived what was unpaid as of 2026-03-02 (A-3)" in english
    assert "The instalment due on 2026-03-01 was left out as of 2026-03-02" in english
    assert "All that was due after 2026-03-20 is due on that day" in english
    assert "Adjustment A-1 was taken back as of 2026-03-02. It was recorded by c-2." in english
    for said in (
        "加收",
        "减免3.00",
        "减免未还款项",
        "调整为",
        "宣布提前",
        "调整A-1已于2026-03-02撤销",
    ):
        assert said in chinese


MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
PLAIN = "2026-02-28 100.00 10.00; 2026-04-01 100.00 10.00"
WITHOUT_INTEREST = "2026-02-28 100.00 0.00; 2026-04-01 100.00 10.00"
FEBRUARY = date(2026, 2, 28)


@pytest.fixture
def from_tape(engine: Engine, tmp_path: Path) -> Book:
    """The same loan as a tape of Monday has it, on that day."""
    book = Book(engine, now="2026-03-02 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=MONDAY)
    return book


def test_a_tape_of_the_day_of_a_waiver_does_not_contain_it_and_a_later_one_does(
    from_tape: Book, tmp_path: Path
) -> None:
    book = from_tape
    waive(book, component="interest", instalment="2026-02-28")
    assert unpaid(book) == {FEBRUARY: 100, APRIL: 110}

    bring_in(book, tmp_path, row("L-1"), as_of=MONDAY)
    bring_in(book, tmp_path, row("L-1"), as_of=MONDAY)
    assert unpaid(book) == {FEBRUARY: 100, APRIL: 110}, "a repeated tape does not undo it"

    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, row("L-1", instalments=WITHOUT_INTEREST), as_of=TUESDAY)
    bring_in(book, tmp_path, row("L-1", instalments=WITHOUT_INTEREST), as_of=TUESDAY)
    assert unpaid(book) == {FEBRUARY: 100, APRIL: 110}, "and it counts once"

    assert codes(take_back(book)) == [ReasonCode.TAKING_BACK_IN_TAPE]
    assert unpaid(book) == {FEBRUARY: 100, APRIL: 110}, "until a tape shows that it is owed again"
    book.at("2026-03-04 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=WEDNESDAY)
    assert unpaid(book) == {FEBRUARY: 110, APRIL: 110}


def test_one_that_a_tape_contains_is_noted_only(from_tape: Book) -> None:
    told = waive(from_tape, component="interest", booked_on="2026-03-01")

    assert codes(told) == [ReasonCode.ADJUSTMENT_IN_TAPE]
    assert unpaid(from_tape) == {FEBRUARY: 110, APRIL: 110}
    assert from_tape.rows(adjustment_part) == []


def test_a_charge_taken_back_stays_so_whatever_tape_of_before_comes_in(
    from_tape: Book, tmp_path: Path
) -> None:
    book = from_tape
    charged = row("L-1", instalments="2026-02-28 100.00 10.00 5.00; 2026-04-01 100.00 10.00")
    charge(book, due_on="2026-02-28")
    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, charged, as_of=TUESDAY)
    assert unpaid(book) == {FEBRUARY: 115, APRIL: 110}

    take_back(book)
    assert unpaid(book) == {FEBRUARY: 110, APRIL: 110}
    bring_in(book, tmp_path, charged, as_of=TUESDAY)
    assert unpaid(book) == {FEBRUARY: 110, APRIL: 110}
    book.at("2026-03-04 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=WEDNESDAY)
    assert unpaid(book) == {FEBRUARY: 110, APRIL: 110}


def test_what_is_left_out_and_paid_on_the_day_of_a_tape_stays(
    from_tape: Book, tmp_path: Path
) -> None:
    book = from_tape
    given = {"adjustment": "A-1", "loan": "L-1", "instalment": "2026-02-28", "booked_on": TODAY}
    tell(book, "instalment_left_out", **given)
    pay(book, "30")
    before = unpaid(book)
    assert before == {APRIL: 80, date(2026, 5, 28): 110}

    bring_in(book, tmp_path, row("L-1"), as_of=MONDAY)
    assert unpaid(book) == before


def test_a_waiver_that_came_before_its_charge_waives_it_in_the_same_tape_too(
    from_tape: Book, tmp_path: Path
) -> None:
    waive(from_tape, id="W-1", amount="30", component="fees")
    charge(from_tape, "30", due_on="2026-02-28")
    assert unpaid(from_tape) == {FEBRUARY: 110, APRIL: 110}

    bring_in(from_tape, tmp_path, row("L-1"), as_of=MONDAY)
    assert unpaid(from_tape) == {FEBRUARY: 110, APRIL: 110}


def test_a_charge_is_paid_by_what_a_payment_of_before_the_tape_has_left_over(
    from_tape: Book, tmp_path: Path
) -> None:
    book = from_tape
    pay(book, "260")
    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, row("L-1", paid="220.00"), as_of=TUESDAY)

    charge(book, "30", due_on="2026-02-28", booked_on="2026-03-03")

    assert unpaid(book) == {FEBRUARY: 0, APRIL: 0}
    assert book.one(payment_table).unallocated == 10
    bring_in(book, tmp_path, row("L-1", paid="220.00"), as_of=TUESDAY)
    assert unpaid(book) == {FEBRUARY: 0, APRIL: 0}


CHARGED = "2026-02-28 100.00 10.00 30.00; 2026-04-01 100.00 10.00"


def test_a_charge_that_was_paid_and_taken_back_stays_so_in_the_same_tape(
    from_tape: Book, tmp_path: Path
) -> None:
    book = from_tape
    charge(book, "30", due_on="2026-02-28")
    pay(book, "140")
    book.at("2026-03-03 10:00")
    paid = row("L-1", instalments=CHARGED, paid="140.00")
    bring_in(book, tmp_path, paid, as_of=TUESDAY)

    take_back(book)
    assert unpaid(book) == {FEBRUARY: 0, APRIL: 80}
    bring_in(book, tmp_path, paid, as_of=TUESDAY)
    assert unpaid(book) == {FEBRUARY: 0, APRIL: 80}


def test_a_charge_that_was_waived_and_taken_back_leaves_what_was_paid_of_the_contract(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    with_fee = "2026-02-28 100.00 10.00 20.00; 2026-04-01 100.00 10.00"
    bring_in(book, tmp_path, row("L-1", instalments=with_fee, paid="20.00"), as_of=MONDAY)
    charge(book, "30", due_on="2026-02-28")
    waive(book, id="W-1", amount="30", component="fees")

    take_back(book)
    assert unpaid(book) == {FEBRUARY: 110, APRIL: 110}
    assert sum(r.paid_fees for r in book.rows(instalment)) == 20
    take_back(book, "W-1")
    assert unpaid(book) == {FEBRUARY: 110, APRIL: 110}, "nothing is left that it waives"


def test_a_charge_told_by_day_and_shown_by_the_tape_of_that_evening_is_owed_once(
    from_tape: Book, tmp_path: Path
) -> None:
    with_fee = row("L-1", instalments="2026-02-28 100.00 10.00 5.00; 2026-04-01 100.00 10.00")
    charge(from_tape, due_on="2026-02-28")
    assert unpaid(from_tape) == {FEBRUARY: 115, APRIL: 110}
    for tape in (with_fee, with_fee, row("L-1"), with_fee):
        bring_in(from_tape, tmp_path, tape, as_of=MONDAY)
        assert unpaid(from_tape) == {FEBRUARY: 115, APRIL: 110}, "cut before it or after it"

    take_back(from_tape)
    for tape in (with_fee, row("L-1"), with_fee):
        bring_in(from_tape, tmp_path, tape, as_of=MONDAY)
        assert unpaid(from_tape) == {FEBRUARY: 110, APRIL: 110}


def test_a_charge_that_the_tape_shows_with_another_instalment_is_taken_back_there(
    from_tape: Book, tmp_path: Path
) -> None:
    with_fee = row("L-1", instalments="2026-02-28 100.00 10.00 5.00; 2026-04-01 100.00 10.00")
    charge(from_tape, due_on=TODAY)
    bring_in(from_tape, tmp_path, with_fee, as_of=MONDAY)
    bring_in(from_tape, tmp_path, with_fee, as_of=MONDAY)
    assert unpaid(from_tape) == {FEBRUARY: 115, APRIL: 110}

    take_back(from_tape)
    assert unpaid(from_tape) == {FEBRUARY: 110, APRIL: 110}


def test_an_acceleration_that_only_a_tape_shows_is_taken_back_with_the_next_tape(
    from_tape: Book, tmp_path: Path
) -> None:
    book = from_tape
    book.escalate("L-1")
    book.at("2026-03-03 10:00")
    moved = "2026-02-28 100.00 10.00; 2026-03-02 100.00 10.00"
    bring_in(book, tmp_path, row("L-1", instalments=moved), as_of=TUESDAY)
    tell(book, "acceleration", adjustment="A-1", loan="L-1", booked_on=TODAY, due_on=TODAY)

    given = {"adjustment": "A-1", "loan": "L-1", "reversed_on": "2026-03-03"}
    waits = store(book, "adjustment_reversal", **given)
    result = apply_event(book.ctx, waits)
    assert (result.status, codes(result)) == ("received", [ReasonCode.TAKING_BACK_WAITS_FOR_TAPE])
    assert is_held_back(book, "L-1"), "nobody is asked for the whole sum meanwhile"

    book.at("2026-03-13 10:00")
    with_fee = f"{moved}; 2026-04-01 0.00 0.00 5.00"
    for as_of, shown in ((TUESDAY, moved), (WEDNESDAY, moved), (WEDNESDAY, with_fee)):
        bring_in(book, tmp_path, row("L-1", instalments=shown), as_of=as_of)
        assert apply_event(book.ctx, waits).status == "received", "no tape agrees"
        assert is_held_back(book, "L-1"), "however long that lasts"
    with book.ctx.engine.connect() as connection:
        (waiting,) = read_problems(connection, book.ctx).events
    assert (waiting.kind, waiting.reason[0].code) == (
        "adjustment_reversal",
        ReasonCode.TAKING_BACK_WAITS_FOR_TAPE,
    )

    bring_in(book, tmp_path, row("L-1"), as_of=date(2026, 3, 5))
    assert codes(apply_event(book.ctx, waits)) == [ReasonCode.TAKING_BACK_IN_TAPE]
    assert not is_held_back(book, "L-1")
    assert unpaid(book) == {FEBRUARY: 110, APRIL: 110}


def test_what_was_paid_before_a_waiver_of_the_same_day_is_not_waived_in_the_same_tape(
    from_tape: Book, tmp_path: Path
) -> None:
    pay(from_tape, "60")
    from_tape.at("2026-03-02 10:01")
    waive(from_tape, instalment="2026-02-28")
    assert unpaid(from_tape) == {FEBRUARY: 0, APRIL: 110}

    bring_in(from_tape, tmp_path, row("L-1"), as_of=MONDAY)
    assert unpaid(from_tape) == {FEBRUARY: 0, APRIL: 110}
