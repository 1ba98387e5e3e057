"""What a tape says is due and paid of each instalment, what was lent, and when."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from config.readers.tape_mapping import Field, PaidBy, TapeMapping
from config.readers.tape_mapping_reader import load_mapping
from domain.allocation import AllocationOrder
from domain.loans import Component, Instalment, LoanOnTape
from domain.schedule import one_a_day
from domain.tape_reconciliation import BookedPayment, OnRecord, paid_in_all, reconcile
from tests.support.loans import Book
from workers.db.schema import instalment
from workers.payments.payments import Payment, record_payment
from workers.tapes.csv_lines import TapeRow
from workers.tapes.import_tape import import_tape
from workers.tapes.read_row import read_row
from workers.tapes.row_errors import RowError

AS_OF = date(2026, 3, 10)
CELLS = {
    "loan": "L-1",
    "name": "Li Example",
    "locale": "zh-Hans",
    "zones": "Asia/Shanghai",
    "jurisdiction": "CN",
    "product": "consumer_loan",
    "currency": "CNY",
    "instalments": "2026-02-01 100 10; 2026-03-01 100 10",
    "paid_total": "0",
}
OF_COMPONENTS = {
    Field.PAID_PRINCIPAL: "paid_principal",
    Field.PAID_INTEREST: "paid_interest",
    Field.PAID_FEES: "paid_fees",
}


def read(mapping: TapeMapping | None = None, **cells: str) -> LoanOnTape | RowError:
    """The row of a tape with these cells, others as they are in a good row."""
    mapping = mapping or load_mapping("arrears")
    row = dict.fromkeys(mapping.columns.values(), "") | CELLS | cells
    return read_row(TapeRow(2, row), mapping, AS_OF, None)


def paid_by(by: PaidBy, *more: Field, tolerance: str = "0") -> TapeMapping:
    """The plain mapping, with another way of saying what is paid."""
    mapping = load_mapping("arrears")
    columns = {of: column for of, column in mapping.columns.items() if of is not Field.PAID_TOTAL}
    columns |= {of: OF_COMPONENTS[of] for of in more}
    return replace(mapping, paid_by=by, columns=columns, tolerance=Decimal(tolerance))


def loan_of(found: LoanOnTape | RowError) -> LoanOnTape:
    assert isinstance(found, LoanOnTape), found
    return found


def paid(found: LoanOnTape | RowError) -> list[tuple[int, int, int]]:
    """What is paid of principal, interest and fees of each instalment."""
    instalments = loan_of(found).instalments
    return [(int(i.paid_principal), int(i.paid_interest), int(i.paid_fees)) for i in instalments]


def test_a_list_says_what_is_paid_of_each_instalment() -> None:
    """The borrower named the second one; the first is open."""
    listed = "2026-02-01 100 10 5 paid 0 0 0; 2026-03-01 100 10 5 paid 100 10 3"
    assert paid(read(instalments=listed, paid_total="113")) == [(0, 0, 0), (100, 10, 3)]
    assert paid(read(instalments=listed, paid_total="")) == [(0, 0, 0), (100, 10, 3)]
    by_instalment = paid_by(PaidBy.INSTALMENT)
    assert paid(read(by_instalment, instalments=listed)) == [(0, 0, 0), (100, 10, 3)]


def test_a_total_may_be_more_once_all_is_paid() -> None:
    listed = "2026-02-01 100 paid 100"
    assert paid(read(instalments=listed, paid_total="120")) == [(100, 0, 0)]


@pytest.mark.parametrize(
    "listed",
    [
        "2026-02-01 100 10 paid 100",
        "2026-02-01 100 paid 100 10",
        "2026-02-01 100 10 paid",
        "2026-02-01 paid 100",
        "paid 2026-02-01 100",
        "2026-02-01 100 paid paid 100",
        "2026-02-01 100 paid 100 paid 100",
        "2026-02-01 100 paid 101",
        "2026-02-01 100 10 paid 90 20",
        "2026-02-01 100 paid x",
        "2026-02-01 100 paid -1",
        "2026-02-01 100 unpaid 1",
        "2026-02-01 100 paid 100; 2026-03-01 100",
    ],
)
def test_a_list_that_says_it_in_another_way_is_refused(listed: str) -> None:
    """Whatever was left out could have been paid."""
    error = read(instalments=listed, paid_total="")
    assert isinstance(error, RowError)
    assert error.column == "instalments"


def test_totals_must_agree_with_the_instalments() -> None:
    listed = "2026-02-01 100 10 paid 100 10; 2026-03-01 100 10 paid 0 0"
    for total in ("0", "109.99", "111"):
        error = read(instalments=listed, paid_total=total)
        assert isinstance(error, RowError)
        assert error.column == "paid_total"
    mapping = paid_by(PaidBy.INSTALMENT, Field.PAID_INTEREST)
    assert paid(read(mapping, instalments=listed, paid_interest="10")) == [(100, 10, 0), (0, 0, 0)]
    error = read(mapping, instalments=listed, paid_interest="20")
    assert isinstance(error, RowError)
    assert error.column == "paid_interest"


def test_a_list_that_must_say_what_is_paid_and_does_not_is_refused() -> None:
    """Nobody is taken for somebody who has paid nothing because a lender left that out."""
    assert isinstance(read(paid_by(PaidBy.INSTALMENT)), RowError)


def test_totals_of_the_components_pay_the_oldest_of_each() -> None:
    mapping = paid_by(PaidBy.COMPONENT, *OF_COMPONENTS)
    listed = "2026-02-01 100 10 5; 2026-03-01 100 10 5"
    totals = {"paid_principal": "0", "paid_interest": "13", "paid_fees": "5"}
    assert paid(read(mapping, instalments=listed, **totals)) == [(0, 10, 5), (0, 3, 0)]
    without_fees = paid_by(PaidBy.COMPONENT, Field.PAID_PRINCIPAL, Field.PAID_INTEREST)
    some = {"paid_principal": "120", "paid_interest": "10"}
    assert paid(read(without_fees, **some)) == [(100, 10, 0), (20, 0, 0)]
    error = read(without_fees, instalments=listed, **some)
    assert isinstance(error, RowError)
    assert "paid_fees" in error.expected


def test_what_is_missing_within_the_tolerance_counts_as_paid() -> None:
    mapping = paid_by(PaidBy.INSTALMENT, tolerance="0.02")
    listed = "2026-02-01 100 paid 98; 2026-03-01 100 paid 97.99"
    assert [i.unpaid for i in loan_of(read(mapping, instalments=listed)).instalments] == [
        0,
        Decimal("2.01"),
    ]


def test_instalments_that_are_due_on_one_day_are_one() -> None:
    listed = (
        "2026-03-01 0 0 5 paid 0 0 5; 2026-02-01 100 10 0 paid 100 10 0; "
        "2026-03-01 100 10 0 paid 40 10 0"
    )
    loan = loan_of(read(instalments=listed, paid_total="165"))
    assert loan.instalments == (
        Instalment(date(2026, 2, 1), *map(Decimal, (100, 10, 0, 100, 10, 0))),
        Instalment(date(2026, 3, 1), *map(Decimal, (100, 10, 5, 40, 10, 5))),
    )
    # Without a word on each of them, a total pays what is due of a day together.
    listed = "2026-03-01 100; 2026-03-01 0 20; 2026-04-01 100"
    assert paid(read(instalments=listed, paid_total="130")) == [(100, 20, 0), (10, 0, 0)]


AMOUNTS = st.decimals(0, 1000, places=2)


@st.composite
def instalments(draw: st.DrawFn) -> Instalment:
    due = [draw(AMOUNTS) for _ in Component]
    shares = [draw(st.integers(0, 100)) for _ in Component]
    done = [(d * s / 100).quantize(Decimal("0.01")) for d, s in zip(due, shares, strict=True)]
    return Instalment(date(2026, draw(st.integers(1, 3)), 1), *due, *done)


@given(st.lists(instalments(), max_size=12))
def test_the_sums_of_a_day_stay(schedule: Sequence[Instalment]) -> None:
    added = one_a_day(schedule)
    days = [i.due_on for i in added]
    assert days == sorted({i.due_on for i in schedule})
    for day in days:
        (one,) = (i for i in added if i.due_on == day)
        several = [i for i in schedule if i.due_on == day]
        assert one.counts_from == day
        for part in Component:
            assert one.paid_of(part) == sum(i.paid_of(part) for i in several)
            assert one.unpaid_of(part) == sum(i.unpaid_of(part) for i in several)
    assert one_a_day(added) == added


@given(
    st.lists(instalments(), min_size=1, max_size=6),
    st.lists(st.decimals("0.01", 900, places=2), max_size=3),
)
def test_what_the_tape_says_of_each_is_what_is_open(
    listed: Sequence[Instalment], amounts: Sequence[Decimal]
) -> None:
    """Payments booked before its day are in the tape, whatever they paid here; later ones are
    added to it."""
    schedule, order = one_a_day(listed), AllocationOrder()
    on_tape = paid_in_all(schedule)
    alone = reconcile(schedule, OnRecord(on_tape), AS_OF, order)
    assert alone.instalments == schedule
    assert not alone.less

    later = tuple(BookedPayment(n, AS_OF, each, Decimal(0)) for n, each in enumerate(amounts))
    both = reconcile(schedule, OnRecord(on_tape, payments=later), AS_OF, order)
    left = sum(rest for _, rest in both.allocations.values())
    assert paid_in_all(both.instalments) == on_tape + sum(amounts) - left
    for before, after in zip(schedule, both.instalments, strict=True):
        for part in Component:
            assert before.paid_of(part) <= after.paid_of(part) <= getattr(after, part)


def test_a_tape_moves_what_a_payment_paid_to_the_instalment_that_it_names(
    engine: Engine, tmp_path: Path
) -> None:
    """Of two payments told by events the tape contains the one booked before its day."""
    book = Book(engine, now="2026-03-10 10:00")

    def bring_in(listed: str, as_of: date) -> list[int]:
        cells = CELLS | {"phone": "", "address": "", "borrower": "", "region": ""}
        cells |= {"steps_tried": "", "instalments": listed, "paid_total": ""}
        tape = tmp_path / "tape.csv"
        tape.write_text(f"{','.join(cells)}\n{','.join(cells.values())}\n")
        report = import_tape(book.ctx, tape, load_mapping("arrears"), as_of=as_of)
        assert report.taken == 1, report.first_errors
        return unpaid()

    def unpaid() -> list[int]:
        rows = book.rows(select(instalment).order_by(instalment.c.due_on))
        return [int(r.principal + r.interest - r.paid_principal - r.paid_interest) for r in rows]

    def pay(id: str, booked_on: date) -> list[int]:
        with engine.begin() as connection:
            told = Payment(id, "L-1", Decimal(110), "CNY", booked_on)
            record_payment(connection, book.ctx, told)
        return unpaid()

    none = "2026-01-01 100 10 paid 0 0; 2026-02-01 100 10 paid 0 0; 2026-03-01 100 10 paid 0 0"
    assert bring_in(none, date(2026, 3, 8)) == [110, 110, 110]
    assert pay("P-1", date(2026, 3, 8)) == [0, 110, 110], "the event names no instalment"
    second = none.replace("02-01 100 10 paid 0 0", "02-01 100 10 paid 100 10")
    assert bring_in(second, date(2026, 3, 9)) == [110, 0, 110]
    assert pay("P-2", date(2026, 3, 9)) == [0, 0, 110], "of the tape's own day: added to it"
    assert bring_in(second, date(2026, 3, 9)) == [0, 0, 110]
    third = second.replace("03-01 100 10 paid 0 0", "03-01 100 10 paid 100 10")
    assert bring_in(third, date(2026, 3, 10)) == [110, 0, 0]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"original_principal": "0"}, "original_principal"),
        ({"original_principal": "-5"}, "original_principal"),
        ({"original_principal": "200.001"}, "original_principal"),
        ({"original_principal": "1,000"}, "original_principal"),
        ({"disbursed_on": "2026-02-02"}, "disbursed_on"),
        ({"disbursed_on": "2025-13-01"}, "disbursed_on"),
        ({"disbursed_on": "2026-03-11", "instalments": "2026-05-01 100"}, "disbursed_on"),
    ],
)
def test_what_cannot_have_been_lent_is_refused(cells: dict[str, str], column: str) -> None:
    error = read(**cells)
    assert isinstance(error, RowError)
    assert error.column == column


def test_what_was_lent_and_when() -> None:
    loan = loan_of(read(original_principal="200.500", disbursed_on="2026-02-01"))
    assert (loan.original_principal, loan.disbursed_on) == (Decimal("200.50"), date(2026, 2, 1))
    assert loan_of(read(original_principal="5555")).original_principal == 5555
    loan = loan_of(read(original_principal="NULL", disbursed_on=""))
    assert (loan.original_principal, loan.disbursed_on) == (None, None)
