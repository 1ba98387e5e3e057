"""Each role of the database can do its day's work, and is refused what is not its work."""

from collections.abc import Iterator
from copy import copy
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
from workers.db.encryption import Cipher, SealingCipher
from workers.db.encryption_keys import begin_rotation, store_index_key
from workers.db.engine import connect
from workers.db.grants import grant_roles, owns_tables
from workers.db.journal import with_journal
from workers.db.role_check import find_more_than_rights
from workers.db.roles import RIGHTS, Role, is_personal, rights_of
from workers.db.schema import (
    action,
    encryption_key,
    inbox_event,
    loan,
    metadata,
    permission_use,
)
from workers.escalation.escalate import escalate_loans
from workers.escalation.reassess import close_paid_cases
from workers.escalation.scan import Envelope, scan_portfolio
from workers.evidence.chain import chain_evidence
from workers.hardship.arrangement_review import settle_arrangements
from workers.hardship.promise_judgement import break_overdue_promises
from workers.http.delivery_receipts import store_reports
from workers.http.inbound_texts import store_text
from workers.inbox.apply import apply_events, dispatch_events
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
    drop_roles(engine)


def drop_roles(engine: Engine) -> None:
    """Those that are there: another test may have migrated the same database."""
    with engine.begin() as connection:
        for role in Role:
            name = role.name_in(str(engine.url.database))
            known = select(text("1")).select_from(text("pg_roles")).where(text("rolname = :name"))
            if connection.execute(known, {"name": name}).first():
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


def work_a_day(book: Book, typed: Book, folder: Path) -> None:
    """What the workers do, and what people type at the command line."""
    ctx = book.ctx
    mapping, tape = mapping_from(folder), tape_of(folder, GOOD)
    import_tape(typed.ctx, tape, mapping, as_of=ctx.today(), part=True)
    import_tape(typed.ctx, tape, mapping, as_of=ctx.today(), part=True)
    for events in FROM_OUTSIDE:
        found: list[Envelope] = []
        scan_portfolio(ctx, found.extend)
        escalate_loans(ctx, [id for envelope in found for id in envelope.loan_ids])
        approve_what_waits(typed)
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
    settle_arrangements(ctx)
    close_paid_cases(ctx)
    chain_evidence(ctx)
    erase_expired_data(ctx)
    erase_subject(
        acting_alone(typed.ctx, Actor("s-1")),
        "B-L-legal",
        why="asked",
        law="GDPR 17",
        dry_run=False,
    )
    book.clock.at += timedelta(days=400)
    prune(ctx)


ONLY_PEOPLE = (
    "UPDATE staff SET roles = '{administrator}'",
    "INSERT INTO staff (external_id, roles, daily_capacity) VALUES ('boss', '{lawyer}', 0)",
    "INSERT INTO shift (staff_id, starts_at, ends_at) SELECT id, now(), now() FROM staff",
    "INSERT INTO token (staff_id, digest, created_at, created_by, expires_at)"
    " SELECT id, '', now(), 'adm-1', now() FROM staff",
    "UPDATE token SET expires_at = 'infinity'",
    "UPDATE machine SET scopes = '{events:write_off}', revoked_at = NULL",
    "INSERT INTO second_person_request (permission, digest, shown, status, asked_by, asked_at,"
    " decided_by, decided_at) VALUES ('access:change', '', '', 'granted', 'a', now(), 'b', now())",
    "UPDATE second_person_request SET shown = 'nothing'",
    "INSERT INTO roster_version DEFAULT VALUES",
    "INSERT INTO break_glass (at, os_user, what, why) VALUES (now(), 'root', 'x', 'y')",
    "INSERT INTO approval (action_id) VALUES (1)",
    "UPDATE approval SET action_id = 1",
    "UPDATE sending_hold SET resumed_at = now(), resumed_by = 'adm-1'",
    "UPDATE recovery_step SET status = 'accepted'",
    "INSERT INTO permission_use (at, actor, actor_kind, permission, granted)"
    " VALUES (now(), 'supervisor-01', 'staff', 'data:erase', true)",
)
"""What no service may write: who works here, who may do what, what was granted and approved."""

SET_BY_THE_DATABASE = (
    "INSERT INTO permission_use (at, recorded_at, permission, granted)"
    " VALUES (now(), '2001-01-01', 'data:erase', true)",
    "INSERT INTO number_alarm (at, recorded_at, actor, actor_kind, numbers)"
    " VALUES (now(), '2001-01-01', 'c-1', 'staff', 9)",
    "INSERT INTO break_glass (at, recorded_at, os_user, what, why)"
    " VALUES (now(), '2001-01-01', 'root', 'x', 'y')",
)
A_MACHINE_ASKED = text(
    "INSERT INTO permission_use (at, actor, permission, granted, times)"
    " VALUES (now(), 'core', 'events:payment', false, 2)"
)


@pytest.mark.attack("rights of a service")
def test_no_service_writes_what_people_decide_nor_when_the_database_recorded_it(
    owner: Engine,
) -> None:
    for role in (Role.WORKER, Role.WEBHOOK, Role.API, Role.REPORTS):
        with as_role(owner, role) as engine:
            assert_refused(engine, *ONLY_PEOPLE, *SET_BY_THE_DATABASE)
            if role is not Role.REPORTS:
                with engine.begin() as connection:
                    connection.execute(A_MACHINE_ASKED)
            if role is not Role.WORKER:
                assert_refused(engine, "SELECT digest FROM token")
    with as_role(owner, Role.CLI) as engine:
        assert_refused(engine, *SET_BY_THE_DATABASE, "UPDATE permission_use SET granted = true")
    with owner.connect() as connection:
        asked = connection.execute(select(permission_use.c.actor_kind)).scalars().all()
    assert asked == ["machine"] * 3, "what a service writes is of a machine"


@pytest.mark.attack("rights of a service")
def test_no_role_holds_back_the_chain_of_evidence(owner: Engine) -> None:
    book = Book(owner)
    book.staff("c-1", "caller")
    for role in (Role.REPORTS, Role.BACKUP, Role.WEBHOOK, Role.API):
        book.staff(f"c-of-{role}", "caller")
        with as_role(owner, role) as engine, engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_lock(1095914053)"))
            assert chain_evidence(book.ctx) > 0
        with as_role(owner, role) as engine:
            assert_refused(
                engine,
                "SELECT link_evidence(1, '2001-01-01')",
                "LOCK TABLE evidence_set_aside IN ROW SHARE MODE",
                "LOCK TABLE evidence_due IN ROW SHARE MODE",
                "SELECT kind FROM evidence_due FOR KEY SHARE",
            )
    with as_role(owner, Role.CLI) as engine:
        assert_refused(engine, QUEUES_BY_ITSELF)


QUEUES_BY_ITSELF = """
CREATE TEMPORARY TABLE mine AS SELECT * FROM payment;
CREATE TRIGGER mine AFTER INSERT ON mine REFERENCING NEW TABLE AS written
   FOR EACH STATEMENT EXECUTE FUNCTION evidence_of_payment();
"""


@pytest.mark.attack("rights of a service")
def test_what_a_role_changed_of_itself_or_was_given_is_reported_and_taken_back(
    owner: Engine,
) -> None:
    worker = Role.WORKER.name_in(str(owner.url.database))
    reports = Role.REPORTS.name_in(str(owner.url.database))
    with owner.connect() as connection:
        assert find_more_than_rights(connection) == []
    with as_role(owner, Role.WORKER) as engine, engine.begin() as connection:
        connection.execute(text(f'ALTER ROLE "{worker}" SET search_path = pg_temp'))
        connection.execute(
            text(f'ALTER ROLE "{worker}" IN DATABASE "{owner.url.database}" SET jit = off')
        )
    with owner.begin() as connection:
        for given in (
            f'GRANT DELETE ON loan TO "{worker}"',
            f'GRANT UPDATE (roles) ON staff TO "{worker}"',
            f'GRANT SELECT ON borrower TO "{reports}"',
            "GRANT INSERT ON payment TO PUBLIC",
            f'ALTER ROLE "{reports}" CREATEDB',
            f'GRANT "{worker}" TO "{reports}"',
        ):
            connection.execute(text(given))
    with owner.connect() as connection:
        found = {tuple(each) for each in find_more_than_rights(connection)}
    assert found == {
        (worker, "setting search_path"),
        (worker, "setting jit"),
        (worker, "DELETE on loan"),
        (worker, "UPDATE on staff (roles)"),
        (reports, "SELECT on borrower"),
        (reports, "CREATEDB"),
        (reports, f"membership of {worker}"),
        ("PUBLIC", "INSERT on payment"),
    }
    grant_roles(owner)
    with owner.connect() as connection:
        found = {tuple(each) for each in find_more_than_rights(connection)}
    assert found == {(reports, "CREATEDB"), (reports, f"membership of {worker}")}


@pytest.mark.attack("rights of a service")
def test_the_role_of_workers_does_a_day_and_cannot_undo_it(owner: Engine, tmp_path: Path) -> None:
    store_index_key(owner, Cipher([KEY]), Book(owner).ctx.now())
    with as_role(owner, Role.WORKER) as engine, as_role(owner, Role.CLI) as for_people:
        typed = write_book(for_people)
        book = copy(typed)
        book.ctx = replace(typed.ctx, engine=engine)
        work_a_day(book, typed, tmp_path)
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
            *ONLY_PEOPLE,
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
def test_the_role_of_the_webhook_stores_what_comes_in_and_reads_no_name(
    owner: Engine, tmp_path: Path
) -> None:
    book = Book(owner)
    book.loan()
    listen(book, SECRET)
    sealing = SealingCipher(book.ctx.cipher.webhook_key())
    with as_role(owner, Role.WEBHOOK) as works:
        # The file of its settings may name a journal.
        engine = with_journal(works, tmp_path / "journal.jsonl", sealing, book.ctx.now)
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
    drop_roles(engine)
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
