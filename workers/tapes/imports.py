"""The imports of tapes on record, and the loans that one has yet to change.

The loans of a tape are named before the first of them changes. So it is known what an interrupted
import has left to do, and nobody is contacted about a loan of which newer facts are on the way.
"""

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from math import ceil
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, insert, select, text, update

from domain.errors import ArrearsError
from domain.moves import sources
from domain.permissions import Permission
from domain.tape_imports import TAPE_IMPORT_MOVES, TapeImportStatus
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.numbers import has_or_had
from workers.db.schema import tape_import, tape_pending_loan
from workers.db.typed_rows import columns_of, typed_rows
from workers.tapes.locks import ONE_AT_A_TIME

LISTED = 20

# Whoever imports has this lock until the end.
_NONE_RUNS = text("SELECT pg_try_advisory_xact_lock(:import)")

# The same, without taking the lock.
_RUNS = text("""
SELECT EXISTS (SELECT FROM pg_locks
                WHERE locktype = 'advisory' AND classid = 0 AND objid = CAST(:import AS oid)
                  AND objsubid = 1 AND granted
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
""")

# What an interrupted import had left of unchanged loans comes with this tape: they are free.
_LIST = text("""
CREATE TEMP TABLE tape_to_name AS
SELECT row_number() OVER (ORDER BY external_id, is_free DESC) AS place, external_id, is_free
  FROM (SELECT s.loan AS external_id, false AS is_free FROM tape_seen s
         WHERE NOT EXISTS (SELECT FROM tape_error e WHERE e.line = s.line)
         UNION ALL
        SELECT p.external_id, true
          FROM tape_pending_loan p JOIN tape_unchanged u ON u.external_id = p.external_id) listed;
CREATE INDEX ON tape_to_name (place);
""")
# Whom the rows name, as far as the records of the loans do not say so: of a new loan, or as a new
# party. Of a person under an id that nobody has yet nothing is known, unless the name and a number
# are those of a record, now or before: then both stand for one person. `LIMIT 1` makes PostgreSQL
# look up each row by an index: a join would read all numbers on record, for however few rows.
_LIST_RECORDS = text(f"""
CREATE TEMP TABLE tape_named_record AS
WITH named AS MATERIALIZED (
    SELECT s.loan, i.record, i.name_digest, i.numbers
      FROM tape_seen s
      JOIN tape_identity i ON i.line = s.line
     WHERE i.record IS NOT NULL
       AND NOT EXISTS (SELECT FROM tape_error e WHERE e.line = s.line)
), found AS (
    SELECT n.loan, b.id
      FROM named n
      CROSS JOIN LATERAL (SELECT id FROM borrower WHERE external_id = n.record LIMIT 1) b
     UNION
    SELECT n.loan, b.id
      FROM named n
      CROSS JOIN LATERAL unnest(n.numbers[2:]) AS x (number)
      CROSS JOIN LATERAL (SELECT id FROM contact_point
                           WHERE blind_index = decode(x.number, 'hex') LIMIT 1) c
      CROSS JOIN {has_or_had("c.id")} y
      CROSS JOIN LATERAL (SELECT id FROM borrower
                           WHERE id = y.borrower_id AND name_digest = n.name_digest LIMIT 1) b
)
SELECT f.loan, array_agg(f.id ORDER BY f.id) AS records
  FROM found f
 WHERE NOT EXISTS (SELECT FROM loan l
                    WHERE l.external_id = f.loan
                      AND (l.borrower_id = f.id
                           OR EXISTS (SELECT FROM loan_party q
                                       WHERE q.loan_id = l.id AND q.borrower_id = f.id)))
 GROUP BY f.loan;
CREATE INDEX ON tape_named_record (loan);
""")  # noqa: S608 the clause is a constant
_LAST = text("SELECT coalesce(max(place), 0) FROM tape_to_name")

_FREE = text("""
DELETE FROM tape_pending_loan p USING tape_to_name t
 WHERE t.is_free AND t.place > :after AND t.place <= :upto AND p.external_id = t.external_id
""")
_NAME = text("""
INSERT INTO tape_pending_loan (external_id, tape_import_id, records)
SELECT t.external_id, :import_id, r.records
  FROM tape_to_name t LEFT JOIN tape_named_record r ON r.loan = t.external_id
 WHERE NOT t.is_free AND t.place > :after AND t.place <= :upto
 ORDER BY t.external_id
ON CONFLICT (external_id)
   DO UPDATE SET tape_import_id = excluded.tape_import_id, records = excluded.records
""")

NAMED_AT_ONCE = 10_000
"""Loans: it takes a fraction of a second."""

_PENDING = (
    select(func.count())
    .where(tape_pending_loan.c.tape_import_id == tape_import.c.id)
    .scalar_subquery()
)


class TapeImport(NamedTuple):
    """One import, as it is on record."""

    id: int
    file_name: str
    mapping: str
    as_of: date
    status: TapeImportStatus
    rows_taken: int
    rows_rejected: int
    imported_at: datetime
    named_at: datetime | None
    """When all its loans were named; None: some may not be, or it is not known."""
    pending: int
    """Loans that it named and has not merged. Nobody is contacted about them."""


class TapeBrought(NamedTuple):
    """Which tape is being imported."""

    file_name: str
    mapping: str
    as_of: date
    is_whole: bool
    """It has every loan of its mapping."""

    def all_of(self, left: TapeImport) -> bool:
        """Whether it has every loan of an import before it, which may not have named them all."""
        is_same_tape = (self.file_name, self.as_of) == (left.file_name, left.as_of)
        return self.mapping == left.mapping and (self.is_whole or is_same_tape)


class UnfinishedImport(NamedTuple):
    """An import that has changed some of its loans and not the others."""

    number: int
    file: str
    mapping: str
    as_of: date
    since: datetime
    is_running: bool
    """False: it was interrupted, and goes on when the same tape is imported again."""


def begin_import(
    connection: Connection,
    *,
    file_name: str,
    mapping: str,
    as_of: date,
    taken: int,
    rejected: int,
    pieces: int,
    now: datetime,
) -> int:
    """Record that an import begins to change loans, and name the first of them; returns its id.

    `list_loans_to_name` has listed them, in so many pieces. Nothing may be merged before all are
    named.
    """
    import_id: int = connection.execute(
        insert(tape_import)
        .values(
            file_name=file_name,
            mapping=mapping,
            as_of=as_of,
            rows_taken=taken,
            rows_rejected=rejected,
            status=TapeImportStatus.MERGING,
            named_at=now if pieces <= 1 else None,
            imported_at=now,
        )
        .returning(tape_import.c.id)
    ).scalar_one()
    name_some_loans(connection, import_id, 0)
    return import_id


def list_loans_to_name(connection: Connection) -> int:
    """List the loans that are to change, and whom their rows name, in temporary tables of this
    session, before anything is locked. Returns in how many pieces `name_some_loans` names them."""
    with connection.begin():
        connection.execute(text("SET LOCAL statement_timeout = 0"))  # of millions; nobody waits
        connection.execute(_LIST)
        connection.execute(_LIST_RECORDS)
        loans: int = connection.execute(_LAST).scalar_one()
    return ceil(loans / NAMED_AT_ONCE)


def name_some_loans(connection: Connection, import_id: int, piece: int) -> None:
    """Name the listed loans of one piece, counted from 0: until they are merged, nobody is
    contacted about them, and nobody whom their rows name."""
    place = {"after": piece * NAMED_AT_ONCE, "upto": (piece + 1) * NAMED_AT_ONCE}
    connection.execute(_FREE, place)
    connection.execute(_NAME, {"import_id": import_id, **place})


def name_last_loans(connection: Connection, import_id: int, piece: int, now: datetime) -> None:
    """Name the loans of the last piece, and record that all are named."""
    name_some_loans(connection, import_id, piece)
    this = update(tape_import).where(tape_import.c.id == import_id)
    connection.execute(this.values(named_at=now))


def finish_import(
    connection: Connection, import_id: int, now: datetime, *, brings: TapeBrought
) -> None:
    """Record that an import is finished, and those before it of which nothing is left."""
    _free_loans(connection, import_id)
    _close(connection, import_id, TapeImportStatus.FINISHED, now)
    for left in unfinished_imports(connection):
        if not left.pending and (left.named_at or brings.all_of(left)):
            _close(connection, left.id, TapeImportStatus.SUPERSEDED, left.imported_at)


@permitted(Permission.IMPORT_TAPES)
def abandon_import(connection: Connection, ctx: Context, import_id: int) -> int:
    """Give up what an interrupted import has left; returns how many loans that frees.

    Raises:
        ArrearsError: there is no such import, it is not unfinished, or an import runs.
    """
    if not connection.execute(_NONE_RUNS, {"import": ONE_AT_A_TIME}).scalar_one():
        raise ArrearsError(
            "An import runs at this moment, and what it has left is not known. Wait until it ends."
        )
    if import_id not in {left.id for left in unfinished_imports(connection)}:
        raise ArrearsError(
            "No unfinished import has the number {number}. `arrears tape list` shows them.",
            number=import_id,
        )
    freed = _free_loans(connection, import_id)
    _close(connection, import_id, TapeImportStatus.ABANDONED, ctx.now())
    return freed


@permitted(Permission.READ_OPERATIONS)
def list_imports(ctx: Context) -> tuple[list[TapeImport], list[UnfinishedImport]]:
    """The newest imports, newest first, and those that are not finished."""
    with ctx.engine.connect() as connection:
        return last_imports(connection), read_unfinished(connection, ctx.settings.lender_zone)


@permitted(Permission.IMPORT_TAPES)
def left_when_stopped(ctx: Context) -> list[UnfinishedImport]:
    """The imports that are not finished, for whoever has stopped one."""
    with ctx.engine.connect() as connection:
        return read_unfinished(connection, ctx.settings.lender_zone)


def unfinished_imports(connection: Connection) -> list[TapeImport]:
    """The imports that were interrupted, and one that runs at this moment; oldest first."""
    merging = tape_import.c.status == TapeImportStatus.MERGING
    return typed_rows(
        TapeImport, connection.execute(_imports().where(merging).order_by(tape_import.c.id))
    )


def read_unfinished(connection: Connection, zone: tzinfo) -> list[UnfinishedImport]:
    """The imports that are not finished, oldest first; moments are in `zone`. It does not count the
    loans that wait, which may be millions."""
    merging = tape_import.c.status == TapeImportStatus.MERGING
    of = tape_import.c
    rows = connection.execute(
        select(of.id, of.file_name, of.mapping, of.as_of, of.imported_at)
        .where(merging)
        .order_by(of.id)
    ).all()
    if not rows:
        return []
    runs = bool(connection.execute(_RUNS, {"import": ONE_AT_A_TIME}).scalar())
    return [
        UnfinishedImport(
            *(row.id, row.file_name, row.mapping, row.as_of),
            row.imported_at.astimezone(zone),
            is_running=runs and row.id == rows[-1].id,
        )
        for row in rows
    ]


def last_imports(connection: Connection, limit: int = LISTED) -> list[TapeImport]:
    """The newest imports, newest first."""
    newest = _imports().order_by(tape_import.c.id.desc()).limit(limit)
    return typed_rows(TapeImport, connection.execute(newest))


def refuse_older(unfinished: Sequence[TapeImport], as_of: date) -> None:
    """Refuse a tape that is older than one of which a part is merged already.

    Raises:
        ArrearsError: it is.
    """
    for left in unfinished:
        if as_of < left.as_of:
            raise ArrearsError(
                "The import of {file} as of {as_of} was interrupted. Import that tape again before "
                "an older one, or give up what it has left with `arrears tape abandon {number}`.",
                file=left.file_name,
                as_of=left.as_of,
                number=left.id,
            )


def _imports() -> Select[Any]:
    return select(*columns_of(TapeImport, tape_import, pending=_PENDING))


def _free_loans(connection: Connection, import_id: int) -> int:
    """Take back the names of the loans that an import has not merged; returns how many."""
    of_import = tape_pending_loan.c.tape_import_id == import_id
    return connection.execute(tape_pending_loan.delete().where(of_import)).rowcount


def _close(connection: Connection, import_id: int, status: TapeImportStatus, now: datetime) -> None:
    connection.execute(
        update(tape_import)
        .where(
            tape_import.c.id == import_id,
            tape_import.c.status.in_(sources(TAPE_IMPORT_MOVES, status)),
        )
        .values(status=status, imported_at=now)
    )
