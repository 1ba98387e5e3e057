"""Every table of facts is in the chain, each version of its rows, or a reason says why not."""

import pytest
from sqlalchemy import Engine, text

from tests.support.full_tables import fill, revisions
from tests.support.loans import Book
from tests.support.rights import all_rights
from workers.db.evidence_triggers import queue_rows, set_hash_format, version_of
from workers.db.schema import metadata
from workers.db.schema.evidence import EVIDENCE, NOT_CHAINED
from workers.evidence.chain import chain_evidence
from workers.evidence.findings import Defect, Finding
from workers.evidence.verify import verify


def chain(engine: Engine) -> None:
    while chain_evidence(Book(engine).ctx):
        pass


def findings(engine: Engine) -> list[Finding]:
    with engine.execution_options(isolation_level="REPEATABLE READ").begin() as connection:
        return list(verify(connection))


def test_every_table_is_chained_or_a_reason_says_why_not() -> None:
    assert not EVIDENCE.keys() & NOT_CHAINED.keys()
    assert EVIDENCE.keys() | NOT_CHAINED.keys() == metadata.tables.keys()
    assert all(NOT_CHAINED.values())


def test_what_is_not_hashed_of_a_row_has_its_reason_and_is_there() -> None:
    for name, evidence in EVIDENCE.items():
        columns = metadata.tables[name].c
        named = {evidence.key, *evidence.only, *evidence.not_hashed}
        assert named <= set(columns.keys()), name
        assert all(evidence.not_hashed.values()), name
        hashed = evidence.only or {*columns.keys()} - {*evidence.not_hashed}
        assert not [column for column in hashed if column.endswith("_encrypted")], name
        keys = [column.name for column in metadata.tables[name].primary_key]
        assert evidence.key == keys[0], name
        assert evidence.in_parts == (len(keys) > 1), name


def test_the_triggers_are_those_of_the_declarations(engine: Engine) -> None:
    with engine.connect() as connection:
        installed = connection.execute(
            text("""
                SELECT substr(proname, 13), obj_description(oid, 'pg_proc') FROM pg_proc
                 WHERE proname LIKE 'evidence\\_of\\_%'
            """)
        )
        assert {tuple(row) for row in installed} == {
            (table, version_of(table, evidence)) for table, evidence in EVIDENCE.items()
        }


NOT_FILLED = (
    """INSERT INTO legal_file_line (legal_file_id, due_on, principal, interest, fees)
       VALUES (1, '2026-01-01', 1, 0, 0)""",
    "INSERT INTO shift (staff_id, starts_at, ends_at) VALUES (1, '2026-03-02', '2026-03-03')",
    "UPDATE loan SET validation_notice_on = '2026-03-01' WHERE id = 1",
)


def test_a_row_that_goes_from_any_table_of_evidence_is_missed(engine: Engine) -> None:
    fill(engine, revisions()[-1], 100)
    with all_rights(engine) as connection:
        connection.execute(text("TRUNCATE evidence_due, evidence_link, evidence_head CASCADE"))
        connection.execute(text("TRUNCATE evidence_set_aside"))
        for statement in NOT_FILLED:
            connection.execute(text(statement))
        set_hash_format(connection)
        for table, evidence in EVIDENCE.items():
            queue_rows(connection, table, evidence)
    chain(engine)
    assert findings(engine) == []
    with all_rights(engine) as connection:
        for table in EVIDENCE:
            first = f"SELECT min(ctid) FROM {table}"  # noqa: S608
            gone = connection.execute(text(f"DELETE FROM {table} WHERE ctid = ({first})"))  # noqa: S608
            assert gone.rowcount == 1, table
    found = {finding.kind for finding in findings(engine)}
    assert found == EVIDENCE.keys()


@pytest.mark.attack("altered approval or payment")
def test_a_debt_or_a_number_that_is_given_to_somebody_else_is_found(engine: Engine) -> None:
    book = Book(engine)
    for name in ("L-1", "L-2"):
        book.loan(name, borrower_id=f"B-{name}")
    chain(engine)
    to_another = "SELECT max(id) FROM borrower"
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM borrower_number WHERE borrower_id = 1"))
        connection.execute(text(f"UPDATE loan SET borrower_id = ({to_another}) WHERE id = 1"))  # noqa: S608
        connection.execute(text("UPDATE loan SET review_on = '2026-04-01'"))
    chain(engine)
    assert findings(engine) == [], "what the triggers saw is on record …"
    with engine.connect() as connection:
        links = connection.execute(text(VERSIONS)).all()
    versions = {(kind, id, 3 - id) for kind in ("borrower_number", "loan") for id in (1, 2)}
    assert {tuple(link) for link in links} == versions, "… as one more version of the row"
    with all_rights(engine) as connection:
        connection.execute(text("UPDATE loan SET borrower_id = 1 WHERE id = 2"))
        connection.execute(text("UPDATE borrower_number SET borrower_id = 1"))
    assert findings(engine) == [
        Finding(Defect.CHANGED, "borrower_number", 2, None),
        Finding(Defect.CHANGED, "loan", 2, "L-2"),
    ]
    with all_rights(engine) as connection:
        connection.execute(text("DELETE FROM borrower_number"))
    assert Finding(Defect.MISSING, "borrower_number", 2, None) in findings(engine)


VERSIONS = """
SELECT kind, row_id, count(*) FROM evidence_link WHERE kind IN ('loan', 'borrower_number')
 GROUP BY 1, 2
"""

STORY = (
    """INSERT INTO payment (external_id, sender, loan_id, amount, currency, paid_on, recorded_at)
       SELECT 'P-' || n, 'lender', id, 100, 'CNY', '2026-03-01', now()
         FROM loan, generate_series(1, 3) n""",
    "UPDATE payment SET reversed_on = '2026-03-02', reversed_at = now() WHERE external_id = 'P-2'",
    """INSERT INTO adjustment (external_id, sender, loan_id, kind, amount, booked_on, recorded_at)
       SELECT 'A-1', 'lender', id, 'charge', 5, '2026-03-01', now() FROM loan""",
    """INSERT INTO adjustment_part (adjustment_id, due_on, component, amount)
       SELECT id, '2026-03-01', c, 5 FROM adjustment, unnest(ARRAY['fees', 'interest']) c""",
    "DELETE FROM adjustment_part WHERE component = 'fees'",
    "DELETE FROM adjustment_part",
    """INSERT INTO hold (loan_id, external_id, sender, kind, starts_on, actor, made_at)
       SELECT id, 'H-1', 'lender', 'dispute', '2026-03-01', 'S-1', now() FROM loan""",
    "UPDATE hold SET ends_on = '2026-03-02'",
    "UPDATE staff SET roles = '{caller,supervisor}'",
    "UPDATE staff SET roles = '{caller}'",
    "DELETE FROM shift",
    """UPDATE loan SET written_off_on = '2026-03-02', written_off_at = now(),
                       written_off_by = 'S-1'""",
    """INSERT INTO past_write_off (loan_id, written_off_at, written_off_on, taken_back_on,
                                   taken_back_at)
       SELECT id, written_off_at, written_off_on, '2026-03-03', now() FROM loan""",
    "UPDATE loan SET written_off_on = NULL, written_off_at = NULL, written_off_by = NULL",
)
BOOKKEEPING = (
    "UPDATE payment SET unallocated = 1",
    "UPDATE loan SET review_on = '2026-04-01'",
    "UPDATE hold SET why = 'as typed'",
    "UPDATE hold SET why = NULL",
    "UPDATE staff SET roles = roles",
)


def test_each_version_of_a_row_has_its_link(engine: Engine) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.staff("S-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1", due_on="2026-03-01")
    for statement in STORY:
        with engine.begin() as connection:
            connection.execute(text(statement))
        assert chain_evidence(book.ctx) > 0, statement
    assert findings(engine) == []
    for statement in BOOKKEEPING:
        with engine.begin() as connection:
            connection.execute(text(statement))
        assert chain_evidence(book.ctx) == 0, statement
    assert findings(engine) == []


TAMPERING = (
    ("payment", "UPDATE payment SET amount = 1 WHERE external_id = 'P-1'"),
    ("payment", "UPDATE payment SET reversed_on = NULL WHERE external_id = 'P-2'"),
    ("hold", "UPDATE hold SET ends_on = NULL"),
    ("staff", "UPDATE staff SET roles = '{caller,supervisor}'"),
    ("loan", "UPDATE loan SET written_off_on = '2026-03-02'"),
    ("past_write_off", "UPDATE past_write_off SET taken_back_on = '2026-03-04'"),
)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.attack("altered approval or payment")
def test_a_change_past_the_triggers_is_found_whether_or_not_the_row_has_its_link(
    engine: Engine, when: str
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    book.staff("S-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1", due_on="2026-03-01")
    with engine.begin() as connection:
        for statement in STORY:
            connection.execute(text(statement))
    if when == "after":
        chain(engine)
    assert findings(engine) == []
    with all_rights(engine) as connection:
        for _, statement in TAMPERING:
            connection.execute(text(statement))
    expected = {(Defect.CHANGED, kind) for kind, _ in TAMPERING}
    assert {(found.defect, found.kind) for found in findings(engine)} == expected
    chain(engine)
    assert {(found.defect, found.kind) for found in findings(engine)} == expected
