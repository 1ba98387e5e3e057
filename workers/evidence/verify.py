"""Verify evidence: whether every row is present and unchanged."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, select, text, tuple_

from workers.db.encryption import Cipher
from workers.db.evidence_triggers import set_hash_format
from workers.db.loans import known_loan_id
from workers.db.schema import evidence_head, evidence_link, evidence_set_aside, loan
from workers.db.schema.evidence import EVIDENCE
from workers.db.typed_rows import columns_of, typed_rows
from workers.evidence.findings import Defect, Finding
from workers.evidence.hashing import (
    ZERO_DIGEST,
    EvidenceKey,
    digests_of,
    first_link_digest,
    link_digest,
    whole_texts_of,
)
from workers.evidence.head_file import check_file
from workers.evidence.heads import check_heads
from workers.evidence.waiting import Waiting, check_waiting, compare, read_waiting

BATCH_SIZE = 5_000


def verify(
    connection: Connection,
    loan_external_id: str | None = None,
    *,
    head: str | None = None,
    file: tuple[Path, Cipher] | None = None,
    progress: Callable[[int], None] = lambda links: None,
) -> Iterator[Finding]:
    """All defects of the evidence, or of the evidence of one loan.

    `head` is a digest that was noted outside at some time; everything that it covered must still be
    there. `file` is that of the heads, with what signed it. `progress` is called with the number of
    links checked so far. The transaction must be REPEATABLE READ, so that rows written meanwhile do
    not appear unlinked.

    Raises:
        ArrearsError: the loan is not known, or the file cannot be read.
    """
    set_hash_format(connection)
    connection.execute(text("SET LOCAL statement_timeout = 0"))  # verifying everything takes long
    chain = None
    if loan_external_id is not None:
        chain = known_loan_id(connection, loan_external_id)
    if (
        head is not None
        and not connection.execute(
            select(evidence_head.c.id).where(func.encode(evidence_head.c.digest, "hex") == head)
        ).first()
    ):
        yield Finding(Defect.NO_SUCH_HEAD, "evidence_head", 0, None)
    waiting = read_waiting(connection)
    yield from _check_links(connection, chain, waiting, progress)
    yield from check_waiting(connection, chain, waiting)
    yield from find_unlinked(connection, chain)
    yield from find_set_aside(connection, chain)
    if chain is None:
        yield from check_heads(connection)
    if file is not None:
        yield from check_file(connection, *file)


def _check_links(
    connection: Connection,
    chain: int | None,
    waiting: dict[EvidenceKey, Waiting],
    progress: Callable[[int], None],
) -> Iterator[Finding]:
    position, previous, checked = (-1, 0), ZERO_DIGEST, 0
    while batch := _batch(connection, chain, position):
        compared = [link.key for link in batch if link.is_newest and link.key not in waiting]
        digests = digests_of(connection, compared)
        rows = {key: digests.get(key) for key in compared}
        whole = whole_texts_of(connection, (link.key for link in batch if link.row_digest is None))
        for link in batch:
            if link.chain != position[0]:
                position, previous = (link.chain, 0), ZERO_DIGEST
            if link.seq != position[1] + 1:
                yield Finding(Defect.GAP, *link.key, link.loan)
            elif (defect := _defect(link, previous, whole, rows)) is not None:
                yield Finding(defect, *link.key, link.loan)
            # The next link is checked against the stored digest, so that one change is one finding.
            position, previous = (link.chain, link.seq), bytes(link.digest)
        checked += len(batch)
        progress(checked)


class _Link(NamedTuple):
    chain: int
    seq: int
    kind: str
    row_id: int
    digest: bytes
    row_digest: bytes | None
    recorded_at: datetime | None
    is_newest: bool
    """No later link is of the same row."""
    loan: str | None
    """The lender's id of the loan."""

    @property
    def key(self) -> EvidenceKey:
        return self.kind, self.row_id


def _defect(
    link: _Link,
    previous: bytes,
    whole: Mapping[EvidenceKey, str],
    rows: Mapping[EvidenceKey, bytes | None],
) -> Defect | None:
    """What is wrong with a link after one of digest `previous`, or with its row; None: nothing.

    `whole` has the texts of rows whose links have no digest of them, `rows` the digests of rows
    that are compared with their newest link.
    """
    if link.row_digest is None:
        return _check_first_form(link, previous, whole.get(link.key))
    if _digest_of(link, previous) != bytes(link.digest):
        return Defect.CHANGED
    if link.is_newest and link.key in rows:
        return compare(bytes(link.row_digest), rows[link.key])
    return None


def _digest_of(link: _Link, previous: bytes) -> bytes | None:
    if link.recorded_at is None or link.row_digest is None:
        return None
    return link_digest(previous, link.kind, link.row_id, link.recorded_at, bytes(link.row_digest))


def _check_first_form(link: _Link, previous: bytes, written: str | None) -> Defect | None:
    """A link that has no digest of its row: it is over the row itself."""
    if written is None:
        return Defect.MISSING
    same = first_link_digest(previous, link.kind, written) == bytes(link.digest)
    return None if same else Defect.CHANGED


def _batch(connection: Connection, chain: int | None, after: tuple[int, int]) -> list[_Link]:
    links = evidence_link.c
    next_links = (
        _links()
        .where(tuple_(links.chain, links.seq) > tuple_(*after))
        .order_by(links.chain, links.seq)
        .limit(BATCH_SIZE)
    )
    if chain is not None:
        next_links = next_links.where(links.chain == chain)
    return typed_rows(_Link, connection.execute(next_links))


def _links() -> Select[*tuple[Any, ...]]:
    links, later = evidence_link.c, evidence_link.alias("later")
    of_same_row = select(later.c.id).where(
        later.c.kind == links.kind, later.c.row_id == links.row_id, later.c.id > links.id
    )
    columns = columns_of(
        _Link, evidence_link, is_newest=~of_same_row.exists(), loan=loan.c.external_id
    )
    return select(*columns).outerjoin_from(evidence_link, loan, loan.c.id == links.chain)


def check_newest_links(
    connection: Connection,
    after_head: ColumnElement[int],
    waiting: Mapping[EvidenceKey, Waiting],
) -> Iterator[Finding]:
    """Compare rows with their links of the heads after this one; of the newest ones, a batch."""
    newest = (
        _links()
        .where(evidence_link.c.evidence_head_id > after_head)
        .order_by(evidence_link.c.id.desc())
        .limit(BATCH_SIZE)
    )
    links = {
        link.key: link
        for link in typed_rows(_Link, connection.execute(newest))
        if link.is_newest and link.row_digest is not None
    }
    rows = digests_of(connection, links.keys() - waiting.keys())
    for key, link in links.items():
        if key in waiting or link.row_digest is None:
            continue
        defect = compare(bytes(link.row_digest), rows.get(key))
        if defect is not None:
            yield Finding(defect, *key, link.loan)


def find_unlinked(
    connection: Connection, chain: int | None = None, *, newest: int | None = None
) -> Iterator[Finding]:
    """Rows that have no link and do not wait for one; with `newest`, of so many of the newest rows
    of each table."""
    for kind, evidence in EVIDENCE.items():
        rows = kind
        if newest is not None:
            rows = f"(SELECT * FROM {kind} ORDER BY {evidence.key} DESC LIMIT {newest})"  # noqa: S608
        unlinked = connection.execute(
            text(f"""
                SELECT DISTINCT t.{evidence.key} AS row_id, {evidence.loan} AS chain
                  FROM {rows} t
                 WHERE NOT EXISTS (SELECT FROM evidence_link l
                                    WHERE l.kind = :kind AND l.row_id = t.{evidence.key})
                   AND NOT EXISTS (SELECT FROM evidence_due d
                                    WHERE d.kind = :kind AND d.row_id = t.{evidence.key})
                 ORDER BY 1
            """),  # noqa: S608 - names of our own tables
            {"kind": kind},
        ).all()
        for row in unlinked:
            if chain in (None, row.chain or 0):
                yield Finding(Defect.UNLINKED, kind, row.row_id, _loan_of(connection, row.chain))


def find_set_aside(connection: Connection, chain: int | None = None) -> Iterator[Finding]:
    """What was queued for a link and could not have one."""
    entries = connection.execute(
        select(
            evidence_set_aside.c.kind,
            evidence_set_aside.c.row_id,
            evidence_set_aside.c.chain,
            loan.c.external_id,
        )
        .outerjoin_from(evidence_set_aside, loan, loan.c.id == evidence_set_aside.c.chain)
        .order_by(evidence_set_aside.c.id)
    )
    for entry in entries:
        if chain in (None, entry.chain):
            yield Finding(Defect.SET_ASIDE, entry.kind, entry.row_id, entry.external_id)


def _loan_of(connection: Connection, chain: int | None) -> str | None:
    found: str | None = connection.execute(
        select(loan.c.external_id).where(loan.c.id == chain)
    ).scalar()
    return found
