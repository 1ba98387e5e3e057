"""Evidence: it cannot be changed, and where somebody with all rights changes it, that shows."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import Engine, create_engine, insert, make_url, text
from sqlalchemy.exc import ProgrammingError

from domain.errors import ArrearsError
from tests.support.concurrently import concurrently
from tests.support.counting import statements
from tests.support.loans import NAME, PHONE, Book
from tests.support.rights import all_rights
from workers.calls.assign import assign_call
from workers.db.evidence_triggers import set_hash_format
from workers.db.grants import grant_to_role
from workers.db.schema import evidence_due, evidence_head, evidence_link, message
from workers.evidence.chain import chain_evidence
from workers.evidence.export import write_bundle
from workers.evidence.findings import Defect, Finding
from workers.evidence.hashing import digests_of
from workers.evidence.heads import read_head
from workers.evidence.verify import verify
from workers.sms.delivery_receipts import record_receipt


@pytest.fixture
def book(engine: Engine) -> Book:
    """A loan that was texted and called, with a receipt and a look at its number."""
    book = Book(engine, now="2026-03-02 10:00")
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    book.called("L-1", actor="c-1")
    sent = book.one(message)
    report = {
        "message_id": str(sent.id),
        "provider": sent.provider,
        "sid": sent.sid,
        "status": "delivered",
        "word": "delivered",
        "code": None,
    }
    with engine.begin() as connection:
        record_receipt(connection, book.ctx, report)
    return book


QUEUED = ("kind", "row_id", "chain", "digest", "recorded_at")


def chain(book: Book) -> int:
    done = 0
    while piece := chain_evidence(book.ctx):
        done += piece
    return done


def findings(book: Book, loan: str | None = None, head: str | None = None) -> list[Finding]:
    engine = book.ctx.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.begin() as connection:
        return list(verify(connection, loan, head=head))


WITH_ROWS = ("access", "action_event", "contact", "contact_outcome", "decision", "receipt")


@pytest.mark.parametrize("table", [*WITH_ROWS, "evidence_head", "evidence_link"])
def test_no_row_of_evidence_can_be_changed_or_removed(book: Book, table: str) -> None:
    chain(book)
    column = {"contact_outcome": "outcome"}.get(table, "id")
    for statement in (
        f"UPDATE {table} SET {column} = {column}",  # noqa: S608
        f"DELETE FROM {table}",  # noqa: S608
        f"TRUNCATE {table} CASCADE",
    ):
        with (
            pytest.raises(ProgrammingError, match=r"never changed or removed|can only be updated"),
            book.ctx.engine.begin() as connection,
        ):
            connection.execute(text(statement))


def test_the_role_of_the_workers_can_add_to_evidence_and_no_more(
    engine: Engine, database_url: str
) -> None:
    """The whole of a day's work goes through as that role; only what it must not do is refused."""
    owner = make_url(database_url)
    role = f"worker_of_{owner.database}"
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'of-a-test'"))
    try:
        grant_to_role(engine, role)
        grant_to_role(engine, role)
        works_as = create_engine(owner.set(username=role, password="of-a-test"))
        try:
            book = Book(works_as, now="2026-03-02 10:00")
            book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
            book.loan("L-1", due_on="2026-03-01")
            book.escalate("L-1")
            assert book.send("L-1", "text_day_1") == "accepted"
            assign_call(book.ctx, book.action_id("L-1", "friendly_call"))
            book.called("L-1", actor="c-1")
            assert chain(book) > 0
            assert findings(book) == []
            for statement in (
                "UPDATE contact SET channel = 'call'",
                "DELETE FROM decision",
                "TRUNCATE access",
                "ALTER TABLE contact DISABLE TRIGGER ALL",
                "SET session_replication_role = replica",
            ):
                with (
                    pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
                    works_as.begin() as connection,
                ):
                    connection.execute(text(statement))
        finally:
            works_as.dispose()
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))


def test_grants_name_a_role_that_is_there_and_is_not_the_owner(engine: Engine) -> None:
    with pytest.raises(ArrearsError, match="no role nobody_such"):
        grant_to_role(engine, "nobody_such")
    with pytest.raises(ArrearsError, match="it owns the tables"):
        grant_to_role(engine, make_url(engine.url).username or "")


def test_every_row_of_evidence_gets_its_link_and_is_found_whole(book: Book) -> None:
    waiting = len(book.rows(evidence_due))
    assert waiting > 6
    assert findings(book) == [], "what waits for its link is not missing one"
    assert chain(book) == waiting
    assert book.rows(evidence_due) == []
    linked = {row.kind for row in book.rows(evidence_link)}
    assert linked >= {"decision", "action_event", "contact", "contact_outcome", "receipt", "access"}
    of_loan = [row.seq for row in book.rows(evidence_link) if row.chain]
    assert of_loan == list(range(1, len(of_loan) + 1))
    assert findings(book) == findings(book, "L-1") == []


def test_two_that_chain_at_once_make_one_chain(book: Book) -> None:
    due = len(book.rows(evidence_due))
    once = partial(chain_evidence, book.ctx, limit=3)
    done = sum(sum(concurrently(once, once, once)) for _ in range(due))
    assert done == due
    assert findings(book) == []


def test_a_piece_costs_as_many_statements_for_many_loans_as_for_one(engine: Engine) -> None:
    counts = []
    for loans in (1, 30):
        book = Book(engine, now="2026-03-02 10:00")
        names = [f"L-{loans}-{number}" for number in range(loans)]
        for name in names:
            book.loan(name, due_on="2026-03-01")
        book.escalate(*names)
        with statements(engine) as sent:
            assert chain_evidence(book.ctx) >= loans
        counts.append(len(sent))
    assert counts == [1, 1]


@pytest.mark.attack("altered approval or payment")
@pytest.mark.parametrize(
    ("tampering", "wrong", "kind"),
    [
        ("UPDATE contact SET at = at - interval '3 hours'", Defect.CHANGED, "contact"),
        ("UPDATE decision SET outcome = 'held'", Defect.CHANGED, "decision"),
        ("DELETE FROM receipt", Defect.MISSING, "receipt"),
        ("UPDATE access SET actor = 'somebody-else'", Defect.CHANGED, "access"),
        ("DELETE FROM evidence_link WHERE kind = 'receipt'", Defect.UNLINKED, "receipt"),
    ],
)
def test_what_somebody_with_all_rights_changed_is_found(
    book: Book, tampering: str, wrong: Defect, kind: str
) -> None:
    chain(book)
    with all_rights(book.ctx.engine) as connection:
        connection.execute(text(tampering))
    found = findings(book, "L-1")
    assert {(row.defect, row.kind, row.loan) for row in found} >= {(wrong, kind, "L-1")}
    assert (wrong, kind) in {(row.defect, row.kind) for row in findings(book)}


def test_a_row_slipped_in_without_its_link_is_found(book: Book) -> None:
    chain(book)
    with all_rights(book.ctx.engine) as connection:
        connection.execute(
            text(
                "INSERT INTO contact (borrower_id, loan_id, action_id, channel, at)"
                " SELECT borrower_id, loan_id, action_id, channel, at FROM contact LIMIT 1"
            )
        )
    assert [(row.defect, row.kind) for row in findings(book)] == [(Defect.UNLINKED, "contact")]


def test_a_change_that_was_chained_anew_shows_against_a_head_that_was_noted(book: Book) -> None:
    """Whoever has all rights can rewrite the whole chain, but not what was noted elsewhere."""
    chain(book)
    with book.ctx.engine.connect() as connection:
        noted = read_head(connection)
    assert noted is not None
    assert findings(book, head=noted.digest) == []
    with all_rights(book.ctx.engine) as connection:
        connection.execute(text("UPDATE contact SET at = at - interval '3 hours'"))
        links = connection.execute(text("SELECT * FROM evidence_link ORDER BY id")).all()
        set_hash_format(connection)
        anew = digests_of(connection, ((link.kind, link.row_id) for link in links))
        connection.execute(text("DELETE FROM evidence_link"))
        connection.execute(text("DELETE FROM evidence_head"))
        for link in links:
            row = {**link._mapping, "digest": anew[link.kind, link.row_id]}
            connection.execute(insert(evidence_due).values({k: row[k] for k in QUEUED}))
    chain(book)
    assert findings(book) == [], "of itself it looks whole"
    assert [record.defect for record in findings(book, head=noted.digest)] == [Defect.NO_SUCH_HEAD]


@pytest.mark.attack("deleted chain ends")
def test_an_end_that_was_cut_off_shows_in_its_head(book: Book) -> None:
    chain(book)
    with all_rights(book.ctx.engine) as connection:
        connection.execute(
            text("DELETE FROM receipt WHERE id = (SELECT max(id) FROM receipt)"),
        )
        connection.execute(
            text("DELETE FROM evidence_link WHERE kind = 'receipt'"),
        )
    assert Defect.HEAD in {row.defect for row in findings(book)}


def test_evidence_of_a_loan_nobody_knows_is_not_whole_but_unknown(book: Book) -> None:
    with pytest.raises(ArrearsError, match="L-9 is not known"):
        findings(book, "L-9")


def test_a_bundle_can_be_checked_with_nothing_but_what_it_says_itself(
    book: Book, tmp_path: Path
) -> None:
    chain(book)
    out = tmp_path / "L-1.zip"
    with book.ctx.engine.begin() as connection:
        rows = write_bundle(connection, book.ctx, "L-1", out)
    assert rows == len([link for link in book.rows(evidence_link) if link.chain])
    with ZipFile(out) as bundle:
        bundle.extractall(tmp_path)
    readme = (tmp_path / "README.txt").read_text()
    script = "\n".join(line[4:] for line in readme.splitlines() if line.startswith("    "))
    check = [sys.executable, "-c", script]
    assert subprocess.run(check, cwd=tmp_path, timeout=60).returncode == 0
    lines = (tmp_path / "evidence.jsonl").read_text()
    whole = json.loads((tmp_path / "head.json").read_text())["links"]
    assert whole == len(book.rows(evidence_link))
    for personal in (NAME, PHONE["CN"]):
        assert personal not in lines + (tmp_path / "story.txt").read_text()

    (tmp_path / "evidence.jsonl").write_text(lines.replace("spoke", "no_answer"))
    failed = subprocess.run(check, cwd=tmp_path, timeout=60, capture_output=True)
    assert failed.returncode != 0


def test_nothing_is_chained_where_nothing_waits(engine: Engine) -> None:
    book = Book(engine)
    assert chain_evidence(book.ctx) == 0
    assert book.rows(evidence_head) == []
