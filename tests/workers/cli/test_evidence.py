"""`arrears evidence`, as people type it."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.loans import Book
from tests.support.rights import all_rights
from workers.db.schema import evidence_due
from workers.evidence.chain import chain_evidence


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return an_environment(database_url)


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    return book


def test_whole_evidence_is_said_to_be_whole(environment: dict[str, str], book: Book) -> None:
    assert "Nothing is chained yet." in arrears(environment, "evidence", "checkpoint").stdout
    rows = chain_evidence(book.ctx)
    shown = arrears(environment, "evidence", "checkpoint")
    assert f"{rows} rows of evidence" in shown.stdout
    head = shown.stdout.split()[0]
    for typed in (("verify",), ("verify", "L-1"), ("verify", "--head", head)):
        whole = arrears(environment, "evidence", *typed)
        assert whole.returncode == 0, whole.stderr
        assert "The evidence is whole." in whole.stdout


def test_evidence_that_was_changed_is_named_with_its_loan(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    chain_evidence(book.ctx)
    with all_rights(book.ctx.engine) as connection:
        connection.execute(text("UPDATE contact SET channel = 'call'"))
    found = arrears(environment, "evidence", "verify", "--json")
    assert found.returncode == 1
    (wrong,) = json.loads(found.stdout)["wrong"]
    assert (wrong["defect"], wrong["kind"], wrong["loan"]) == ("changed", "contact", "L-1")
    exported = arrears(environment, "evidence", "export", "L-1", "--out", str(tmp_path / "L-1.zip"))
    assert exported.returncode == 1
    assert "not what they were" in exported.stderr


def test_what_only_waits_is_not_called_changed(environment: dict[str, str], book: Book) -> None:
    with all_rights(book.ctx.engine) as connection:
        connection.execute(text("UPDATE evidence_due SET recorded_at = now() - interval '1 hour'"))
    said = arrears(environment, "evidence", "verify")
    assert said.returncode == 1
    assert "The evidence is whole." in said.stdout
    assert "Evidence that is not what it was" not in said.stdout
    assert "Evidence that waits for its link" in said.stdout
    assert "start a worker that serves the queue `maintenance`" in said.stdout
    found = json.loads(arrears(environment, "evidence", "verify", "--json").stdout)
    assert (found["wrong"], len(found["waits"])) == ([], 1)


def test_a_bundle_is_written_once(environment: dict[str, str], book: Book, tmp_path: Path) -> None:
    waiting = len([row for row in book.rows(evidence_due) if row.chain])
    out = tmp_path / "L-1.zip"
    written = arrears(environment, "evidence", "export", "L-1", "--out", str(out))
    assert written.returncode == 0, written.stderr
    assert f"{waiting} rows of evidence" in written.stdout, "what waited for its link is in it"
    assert out.exists()
    again = arrears(environment, "evidence", "export", "L-1", "--out", str(out))
    assert again.returncode == 2
    assert "is there already" in again.stderr
    unknown = arrears(environment, "evidence", "export", "L-9", "--out", str(tmp_path / "L-9.zip"))
    assert unknown.returncode == 2
    assert not (tmp_path / "L-9.zip").exists()
