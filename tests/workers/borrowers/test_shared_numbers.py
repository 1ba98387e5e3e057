"""What is said of a number that many people have takes as many statements as for a few."""

import pytest
from sqlalchemy import Engine

from domain.contact_points import NumberFact
from tests.support.counting import statements
from tests.support.inbound import record_inbound_text
from tests.support.loans import Book
from workers.borrowers.number_facts import NumberFactReport, end_number_fact, record_number_fact
from workers.db.schema import person_fact
from workers.sms.providers.port import InboundText

FEW, MANY = ("+8613800138001", 3), ("+8613800138002", 300)
SAID = ("stop", "start", "cease and desist", "do not call me", "wrong number")


@pytest.fixture
def book(engine: Engine) -> Book:
    """Three people who share a number, and three hundred who share another one."""
    book = Book(engine, now="2026-03-02 10:00")
    for number, owners in (FEW, MANY):
        names = [f"{number}-{n}" for n in range(owners)]
        for name in names:
            book.loan(name, due_on="2026-03-01", phone=number)
        book.escalate(*names)
    return book


def test_as_many_statements_for_three_owners_as_for_three_hundred(book: Book) -> None:
    ctx, engine = book.ctx, book.ctx.engine
    taken: dict[str, list[int]] = {}
    for number, _ in (FEW, MANY):
        owner = f"B-{number}-1"
        fact = NumberFactReport(borrower=owner, fact=NumberFact.REACHES_NOBODY, actor="S-1")
        for said in SAID:
            text = InboundText("twilio", f"SM{number}{said}", number, said, None)
            with statements(engine) as sent:
                record_inbound_text(ctx, text, help_is_answered=True)
            taken.setdefault(said, []).append(len(sent))
        for name, report in (("closed", record_number_fact), ("open again", end_number_fact)):
            with statements(engine) as sent, engine.begin() as connection:
                report(connection, ctx, fact)
            taken.setdefault(name, []).append(len(sent))
    assert {said: few for said, (few, _) in taken.items()} == {
        said: many for said, (_, many) in taken.items()
    }
    kinds = [row.kind for row in book.rows(person_fact)]
    assert {kind: kinds.count(kind) for kind in kinds} == {"ceased": 303, "no_channel": 303}
