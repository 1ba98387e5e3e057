"""The triggers of the tables of evidence, made from their declarations by `arrears migrate`.

They are no part of a revision: a table that is declared as evidence is chained after the next
`arrears migrate`, with the rows that it has. A trigger whose declaration did not change is left as
it is.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256

from sqlalchemy import Connection, text

from workers.db.schema.evidence import EVIDENCE, Evidence

_INSTALLED = text("""
SELECT obj_description(to_regprocedure('evidence_of_' || :table || '()'), 'pg_proc')
""")


def install_evidence_triggers(connection: Connection) -> None:
    """Give each table of evidence its triggers, and queue the rows that have no link yet.

    A table that has them already as declared is left alone, and no row of it is queued. Runs in the
    transaction of the migration, after the newest revision.
    """
    set_hash_format(connection)
    for table, evidence in EVIDENCE.items():
        version = version_of(table, evidence)
        installed = connection.execute(_INSTALLED, {"table": table}).scalar()
        if installed == version:
            continue
        for statement in _statements(table, evidence):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"COMMENT ON FUNCTION evidence_of_{table}() IS '{version}'")
        if installed is None:
            queue_rows(connection, table, evidence)


def version_of(table: str, evidence: Evidence) -> str:
    """A digest of the triggers of a table, which its function has as a comment."""
    return sha256("\n".join(_statements(table, evidence)).encode()).hexdigest()


def set_hash_format(connection: Connection) -> None:
    """Set the formats of moments and bytes in this transaction to those that are hashed."""
    connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
    connection.execute(text("SET LOCAL bytea_output = 'hex'"))


def digest_of_row(evidence: Evidence) -> str:
    """In SQL, the digest of a row `t`, or of all rows with one key; in a transaction that
    `set_hash_format` was called for."""
    return f"sha256(convert_to({text_of_row(evidence)}, 'UTF8'))"


def text_of_row(evidence: Evidence) -> str:
    """In SQL, what is hashed of a row `t`; of a row in parts, of the rows that are grouped."""
    written = f"jsonb_strip_nulls({_columns(evidence, 't')})::text"
    if not evidence.in_parts:
        return written
    return f"""string_agg({written}, E'\\n' ORDER BY {written} COLLATE "C")"""


def _columns(evidence: Evidence, row: str) -> str:
    """In SQL, the columns of `row` that are hashed, as JSON."""
    if evidence.only:
        named = (f"'{name}', {row}.{name}" for name in (evidence.key, *evidence.only))
        return f"jsonb_build_object({', '.join(named)})"
    left_out = "".join(f" - '{name}'" for name in evidence.not_hashed)
    return f"to_jsonb({row}){left_out}"


def _entries(table: str, evidence: Evidence, rows: str) -> str:
    """The statement that queues `rows`, which are in the form of a FROM item."""
    chain = f"coalesce({evidence.loan}, 0)"
    if evidence.in_parts:
        parts = f"""(
            SELECT {evidence.key}, {digest_of_row(evidence)} AS digest FROM {table} t
             WHERE {evidence.key} IN (SELECT {evidence.key} FROM {rows}) GROUP BY 1)"""  # noqa: S608
        columns = (
            f"SELECT DISTINCT ON (t.{evidence.key}) t.{evidence.key}, {chain}, "
            "coalesce(p.digest, '')"
        )
        source = f"{rows} t LEFT JOIN {parts} p ON p.{evidence.key} = t.{evidence.key}"
    else:
        columns = f"SELECT t.{evidence.key}, {chain}, {digest_of_row(evidence)}"
        source = f"{rows} t"
    return f"""
        INSERT INTO evidence_due (kind, row_id, chain, digest, recorded_at)
        SELECT '{table}', e.*, clock_timestamp() FROM ({columns} FROM {source}) e"""  # noqa: S608


def _gone(table: str, evidence: Evidence) -> str:
    """The statement that queues rows which were deleted: their digest is empty."""
    return f"""
        INSERT INTO evidence_due (kind, row_id, chain, digest, recorded_at)
        SELECT '{table}', t.{evidence.key}, coalesce({evidence.loan}, 0), ''::bytea,
               clock_timestamp()
          FROM removed t"""  # noqa: S608


def _statements(table: str, evidence: Evidence) -> Iterator[str]:
    written = _entries(table, evidence, "written")
    new_row = _entries(table, evidence, "(SELECT NEW.*)")
    gone = _entries(table, evidence, "removed") if evidence.in_parts else _gone(table, evidence)
    # The owner queues the row: the role of the workers may not.
    yield f"""
CREATE OR REPLACE FUNCTION evidence_of_{table}() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp
SET timezone = 'UTC' SET bytea_output = 'hex' AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN {gone};
    ELSIF TG_LEVEL = 'ROW' THEN {new_row};
    ELSE {written};
    END IF;
    RETURN NULL;
END $$"""
    call = f"EXECUTE FUNCTION evidence_of_{table}()"
    yield (
        f"CREATE OR REPLACE TRIGGER {table}_is_due AFTER INSERT ON {table} "
        f"REFERENCING NEW TABLE AS written FOR EACH STATEMENT {call}"
    )
    if evidence.append_only:
        yield (
            f"CREATE OR REPLACE TRIGGER {table}_stays BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change_of_evidence()"
        )
    else:
        yield _when_changed(table, evidence, call)
        yield (
            f"CREATE OR REPLACE TRIGGER {table}_is_gone AFTER DELETE ON {table} "
            f"REFERENCING OLD TABLE AS removed FOR EACH STATEMENT {call}"
        )
    yield (
        f"CREATE OR REPLACE TRIGGER {table}_stays_whole BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_evidence()"
    )


def _when_changed(table: str, evidence: Evidence, call: str) -> str:
    if evidence.in_parts:
        return (
            f"CREATE OR REPLACE TRIGGER {table}_is_changed AFTER UPDATE ON {table} "
            f"REFERENCING NEW TABLE AS written FOR EACH STATEMENT {call}"
        )
    old, new = (_columns(evidence, row) for row in ("OLD", "NEW"))
    # Of a column that is not hashed, a change costs no more than this comparison. Where few
    # columns are hashed, a statement that sets none of them costs nothing.
    of_columns = f" OF {', '.join(evidence.only)}" if evidence.only else ""
    return (
        f"CREATE OR REPLACE TRIGGER {table}_is_changed AFTER UPDATE{of_columns} ON {table} "
        f"FOR EACH ROW WHEN ({old} <> {new}) {call}"
    )


def queue_rows(connection: Connection, table: str, evidence: Evidence) -> None:
    """Queue the rows that have no link and do not wait for one: those that were there before the
    table had its triggers. After `set_hash_format`."""
    rows = f"""(
        SELECT * FROM {table} t
         WHERE NOT EXISTS (SELECT FROM evidence_link l
                            WHERE l.kind = '{table}' AND l.row_id = t.{evidence.key})
           AND NOT EXISTS (SELECT FROM evidence_due d
                            WHERE d.kind = '{table}' AND d.row_id = t.{evidence.key}))"""  # noqa: S608
    connection.exec_driver_sql(_entries(table, evidence, rows))


def queue_again(connection: Connection, table: str, ids: Sequence[int]) -> None:
    """Queue rows again that the owner changed past the triggers. After `set_hash_format`."""
    rows = f"(SELECT * FROM {table} WHERE id = ANY(%(ids)s))"  # noqa: S608
    connection.exec_driver_sql(_entries(table, EVIDENCE[table], rows), {"ids": list(ids)})
