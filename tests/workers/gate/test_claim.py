"""The claim: what it waits for, and what it calls off although it was planned."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Connection, Engine, select, text, update
from sqlalchemy.exc import OperationalError

from domain.actions import SEND_SMS
from domain.loans import Instalment
from domain.reasons import ReasonCode, because
from tests.support.loans import Book
from workers.db.schema import instalment, loan
from workers.gate.claim import ClaimedAction, claim


def claim_text(connection: Connection, book: Book, name: str) -> ClaimedAction | None:
    """Claim the first text of a loan, and wait for a lock for no longer than half a second."""
    connection.execute(text("SET LOCAL lock_timeout = '500ms'"))
    return claim(connection, book.ctx, book.action_id(name, "text_day_1"), SEND_SMS)


def test_two_claims_for_two_loans_of_one_borrower_come_one_after_the_other(engine: Engine) -> None:
    book = Book(engine)
    for name in ("L-1", "L-2"):
        book.loan(name, due_on="2026-03-01")
    book.loan("another's", due_on="2026-03-01", phone="+8613900139000")
    borrower_id = book.one(select(loan.c.borrower_id).where(loan.c.external_id == "L-1"))[0]
    with engine.begin() as connection:
        connection.execute(
            update(loan).where(loan.c.external_id == "L-2").values(borrower_id=borrower_id)
        )
    book.escalate("L-1", "L-2", "another's")

    with engine.begin() as first:
        assert claim_text(first, book, "L-1")
        with engine.connect() as second, pytest.raises(OperationalError, match="lock timeout"):
            claim_text(second, book, "L-2")
        with engine.begin() as third:
            assert claim_text(third, book, "another's"), "nobody waits for another borrower"
    with engine.begin() as second:
        assert claim_text(second, book, "L-2"), "the contact of the first is on record by now"


def test_a_text_for_arrears_that_were_paid_is_called_off_though_newer_ones_are_past_due(
    engine: Engine,
) -> None:
    book = Book(engine, now="2026-03-04 10:00")
    first, second = date(2026, 3, 1), date(2026, 3, 3)
    book.loan("L-1", instalments=[Instalment(due, Decimal(1000)) for due in (first, second)])
    book.escalate("L-1")
    assert book.action("L-1", "text_day_3").ladder_since == first
    with engine.begin() as connection:
        connection.execute(
            update(instalment).where(instalment.c.due_on == first).values(paid_principal=1000)
        )

    assert book.send("L-1", "text_day_3") == "nothing to do"

    called_off = book.action("L-1", "text_day_3")
    assert (called_off.status, called_off.reason) == ("cancelled", because(ReasonCode.SUPERSEDED))
    assert book.sms.sent == []
