"""Each role of the database can do its day's work, and is refused what is not its work."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, select, text

from domain.actions import ACTION_TYPES
from domain.actors import Actor
from domain.errors import ArrearsError
from domain.messages import MessageStatus
from tests.crash_points.scenario import FROM_OUTSIDE, approve_what_waits, come_in, write_book
from tests.support.acting import acting_alone
from tests.support.as_role import as_login, as_role, assert_refused
from tests.support.lender import SECRET, an_event, listen, tell
from tests.support.loans import KEY, PHONE, Book
from tests.support.tapes import GOOD, mapping_from, tape_of
from workers.actions.dispatch import dispatch_due_actions
from workers.actions.run import run_action, use_case
from workers.borrowers.reply_queue import assign_replies
from workers.calls.assign import assign_call
from workers.db.daily_runs import start_today
from workers.db.encryption import Cipher
from workers.db.encryption_keys import begin_rotation, store_index_key
from workers.db.engine import connect
from workers.db.grants import grant_roles, owns_tables
from workers.db.roles import RIGHTS, Role, is_personal, rights_of
from workers.db.schema import action, encryption_key, inbox_event, loan, metadata
from workers.escalation.escalate import escalate_loans
from workers.escalation.reassess import close_paid_cases
from workers.escalation.scan import Envelope, scan_portfolio
from workers.evidence.chain import chain_evidence
from workers.hardship.promises import break_overdue_promises
from workers.http.delivery_receipts import store_reports
from workers.http.inbound_texts import store_text
from workers.inbox.process import apply_events, dispatch_events
from workers.privacy.encrypted_columns import ENCRYPTED_TABLES
from workers.privacy.erasure import erase_expired_data
from workers.privacy.key_rotation import (
    continue_rotation,
    end_old_rotation,
    finish_rotation,
    rotate,
)
from workers.privacy.pruning import prune
from workers.privacy.subject_requests import erase_subject
from workers.sms.providers.port import InboundText, StatusReport
from workers.sms.reconcile import mark_lost_claims, reconcile_texts
from workers.tapes.import_tape import import_tape

NEW_KEY = Cipher.new_key()


@pytest.fixture
def owner(engine: Engine) -> Iterator[Engine]:
    """Its database has the roles, for one test."""
    assert grant_roles(engine) == grant_roles(engine) == []
    yield engine
    with engine.begin() as connection:
        for role in Role:
            name = role.name_in(str(engine.url.database))
            connection.execute(text(f'DROP OWNED BY "{name}"'))
            connection.execute(text(f'DROP ROLE "{name}"'))


def test_every_table_and_view_stands_in_the_table_of_rights(engine: Engine) -> None:
    """A new table has a line in `workers/db/roles.py`, or nobody but the owner may use it."""
    inspector = inspect(engine)
    assert set(RIGHTS) == {*inspector.get_table_names(), *inspector.get_view_names()}
    assert list(RIGHTS) == sorted(RIGHTS)


def test_only_the_owner_may_remove_the_record_of_what_was_done() -> None:
    for table in ("contact", "decision", "access", "policy_version", "message", "payment", "loan"):
        assert all("DELETE" not in rights_of(role, table) for role in Role)


def work_a_day(book: Book, folder: Path) -> None:
    """What the workers do, and what people type at the command line."""
    ctx = book.ctx
    mapping, tape = mapping_from(folder), tape_of(folder, GOOD)
    import_tape(ctx, tape, mapping, as_of=ctx.today(), part=True)
    import_tape(ctx, tape, mapping, as_of=ctx.today(), part=True)
    for events in FROM_OUTSIDE:
        found: list[Envelope] = []
        scan_portfolio(ctx, found.extend)
        escalate_loans(ctx, [id for envelope in found for id in envelope.loan_ids])
        approve_what_waits(book)
        for action_type in ACTION_TYPES.values():
            due: dict[int, str] = {}
            dispatch_due_actions(ctx, action_type, due.update, waiting=0)
            for id in due:
                run_action(ctx, id, use_case(action_type))
        come_in(book, events)
        apply_events(ctx, dispatch_events(ctx))
    start_today(ctx.engine, "a task", ctx.now())
    book.clock.at += timedelta(days=1)
    mark_lost_claims(ctx)
    reconcile_texts(ctx)
    assign_replies(ctx)
    break_overdue_promises(ctx)
    close_paid_cases(ctx)
    chain_evidence(ctx)
    erase_expired_data(ctx)
    erase_subject(
        acting_alone(ctx, Actor("s-1")), "B-L-legal", why="asked", law="GDPR 17", dry_run=False
    )
    book.clock.at += timedelta(days=400)
    prune(ctx)


@pytest.mark.attack("rights of a service")
def test_the_role_of_workers_does_a_day_and_cannot_undo_it(owner: Engine, tmp_path: Path) -> None:
    store_index_key(owner, Cipher([KEY]), Book(owner).ctx.now())
    with as_role(owner, Role.WORKER) as engine:
        book = write_book(engine)
        work_a_day(book, tmp_path)
        assert {row.status for row in book.rows(action)} >= {"done", "assigned", "skipped"}
        assert_refused(
            engine,
            "UPDATE contact SET channel = 'call'",
            "DELETE FROM decision",
            "TRUNCATE access",
            "DELETE FROM loan",
            "DELETE FROM payment",
            "DELETE FROM encryption_key",
            "UPDATE encryption_key SET index_key_encrypted = ''",
            "UPDATE policy_version SET digest = ''",
            "UPDATE alembic_version SET version_num = '0001'",
            "ALTER TABLE contact DISABLE TRIGGER ALL",
            "SET session_replication_role = replica",
            "CREATE TABLE mine ()",
            f'ALTER ROLE "{Role.REPORTS.name_in(str(engine.url.database))}" LOGIN',
        )
        with engine.connect() as connection:
            assert not owns_tables(connection)
    with owner.connect() as connection:
        assert owns_tables(connection)


def test_workers_encrypt_anew_and_only_the_owner_replaces_the_keys(owner: Engine) -> None:
    book = Book(owner)
    book.loan()
    store_index_key(owner, Cipher([KEY]), book.ctx.now())
    by_owner = replace(book.ctx, cipher=Cipher([NEW_KEY, KEY]))
    with as_role(owner, Role.WORKER) as engine:
        by_worker = replace(by_owner, engine=engine)
        with pytest.raises(ArrearsError, match="changed by the owner"):
            rotate(by_worker, lambda name, rows: None)
        with owner.begin() as connection:
            begin_rotation(connection, by_owner.cipher, book.ctx.now())
        assert continue_rotation(by_worker) > 0
        assert continue_rotation(by_worker) == 0
        assert not finish_rotation(by_worker)
    end_old_rotation(by_owner)
    assert [row.key_id for row in book.rows(encryption_key)] == [by_owner.cipher.current_key_id]


@pytest.mark.attack("rights of a service")
def test_the_role_of_the_webhook_stores_what_comes_in_and_reads_no_name(owner: Engine) -> None:
    book = Book(owner)
    book.loan()
    listen(book, SECRET)
    with as_role(owner, Role.WEBHOOK) as engine:
        book.ctx = replace(book.ctx, engine=engine)
        assert tell(book, an_event(loan="L-9")).status_code == 202
        assert tell(book, an_event(loan="L-9")).status_code == 202
        assert tell(book, an_event(loan="L-1")).status_code == 202, "it corrects the one before"
        text_of = partial(InboundText, "twilio", from_number=PHONE["CN"], opt_out_type=None)
        for body in ("STOP", "HELP"):
            stored = store_text(book.ctx, text_of(sid=body, body=body), help_is_answered=True)
        assert stored.help_in == "zh-Hans"
        delivered = StatusReport(None, "twilio", "SM1", "delivered", MessageStatus.DELIVERED, None)
        assert len(store_reports(book.ctx, [delivered])) == 1
        assert_refused(
            engine,
            "SELECT name_encrypted FROM borrower",
            "SELECT number_encrypted FROM borrower_number",
            "SELECT * FROM payment",
            "UPDATE inbox_event SET sender = 'another'",
            "DELETE FROM inbox_event",
            "INSERT INTO outbox_event (kind) VALUES ('x')",
            "DELETE FROM encryption_key",
            "CREATE TABLE mine ()",
        )
    assert len(book.rows(inbox_event)) == 4


@pytest.mark.attack("rights of a service")
def test_the_role_of_the_api_starts_a_call_and_changes_nothing_else(owner: Engine) -> None:
    book = Book(owner)
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    listen(book, SECRET)
    with as_role(owner, Role.API) as engine:
        book.ctx = replace(book.ctx, engine=engine)
        asked = {"attempt": "dialer-1", "loan": "L-1", "actor": "c-1"}
        answer = tell(book, asked, path="/calls/start")
        assert (answer.status_code, answer.json().get("number")) == (200, PHONE["CN"])
        assert_refused(
            engine,
            "UPDATE loan SET written_off_on = now()",
            "UPDATE action SET status = 'done'",
            "INSERT INTO payment (loan_id) VALUES (1)",
            "INSERT INTO inbox_event (kind) VALUES ('payment')",
            "SELECT body_encrypted FROM message",
            "SELECT body_encrypted FROM reply",
            "SELECT why FROM hold",
            "SELECT file_name FROM tape_import",
            "DELETE FROM contact",
            "CREATE TABLE mine ()",
        )


@pytest.mark.attack("rights of a service")
def test_the_role_of_reports_reads_no_personal_data_and_that_of_backups_everything(
    owner: Engine,
) -> None:
    personal = {f"{each.name}.{c.name}" for each in ENCRYPTED_TABLES for c in each.columns}
    shown = {str(c) for table in metadata.sorted_tables for c in table.c if not is_personal(c)}
    assert not shown & personal
    assert not [name for name in shown if "encrypted" in name or "blind_index" in name]
    with as_role(owner, Role.REPORTS) as engine:
        with engine.connect() as connection:
            connection.execute(select(loan.c.id, loan.c.external_id, loan.c.review_on)).all()
            connection.execute(select(inbox_event.c.kind, inbox_event.c.status)).all()
        assert_refused(
            engine,
            "SELECT name_encrypted FROM borrower",
            "SELECT payload FROM inbox_event",
            "SELECT why FROM hold",
            "SELECT digest FROM token",
            "SELECT key_id FROM encryption_key",
            "DELETE FROM loan",
            "INSERT INTO person (made_at) VALUES (now())",
            "CREATE TABLE mine ()",
        )
    with as_role(owner, Role.BACKUP) as engine:
        with engine.connect() as connection:
            for table in metadata.sorted_tables:
                connection.execute(select(table).limit(0))
            connection.execute(text("SELECT last_value FROM loan_id_seq"))
        assert_refused(engine, "DELETE FROM loan", "UPDATE loan SET product = ''")
    for password in ("of-a-test", "'quoted'"):
        grant_roles(owner, {Role.REPORTS: password})
    name = Role.REPORTS.name_in(str(owner.url.database))
    address = owner.url.set(username=name, password=password)
    reports = connect(address.render_as_string(hide_password=False))
    with reports.connect() as connection:
        assert connection.execute(text("SELECT current_user")).scalar() == name
    reports.dispose()


def test_who_may_make_no_roles_names_those_that_are_missing(engine: Engine) -> None:
    name = f"plain_{engine.url.database}"
    with engine.begin() as connection:
        connection.execute(text(f'CREATE ROLE "{name}" NOLOGIN'))
    try:
        with as_login(engine, name) as plain:
            missing = grant_roles(plain)
            with pytest.raises(ArrearsError, match="may make no roles"):
                grant_roles(plain, {Role.WORKER: "of-a-test"})
    finally:
        with engine.begin() as connection:
            connection.execute(text(f'DROP ROLE "{name}"'))
    assert missing == [role.name_in(str(engine.url.database)) for role in Role]
