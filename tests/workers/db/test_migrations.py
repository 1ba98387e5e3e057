"""The migrations make exactly the tables that the code describes, and only go forward."""

import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from tests.support.databases import new_database
from tests.support.full_tables import fill, fill_anew, revisions, rows_of
from workers.db import migrate
from workers.db.engine import connect
from workers.db.schema import metadata


def test_migrations_and_tables_agree(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


@pytest.fixture
def both(engine: Engine) -> Engine:
    """The tables as they were migrated, and once more in a schema of their own, as described."""
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA described"))
        metadata.create_all(connection.execution_options(schema_translate_map={None: "described"}))
    return engine


def test_the_words_that_a_status_may_hold_are_the_same(both: Engine) -> None:
    """Alembic compares no checks, and a word that is missing there would stop a worker."""
    migrated = _checks(both, "public")
    assert migrated["action"]
    assert migrated == _checks(both, "described")


def test_indexes_are_the_same_to_the_last_condition(both: Engine) -> None:
    """Alembic compares no conditions, and an index that leaves out what is asked for is no use."""
    migrated = _indexes(both, "public")
    assert "(status = 'claimed'::text)" in migrated["action_claimed_idx"]
    assert migrated == _indexes(both, "described")


def test_tables_that_change_often_are_vacuumed_often_and_have_room(both: Engine) -> None:
    often = dict.fromkeys(("action", "inbox_event", "message", "outbox_event"), VACUUMED_OFTEN)
    options = {**often, "loan": ["fillfactor=50"]}
    assert _options(both, "public") == options
    assert _options(both, "described") == options


VACUUMED_OFTEN = ["autovacuum_vacuum_scale_factor=0.02"]


def _checks(engine: Engine, schema: str) -> dict[str, set[tuple[str, str]]]:
    inspector = inspect(engine)
    return {
        table.name: {
            (str(check["name"]), check["sqltext"])
            for check in inspector.get_check_constraints(table.name, schema=schema)
        }
        for table in metadata.sorted_tables
    }


def _indexes(engine: Engine, schema: str) -> dict[str, str]:
    found = text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = :schema")
    with engine.connect() as connection:
        rows = connection.execute(found, {"schema": schema}).all()
    ours = {str(index.name) for table in metadata.sorted_tables for index in table.indexes}
    return {
        name: re.sub(rf"\bON {schema}\.", "ON ", written) for name, written in rows if name in ours
    }


def _options(engine: Engine, schema: str) -> dict[str, list[str]]:
    """The storage parameters of the tables that have any."""
    found = text("""
        SELECT relname, reloptions FROM pg_class
         WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind = 'r'
           AND reloptions IS NOT NULL
    """)
    with engine.connect() as connection:
        return {
            row.relname: row.reloptions for row in connection.execute(found, {"schema": schema})
        }


VERSIONS = migrate.MIGRATIONS / "versions"
LOANS = 60
"""Enough for each kind of row that the files of rows make."""

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade() -> None:
    op.add_column("loan", sa.Column("made_up", sa.Text(), nullable=False{default}))
"""


def row_counts(engine: Engine) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()  # noqa: S608
            for name in inspect(connection).get_table_names()
            if name != "alembic_version"
        }


MOVED: defaultdict[str, frozenset[str]] = defaultdict(
    frozenset,
    {
        "0004": frozenset({"opt_out"}),
        "0017": frozenset({"person_fact"}),
        "0030": frozenset({"action_event", "evidence_due"}),
    },
)
"""Tables that a revision takes apart, or adds rows to. A test of its own shows which."""

QUEUED = frozenset({"evidence_due"})
"""After the newest revision every row of evidence that has no link is queued for one."""


NOTHING: tuple[str, str, set[tuple[object, ...]]] = ("SELECT 1", "SELECT 1", {(1,)})
OF_REVISION: dict[str, tuple[str, str, set[tuple[object, ...]]]] = {
    # Whose the ids on record are is read from their events. Without one, what went back is the
    # payment's sender's, and a restructuring is the lender's.
    "0041": (
        """
INSERT INTO payment_return (payment_id, kind, external_id, amount, returned_on, recorded_at)
SELECT *, 1, CAST('2026-03-02' AS date), now()
  FROM (VALUES (1, 'refund', 'RF-1'), (2, 'reversal', 'R-1'), (2, 'reversal', NULL),
               (3, 'refund', 'RF-1'), (4, 'reversal', 'R-1')) r;
UPDATE payment SET sender = 'core' WHERE id = 4;
INSERT INTO inbox_event (sender, external_id, kind, payload, status, received_at, stops_contact,
                         reaches_number, reaches_address)
SELECT e.sender, 'X-' || e.id, e.kind, e.payload, e.status, now(), false, false, false
  FROM (VALUES (1, 'dialer', 'refund', 'rejected',
                '{"payment": "P-1", "sender": "lender", "refund": "RF-1"}'::jsonb),
               (2, 'core', 'refund', 'applied',
                '{"payment": "P-1", "sender": "lender", "refund": "RF-1"}'),
               (3, 'dialer', 'refund', 'applied',
                '{"payment": "P-1", "sender": "lender", "refund": "RF-1"}'),
               (4, 'staff', 'reversal', 'applied', '{"payment": "P-2", "reversal": "R-1"}'),
               (5, 'core', 'refund', 'applied', '{"payment": "P-3", "refund": "RF-1"}'),
               (6, 'core', 'restructuring', 'applied', '{"restructuring": "RS-1"}')
       ) e (id, sender, kind, status, payload);
UPDATE replaced_event SET payload = payload || '{"digest": "abc"}' WHERE id % 2 = 0;
""",
        """
SELECT 'P-' || payment_id, external_id, sender FROM payment_return WHERE payment_id < 5
 UNION SELECT 'schedule', external_id, sender FROM replaced_schedule WHERE external_id < 'RS-2'
 UNION SELECT 'digests', NULL, count(*)::text FROM replaced_event WHERE payload ? 'digest'
""",
        {
            ("digests", None, "0"),
            ("P-1", "RF-1", "core"),
            ("P-2", "R-1", "staff"),
            ("P-2", None, None),
            ("P-3", "RF-1", "lender"),
            ("P-4", "R-1", "core"),
            ("schedule", "RS-1", "core"),
            ("schedule", "RS-11", "lender"),
        },
    ),
    # A refund on record of what only a tape shows has nothing left over if it is taken back.
    "0048": (
        """
INSERT INTO payment_return (payment_id, kind, external_id, sender, amount, returned_on, recorded_at)
SELECT *, 'lender', 1, CAST('2026-03-02' AS date), now()
  FROM (VALUES (1, 'refund', 'RF-9'), (2, 'refund', 'RF-9'), (3, 'refund', 'RF-9'),
               (3, 'reversal', 'R-9')) r;
UPDATE payment SET in_tape_as_of = '2026-03-01', unallocated = 0 WHERE id IN (1, 3);
UPDATE payment SET in_tape_as_of = NULL WHERE id = 2;
DELETE FROM allocation WHERE payment_id IN (2, 3);
INSERT INTO allocation (payment_id, due_on, component, amount)
VALUES (1, '2020-01-01', 'fees', 1);
""",
        """
SELECT 'P-' || payment_id, external_id, undone::int FROM payment_return
 WHERE external_id IN ('RF-9', 'R-9')
""",
        {("P-1", "RF-9", 0), ("P-2", "RF-9", 0), ("P-3", "RF-9", 1), ("P-3", "R-9", 0)},
    ),
}
"""What a revision finds, what is asked after it, and the answer; besides that no row is lost."""


@contextmanager
def filled_at(
    server_url: str, revision: str, template: str | None = None
) -> Iterator[tuple[str, Engine]]:
    """A full database of a revision: its address and an engine. `template` is one without rows."""
    with new_database(server_url, template) as url:
        address = url.render_as_string(hide_password=False)
        if template is None:
            migrate.upgrade(address, to=revision)
        engine = connect(address)
        try:
            fill(engine, revision, LOANS)
            yield address, engine
        finally:
            engine.dispose()


def go_forward(address: str, engine: Engine, revision: str) -> None:
    """Upgrade a full database of the revision before; no row may be lost."""
    before_it, asked, expected = OF_REVISION.get(revision, NOTHING)
    with engine.begin() as connection:
        connection.execute(text(before_it))
    filled = row_counts(engine)
    assert sum(filled.values()) > 10 * LOANS
    migrate.upgrade(address, to=revision)
    with engine.connect() as connection:
        assert {tuple(row) for row in connection.execute(text(asked))} == expected
    kept = filled.keys() - MOVED[revision] - QUEUED
    assert row_counts(engine).items() >= {name: filled[name] for name in kept}.items()


def test_migrations_only_go_forward() -> None:
    written = [path.read_text() for path in VERSIONS.glob("*.py")]
    assert written
    assert not any("def downgrade" in migration for migration in written)


def test_every_revision_has_rows_that_the_next_one_is_tested_on() -> None:
    assert [revision for revision in revisions() if not rows_of(revision).exists()] == []


@pytest.mark.timeout(300)
def test_each_revision_takes_a_full_database_forward(postgres_server: str) -> None:
    first, *later = revisions()
    with filled_at(postgres_server, first) as (address, engine):
        for revision in later:
            go_forward(address, engine, revision)
            fill_anew(engine, revision, LOANS)


def test_revision_0002_gives_texts_their_own_word_and_promises_no_sentence(
    postgres_server: str,
) -> None:
    with filled_at(postgres_server, "0001") as (address, engine):
        with engine.begin() as connection:
            connection.execute(text("UPDATE message SET status = 'failed' WHERE sid = 'SM-5'"))
            connection.execute(text("UPDATE hold SET kind = 'manual' WHERE id = 1"))
            connection.execute(text(PENDING_RECEIPT))
        migrate.upgrade(address, to="0002")
        with engine.connect() as connection:
            of_text = text("SELECT status FROM message WHERE sid = 'SM-5'")
            of_receipt = text("SELECT payload ->> 'status' FROM inbox_event WHERE id = 999999")
            of_holds = text("SELECT DISTINCT kind, why FROM hold ORDER BY kind")
            assert connection.execute(of_text).scalar_one() == "send_failed"
            assert connection.execute(of_receipt).scalar_one() == "send_failed"
            assert [tuple(row) for row in connection.execute(of_holds)] == [
                ("manual", "it was promised"),
                ("promise", None),
            ]


def test_revision_0028_keeps_the_ids_on_record_in_the_form_in_which_they_are_read(
    postgres_server: str,
) -> None:
    with filled_at(postgres_server, "0001") as (address, engine):
        with engine.begin() as connection:
            connection.execute(text(r"UPDATE loan SET external_id = U&'Cafe\0301' WHERE id = 1"))
        migrate.upgrade(address, to="0028")
        with engine.connect() as connection:
            of_loan = text("SELECT external_id FROM loan WHERE id = 1")
            assert connection.execute(of_loan).scalar_one() == "Caf\u00e9"


PENDING_RECEIPT = """
INSERT INTO inbox_event (id, external_id, kind, payload, stops_contact, status, received_at)
OVERRIDING SYSTEM VALUE
VALUES (999999, 'R-1', 'receipt', '{"status": "failed"}', false, 'received', now())
"""


BEFORE_0017 = """
SET LOCAL session_replication_role = replica;
UPDATE contact_point SET blind_index = (SELECT phone_blind_index FROM borrower WHERE id = 1)
 WHERE id = (SELECT min(id) FROM contact_point);
DELETE FROM contact_point_fact;
DELETE FROM person_fact;
INSERT INTO contact_point_fact (contact_point_id, kind, since, source, source_kind)
SELECT min(id), 'opted_out', now(), 'text', 'borrower' FROM contact_point;
INSERT INTO inbox_event (id, external_id, kind, payload, stops_contact, status, received_at)
OVERRIDING SYSTEM VALUE VALUES
    (999001, 'O-1', 'contact_outcome', '{"attempt": "A-1-1"}', false, 'received', now()),
    (999002, 'O-2', 'opt_out', '{"borrower": "B-1"}', true, 'received', now()),
    (999003, 'O-3', 'receipt', '{"message_id": null, "provider": "twilio", "sid": "SM-1",
                                 "number_fact": "reaches_nobody"}', false, 'received', now()),
    (999004, 'O-4', 'release', '{"hold": "H-1"}', false, 'received', now());
UPDATE contact SET number_blind_index = 'n'::bytea
 WHERE id = (SELECT contact_id FROM message WHERE sid = 'SM-1');
"""


def test_revision_0017_lets_what_waits_hold_back_and_makes_an_opt_out_the_persons(
    postgres_server: str,
) -> None:
    with filled_at(postgres_server, "0016") as (address, engine):
        with engine.begin() as connection:
            connection.execute(text(BEFORE_0017))
        migrate.upgrade(address, to="0017")
        with engine.connect() as connection:
            pending = connection.execute(
                text(
                    "SELECT stops_contact, reaches_number, payload ->> 'number' "
                    "FROM inbox_event WHERE id > 999000 ORDER BY id"
                )
            )
            assert [tuple(row) for row in pending] == [
                (True, False, None),
                (True, True, None),
                (True, False, b"n".hex()),
                (False, False, None),
            ]
            facts = text("SELECT borrower_id, kind, channel, source_kind FROM person_fact")
            assert [tuple(row) for row in connection.execute(facts)] == [
                (1, "no_channel", "sms", "borrower")
            ]


@pytest.fixture
def with_a_next_revision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The migrations as they are, copied to where one more can be written."""
    copied = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, copied, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrate, "MIGRATIONS", copied)
    return copied / "versions"


@pytest.mark.parametrize(
    ("default", "loses"), [(', server_default=""', None), ("", "contains null values")]
)
def test_one_that_a_full_database_does_not_survive_is_found(
    postgres_server: str,
    migrated_template: str,
    with_a_next_revision: Path,
    default: str,
    loses: str | None,
) -> None:
    before = revisions()[-1]
    written = NEXT.format(revision="9999", before=before, default=default)
    (with_a_next_revision / "9999_made_up.py").write_text(written)
    refused = pytest.raises(IntegrityError, match=loses) if loses else nullcontext()
    with filled_at(postgres_server, before, migrated_template) as (address, engine), refused:
        go_forward(address, engine, "9999")


def test_revision_0030_finds_the_texts_that_did_not_arrive(postgres_server: str) -> None:
    with filled_at(postgres_server, "0035") as (address, engine):
        with engine.begin() as connection:
            for number, status in ((1, "delivered"), (2, "undelivered"), (3, "send_failed")):
                values = {"id": number, "status": status}
                connection.execute(
                    text("UPDATE action SET status = 'done', claim_token = NULL WHERE id = :id"),
                    values,
                )
                connection.execute(
                    text(
                        "UPDATE message SET status = :status, code = '30003' WHERE action_id = :id"
                    ),
                    values,
                )
        migrate.upgrade(address, to="0030")
        with engine.connect() as connection:
            moved = connection.execute(
                text("SELECT status, reason FROM action WHERE id <= 3 ORDER BY id")
            )
            statuses, reasons = zip(*moved, strict=True)
            told = "SELECT count(*) FROM action_event WHERE to_status = 'undelivered'"
            assert statuses == ("done", "undelivered", "undelivered")
            assert reasons[1] == [{"not_delivered": {"provider_code": "30003"}}]
            assert connection.execute(text(told)).scalar_one() >= 2


def test_revision_0036_takes_events_whose_ids_differ_by_their_senders_name_alone(
    postgres_server: str,
) -> None:
    with new_database(postgres_server) as url:
        address = url.render_as_string(hide_password=False)
        migrate.upgrade(address, to="0029")
        engine = connect(address)
        with engine.begin() as connection:
            connection.execute(
                text("""
                    INSERT INTO inbox_event (external_id, kind, payload, stops_contact,
                                             reaches_number, reaches_address, status, received_at)
                    SELECT id, 'payment', '{}', true, false, false, 'applied', now()
                      FROM unnest(ARRAY['payment:P-1', 'lender:payment:P-1']) id
                """)
            )
        engine.dispose()
        migrate.upgrade(address, to="0036")
        with connect(address).connect() as connection:
            known = connection.execute(text("SELECT sender, external_id FROM inbox_event")).all()
        assert {tuple(row) for row in known} == {
            ("staff", "payment:P-1"),
            ("lender", "payment:P-1"),
        }
