"""What is wrong in the queue is set aside and reported; it never stops the chain."""

import pytest
from sqlalchemy import Engine, text

from domain.holds import HoldKind
from tests.support.loans import Book
from tests.support.rights import all_rights
from workers.db.schema import evidence_due, evidence_link, evidence_set_aside
from workers.evidence.chain import chain_evidence
from workers.evidence.findings import Defect, Finding
from workers.evidence.verify import verify


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    assert chain_evidence(book.ctx) > 0
    return book


def findings(book: Book, loan: str | None = None) -> list[Finding]:
    engine = book.ctx.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.begin() as connection:
        return list(verify(connection, loan))


def forge(book: Book, values: str) -> None:
    with all_rights(book.ctx.engine) as connection:
        columns = "kind, row_id, chain, digest, recorded_at"
        connection.execute(text(f"INSERT INTO evidence_due ({columns}) VALUES {values}"))  # noqa: S608


@pytest.mark.parametrize(
    "forged",
    [
        "('no_such_table', 1, 0, sha256('x'), now())",
        "('contact', 999999, NULL, NULL, NULL)",
        "('decision', 1, 1, NULL, now())",
        "('decision', 1, 1, 'short', now())",
        "('decision', 1, NULL, sha256('x'), now())",
        "('decision', 1, 1, sha256('x'), 'infinity')",
        "(repeat('x', 100000), -1, -1, '', '-infinity')",
    ],
)
@pytest.mark.attack("forged chain rows")
def test_an_entry_that_cannot_be_linked_is_set_aside(book: Book, forged: str) -> None:
    forge(book, forged)
    book.loan("L-2", due_on="2026-03-01")
    book.escalate("L-2")
    due = len(book.rows(evidence_due))
    assert chain_evidence(book.ctx) == due
    assert book.rows(evidence_due) == []
    assert len(book.rows(evidence_set_aside)) == 1
    assert [found.defect for found in findings(book)] == [Defect.SET_ASIDE]


@pytest.mark.attack("forged chain rows")
def test_an_entry_that_can_be_linked_and_is_wrong_shows_by_its_row(book: Book) -> None:
    """A row that never was, or another digest of one that is there: the chain goes on."""
    forge(
        book, "('contact', 999999, 1, sha256('x'), now()), ('decision', 1, 1, sha256('x'), now())"
    )
    expected = {(Defect.MISSING, "contact"), (Defect.CHANGED, "decision")}
    assert {(found.defect, found.kind) for found in findings(book)} == expected
    assert chain_evidence(book.ctx) == 2
    assert {(found.defect, found.kind) for found in findings(book)} == expected


@pytest.mark.attack("forged chain rows")
def test_a_forged_link_at_the_end_of_its_chain_stops_nothing(book: Book) -> None:
    with all_rights(book.ctx.engine) as connection:
        connection.execute(
            text(
                "UPDATE evidence_link SET seq = 2147483647"
                " WHERE id = (SELECT max(id) FROM evidence_link)"
            )
        )
    book.loan("L-2", due_on="2026-03-01")
    book.escalate("L-1", "L-2")
    book.hold("L-1", HoldKind.DISPUTE, "2026-03-01", None)
    assert chain_evidence(book.ctx) > 0
    assert {Defect.GAP, Defect.SET_ASIDE} <= {found.defect for found in findings(book)}
    assert findings(book, "L-2") == []


def test_what_waits_too_long_for_its_link_is_reported(book: Book) -> None:
    book.loan("L-2", due_on="2026-03-01")
    book.escalate("L-2")
    assert findings(book) == []
    with all_rights(book.ctx.engine) as connection:
        connection.execute(
            text("UPDATE evidence_due SET recorded_at = recorded_at - interval '6 minutes'")
        )
    (found,) = findings(book)
    assert (found.defect, found.kind) == (Defect.WAITS, "borrower_number"), "the oldest"
    assert [each.defect for each in findings(book, "L-1")] == [Defect.WAITS]
    assert chain_evidence(book.ctx) > 0
    assert findings(book) == []


def test_a_worker_cannot_set_when_something_was_recorded(book: Book) -> None:
    """The clock of the context stands in March; the database records by its own."""
    with book.ctx.engine.connect() as connection:
        apart = connection.execute(
            text(
                "SELECT max(abs(extract(epoch FROM clock_timestamp() - recorded_at)))"
                " FROM evidence_link"
            )
        ).scalar_one()
    assert apart < 3600
    assert all(link.recorded_at.date() != book.clock.at.date() for link in book.rows(evidence_link))
