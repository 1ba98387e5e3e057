"""What an earlier release stored as people typed it is encrypted, also in rows of evidence."""

import pytest
from sqlalchemy import Engine, select, text

from tests.support.loans import Book
from tests.workers.privacy.test_free_text import STORY, TYPED
from workers.db.schema import free_text, inbox_event, metadata
from workers.evidence.chain import chain_evidence
from workers.evidence.verify import verify
from workers.history import loan_history
from workers.privacy.plain_evidence import encrypt_plain_evidence
from workers.privacy.plain_words import count_plain_words, encrypt_plain_words

EVIDENCE = (
    """INSERT INTO action_event (action_id, at, from_status, to_status, reason)
       SELECT id, now(), 'planned', 'planned',
              jsonb_build_array('cured', jsonb_build_object('called_off',
                  jsonb_build_object('actor', 'v-1', 'why', CAST(:typed AS text)))) FROM action""",
    """INSERT INTO access (loan_id, at, what, purpose, actor)
       SELECT id, now(), 'everything', :typed, 'p-1' FROM loan""",
    """INSERT INTO access (loan_id, at, what, purpose, actor)
       SELECT id, now(), 'number', 'call', 'p-1' FROM loan""",
    """INSERT INTO erasure (borrower_id, at, actor, actor_kind, why, law)
       SELECT id, now(), 'p-1', 'staff', :typed, :typed FROM borrower""",
    """INSERT INTO erasure (borrower_id, at, actor, actor_kind, why)
       SELECT id, now(), 'erase_expired_data', 'system', 'retention_ended' FROM borrower""",
)
OF_THE_LENDER = (
    """INSERT INTO sending_hold (scope, cause, why, set_at, set_by)
       VALUES ('all', 'person', jsonb_build_array(jsonb_build_object('sending_stopped',
               jsonb_build_object('why', CAST(:typed AS text)))), now(), 'root')""",
    "INSERT INTO break_glass (at, os_user, what, why) VALUES (now(), 'root', 'token', :typed)",
    """INSERT INTO second_person_request (permission, digest, shown, status, asked_by, asked_at)
       VALUES ('data:erase', '', 'Erase all data about borrower B-1, because: ' || :typed, 'done',
               'p-1', now())""",
)


def where_it_stands(book: Book) -> set[str]:
    found = "SELECT EXISTS (SELECT FROM {table} t WHERE t::text LIKE :typed)"
    with book.ctx.engine.connect() as connection:
        return {
            table
            for table in metadata.tables
            if connection.execute(text(found.format(table=table)), {"typed": f"%{TYPED}%"}).scalar()
        }


def test_all_of_it_is_encrypted_and_the_chain_stays_whole(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    book = Book(engine, now="2026-03-02 10:00")
    for name in ("L-1", "L-2"):
        book.loan(name, due_on="2026-03-01")
    book.escalate("L-1", "L-2")
    with engine.begin() as connection:
        for statement in (*STORY, *EVIDENCE, *OF_THE_LENDER):
            connection.execute(text(statement), {"typed": TYPED})
    chain_evidence(book.ctx)
    before = where_it_stands(book)
    assert {"action_event", "access", "erasure", "hold", "loan", "inbox_event"} <= before
    with engine.connect() as connection:
        assert set(count_plain_words(connection)) == before

    encrypt_plain_words(book.ctx)
    of_the_owner = {"action_event", "access", "erasure", "second_person_request"}
    assert where_it_stands(book) == of_the_owner
    encrypt_plain_evidence(book.ctx)
    assert where_it_stands(book) == set()

    assert encrypt_plain_words(book.ctx) == encrypt_plain_evidence(book.ctx) == 0
    with engine.connect() as connection:
        assert count_plain_words(connection) == {}
        told = "\n".join(entry.text for entry in loan_history(connection, book.ctx, "L-1"))
    assert told.count(TYPED) >= 8
    assert len(book.rows(free_text)) > 20
    waits = select(inbox_event.c.payload)
    assert all("why_encrypted" in row.payload for row in book.rows(waits))
    chain_evidence(book.ctx)
    with engine.execution_options(isolation_level="REPEATABLE READ").begin() as connection:
        assert list(verify(connection)) == []
    with pytest.raises(Exception, match="action_event"), engine.begin() as connection:
        connection.execute(text("DELETE FROM action_event"))
