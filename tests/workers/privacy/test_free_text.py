"""What people typed goes with an erasure, and the chain of evidence stays whole."""

from sqlalchemy import Engine, text

from tests.support.loans import Book
from workers.db.schema.evidence import EVIDENCE, FREE_TEXT
from workers.evidence.chain import chain_evidence
from workers.evidence.verify import verify
from workers.history import loan_history
from workers.privacy.free_text import OF_LOANS, OF_PERSONS, OF_THE_HOUSE, erase_free_text

TYPED = "her mother Lin is ill"


def test_every_column_of_free_text_is_emptied() -> None:
    declared = {
        f"{table}.{column}"
        for table, evidence in EVIDENCE.items()
        for column, reason in evidence.not_hashed.items()
        if reason == FREE_TEXT
    }
    of_loans = set(map(str, OF_LOANS)) - {"loan.written_off_why"}  # only four of its columns are
    assert declared == of_loans | set(map(str, OF_PERSONS)) | OF_THE_HOUSE


STORY = (
    """INSERT INTO hold (loan_id, external_id, sender, kind, starts_on, actor, made_at, why)
       SELECT id, 'H-' || id, 'lender', 'dispute', '2026-03-01', 'S-1', now(), :typed FROM loan""",
    """INSERT INTO hold (borrower_id, external_id, sender, kind, starts_on, actor, made_at, why)
       SELECT id, 'V-' || id, 'lender', 'vulnerability', '2026-03-01', 'S-1', now(), :typed
         FROM borrower""",
    """INSERT INTO adjustment (external_id, sender, loan_id, kind, amount, component, due_on,
                               booked_on, recorded_at, actor, why)
       SELECT 'A-' || id, 'lender', id, 'charge', 5, 'fees', '2026-03-01', '2026-03-01', now(),
              'S-1', :typed FROM loan""",
    """INSERT INTO problem (loan_id, kind, detail, found_at, resolved_at, actor, why)
       SELECT id, 'no_zone', '[]', now(), now(), 'S-1', :typed FROM loan""",
    """UPDATE loan SET written_off_on = '2026-03-02', written_off_at = now(),
                       written_off_by = 'S-1', written_off_why = :typed""",
    """INSERT INTO past_write_off (loan_id, written_off_at, written_off_on, written_off_why,
                                   taken_back_on, taken_back_at, taken_back_why)
       SELECT id, now(), '2026-03-01', :typed, '2026-03-01', now(), :typed FROM loan""",
    """INSERT INTO same_person_change (borrower_id, other_id, status, at, actor, why)
       SELECT min(id), max(id), 'parted', now(), 'S-1', :typed FROM borrower""",
    """INSERT INTO inbox_event (sender, external_id, kind, payload, stops_contact, reaches_number,
                                reaches_address, status, received_at, completed_at)
       SELECT 'staff', 'hold:' || external_id, 'hold',
              jsonb_build_object('loan', external_id, 'why', CAST(:typed AS text)),
              true, false, false, 'discarded', now(), now() FROM loan""",
)


def test_it_goes_with_the_erasure_of_its_borrower_and_of_nobody_else(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    for name in ("L-1", "L-2"):
        book.loan(name, due_on="2026-03-01")
    with engine.begin() as connection:
        for statement in STORY:
            connection.execute(text(statement), {"typed": TYPED})
    chain_evidence(book.ctx)
    erased, other = (book.loan_id(name) for name in ("L-1", "L-2"))
    assert where_it_is(book, other) == where_it_is(book, erased)
    before = where_it_is(book, other)
    assert len(before) == 8
    with engine.begin() as connection:
        erase_free_text(connection, [book._borrower_of("L-1")])
    assert where_it_is(book, erased) == set()
    assert where_it_is(book, other) == before - {"same_person_change"}
    chain_evidence(book.ctx)
    with engine.execution_options(isolation_level="REPEATABLE READ").begin() as connection:
        assert list(verify(connection)) == []
        assert TYPED not in "".join(
            sentence.text for sentence in loan_history(connection, book.ctx, "L-1")
        )


def where_it_is(book: Book, loan_id: int) -> set[str]:
    """The tables in which something typed about this loan or its borrower stands."""
    owners = """
        (SELECT 'loan', id::text, written_off_why FROM loan)
        UNION ALL (SELECT 'hold', loan_id::text, why FROM hold WHERE loan_id IS NOT NULL)
        UNION ALL (SELECT 'hold of person', l.id::text, why FROM hold h
                     JOIN loan l ON l.borrower_id = h.borrower_id)
        UNION ALL (SELECT 'adjustment', loan_id::text, why FROM adjustment)
        UNION ALL (SELECT 'problem', loan_id::text, why FROM problem)
        UNION ALL (SELECT 'past_write_off', loan_id::text, taken_back_why || written_off_why
                     FROM past_write_off)
        UNION ALL (SELECT 'same_person_change', l.id::text, why FROM same_person_change c
                     JOIN loan l ON l.borrower_id IN (c.borrower_id, c.other_id))
        UNION ALL (SELECT 'inbox_event', l.id::text, payload ->> 'why' FROM inbox_event e
                     JOIN loan l ON l.external_id = e.payload ->> 'loan')"""
    with book.ctx.engine.connect() as connection:
        rows = connection.execute(
            text(f"SELECT * FROM ({owners}) x (name, loan_id, why) WHERE why IS NOT NULL")  # noqa: S608
        )
        return {row.name for row in rows if row.loan_id == str(loan_id)}
