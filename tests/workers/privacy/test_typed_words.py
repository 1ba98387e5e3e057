"""What people type stands nowhere as it was typed: it is encrypted, shown to who may see it, and
gone after an erasure, and the chain of evidence stays whole."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from domain.actors import Actor, ActorKind, Role
from domain.disputes import Matter
from domain.reasons import ReasonCode, because
from domain.sending import Scope, SendingScope
from tests.support.acting import acting, acting_alone
from tests.support.encrypted import typed
from tests.support.loans import Book
from workers.access.administrators import break_glass_token, make_first_administrator, recent_uses
from workers.access.second_person import SecondPersonNeededError
from workers.actions.approvals import refuse
from workers.context import Context
from workers.db.problems import note_problem
from workers.db.schema import free_text, inbox_event, metadata, second_person_request
from workers.evidence.chain import chain_evidence
from workers.evidence.verify import verify
from workers.hardship.handling import take
from workers.history import loan_history
from workers.inbox.discard import discard_event
from workers.inbox.submit import submit
from workers.operations.problems import resolve_problem
from workers.operations.sending_holds import stop_sending
from workers.privacy import pruning
from workers.privacy.subject_requests import erase_subject, export_subject

CANARY = "Zanzibar"
WHY = f"her mother in {CANARY} is ill"
BY = Actor("sup-1")
DAY = "2026-04-30"


@pytest.fixture
def book(engine: Engine, tmp_path: Path) -> Book:
    """A loan about which words were typed wherever they can be."""
    book = Book(engine, now=f"{DAY} 10:00")
    book.loan("L-1", due_on="2026-03-01", steps_tried=("remind", "enquire", "visit"))
    book.loan("L-2", due_on="2026-03-01")
    book.staff("sup-1", "supervisor")
    book.escalate("L-1")
    refuse(acting(book.ctx, BY), "L-1", "legal_file", why=WHY)
    starts = {"starts_on": DAY, "actor": "sup-1", "why": WHY}
    charge = {"amount": "5", "currency": "CNY", "component": "fees", "due_on": "2026-03-01"}
    new = {"instalments": [{"due_on": "2026-05-01", "principal": "100"}], "currency": "CNY"}
    for kind, payload in (
        ("dispute", {"dispute": "D-1", "loan": "L-1", **starts}),
        ("hold", {"hold": "H-1", "loan": "L-1", "kind": "manual", "ends_on": None, **starts}),
        (
            "hold",
            {"hold": "V-1", "borrower": "B-L-1", "kind": "vulnerability", "ends_on": None} | starts,
        ),
        ("charge", {"adjustment": "A-1", "loan": "L-1", "booked_on": DAY, "why": WHY, **charge}),
        (
            "restructuring",
            {"restructuring": "R-1", "loan": "L-1", "restructured_on": DAY, "why": WHY, **new}
            | {"actor": "sup-1"},
        ),
        (
            "dispute_resolution",
            {"dispute": "D-1", "outcome": "rejected", "finding": "records_differ", "why": WHY}
            | {"actor": "sup-1"},
        ),
        ("write_off", {"loan": "L-1", "written_off_on": DAY, "why": WHY}),
        ("write_off_taken_back", {"loan": "L-1", "taken_back_on": DAY, "why": WHY}),
        ("write_off", {"loan": "L-1", "written_off_on": DAY, "why": WHY}),
        (
            "same_person",
            {"borrower": "B-L-2", "other": "B-L-1", "status": "confirmed", "why": WHY}
            | {"actor": "sup-1"},
        ),
        # These wait: nobody knows the loan or the record yet.
        ("hold", {"hold": "H-2", "loan": "L-9", "kind": "manual", "ends_on": None, **starts}),
        ("dispute", {"dispute": "D-2", "loan": "L-9", **starts}),
    ):
        id = f"{kind}:{payload.get('hold', len(book.rows(inbox_event)))}"
        if kind == "dispute_resolution":
            take(acting(book.ctx, BY), Matter.DISPUTE, "D-1")
        submit(book.ctx, id, kind, payload)
    discard_event(acting(book.ctx, BY), "hold:H-2", why=WHY)
    with engine.begin() as connection:
        reason = because(ReasonCode.SENT_AFTER_ALL, item="text_day_1")
        note_problem(connection, book.loan_id("L-1"), "sent_after_all", reason, book.ctx.now())
    resolve_problem(acting(book.ctx, BY), "L-1", "sent_after_all", why=WHY)
    stop_sending(book.ctx, Scope(SendingScope.CHANNEL, "visit"), WHY)
    make_first_administrator(book.ctx, "adm-1", tmp_path / "token")
    break_glass_token(book.ctx, "adm-1", tmp_path / "another", WHY)
    officer = Actor("p-1", ActorKind.STAFF, frozenset({Role.PRIVACY_OFFICER}))
    asked = book.ctx.acting(officer)
    for use_case in (as_export, as_erasure):
        with pytest.raises(SecondPersonNeededError):
            use_case(asked)
    as_export(acting_alone(book.ctx, BY))
    return book


def as_export(ctx: Context) -> None:
    export_subject(ctx, "B-L-1", purpose=WHY)


def as_erasure(ctx: Context) -> None:
    erase_subject(ctx, "B-L-1", why=WHY, law=WHY, dry_run=False)


def where_it_stands(book: Book) -> set[str]:
    """The tables with the word, as text or as bytes, in any column."""
    found = "SELECT EXISTS (SELECT FROM {table} t WHERE t::text ILIKE ANY (:words))"
    words = [f"%{CANARY}%", f"%{CANARY.encode().hex()}%"]
    with book.ctx.engine.connect() as connection:
        return {
            table
            for table in metadata.tables
            if connection.execute(text(found.format(table=table)), {"words": words}).scalar()
        }


def story(book: Book) -> str:
    with book.ctx.engine.connect() as connection:
        return "\n".join(entry.text for entry in loan_history(connection, book.ctx, "L-1"))


def test_no_table_has_it_and_explain_shows_it_to_who_may_see_it(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    assert where_it_stands(book) == set()
    assert len(book.rows(free_text)) >= 15
    assert CANARY not in caplog.text
    # The refusal, three holds, the charge, the new schedule, two write-offs with one taken back,
    # the two records, the problem.
    assert story(book).count(WHY) == 11
    bookkeeper = Actor("b-1", ActorKind.STAFF, frozenset({Role.BOOKKEEPER}))
    own, book.ctx = book.ctx, book.ctx.acting(bookkeeper)
    assert (CANARY in story(book), story(book).count("[not shown here]")) == (False, 11)
    book.ctx = own
    exported = export_subject(acting_alone(book.ctx, BY), "B-L-1", purpose=WHY)["data"]
    asked = {f'purpose: "{WHY}"', f'why: "{WHY}"\nlaw: "{WHY}"'}
    assert {row["words"] for row in exported["free_text"]} == {WHY, *asked}
    with book.ctx.engine.connect() as connection:
        assert WHY in {use.why for use in recent_uses(connection, book.ctx)}


def test_after_an_erasure_explain_says_so_and_the_chain_is_whole(book: Book) -> None:
    chain_evidence(book.ctx)
    as_erasure(acting_alone(book.ctx, BY))
    # What nobody's erasure deletes: the record of the erasure itself, why the lender's own sending
    # was stopped and its server used, and what was typed about an event of nobody on record.
    assert len(book.rows(free_text)) == 5
    assert (CANARY in story(book), story(book).count("[erased]")) == (False, 11)
    for request in book.rows(second_person_request):
        assert typed(book, request.why_id) is None
    chain_evidence(book.ctx)
    with book.ctx.engine.execution_options(isolation_level="REPEATABLE READ").begin() as connection:
        assert list(verify(connection)) == []


def test_words_about_nobody_on_record_expire(book: Book) -> None:
    encrypted = select(inbox_event).where(inbox_event.c.payload.has_key("why_encrypted"))
    assert {row.status for row in book.rows(encrypted)} == {"received", "discarded"}
    before = len(book.rows(free_text))
    book.at("2036-04-30 10:00")
    pruning.prune(book.ctx)
    assert len(book.rows(free_text)) == before - 1
    assert {row.status for row in book.rows(encrypted)} == {"received"}
