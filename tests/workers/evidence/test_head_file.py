"""Heads in a signed file: what is cut off the end of the chain shows, by itself."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from domain.errors import ArrearsError
from tests.support.loans import Book
from tests.support.rights import all_rights
from workers.evidence.chain import chain_evidence
from workers.evidence.findings import Defect, Finding
from workers.evidence.head_file import note_head
from workers.evidence.recent import verify_recent
from workers.evidence.verify import verify

CUT_OFF = (
    "DELETE FROM {kind} WHERE {key} IN (SELECT row_id FROM evidence_link WHERE kind = '{kind}'"
    " AND evidence_head_id = (SELECT max(id) FROM evidence_head))"
)


@pytest.fixture
def book(engine: Engine, tmp_path: Path) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    settings = book.ctx.settings.model_copy(update={"evidence_file": tmp_path / "heads.jsonl"})
    book.ctx = replace(book.ctx, settings=settings)
    return book


def file_of(book: Book) -> Path:
    path = book.ctx.settings.evidence_file
    assert path is not None
    return path


def a_loan(book: Book, name: str) -> None:
    book.loan(name, due_on="2026-03-01")
    book.escalate(name)
    assert chain_evidence(book.ctx) > 0


def defects(book: Book) -> set[Defect]:
    """Those that `verify` finds; `check` finds some of them."""
    engine = book.ctx.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.begin() as connection:
        found = set(verify(connection, file=(file_of(book), book.ctx.cipher)))
    with engine.begin() as connection:
        recent = set(verify_recent(connection, book.ctx))
    assert recent <= found
    assert bool(recent) == bool(found)
    return {finding.defect for finding in found}


def test_the_newest_head_is_noted_once_a_minute(book: Book) -> None:
    assert not note_head(book.ctx), "nothing is chained"
    a_loan(book, "L-1")
    assert note_head(book.ctx)
    a_loan(book, "L-2")
    assert not note_head(book.ctx), "a line is not a minute old"
    book.at("2026-03-02 10:01")
    assert note_head(book.ctx)
    book.at("2026-03-02 10:05")
    assert not note_head(book.ctx), "it is there"
    lines = [json.loads(line) for line in file_of(book).read_text().splitlines()]
    assert [line["head"] for line in lines] == [1, 2]
    assert defects(book) == set()


@pytest.mark.attack("deleted chain ends")
def test_an_end_that_was_cut_off_with_its_rows_shows_in_the_file(book: Book) -> None:
    a_loan(book, "L-1")
    assert note_head(book.ctx)
    book.at("2026-03-02 10:02")
    a_loan(book, "L-2")
    assert note_head(book.ctx)
    with all_rights(book.ctx.engine) as connection:
        for kind in ("decision", "action_event", "loan", "borrower_number"):
            connection.execute(text(CUT_OFF.format(kind=kind, key="id")))
        connection.execute(text("DELETE FROM evidence_link WHERE evidence_head_id = 2"))
        connection.execute(text("DELETE FROM evidence_head WHERE id = 2"))
    assert defects(book) == {Defect.NO_SUCH_HEAD}
    file = file_of(book)
    file.rename(file.with_suffix(".kept"))
    assert defects(book) == {Defect.FILE}, "the file is gone"
    file.with_suffix(".kept").rename(file)
    book.at("2026-03-02 10:10")
    assert not note_head(book.ctx), "the file is newer than the database"


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.attack("deleted chain ends")
def test_a_line_that_was_changed_or_taken_out_shows(book: Book, at: int) -> None:
    for minute, name in enumerate(("L-1", "L-2", "L-3")):
        book.at(f"2026-03-02 10:0{minute}")
        a_loan(book, name)
        assert note_head(book.ctx)
    whole = file_of(book).read_text()
    lines = whole.splitlines(keepends=True)
    changed = [*lines[:at], lines[at].replace('"links":', '"links":1'), *lines[at + 1 :]]
    file_of(book).write_text("".join(changed))
    assert Defect.FILE in defects(book)
    if at:
        file_of(book).write_text("".join([*lines[:at], *lines[at + 1 :]]))
        assert defects(book) == {Defect.FILE}
    file_of(book).write_text(whole)
    assert defects(book) == set()


def test_a_line_that_the_machine_stopped_in_is_passed_over(book: Book) -> None:
    a_loan(book, "L-1")
    assert note_head(book.ctx)
    with file_of(book).open("a") as file:
        file.write('{"head":2,"dig')
    book.at("2026-03-02 10:01")
    a_loan(book, "L-2")
    assert note_head(book.ctx)
    assert len(file_of(book).read_text().splitlines()) == 3
    assert defects(book) == set()


def test_a_file_of_another_installation_is_not_its_own(book: Book) -> None:
    a_loan(book, "L-1")
    assert note_head(book.ctx)
    line = json.loads(file_of(book).read_text())
    file_of(book).write_text(json.dumps(line | {"signature": "0" * 64}) + "\n")
    assert defects(book) == {Defect.FILE}


def test_a_file_that_cannot_be_written_is_named(book: Book, tmp_path: Path) -> None:
    a_loan(book, "L-1")
    settings = book.ctx.settings.model_copy(update={"evidence_file": tmp_path})
    ctx = replace(book.ctx, settings=settings)
    with pytest.raises(ArrearsError, match="ARREARS_EVIDENCE_FILE"):
        note_head(ctx)


def test_a_quick_look_finds_what_is_new_and_wrong(book: Book) -> None:
    a_loan(book, "L-1")
    tampering = {
        "UPDATE decision SET days_past_due = 99": Defect.CHANGED,
        "DELETE FROM evidence_link WHERE kind = 'decision'": Defect.UNLINKED,
        "DELETE FROM decision": Defect.MISSING,
    }
    engine = book.ctx.engine.execution_options(isolation_level="REPEATABLE READ")
    for statement, expected in tampering.items():
        with engine.connect() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text(statement))
            found: list[Finding] = list(verify_recent(connection, book.ctx))
            assert expected in {finding.defect for finding in found}, statement
            connection.rollback()
