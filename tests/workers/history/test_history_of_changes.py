"""The story stays as it was told: what is undone later is a line of its own, with its moment."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from config.readers.tape_mapping_reader import load_mapping
from domain.actions import ActionStatus
from domain.actors import Actor
from domain.language.speak import speak
from domain.loans import Instalment
from tests.support.acting import acting
from tests.support.events import tell
from tests.support.loans import ADDRESS, NAME, PHONE, Book
from workers.db.schema import inbox_event, message
from workers.history import loan_history
from workers.inbox.submit import submit as submit_event
from workers.sms.reconcile import park_old
from workers.tapes.import_tape import import_tape
from workers.visits.letters import open_letter
from workers.visits.schedule import schedule_visit

LOAN = "L-1"


def story(book: Book) -> list[str]:
    """The lines, each with its moment; none holds personal data."""
    with book.ctx.engine.connect() as connection:
        sentences = loan_history(connection, book.ctx, LOAN)
    lines = [f"{s.at:%m-%d %H:%M} {s.text}" if s.at else s.text for s in sentences]
    for secret in (NAME, ADDRESS, *PHONE.values()):
        assert secret not in "\n".join(lines)
    return lines


def submit(book: Book, what: str, key: str, /, **payload: Any) -> None:
    submit_event(book.ctx, f"{what}:{key}", what, payload)


def pay(book: Book, key: str, amount: str) -> None:
    submit(
        book,
        "payment",
        key,
        external_id=key,
        loan=LOAN,
        amount=amount,
        currency="CNY",
        paid_on=book.ctx.today().isoformat(),
    )


def write_tape(tape: Path, paid: str) -> None:
    tape.write_text(
        "loan,borrower,name,phone,address,locale,region,zones,jurisdiction,product,currency,"
        "instalments,paid_total,steps_tried\n"
        f"{LOAN},B-1,{NAME},13800138000,{ADDRESS},zh-Hans,,Asia/Shanghai,CN,consumer_loan,CNY,"
        f"2026-03-01 1000.00,{paid},\n"
    )


def have_in_order(lines: list[str], *wanted: str) -> None:
    """Each of these is said, one after the other."""
    rest = iter(lines)
    for sentence in wanted:
        assert any(sentence in line for line in rest), (
            f"{sentence!r} is not said in its place: {lines}"
        )


@pytest.fixture
def visited(engine: Engine) -> Book:
    """A loan thirty days past due whose visit is scheduled for 3 April."""
    book = Book(engine, now="2026-03-31 10:00")
    for number in (1, 2):
        book.staff(f"v-{number}", "visitor")
    book.loan(LOAN, due_on="2026-03-01")
    book.escalate(LOAN)
    assert schedule_visit(book.ctx, book.action_id(LOAN, "field_visit")) == "scheduled"
    return book


def test_a_visit_that_was_called_off_is_told_as_it_was_and_then_its_calling_off(
    visited: Book,
) -> None:
    before = story(visited)
    visited.at("2026-04-01 12:00")
    pay(visited, "P-1", "1000")
    after = story(visited)

    scheduled = "03-31 10:00 field_visit was scheduled from 2026-04-03 09:00 to 2026-04-03 11:00"
    have_in_order(
        after,
        f"{scheduled}, for v-1, v-2.",
        "04-01 12:00 The visit field_visit of 2026-04-03 09:00, for v-1, v-2, was called off.",
    )
    dated = {line for line in before if line.startswith("03-31")}
    assert dated <= set(after), "nothing that was told is taken back"


def test_the_gates_word_on_a_visit_to_come_stands_where_it_was_given(visited: Book) -> None:
    (line,) = [line for line in story(visited) if "The gate allows" in line]

    assert line.startswith("03-31 10:00 The gate allows field_visit to reach the borrower by visit")
    assert "on 2026-04-03 09:00. For the borrower that is 2026-04-03 09:00 (Asia/Shanghai)." in line


def test_who_printed_a_letter_is_told(visited: Book) -> None:
    visited.at("2026-03-31 11:00")
    open_letter(acting(visited.ctx, Actor("clerk-4")), LOAN)

    assert "03-31 11:00 The letter for field_visit was opened by clerk-4, to be printed." in story(
        visited
    )


def test_a_hold_and_its_release_are_told_each_in_its_time(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan(LOAN, due_on="2026-03-01")
    submit(
        book,
        "hold",
        "H-1",
        hold="H-1",
        loan=LOAN,
        kind="manual",
        starts_on="2026-03-02",
        ends_on=None,
        why="in hospital",
        actor="sup-1",
    )
    book.at("2026-03-05 09:00")
    submit(book, "release", "H-1", hold="H-1", ends_on="2026-03-05")

    lines = story(book)
    have_in_order(
        lines,
        "03-02 10:00 A hold (manual) was placed by sup-1, from 2026-03-02 until it is released.",
        "03-05 09:00 The hold (manual) of 2026-03-02 was released: 2026-03-05 is the first day",
    )
    assert 'Why: "in hospital".' in "\n".join(lines)


def test_a_promise_that_was_kept_and_a_payment_that_bounced(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan(LOAN, due_on="2026-03-01")
    book.escalate(LOAN)
    submit(
        book,
        "promise",
        "PR-1",
        promise="PR-1",
        loan=LOAN,
        amount="1000",
        currency="CNY",
        due_on="2026-03-10",
        actor="caller-7",
    )
    book.at("2026-03-04 10:00")
    pay(book, "P-1", "1000")
    book.at("2026-03-06 10:00")
    submit(book, "reversal", "P-1", payment="P-1", reversed_on="2026-03-06")
    book.at("2026-03-07 10:00")
    submit(book, "write_off", LOAN, loan=LOAN, written_off_on="2026-03-07")

    lines = story(book)
    have_in_order(
        lines,
        "03-02 10:00 Promise PR-1 to pay 1000.00 CNY by 2026-03-10 was recorded by caller-7.",
        "03-04 10:00 Payment P-1 of 1000.00 CNY",
        "03-04 10:00 Promise PR-1 was kept.",
        "03-06 10:00 Payment P-1 of 1000.00 CNY was reversed as of 2026-03-06.",
        "03-07 10:00 The lender wrote the loan off as of 2026-03-07.",
        "There is no next review: the loan was written off on 2026-03-07.",
    )
    assert not [line for line in lines if "A hold" in line], "the promise tells of its own pause"


def test_new_contacts_are_told_without_their_values(engine: Engine) -> None:
    book = Book(engine)
    book.loan(LOAN, due_on="2026-03-01")
    submit(book, "contact_change", "C-1", borrower=f"B-{LOAN}", zones=["Asia/Urumqi"], locale="en")

    lines = story(book)
    assert (
        "03-02 10:00 The borrower's contacts were changed: the time zones, the language." in lines
    )
    assert "Urumqi" not in "\n".join(lines)


def test_a_text_that_nobody_could_tell_about_stays_told_as_parked(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan(LOAN, due_on="2026-03-01", phone="+12125550197")
    book.escalate(LOAN)
    assert book.send(LOAN, "text_day_1") == "unknown"
    book.at("2026-03-03 10:00")
    assert park_old(book.ctx) == 1
    book.at("2026-03-03 11:00")
    sent = book.one(message)
    submit(
        book,
        "receipt",
        "1",
        provider="twilio",
        message_id=str(sent.id),
        sid="SM1",
        word="delivered",
        status="delivered",
        code=None,
    )

    assert book.actions(LOAN)["text_day_1"] == ActionStatus.DONE
    have_in_order(
        story(book),
        "03-02 10:00 text_day_1 may have had its effect, so it is not repeated.",
        "03-03 10:00 Nobody could tell whether the text for text_day_1 given to Twilio was sent",
        "03-03 11:00 The provider reports the text for text_day_1 as delivered.",
    )


def test_reports_that_overtake_each_other_within_a_minute_are_told_in_their_order(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan(LOAN, due_on="2026-03-01")
    book.escalate(LOAN)
    book.send(LOAN, "text_day_1")
    sent = book.one(message)
    for second, word in ((5, "delivered"), (7, "sent")):
        book.clock.at = book.clock.at.replace(second=second)
        submit(
            book,
            "receipt",
            word,
            provider="twilio",
            message_id=str(sent.id),
            sid=sent.sid,
            word=word,
            status=word,
            code=None,
        )

    have_in_order(story(book), "text_day_1 as sent", "text_day_1 as delivered")


def test_what_came_of_a_payment_is_said_with_its_currency_and_two_places(engine: Engine) -> None:
    book = Book(engine)
    book.loan(LOAN, due_on="2026-03-01", amount="1000")
    book.escalate(LOAN)
    pay(book, "P-1", "587.5")

    said = speak(book.one(inbox_event).reason)
    assert said == "412.50 CNY is still past due since 2026-03-01; days past due: 1."


def test_the_tapes_that_told_of_the_loan_are_told_with_what_they_changed(
    engine: Engine, tmp_path: Path
) -> None:
    book = Book(engine, now="2026-03-05 10:00")
    tape = tmp_path / "march.csv"
    write_tape(tape, paid="0")
    import_tape(book.ctx, tape, load_mapping("arrears"), as_of=date(2026, 3, 5))
    book.at("2026-03-06 10:00")
    tape = tape.rename(tmp_path / "march-6.csv")
    write_tape(tape, paid="400")
    import_tape(book.ctx, tape, load_mapping("arrears"), as_of=date(2026, 3, 6))
    import_tape(book.ctx, tape, load_mapping("arrears"), as_of=date(2026, 3, 6))

    have_in_order(
        story(book),
        "03-05 10:00 Tape march.csv as of 2026-03-05 brought the loan in: days past due 3, "
        "1000.00 CNY.",
        "03-06 10:00 Tape march-6.csv as of 2026-03-06 changed the amounts: days past due 4, "
        "1000.00 CNY before, days past due 4, 600.00 CNY now.",
    )
    assert len([line for line in story(book) if "Tape " in line]) == 2, "the last told no news"


@pytest.mark.parametrize(("currency", "places"), [("JPY", 0), ("KWD", 3)])
def test_each_amount_has_the_decimal_places_of_its_currency(
    engine: Engine, currency: str, places: int
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    due_on = date(2026, 3, 1)
    due = Instalment(due_on, Decimal(500), Decimal(60), Decimal(5))
    book.loan(LOAN, instalments=[due], currency=currency)
    book.escalate(LOAN)
    day = "2026-03-02"
    told: dict[str, dict[str, object]] = {
        "charge": {"adjustment": "A-1", "component": "fees", "due_on": "2026-03-01"},
        "waiver": {"adjustment": "A-2"},
        "promise": {"promise": "PR-1", "due_on": day, "actor": "c-1"},
        "payment": {"external_id": "P-1", "paid_on": day},
    }
    amounts = {"charge": "7", "waiver": "9", "payment": "570", "promise": "3"}
    for kind, facts in told.items():
        booked = {"booked_on": day} if "adjustment" in facts else {}
        given = {"loan": LOAN, "currency": currency, "amount": amounts[kind]}
        assert tell(book, kind, **given, **facts, **booked).status == "applied", kind
    tell(book, "refund", refund="RF-1", payment="P-1", amount="4", refunded_on=day)
    part = {"amount": "2", "reversal": "R-1"}
    tell(book, "reversal", payment="P-1", reversed_on=day, **part)
    tell(book, "reversal", payment="P-1", reversed_on=day)

    for language in ("en", "zh"):
        with book.ctx.engine.connect() as connection:
            sentences = loan_history(connection, book.ctx, LOAN, language=language)
        whole = "\n".join(sentence.text for sentence in sentences)
        wrong = re.findall(r"\d+\.\d\d(?!\d)", whole)
        assert wrong == []
        written = {Decimal(n).__format__(f".{places}f") for n in (565, 7, 9, 570, 3, 4, 2, 500)}
        assert {amount for amount in written if amount not in whole} == set()
