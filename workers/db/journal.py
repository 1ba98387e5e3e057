"""The journal: what must not be lost with the database, in a signed file outside it.

Opt-outs and other wishes for no contact, erasures, and revocations of tokens, machines and staff.
It holds ids and keyed hashes, and no personal data that can be read.

What protects somebody is written just before the commit that makes it true. If it cannot be
written, the transaction is rolled back: an event waits, and holds back whom it protects, until the
file can be written again. A line too many, of a transaction that failed at its commit, does no
harm: what it says was asked for. The end of a wish is written after its commit, by
`note_ends_in_journal`: a line that is missing leaves the person protected.
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, TextClause, event, text

from domain.errors import ArrearsError
from workers.db.encryption import Cipher, SealingCipher
from workers.db.signed_lines import LineFormat, SignedLine, append_lines, read_lines
from workers.shared_files import opener

_FORMAT = LineFormat("journal of what must not be lost")

BEGUN = "begun"
"""The kind of the first line: what happened before it is not in the journal."""

JOURNALED = ("person_fact", "contact_point_fact", "erasure", "token", "machine", "staff")
"""The tables whose rows have lines in the journal. All are evidence."""

_WRITES = re.compile(rf"\b(?:INSERT INTO|UPDATE) (?:{'|'.join(JOURNALED)})\b")
_DUE = "arrears_journal_due"


class JournalUnusableError(ArrearsError):
    """The journal cannot be read or written."""


# A wish that is over, or somebody who is allowed again, protects nobody any more.
_ROWS = """
WITH changed AS ({changed})
SELECT coalesce(f.ended_at IS NULL OR f.kind LIKE 'agreed_%', true) AS protects,
       jsonb_build_object(
           'kind', 'person_fact', 'borrower', b.external_id, 'fact', f.kind, 'channel', f.channel,
           'loan', l.external_id, 'since', f.since, 'said_last', f.said_last, 'until', f.until,
           'times', f.times, 'place', f.place, 'point', encode(p.blind_index, 'hex'),
           'locale', f.locale, 'source', f.source, 'source_kind', f.source_kind,
           'ended_at', f.ended_at, 'ended_by', f.ended_by) AS line
  FROM changed c JOIN person_fact f ON c.kind = 'person_fact' AND f.id = c.row_id
       JOIN borrower b ON b.id = f.borrower_id
       LEFT JOIN loan l ON l.id = f.loan_id
       LEFT JOIN contact_point p ON p.id = f.contact_point_id
 WHERE f.kind <> 'language' AND (f.kind NOT LIKE 'agreed_%' OR f.ended_at IS NOT NULL)
UNION ALL
SELECT f.ended_at IS NULL,
       jsonb_build_object(
           'kind', 'contact_point_fact', 'point', encode(p.blind_index, 'hex'),
           'point_kind', p.kind, 'fact', f.kind, 'since', f.since, 'said_last', f.said_last,
           'source', f.source, 'source_kind', f.source_kind,
           'ended_at', f.ended_at, 'ended_by', f.ended_by)
  FROM changed c JOIN contact_point_fact f ON c.kind = 'contact_point_fact' AND f.id = c.row_id
       JOIN contact_point p ON p.id = f.contact_point_id
UNION ALL
SELECT true,
       jsonb_build_object('kind', 'erasure', 'borrower', b.external_id, 'at', e.at,
                          'actor', e.actor, 'actor_kind', e.actor_kind)
  FROM changed c JOIN erasure e ON c.kind = 'erasure' AND e.id = c.row_id
       JOIN borrower b ON b.id = e.borrower_id
UNION ALL
SELECT true,
       jsonb_build_object('kind', 'token', 'digest', encode(t.digest, 'hex'),
                          'revoked_at', t.revoked_at, 'revoked_by', t.revoked_by)
  FROM changed c JOIN token t ON c.kind = 'token' AND t.id = c.row_id
 WHERE t.revoked_at IS NOT NULL
UNION ALL
SELECT m.revoked_at IS NOT NULL,
       jsonb_build_object('kind', 'machine', 'name', m.name, 'since', m.created_at,
                          'revoked_at', m.revoked_at, 'revoked_by', m.revoked_by)
  FROM changed c JOIN machine m ON c.kind = 'machine' AND m.id = c.row_id
UNION ALL
SELECT s.left_on IS NOT NULL,
       jsonb_build_object('kind', 'staff', 'staff', s.external_id, 'left_on', s.left_on)
  FROM changed c JOIN staff s ON c.kind = 'staff' AND s.id = c.row_id
"""

_KINDS = ", ".join(f"'{kind}'" for kind in JOURNALED)

# Each version of a row of evidence is queued in its own transaction, at a moment after it began.
# What others have queued since then may be among it, and does no harm.
_CHANGED_HERE = text(
    _ROWS.format(
        changed=f"SELECT DISTINCT kind, row_id FROM evidence_due"  # noqa: S608 names of our own
        f" WHERE recorded_at >= now() AND kind IN ({_KINDS})"
    )
)


_ALL_DUE = text(
    _ROWS.format(
        changed=f"SELECT DISTINCT kind, row_id FROM evidence_due WHERE kind IN ({_KINDS})"  # noqa: S608
    )
)


def with_journal(
    engine: Engine, path: Path | None, cipher: Cipher, now: Callable[[], datetime]
) -> Engine:
    """The same engine, whose transactions write into the journal what they change of it.

    None: there is no journal. Nor does a webhook write any: it records no such facts, and has no
    key to sign a line with.
    """
    if path is None or isinstance(cipher, SealingCipher):
        return engine
    journaled = engine.execution_options()

    def note_write(
        connection: Connection, _cursor: object, statement: str, *_others: object
    ) -> None:
        if not connection.info.get(_DUE) and _writes(statement):
            connection.info[_DUE] = True

    def write(connection: Connection) -> None:
        due = connection.info.pop(_DUE, False)
        if due and (lines := _lines(connection, _CHANGED_HERE, protecting=True)):
            append_to_journal(path, cipher, lines, now())

    def forget(connection: Connection) -> None:
        connection.info.pop(_DUE, None)

    event.listen(journaled, "before_cursor_execute", note_write)
    event.listen(journaled, "commit", write)
    event.listen(journaled, "rollback", forget)
    return journaled


@lru_cache(maxsize=4_096)
def _writes(statement: str) -> bool:
    return _WRITES.search(statement) is not None


def _lines(
    connection: Connection, statement: TextClause, *, protecting: bool
) -> list[dict[str, Any]]:
    rows = connection.execute(statement)
    return [row.line for row in rows if row.protects is protecting]


def note_ends_in_journal(engine: Engine, path: Path, cipher: Cipher, now: datetime) -> None:
    """Write what protects nobody any more, of what is committed and not in the chain yet; a journal
    that is not there is begun. One statement.

    Raises:
        JournalUnusableError: it cannot be written.
    """
    with engine.connect() as connection:
        lines = _lines(connection, _ALL_DUE, protecting=False)
    if lines or not path.exists():
        append_to_journal(path, cipher, lines, now)


def append_to_journal(
    path: Path, cipher: Cipher, lines: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Add lines to the journal, and let them reach the disk.

    Raises:
        JournalUnusableError: it cannot be written.
    """
    records = [
        {name: value for name, value in line.items() if value is not None}
        | {"noted_at": now.isoformat()}
        for line in lines
    ]
    try:
        with open(path, "a+b", opener=opener(0o600)) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not file.seek(0, os.SEEK_END):
                records = [{"kind": BEGUN, "noted_at": now.isoformat()}, *records]
            append_lines(file, cipher, _FORMAT, records)
    except OSError as error:
        raise unusable(path, error) from None


def read_journal(path: Path, cipher: Cipher) -> Iterator[SignedLine]:
    """The lines of a journal.

    Raises:
        JournalUnusableError: it is not there, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield from read_lines(file, cipher, _FORMAT)
    except OSError as error:
        raise unusable(path, error) from None


def unusable(path: Path, error: OSError) -> JournalUnusableError:
    return JournalUnusableError(
        "{path}, which ARREARS_JOURNAL_FILE names, cannot be used: {strerror}. Opt-outs and "
        "erasures are kept there outside the database; nothing of them is recorded until it can be "
        "written.",
        path=str(path),
        strerror=error.strerror or str(error),
    )
