"""A payment that goes back in part, does not go back after all, or is refunded: cents add up."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from config.readers.tape_mapping_reader import load_mapping
from domain.loans import Component, Instalment
from domain.reasons import ReasonCode
from tests.support.events import pay, refund, restore, reverse, take_back_refund, tell
from tests.support.loans import Book
from tests.workers.tapes.test_import_tape import COLUMNS, bring_in, row
from workers.db.schema import allocation, instalment, loan, payment
from workers.history import loan_history
from workers.inbox.apply import EventResult, apply_event
from workers.inbox.store import store_event
from workers.tapes.import_tape import import_tape

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)


@pytest.fixture
def book(engine: Engine) -> Book:
    """Two instalments of 100, one of them past due since yesterday."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", instalments=[Instalment(due, Decimal(100)) for due in (MARCH, APRIL)])
    book.escalate("L-1")
    return book


def paid(book: Book) -> dict[date, int]:
    rows = book.rows(select(instalment).order_by(instalment.c.due_on))
    return {row.due_on: int(sum(getattr(row, f"paid_{c}") for c in Component)) for row in rows}


def codes(result: EventResult) -> list[str]:
    return [reason.code for reason in result.reason]


def test_of_a_part_that_bounced_the_rest_goes_first_and_then_what_was_paid_last(book: Book) -> None:
    pay(book, "220")

    reverse(book, amount="50", reversal="R-1")
    assert paid(book) == {MARCH: 100, APRIL: 70}
    told = reverse(book, amount="100", reversal="R-2")

    assert paid(book) == {MARCH: 70, APRIL: 0}
    assert told.reason[0].params["amount"] == "30.00"
    assert book.one(payment).unallocated == 0
    assert codes(reverse(book, amount="100", reversal="R-2")) == [ReasonCode.RETURN_KNOWN]
    assert codes(reverse(book, amount="99", reversal="R-2")) == [ReasonCode.RETURN_ID_TAKEN]
    assert codes(reverse(book, amount="71", reversal="R-3")) == [ReasonCode.RETURN_TOO_LARGE]

    reverse(book)
    assert paid(book) == {MARCH: 0, APRIL: 0}


def test_a_payment_that_went_back_in_parts_is_nothing_to_a_tape_and_cannot_go_back_again(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=MONDAY)
    pay(book, "30")
    reverse(book, amount="10", reversal="R-1")
    reverse(book, amount="20", reversal="R-2")

    bring_in(book, tmp_path, row("L-1", paid="5.00"), as_of=MONDAY)

    assert sum(paid(book).values()) == 5
    assert codes(reverse(book)) == [ReasonCode.RETURN_TOO_LARGE]
    restore(book, reversal="R-2")
    assert sum(paid(book).values()) == 25


def test_what_did_not_bounce_after_all_is_paid_again(book: Book) -> None:
    pay(book, "120")
    reverse(book, amount="30", reversal="R-1")
    restored = restore(book, reversal="R-1")
    assert codes(restored)[0] == ReasonCode.REVERSAL_TAKEN_BACK
    assert paid(book) == {MARCH: 100, APRIL: 20}

    reverse(book)
    assert paid(book) == {MARCH: 0, APRIL: 0}
    assert codes(restore(book)) == [ReasonCode.REVERSAL_TAKEN_BACK, ReasonCode.PAYMENT_CURED]
    assert paid(book) == {MARCH: 100, APRIL: 20}
    assert sum(row.amount for row in book.rows(allocation)) == 120
    assert codes(restore(book)) == [ReasonCode.REVERSAL_TAKEN_BACK_KNOWN]
    assert book.one(loan).delinquent_since is None


def test_a_taking_back_waits_for_its_reversal_and_not_without_end(book: Book) -> None:
    pay(book, "100")
    assert restore(book).status == "received"
    assert restore(book, taken_back_on="2026-03-01").status == "received"
    reverse(book)
    assert codes(restore(book, taken_back_on="2026-03-01")) == [
        ReasonCode.REVERSAL_TAKEN_BACK_TOO_EARLY
    ]


def test_nothing_went_back_or_was_taken_back_on_a_day_to_come(book: Book) -> None:
    pay(book, "100")
    tomorrow = {"reversed_on": "2026-03-03"}
    refused = [
        reverse(book, **tomorrow),
        reverse(book, amount="40", reversal="R-1", **tomorrow),
    ]
    assert sum(paid(book).values()) == 100
    reverse(book, amount="40", reversal="R-1")
    refused.append(restore(book, reversal="R-1", taken_back_on="2026-03-03"))
    reverse(book)
    refused.append(restore(book, taken_back_on="2026-03-03"))

    assert {result.status for result in refused} == {"rejected"}
    assert [codes(result) for result in refused] == [[ReasonCode.REVERSAL_IN_FUTURE]] * 4
    assert restore(book).status == "applied", "its own day is none to come"


def test_the_story_shows_whose_id_of_a_payment_it_is(book: Book) -> None:
    said = {"external_id": "P-1", "loan": "L-1", "amount": "9", "currency": "CNY"}
    said["paid_on"] = "2026-03-02"
    for sender in ("core", "branch"):
        with book.ctx.engine.begin() as connection:
            id = store_event(connection, "E-1", "payment", said, book.ctx.now(), sender=sender)
        assert apply_event(book.ctx, id).status == "applied"
    reverse(book, sender="core")

    with book.ctx.engine.connect() as connection:
        story = "\n".join(s.text for s in loan_history(connection, book.ctx, "L-1"))

    assert "Payment P-1 [core] of 9.00 CNY, paid" in story
    assert "Payment P-1 [branch] of 9.00 CNY, paid" in story
    assert "Payment P-1 [core] of 9.00 CNY was reversed" in story


def test_a_taking_back_that_names_another_loan_is_refused(book: Book) -> None:
    book.loan("L-7", borrower_id="B-7")
    pay(book, "60")
    reverse(book)

    refused = restore(book, loan="L-7")

    assert (refused.status, codes(refused)) == ("rejected", [ReasonCode.PAYMENT_ID_TAKEN])
    assert book.one(payment).reversed_on is not None


def test_only_what_is_left_over_is_refunded(book: Book) -> None:
    pay(book, "250")

    assert codes(refund(book, "51")) == [ReasonCode.RETURN_TOO_LARGE]
    assert codes(refund(book, "40")) == [ReasonCode.REFUND_RECORDED]
    assert codes(refund(book, "40")) == [ReasonCode.RETURN_KNOWN]
    assert paid(book) == {MARCH: 100, APRIL: 100}
    assert book.one(payment).unallocated == 10

    reverse(book)
    assert codes(refund(book, "5", id="RF-2")) == [ReasonCode.PAYMENT_IS_REVERSED]


def test_what_was_not_refunded_after_all_pays_what_became_unpaid(book: Book) -> None:
    pay(book, "250")
    assert take_back_refund(book).status == "received", "it waits for its refund"
    refund(book, "40")
    charge = {"component": "fees", "due_on": "2026-03-01", "currency": "CNY", "amount": "30"}
    tell(book, "charge", adjustment="A-1", loan="L-1", booked_on="2026-03-02", **charge)
    assert (paid(book)[MARCH], book.one(payment).unallocated) == (110, 0)

    assert codes(take_back_refund(book)) == [ReasonCode.REFUND_TAKEN_BACK, ReasonCode.PAYMENT_CURED]
    assert (paid(book)[MARCH], book.one(payment).unallocated) == (130, 20)
    assert (book.one(payment).returned, book.one(loan).delinquent_since) == (0, None)
    assert codes(take_back_refund(book)) == [ReasonCode.RETURN_TAKEN_BACK]
    assert codes(refund(book, "40")) == [ReasonCode.RETURN_TAKEN_BACK]

    refund(book, "20", id="RF-2")
    book.at("2026-03-03 10:00")
    too_early = {"payment": "P-1", "loan": "L-1", "refund": "RF-2", "taken_back_on": "2026-03-01"}
    assert codes(tell(book, "refund_taken_back", **too_early)) == [
        ReasonCode.REFUND_TAKEN_BACK_ON_WRONG_DAY
    ]
    reverse(book)
    waits = take_back_refund(book, "RF-2")
    assert (waits.status, codes(waits)) == ("received", [ReasonCode.PAYMENT_IS_REVERSED])
    restore(book)
    assert take_back_refund(book, "RF-2").status == "applied"
    assert book.one(payment).returned == 0


def test_a_refund_of_what_only_a_tape_shows_is_noted_and_taken_back(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-03-03 10:00")
    bring_in(book, tmp_path, row("L-1", paid="110.00"), as_of=TUESDAY)
    pay(book, "150", paid_on="2026-03-02")
    refund(book, "40")
    assert (book.one(payment).returned, book.one(payment).unallocated) == (40, 0)
    assert take_back_refund(book).status == "applied"
    assert (book.one(payment).returned, book.one(payment).unallocated) == (0, 0)


def test_the_story_tells_what_went_back_in_both_languages(book: Book) -> None:
    pay(book, "250")
    refund(book, "40")
    refund(book, "5", id="RF-2")
    take_back_refund(book, "RF-2")
    reverse(book, amount="30", reversal="R-1", actor="c-1")
    restore(book, reversal="R-1")
    reverse(book)
    restore(book, actor="c-2")

    with book.ctx.engine.connect() as connection:
        english, chinese = (
            "\n".join(s.text for s in loan_history(connection, book.ctx, "L-1", language=language))
            for language in ("en", "zh")
        )

    for said in (
        "40.00 CNY of payment P-1 was given back as of 2026-03-02.",
        "The refund of 5.00 CNY of payment P-1 was taken back as of 2026-03-02.",
        "30.00 CNY of payment P-1 was reversed as of 2026-03-02. It was recorded by c-1.",
        "The reversal of 30.00 CNY of payment P-1 was taken back as of 2026-03-02.",
        "210.00 CNY of payment P-1 was reversed as of 2026-03-02.",
        "The reversal of 210.00 CNY of payment P-1 was taken back as of 2026-03-02. It was",
    ):
        assert said in english
    for said in (
        "退回",
        "5.00元的退款已于2026-03-02撤销",
        "30.00元已于2026-03-02冲正",
        "的冲正已于2026-03-02撤销",
    ):
        assert said in chinese


def test_a_tape_that_was_cut_before_a_part_bounced_does_not_undo_it(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=MONDAY)
    pay(book, "110")
    book.at("2026-03-03 10:00")
    reverse(book, amount="40", reversal="R-1")
    assert sum(paid(book).values()) == 70

    bring_in(book, tmp_path, row("L-1", paid="110.00"), as_of=TUESDAY)
    bring_in(book, tmp_path, row("L-1", paid="110.00"), as_of=TUESDAY)
    assert sum(paid(book).values()) == 70

    book.at("2026-03-04 10:00")
    reverse(book, amount="30", reversal="R-2")
    assert sum(paid(book).values()) == 70, "the tape contains the payment: this one is noted"
    book.at("2026-03-05 10:00")
    bring_in(book, tmp_path, row("L-1", paid="40.00"), as_of=date(2026, 3, 5))
    assert sum(paid(book).values()) == 40


def test_a_noted_reversal_that_is_taken_back_changes_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=MONDAY)
    pay(book, "110")
    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, row("L-1", paid="110.00"), as_of=TUESDAY)

    reverse(book)
    restore(book)
    book.at("2026-03-04 10:00")
    bring_in(book, tmp_path, row("L-1", paid="110.00"), as_of=WEDNESDAY)

    assert sum(paid(book).values()) == 110


def test_what_a_noted_reversal_took_of_what_was_left_over_comes_back(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=MONDAY)
    pay(book, "260")
    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, row("L-1", paid="220.00"), as_of=TUESDAY)

    reverse(book, amount="40", reversal="R-1")
    restore(book, reversal="R-1")

    assert book.one(payment).unallocated == 40
    assert refund(book, "40").status == "applied"


def test_a_refund_taken_back_has_left_over_what_it_took_also_after_a_noted_reversal(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    paid_off = row("L-1", instalments="2026-03-01 100", paid="100")
    bring_in(book, tmp_path, paid_off, as_of=MONDAY)
    pay(book, "30")
    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, paid_off, as_of=TUESDAY)
    reverse(book)
    restore(book)

    refund(book, "30")
    take_back_refund(book)

    assert (book.one(payment).unallocated, book.one(payment).returned) == (30, 0)


@pytest.mark.parametrize("part", [{}, {"reversal": "R-1"}])
def test_what_was_left_over_is_so_again_if_the_tape_is_sooner_than_the_taking_back(
    engine: Engine, tmp_path: Path, part: dict[str, str]
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    bring_in(book, tmp_path, row("L-1", instalments="2026-03-01 100", paid="0"), as_of=MONDAY)
    pay(book, "130")
    reverse(book, **(part and {"amount": "130", **part}))
    book.at("2026-03-04 10:00")
    bring_in(book, tmp_path, row("L-1", instalments="2026-03-01 100", paid="100"), as_of=WEDNESDAY)

    restore(book, taken_back_on="2026-03-03", **part)

    assert (book.one(payment).unallocated, sum(paid(book).values())) == (30, 100)


def test_what_a_tape_spent_of_what_was_left_over_is_not_spent_again(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    bring_in(book, tmp_path, row("L-1", instalments="2026-03-01 100", paid="0"), as_of=MONDAY)
    pay(book, "110")
    pay(book, "25", id="P-2")
    book.at("2026-03-04 10:00")
    shown = row("L-1", instalments="2026-03-01 100 0 30", paid="130")
    for _ in range(2):
        bring_in(book, tmp_path, shown, as_of=WEDNESDAY)
        rests = book.rows(select(payment.c.unallocated).order_by(payment.c.external_id))
        assert [rest.unallocated for rest in rests] == [0, 5]
    assert codes(refund(book, "30")) == [ReasonCode.RETURN_TOO_LARGE]

    charge = {"component": "fees", "due_on": "2026-03-01", "currency": "CNY", "amount": "30"}
    tell(book, "charge", adjustment="A-1", loan="L-1", booked_on="2026-03-04", **charge)
    assert sum(paid(book).values()) == 135


@pytest.fixture
def rich(engine: Engine, tmp_path: Path) -> Book:
    """An instalment of 100, paid on Monday, and 50 that are left over."""
    book = Book(engine, now="2026-03-02 10:00")
    bring_in(book, tmp_path, row("L-1", instalments="2026-03-01 100", paid="0"), as_of=MONDAY)
    pay(book, "150")
    return book


def stands(book: Book) -> tuple[int, int]:
    """What is paid, and what is left over."""
    return sum(paid(book).values()), int(sum(row.unallocated for row in book.rows(payment)))


def test_what_a_tape_has_spent_of_a_refund_that_was_taken_back_is_not_paid_again(
    rich: Book, tmp_path: Path
) -> None:
    refund(rich, "40")
    rich.at("2026-03-04 10:00")
    shown = row("L-1", instalments="2026-03-01 100 0 30", paid="130")
    for _ in range(2):
        bring_in(rich, tmp_path, shown, as_of=WEDNESDAY)
        assert stands(rich) == (130, 0), "10 were left over, and 20 are of a refund taken back"

    take_back_refund(rich, on="2026-03-03")
    assert stands(rich) == (130, 20)


@pytest.mark.parametrize(
    "part", [{}, {"amount": "40", "reversal": "R-1"}, {"amount": "90", "reversal": "R-1"}]
)
@pytest.mark.parametrize("is_noted", [False, True])
def test_what_a_tape_has_spent_of_a_reversal_that_was_taken_back_is_not_paid_again(
    rich: Book, tmp_path: Path, part: dict[str, str], is_noted: bool
) -> None:
    if is_noted:
        rich.at("2026-03-03 10:00")
        bring_in(
            rich, tmp_path, row("L-1", instalments="2026-03-01 100", paid="100"), as_of=TUESDAY
        )
    reverse(rich, **part)
    rich.at("2026-03-05 10:00")
    shown = row("L-1", instalments="2026-03-01 100 0 30", paid="130")
    bring_in(rich, tmp_path, shown, as_of=date(2026, 3, 5))

    restore(rich, taken_back_on="2026-03-04", **{k: v for k, v in part.items() if k == "reversal"})
    assert stands(rich) == (130, 20)


def test_a_payment_that_comes_late_was_on_the_tape_and_not_what_another_had_left_over(
    rich: Book, tmp_path: Path
) -> None:
    rich.at("2026-03-04 10:00")
    shown = row("L-1", instalments="2026-03-01 100 0 30", paid="130")
    bring_in(rich, tmp_path, shown, as_of=WEDNESDAY)
    assert stands(rich) == (130, 20)

    pay(rich, "12", id="P-2", paid_on="2026-03-03")
    pay(rich, "12", id="P-2", paid_on="2026-03-03")
    pay(rich, "5", id="P-3", paid_on="2026-03-01")
    assert stands(rich) == (130, 32), "one of before the last tape was in that one"
    pay(rich, "40", id="P-4", paid_on="2026-03-03")
    assert stands(rich) == (130, 50)
    assert refund(rich, "50").status == "applied"


@pytest.mark.parametrize("has_column", [True, False])
def test_a_new_schedule_shows_what_was_left_over_as_paid(
    rich: Book, tmp_path: Path, has_column: bool
) -> None:
    rich.at("2026-03-04 10:00")
    if has_column:
        line = row("L-1", instalments="2026-05-01 60; 2026-06-01 60", paid="20")
        tape = tmp_path / "restructured.csv"
        tape.write_text(f"{COLUMNS},restructured_on\n{line},2026-03-03\n")
        import_tape(rich.ctx, tape, load_mapping("arrears"), as_of=WEDNESDAY)
    else:
        new = [{"due_on": due, "principal": "60"} for due in ("2026-05-01", "2026-06-01")]
        told = {"restructuring": "RS-1", "loan": "L-1", "currency": "CNY", "instalments": new}
        on = {"restructured_on": "2026-03-04", "paid": "20", "why": "agreed", "actor": "c-1"}
        assert tell(rich, "restructuring", **told, **on).status == "applied"
    assert stands(rich) == (20, 30)

    rich.at("2026-03-05 10:00")
    old = row("L-1", instalments="2026-03-01 100 0 10", paid="110")
    bring_in(rich, tmp_path, old, as_of=date(2026, 3, 5))
    assert stands(rich) == (30, 20), "a tape that has the old one still shows what was spent"


def test_what_is_taken_back_of_a_reversed_payment_waits_until_that_is_taken_back(
    book: Book,
) -> None:
    pay(book, "250")
    refund(book, "40")
    reverse(book, amount="20", reversal="R-1")
    reverse(book)

    backs = [take_back_refund(book), restore(book, reversal="R-1")]
    assert [back.status for back in backs] == ["received", "received"]
    restore(book)
    assert [take_back_refund(book).status, restore(book, reversal="R-1").status] == ["applied"] * 2

    assert (book.one(payment).unallocated, sum(paid(book).values())) == (50, 200)


@pytest.mark.parametrize("part", [{}, {"amount": "60", "reversal": "R-1"}])
def test_what_a_tape_moved_to_another_day_is_unpaid_again_there(
    engine: Engine, tmp_path: Path, part: dict[str, str]
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=MONDAY)
    pay(book, "110")
    book.at("2026-03-03 10:00")
    moved = row("L-1", instalments="2026-03-02 100.00 10.00; 2026-04-01 100.00 10.00")
    bring_in(book, tmp_path, moved, as_of=TUESDAY)
    assert paid(book) == {MONDAY: 110, APRIL: 0}, "the tape shows less: the payment stays"

    reverse(book, **part)

    assert paid(book) == {MONDAY: 50 if part else 0, APRIL: 0}


def test_a_payment_restored_after_a_tape_showed_its_reversal_is_paid_again(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=MONDAY)
    pay(book, "110")
    reverse(book)
    book.at("2026-03-03 10:00")
    bring_in(book, tmp_path, row("L-1"), as_of=TUESDAY)
    assert sum(paid(book).values()) == 0

    restore(book)
    assert sum(paid(book).values()) == 110
    bring_in(book, tmp_path, row("L-1"), as_of=TUESDAY)
    assert sum(paid(book).values()) == 110
