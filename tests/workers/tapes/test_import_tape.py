"""A loan tape comes in: checked whole, once, and never undoing what happened since."""

import tracemalloc
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from config.readers.tape_mapping import Absent
from config.readers.tape_mapping_reader import load_mapping
from domain.errors import ArrearsError
from domain.language.speak import speak
from tests.support.loans import Book
from workers.db.schema import (
    allocation,
    borrower,
    borrower_number,
    instalment,
    loan,
    payment,
    problem,
    tape_import,
)
from workers.payments.payments import Payment, record_payment
from workers.tapes import check_tape, merge_tape
from workers.tapes.import_tape import ImportReport, import_tape
from workers.tapes.progress import Phase

AS_OF = date(2026, 3, 2)
COLUMNS = (
    "loan,borrower,name,phone,address,locale,region,zones,jurisdiction,product,currency,"
    "instalments,paid_total,steps_tried"
)


def row(
    name: str,
    *,
    phone: str = "13800138000",
    zones: str = "Asia/Shanghai",
    instalments: str = "2026-02-28 100.00 10.00; 2026-04-01 100.00 10.00",
    paid: str = "0",
    currency: str = "CNY",
    borrower: str = "",
    tried: str = "",
) -> str:
    return (
        f"{name},{borrower},Li Example,{phone},1 Example Road,zh-Hans,,{zones},CN,consumer_loan,"
        f"{currency},{instalments},{paid},{tried}"
    )


def bring_in(
    book: Book,
    folder: Path,
    *rows: str,
    as_of: date = AS_OF,
    absent: Absent = Absent.KEEP,
    **how: Any,
) -> ImportReport:
    tape = folder / "tape.csv"
    tape.write_text("\n".join((COLUMNS, *rows)) + "\n")
    mapping = replace(load_mapping("arrears"), absent=absent)
    return import_tape(book.ctx, tape, mapping, as_of=as_of, **how)


def pay(book: Book, amount: str, booked_on: date, *, id: str = "P-1") -> str:
    with book.ctx.engine.begin() as connection:
        paid = Payment(id, "L-1", Decimal(amount), "CNY", booked_on)
        return speak(record_payment(connection, book.ctx, paid))


def paid_of(book: Book, name: str) -> Decimal:
    of_loan = select(instalment).join(loan).where(loan.c.external_id == name)
    return sum(
        (i.paid_principal + i.paid_interest + i.paid_fees for i in book.rows(of_loan)), Decimal(0)
    )


@pytest.fixture
def book(engine: Engine) -> Book:
    return Book(engine, now="2026-03-02 10:00")


def test_a_good_tape_comes_in_whole_and_its_loans_are_due_for_a_look(
    book: Book, tmp_path: Path
) -> None:
    report = bring_in(book, tmp_path, row("L-1"), row("L-2", paid="110.00"))

    assert (report.taken, report.changed, report.rejected, report.kept) == (2, 2, 0, True)
    positions = {r.external_id: (r.delinquent_since, r.review_on) for r in book.rows(loan)}
    assert positions == {
        "L-1": (date(2026, 2, 28), AS_OF),
        "L-2": (None, date(2026, 4, 2)),
    }
    assert book.escalate("L-1").planned == 2
    assert book.one(tape_import).rows_taken == 2


def test_personal_data_is_encrypted(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row("L-1"))

    stored = (*book.one(borrower), *book.one(borrower_number))
    raw = b"".join(bytes(value) for value in stored if isinstance(value, bytes | memoryview))
    assert b"Example" not in raw
    assert b"138" not in raw
    assert book.numbers(book.one(borrower).external_id) == ["+8613800138000"]


def test_one_wrong_row_and_nothing_comes_in(book: Book, tmp_path: Path) -> None:
    report = bring_in(book, tmp_path, row("L-1"), row("L-2", currency="XX"), row("L-3"))

    assert (report.rejected, report.kept) == (1, False)
    assert book.rows(loan) == []
    (error,) = report.first_errors
    assert (error.line, error.column) == (3, "currency")
    assert report.rejects_file is not None
    assert "currency" in report.rejects_file.read_text()


def test_the_good_rows_alone_come_in_when_that_is_asked_for(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row("L-1"), row("L-2", currency="XX"), row("L-3"), keep_good=True)

    assert sorted(r.external_id for r in book.rows(loan)) == ["L-1", "L-3"]


@pytest.mark.parametrize("known", [[], ["L-1"], ["L-1", "L-2"]])
def test_a_loan_that_comes_twice_is_refused_the_second_time(
    book: Book, tmp_path: Path, known: list[str]
) -> None:
    """Also where the tape before had a row of it, which then is not read."""
    if known:
        bring_in(book, tmp_path, *map(row, known))
    report = bring_in(
        book, tmp_path, row("L-1"), row("L-2"), row("L-1", paid="50"), row("L-2"), keep_good=True
    )
    assert [(error.line, error.column) for error in report.first_errors] == [
        (4, "loan"),
        (5, "loan"),
    ]
    assert "line 2 has" in report.first_errors[0].expected
    assert "line 3 has" in report.first_errors[1].expected
    assert (report.taken, report.rejected) == (2, 2)
    assert paid_of(book, "L-1") == 0


def test_whoever_waits_hears_how_far_each_phase_is(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_tape, "BATCH_SIZE", 2)
    monkeypatch.setattr(merge_tape, "MOST_BATCHES", 1)
    heard: list[tuple[Phase, int, int]] = []

    def import_rows(*rows: str, as_of: date) -> None:
        tape = tmp_path / "tape.csv"
        tape.write_text("\n".join((COLUMNS, *rows)) + "\n")
        mapping = load_mapping("arrears")
        progress = lambda *so_far: heard.append(so_far)  # noqa: E731
        import_tape(book.ctx, tape, mapping, as_of=as_of, progress=progress)

    rows = [row(f"L-{n}") for n in range(3)]
    import_rows(*rows, as_of=AS_OF - timedelta(1))
    import_rows(*rows[:2], row("L-2", paid="50"), as_of=AS_OF)

    assert [report for report in heard if report[0] is not Phase.COMPARE] == [
        *((Phase.READ, 2, 3), (Phase.READ, 3, 3), (Phase.MERGE, 2, 3), (Phase.MERGE, 3, 3)),
        *((Phase.READ, 1, 1), (Phase.MERGE, 1, 1), (Phase.DATE, 2, 2)),
    ]


def test_the_same_tape_twice_changes_nothing(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row("L-1"))
    book.escalate("L-1")
    before = book.one(loan)

    report = bring_in(book, tmp_path, row("L-1"))

    assert (report.taken, report.changed) == (1, 0)
    assert book.one(loan) == before


def test_a_payment_recorded_here_is_not_undone_by_the_same_tape_again(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1"))
    pay(book, "110", AS_OF)

    report = bring_in(book, tmp_path, row("L-1"))

    assert report.changed == 0
    assert book.one(loan).delinquent_since is None


def test_a_tape_that_moves_a_due_date_keeps_the_payment_made_since(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1"))
    pay(book, "110", AS_OF)

    bring_in(book, tmp_path, row("L-1", instalments="2026-02-28 100.00 10.00"))

    assert book.one(loan).delinquent_since is None, "nobody who paid is chased"
    assert {part.due_on for part in book.rows(allocation)} == {date(2026, 2, 28)}


def test_a_payment_that_the_tape_contains_does_not_count_twice(book: Book, tmp_path: Path) -> None:
    both_due = "2026-01-30 100.00 10.00; 2026-02-28 100.00 10.00"
    bring_in(book, tmp_path, row("L-1", instalments=both_due, paid="110.00"))

    said = pay(book, "110", date(2026, 2, 20))

    assert "is in the tape of 2026-03-02 already" in said
    assert book.one(payment).in_tape_as_of == AS_OF
    assert book.one(loan).delinquent_since == date(2026, 2, 28)


def test_a_tape_of_a_later_day_contains_the_payments_booked_before_it(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1"))
    pay(book, "110", AS_OF)

    later = date(2026, 3, 5)
    book.at("2026-03-05 10:00")
    bring_in(book, tmp_path, row("L-1", paid="110.00"), as_of=later)
    assert book.one(loan).delinquent_since is None
    bring_in(book, tmp_path, row("L-1", paid="0"), as_of=AS_OF)
    assert book.one(loan).delinquent_since is None, "an older tape changes nothing"


def test_a_tape_in_another_currency_leaves_a_known_loan_as_it_is(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1"))

    bring_in(book, tmp_path, row("L-1", currency="USD"))

    assert book.one(loan).currency == "CNY"
    assert book.one(problem).kind == "currency_changed"


def test_a_newer_tape_that_shows_a_payment_calls_off_what_was_planned(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1"))
    book.escalate("L-1")

    bring_in(book, tmp_path, row("L-1", paid="110.00"))

    assert set(book.actions("L-1").values()) == {"cancelled"}


def test_a_new_schedule_replaces_the_old_one(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row("L-1"))

    bring_in(book, tmp_path, row("L-1", instalments="2026-06-01 220.00 0.00"))

    assert book.one(instalment).due_on == date(2026, 6, 1)
    assert book.one(loan).delinquent_since is None


def test_a_wrong_number_or_no_zone_lets_the_loan_in_with_its_problem(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1", phone="12"), row("L-2", zones=""))

    assert {r.kind for r in book.rows(problem)} == {"phone_invalid", "zone_missing"}
    assert not any("12" in speak(r.detail) for r in book.rows(problem)), "the value is masked"


def test_a_number_put_right_solves_the_problem_and_the_waiting_text_asks_again(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1", phone="12"))
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    assert book.action("L-1", "text_day_1").rules == ["lender.no_address_known"]

    bring_in(book, tmp_path, row("L-1"))

    assert book.one(problem).resolved_at is not None
    book.send("L-1", "text_day_1")
    assert book.actions("L-1")["text_day_1"] == "done"


def test_two_loans_of_one_borrower_share_that_borrower(book: Book, tmp_path: Path) -> None:
    bring_in(book, tmp_path, row("L-1", borrower="B-1"), row("L-2", borrower="B-1"))

    assert len(book.rows(borrower)) == 1


def test_steps_the_lender_tried_count_for_the_arrears_the_loan_came_in_with(
    book: Book, tmp_path: Path
) -> None:
    old = "2025-12-01 100.00 10.00"
    bring_in(
        book,
        tmp_path,
        row("L-1", instalments=old, tried="remind;enquire;visit"),
        row("L-2", instalments=old),
    )

    book.escalate("L-1", "L-2")

    assert book.actions("L-1")["legal_file"] == "awaiting_approval"
    assert "legal_file" not in book.actions("L-2")
    dated = select(loan.c.steps_tried_at).where(loan.c.external_id == "L-1")
    assert book.one(dated).steps_tried_at == date(2025, 12, 1)


def test_steps_tried_before_say_nothing_about_a_default_still_to_come(
    book: Book, tmp_path: Path
) -> None:
    future = "2026-04-01 100.00 10.00"
    bring_in(book, tmp_path, row("L-1", instalments=future, tried="remind;enquire;visit"))

    assert book.one(loan).steps_tried == []


def test_an_unchanged_tape_waits_for_no_loan_that_others_work_on(
    book: Book, tmp_path: Path
) -> None:
    bring_in(book, tmp_path, row("L-1"))
    with book.ctx.engine.begin() as connection:
        connection.execute(select(loan.c.id).with_for_update())
        report = bring_in(book, tmp_path, row("L-1"))  # would wait for ever if it locked the loan

    assert (report.kept, report.changed) == (True, 0)


def test_a_tape_that_cannot_be_read_is_refused_in_a_sentence(book: Book, tmp_path: Path) -> None:
    with pytest.raises(ArrearsError, match="cannot be read"):
        import_tape(book.ctx, tmp_path / "none.csv", load_mapping("arrears"), as_of=AS_OF)


def test_four_times_the_loans_take_no_more_memory(
    book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_tape, "BATCH_SIZE", 20)  # so that small tapes have many pieces
    monkeypatch.setattr(merge_tape, "MOST_BATCHES", 1)  # how many are merged together hangs on time

    def peak(prefix: str, loans: int, number: int) -> int:
        tape = tmp_path / f"{prefix}.csv"
        tape.write_text(
            "\n".join(
                (
                    COLUMNS,
                    *(
                        row(f"{prefix}-{n}", borrower=f"{prefix}-{n}", phone=f"{number + n}")
                        for n in range(loans)
                    ),
                )
            )
        )
        tracemalloc.start()
        report = import_tape(book.ctx, tape, load_mapping("arrears"), as_of=AS_OF)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert report.taken == loans
        return most

    peak("warm", 10, 13_800_000_000)  # what the first import loads is no tape's

    assert peak("many", 800, 13_900_000_000) < 2 * peak("few", 200, 13_700_000_000)


def test_amounts_are_read_in_the_places_of_their_currency(book: Book, tmp_path: Path) -> None:
    dinars = row("L-1", currency="KWD", instalments="2026-02-28 100.125 10.0004")
    yen = row("L-2", currency="JPY", instalments="2026-02-28 10000.4 99.5")
    report = bring_in(book, tmp_path, dinars, yen)

    assert report.rejected == 0
    found = {r.loan_id: (r.principal, r.interest) for r in book.rows(instalment)}
    assert found[book.loan_id("L-1")] == (Decimal("100.125"), Decimal(10))
    assert found[book.loan_id("L-2")] == (10000, 100)
