"""One row that the code cannot read, in every loop that handles several: it stops nothing else.

Each row is written with all rights, past whatever the code would have checked: L-1 gets it, and
what is done about L-2 is done. What no key opens is left out of a rotation: see `privacy/`; forged
entries of the evidence: see `evidence/`.
"""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from config.readers.tape_mapping_reader import load_mapping
from domain.actions import ASSIGN_CALL, SEND_SMS
from domain.language.speak import speak
from domain.reasons import ReasonCode, because
from tests.support.events import pay, store, tell
from tests.support.inbound import record_inbound_text
from tests.support.loans import PHONE, Book
from tests.support.sending import ANSWER_LOST, Scripted, route
from workers.actions.dispatch import dispatch_due_actions
from workers.actions.run import run_action, use_case
from workers.borrowers.reply_queue import assign_replies
from workers.db.problems import note_problem
from workers.db.schema import borrower, collection_case, inbox_event, instalment, message, problem
from workers.db.schema import promise as promises
from workers.escalation.escalate import escalate_loans
from workers.escalation.reassess import close_paid_cases
from workers.escalation.scan import Envelope, scan_portfolio
from workers.hardship.promise_judgement import break_overdue_promises
from workers.inbox.apply import apply_events, dispatch_events
from workers.operations.problems import read_problems
from workers.privacy.erasure import erase_expired_data
from workers.sms.missing_receipts import ask_about_receipts
from workers.sms.providers.port import InboundText, OutgoingText
from workers.sms.reconcile import ask_providers
from workers.tapes.import_tape import import_tape

pytestmark = pytest.mark.attack("poisonous rows")

PHONE_2 = "+8613800138002"
NOT_A_NUMBER = """
UPDATE instalment i SET fees = 'NaN'
  FROM loan l WHERE l.id = i.loan_id AND l.external_id = 'L-1'
"""
NO_KEY_OPENS_THE_NUMBER = r"""
UPDATE borrower_number n SET number_encrypted = '\x00ab'
  FROM loan l WHERE l.borrower_id = n.borrower_id AND l.external_id = 'L-1'
"""
NO_KEY_OPENS_THE_TEXT = r"""
UPDATE message m SET body_encrypted = '\x00ab'
  FROM action a, loan l
 WHERE a.id = m.action_id AND l.id = a.loan_id AND l.external_id = 'L-1'
"""
SENT_LONG_AGO = """
UPDATE message m SET created_at = '0044-03-15 BC'
  FROM action a, loan l
 WHERE a.id = m.action_id AND l.id = a.loan_id AND l.external_id = 'L-1'
"""
ANOTHER_LADDER = """
UPDATE action a SET ladder_id = 'no_such'
  FROM loan l WHERE l.id = a.loan_id AND l.external_id = 'L-1'
"""

BEFORE_TIME = """
UPDATE action a SET ladder_since = '0044-03-15 BC'
  FROM loan l WHERE l.id = a.loan_id AND l.external_id = 'L-1' AND a.item = 'text_day_1'
"""


def poison(book: Book, *statements: str) -> None:
    with book.ctx.engine.begin() as connection:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount, statement


@pytest.fixture
def book(engine: Engine) -> Book:
    """Two loans of two persons, one day past due."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1")
    book.loan("L-2", phone=PHONE_2)
    return book


@pytest.fixture
def planned(book: Book) -> Book:
    """The same, with what the day brings planned."""
    assert book.escalate("L-1", "L-2").planned
    return book


def test_the_scan_and_the_review(book: Book) -> None:
    poison(
        book, "UPDATE loan SET review_on = '0044-03-15 BC' WHERE external_id = 'L-1'", NOT_A_NUMBER
    )
    announced: list[Envelope] = []

    scan_portfolio(book.ctx, announced.extend)
    for envelope in announced:
        escalate_loans(book.ctx, envelope.loan_ids)

    assert book.actions("L-2")["text_day_1"] == "planned"
    assert [row.kind for row in book.rows(problem)] == ["escalation_failed"]


def test_the_actions_that_are_due(planned: Book) -> None:
    poison(
        planned,
        """UPDATE action a SET due_at = '0044-03-15 BC', reason = '[{"no_such": {}}]'
             FROM loan l WHERE l.id = a.loan_id AND l.external_id = 'L-1'""",
        ANOTHER_LADDER,
    )
    announced: list[int] = []

    dispatch_due_actions(planned.ctx, SEND_SMS, announced.extend, 0)
    results = {id: run_action(planned.ctx, id, use_case(SEND_SMS)) for id in announced}

    assert results[planned.action_id("L-1", "text_day_1")] == "quarantined"
    assert results[planned.action_id("L-2", "text_day_1")] == "accepted"
    assert planned.action("L-1", "text_day_1").reason[0].code is ReasonCode.LADDER_NOT_LOADED


@pytest.mark.parametrize("poisoned", [NOT_A_NUMBER, ANOTHER_LADDER])
def test_the_loans_of_one_text(engine: Engine, poisoned: str) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    for name in ("L-1", "L-2"):
        book.loan(name, borrower_id="HOB")
    book.escalate("L-1", "L-2")
    poison(book, poisoned)

    run_action(book.ctx, book.action_id("L-2", "text_day_1"), use_case(SEND_SMS))

    assert [book.actions(name)["text_day_1"] for name in ("L-1", "L-2")] == ["planned", "done"]


@pytest.mark.parametrize("kind", ["payment", "hold"])
def test_the_events_of_one_message(book: Book, kind: str) -> None:
    faults = [
        "payload = '[]'",
        """payload = '"L-1"'""",
        "payload = '{}'",
        """payload = '{"loan": "L-1", "amount": {}, "ends_on": []}'""",
        """reason = '[{"no_such": {}}]', payload = '{}'""",
        "reason = '7', payload = '{}'",
        "kind = 'no_such'",
        "received_at = '20000-01-01', payload = '{}'",
        "corrected_at = '0044-03-15 BC', payload = '{}'",
    ]
    for number in range(len(faults)):
        store_event_of(book, kind, "L-1", f"{number}")
    store_event_of(book, kind, "L-2", "the last")
    ids = [row.id for row in book.rows(inbox_event)]
    poison(
        book,
        *(
            f"UPDATE inbox_event SET {fault} WHERE id = {id}"  # noqa: S608 constants
            for id, fault in zip(ids, faults, strict=False)
        ),
    )

    # What a failed batch claimed beyond its message is dispatched once more.
    apply_events(book.ctx, dispatch_events(book.ctx))
    apply_events(book.ctx, dispatch_events(book.ctx))

    *faulty, last = book.rows(inbox_event)
    assert last.status == "applied"
    assert all(row.status == "received" and row.reason for row in faulty)
    assert dispatch_events(book.ctx) == [], "they are not tried without end"


@pytest.mark.parametrize("kind", ["payment", "hold"])
def test_the_loans_of_events(book: Book, kind: str) -> None:
    for name in ("L-1", "L-2"):
        store_event_of(book, kind, name, name)
    poison(book, NOT_A_NUMBER)

    apply_events(book.ctx, dispatch_events(book.ctx))

    assert [row.status for row in book.rows(inbox_event)] == ["received", "applied"]


def store_event_of(book: Book, kind: str, loan: str, id: str) -> None:
    """A payment for a loan, or a hold on it."""
    if kind == "payment":
        paid = {"amount": "10", "currency": "CNY", "paid_on": "2026-03-02"}
        store(book, kind, external_id=id, loan=loan, **paid)
        return
    pause = {"kind": "manual", "starts_on": "2026-03-02", "ends_on": None}
    store(book, kind, hold=id, loan=loan, why="ill", actor="sup-1", **pause)


def test_cases_that_are_paid(planned: Book) -> None:
    poison(
        planned,
        NOT_A_NUMBER,
        "UPDATE loan SET written_off_on = '2026-03-02', written_off_at = now()",
    )

    assert close_paid_cases(planned.ctx) == 1

    assert [row.closed_at is None for row in planned.rows(collection_case)] == [True, False]
    assert [row.kind for row in planned.rows(problem)] == ["escalation_failed"]
    assert close_paid_cases(planned.ctx) == 0, "it is left alone for an hour"


def test_promises_that_are_overdue(planned: Book) -> None:
    for name in ("L-1", "L-2"):
        said = {"amount": "400", "currency": "CNY", "due_on": "2026-03-05", "actor": "col-1"}
        tell(planned, "promise", promise=f"PR-{name}", loan=name, **said)
    poison(planned, NOT_A_NUMBER)
    planned.at("2026-03-08 10:00")

    assert break_overdue_promises(planned.ctx) == 1

    assert [row.status for row in planned.rows(promises)] == ["open", "broken"]
    assert [row.kind for row in planned.rows(problem)] == ["escalation_failed"]
    assert break_overdue_promises(planned.ctx) == 0, "it is left alone for an hour"


def test_the_roster_that_calls_and_replies_are_assigned_from(planned: Book) -> None:
    for name in ("op-1", "op-2", "op-3", "op-4", "op-5"):
        planned.staff(name, "caller", shift=("2026-03-02 08:00", "2026-03-02 18:00"))
    poison(
        planned,
        "UPDATE staff SET languages = '{NULL}' WHERE external_id = 'op-1'",
        "UPDATE staff SET trained_on = '20000-01-01' WHERE external_id = 'op-2'",
        """UPDATE shift h SET ends_at = '20000-01-01'
             FROM staff s WHERE s.id = h.staff_id AND s.external_id = 'op-3'""",
        """UPDATE shift h SET starts_at = '0044-03-15 BC', ends_at = 'infinity'
             FROM staff s WHERE s.id = h.staff_id AND s.external_id = 'op-4'""",
    )
    inbound = InboundText("twilio", "SM1", PHONE_2, "我失业了", None)
    record_inbound_text(planned.ctx, inbound, help_is_answered=True)

    call = planned.action_id("L-1", "friendly_call")
    assert run_action(planned.ctx, call, use_case(ASSIGN_CALL)) == "assigned"
    assert assign_replies(planned.ctx) == 1


class Lists(Scripted):
    """Has every text on its list."""

    def find(self, text: OutgoingText, since: object) -> tuple[str, ...]:
        return (f"SM{text.to}",)


@pytest.mark.parametrize(
    "poisoned", [NO_KEY_OPENS_THE_NUMBER, NO_KEY_OPENS_THE_TEXT, SENT_LONG_AGO]
)
def test_texts_that_may_have_gone_out(planned: Book, poisoned: str) -> None:
    text_both(planned, Lists(ANSWER_LOST))
    poison(planned, poisoned)

    ask_providers(planned.ctx)

    assert planned.actions("L-2")["text_day_1"] == "done"


@pytest.mark.parametrize("poisoned", [NO_KEY_OPENS_THE_NUMBER, SENT_LONG_AGO])
def test_texts_without_receipt(planned: Book, poisoned: str) -> None:
    text_both(planned, Scripted())
    poison(planned, poisoned)

    ask_about_receipts(planned.at("2026-03-08 10:00").ctx)

    assert all(row.presumed_at for row in planned.rows(message))


def text_both(book: Book, provider: Scripted) -> None:
    book.ctx = replace(book.ctx, sms=route(twilio=provider))
    for name in ("L-1", "L-2"):
        book.send(name, "text_day_1")


def test_borrowers_whose_data_is_to_be_erased(book: Book) -> None:
    loans = ("L-1", "L-2", "L-3", "L-4")
    for name in loans[2:]:
        book.loan(name, phone=f"+861380013800{name[-1]}")
    for name in loans:
        pay(book, "1000", loan=name, id=f"P-{name}")
    poison(
        book,
        "UPDATE loan SET updated_at = '20000-01-01' WHERE external_id = 'L-1'",
        "UPDATE loan SET jurisdiction = 'no such' WHERE external_id = 'L-3'",
        "UPDATE loan SET updated_at = '0044-03-15 BC' WHERE external_id = 'L-4'",
    )

    erase_expired_data(book.at("2056-03-08 10:00").ctx)

    erased = [row.erased_at is not None for row in book.rows(borrower)]
    assert erased[:2] == [False, True]
    assert [row.kind for row in book.rows(problem)] == ["erasure_failed"]


HEADER = (
    "loan,borrower,name,phone,address,locale,region,zones,jurisdiction,product,currency,"
    "instalments,paid_total,steps_tried"
)


PAID_NO_NUMBER = """
UPDATE payment p SET amount = 'NaN'
  FROM loan l WHERE l.id = p.loan_id AND l.external_id = 'L-1'
"""


@pytest.mark.parametrize("poisoned", [NOT_A_NUMBER, BEFORE_TIME, PAID_NO_NUMBER])
def test_the_loans_of_a_tape(planned: Book, tmp_path: Path, poisoned: str) -> None:
    rows = [
        f"{loan},B-{loan},Lin Example,{phone},1 Example Road,zh-Hans,,Asia/Shanghai,CN,"
        "consumer_loan,CNY,2026-03-01 1000.00 0.00,100,"
        for loan, phone in (("L-1", PHONE["CN"]), ("L-2", PHONE_2))
    ]
    tape = tmp_path / "tape.csv"
    tape.write_text("\n".join((HEADER, *rows)) + "\n")
    for loan in ("L-1", "L-2"):
        pay(planned, "50", loan=loan, id=f"P-{loan}")
    poison(planned, poisoned)

    report = import_tape(planned.ctx, tape, load_mapping("arrears"), as_of=date(2026, 3, 2))

    assert report.kept
    paid = [row.paid_principal for row in planned.rows(select(instalment).order_by("loan_id"))]
    unreadable = poisoned is not NOT_A_NUMBER
    # What is no number cannot be set against the tape: the loan stays as it was.
    assert paid == [50 if poisoned is PAID_NO_NUMBER else 150, 150]
    assert [row.kind for row in planned.rows(problem)] == ["escalation_failed"] * unreadable


def test_what_is_listed(planned: Book) -> None:
    with planned.ctx.engine.begin() as connection:
        for name in ("L-1", "L-2"):
            why = because(ReasonCode.CURRENCY_CHANGED)
            note_problem(
                connection, planned.loan_id(name), "currency_changed", why, planned.clock.at
            )
    poison(
        planned,
        """UPDATE problem p SET detail = '[{"no_such": {}}]', found_at = '0044-03-15 BC'
             FROM loan l WHERE l.id = p.loan_id AND l.external_id = 'L-1'""",
    )
    with planned.ctx.engine.connect() as connection:
        listed = read_problems(connection, planned.ctx).loans.rows
    details = [speak(row.detail) for row in sorted(listed, key=lambda row: row.loan)]
    assert [detail == speak(why) for detail in details] == [False, True]
    assert details[0].startswith("What is recorded here cannot be read")
