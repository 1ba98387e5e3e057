"""Each event of money and of parties is one commit: a worker that is lost leaves all of it or none.

So the crash points of `apply_event` (tests/crash_points) stand for every kind of event.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, Engine, event, text

from domain.loans import Instalment
from tests.support.events import store
from tests.support.loans import Book
from workers.inbox.apply import apply_event
from workers.inbox.event_data.persons import LoanPartyFacts

DAY = "2026-03-02"
LOAN = {"loan": "L-1"}
MONEY = {"amount": "30", "currency": "CNY"}
BOOKED = {**LOAN, "booked_on": DAY}
STAFF = {"actor": "c-1"}
PARTY = {**LOAN, "borrower": "G-1", "role": "guarantor", **STAFF}
PAID = {**LOAN, "amount": "250", "currency": "CNY", "paid_on": DAY}

STORY: tuple[tuple[str, dict[str, object]], ...] = (
    ("charge", {"adjustment": "A-1", "component": "fees", "due_on": DAY, **MONEY, **BOOKED}),
    ("waiver", {"adjustment": "A-2", **MONEY, **BOOKED}),
    ("instalment_left_out", {"adjustment": "A-3", "instalment": "2026-04-01", **BOOKED}),
    ("adjustment_reversal", {"adjustment": "A-3", "reversed_on": DAY, **LOAN}),
    ("acceleration", {"adjustment": "A-4", "due_on": DAY, **BOOKED}),
    ("payment", {"external_id": "P-1", **PAID}),
    ("reversal", {"payment": "P-1", "reversed_on": DAY, "amount": "20", "reversal": "R-1"}),
    ("reversal_taken_back", {"payment": "P-1", "reversal": "R-1", "taken_back_on": DAY, **LOAN}),
    ("refund", {"refund": "RF-1", "payment": "P-1", "amount": "10", "refunded_on": DAY}),
    ("refund_taken_back", {"refund": "RF-1", "payment": "P-1", "taken_back_on": DAY, **LOAN}),
    ("reversal", {"payment": "P-1", "reversed_on": DAY}),
    ("reversal_taken_back", {"payment": "P-1", "taken_back_on": DAY, **LOAN}),
    (
        "restructuring",
        {
            "restructuring": "RS-1",
            "restructured_on": DAY,
            "currency": "CNY",
            "paid": "0",
            "instalments": [{"due_on": "2026-05-01", "principal": "300"}],
            "why": "agreed",
            **LOAN,
            **STAFF,
        },
    ),
    ("write_off", {"written_off_on": DAY, **LOAN}),
    ("payment", {"external_id": "P-2", **PAID}),
    ("write_off_taken_back", {"taken_back_on": DAY, **LOAN}),
    ("loan_party", {**PARTY, "name": "Gao Example", "phone": "+8613800138009"}),
    ("loan_party_end", PARTY),
)


@contextmanager
def commits_counted(engine: Engine) -> Iterator[list[int]]:
    """The commits of transactions that wrote something."""
    counted: list[int] = []

    def count(connection: Connection) -> None:
        written = connection.execute(text("SELECT pg_current_xact_id_if_assigned()")).scalar()
        if written is not None:
            counted.append(int(written))

    event.listen(engine, "commit", count)
    yield counted
    event.remove(engine, "commit", count)


def test_each_event_of_money_or_of_a_party_is_one_commit(engine: Engine) -> None:
    book = Book(engine, now=f"{DAY} 10:00")
    dues = [Instalment(date(2026, month, 1), Decimal(100)) for month in (3, 4)]
    book.loan("L-1", instalments=dues)
    book.escalate("L-1")
    for kind, facts in STORY:
        if kind == "loan_party":
            model = LoanPartyFacts.model_validate(facts, strict=False)
            facts = model.payload(book.ctx.cipher)
        stored = store(book, kind, **facts)
        with commits_counted(engine) as commits:
            result = apply_event(book.ctx, stored)
        assert (result.status, len(commits)) == ("applied", 1), (kind, result)
        assert apply_event(book.ctx, stored).completed_before
