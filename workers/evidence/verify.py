"""Verify evidence: whether every row is present and unchanged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, func, select, text, tuple_

from workers.db.evidence_triggers import set_hash_format
from workers.db.loans import known_loan_id
from workers.db.schema import evidence_head, evidence_link, evidence_set_aside, loan
from workers.db.schema.evidence import EVIDENCE
from workers.db.typed_rows import columns_of, typed_rows
from workers.evidence.hashing import (
    ZERO_DIGEST,
    EvidenceKey,
    digests_of,
    first_link_digest,
    head_digest,
    link_digest,
    whole_texts_of,
)

BATCH_SIZE = 5_000

LINKED_WITHIN = timedelta(minutes=5)
"""By the clock of the database. The task that links rows runs every 15 seconds."""


class Defect(StrEnum):
    """The defects that verification can find."""

    CHANGED = "changed"  # the row, or the link before it, was changed
    MISSING = "missing"  # its link exists, but the row does not
    UNLINKED = "unlinked"  # the row has no link and is not queued for one
    GAP = "gap"  # a link of the chain is missing
    HEAD = "head"  # the links are not those that the head covers
    NO_SUCH_HEAD = "no_such_head"  # a head that was noted outside is not on record
    WAITS = "waits"  # the row has waited too long for its link: nothing chains
    SET_ASIDE = "set_aside"  # what was queued for a link could not have one
    FILE = "file"  # a line of the file of heads is not what was written


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect. It has no personal data."""

    defect: Defect
    kind: str
    """The table."""
    row_id: int
    loan: str | None
    """The lender's id of the loan, if it is about one."""


@dataclass(frozen=True, slots=True)
class Head:
    """A digest that covers all evidence up to a moment."""

    digest: str
    """Hexadecimal."""
    links: int
    """The number of links that it covers."""
    at: datetime


def read_head(connection: Connection) -> Head | None:
    """The newest head; None before the first link."""
    found = connection.execute(
        select(evidence_head.c.digest, evidence_head.c.at)
        .order_by(evidence_head.c.id.desc())
        .limit(1)
    ).one_or_none()
    if found is None:
        return None
    links = connection.execute(select(func.sum(evidence_head.c.links))).scalar_one()
    return Head(bytes(found.digest).hex(), links, found.at)


def verify(
    connection: Connection,
    loan_external_id: str | None = None,
    *,
    head: str | None = None,
    progress: Callable[[int], None] = lambda links: None,
) -> Iterator[Finding]:
    """All defects of the evidence, or of the evidence of one loan.

    `head` is a digest that was noted outside at some time; everything that it covered must still be
    there. `progress` is called with the number of links checked so far. The transaction must be
    REPEATABLE READ, so that rows written meanwhile do not appear unlinked.

    Raises:
        ArrearsError: the loan is not known.
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
    waiting = _read_waiting(connection)
    yield from _check_links(connection, chain, waiting, progress)
    yield from check_waiting(connection, chain, waiting)
    yield from _find_unlinked(connection, chain)
    yield from find_set_aside(connection, chain)
    if chain is None:
        yield from check_heads(connection)


class Waiting(NamedTuple):
    """What is queued for a link, of the newest version of a row."""

    chain: int | None
    digest: bytes
    loan: str | None


# What has no digest is set aside as soon as it is its turn.
# In the order in which the rows were written: of each row, the last one is kept.
_WAITING = text("""
SELECT d.kind, d.row_id, d.chain, d.digest, l.external_id AS loan
  FROM evidence_due d LEFT JOIN loan l ON l.id = d.chain
 WHERE d.digest IS NOT NULL ORDER BY d.id
""")


def _read_waiting(connection: Connection) -> dict[EvidenceKey, Waiting]:
    return {
        (row.kind, row.row_id): Waiting(row.chain, bytes(row.digest), row.loan)
        for row in connection.execute(_WAITING)
    }


_WAITS_TOO_LONG = text("""
SELECT d.kind, d.row_id, d.chain, l.external_id AS loan
  FROM evidence_due d LEFT JOIN loan l ON l.id = d.chain
 WHERE coalesce(d.recorded_at, '-infinity') < clock_timestamp() - CAST(:within AS interval)
 ORDER BY d.recorded_at NULLS FIRST, d.id LIMIT 1
""")


def check_waiting(
    connection: Connection, chain: int | None, waiting: dict[EvidenceKey, Waiting]
) -> Iterator[Finding]:
    """The oldest row that waits too long; and rows that were changed before they were linked."""
    for row in connection.execute(_WAITS_TOO_LONG, {"within": LINKED_WITHIN}):
        yield Finding(Defect.WAITS, row.kind, row.row_id, row.loan)
    of_chain = {
        key: entry
        for key, entry in waiting.items()
        if key[0] in EVIDENCE and chain in (None, entry.chain)
    }
    now = digests_of(connection, of_chain)
    for (kind, row_id), entry in of_chain.items():
        defect = _compare(entry.digest, now.get((kind, row_id)))
        if defect is not None:
            yield Finding(defect, kind, row_id, entry.loan)


def _compare(written: bytes, now: bytes | None) -> Defect | None:
    """What is wrong with a row: `written` is the digest of its newest version, which is empty if
    the row was deleted, and `now` that of the row as it is."""
    if now is None:
        return Defect.MISSING if written else None
    return None if written == now else Defect.CHANGED


def _check_links(
    connection: Connection,
    chain: int | None,
    waiting: dict[EvidenceKey, Waiting],
    progress: Callable[[int], None],
) -> Iterator[Finding]:
    position, previous, checked = (-1, 0), ZERO_DIGEST, 0
    while batch := _batch(connection, chain, position):
        newest = (
            (link.kind, link.row_id)
            for link in batch
            if link.is_newest and (link.kind, link.row_id) not in waiting
        )
        rows = digests_of(connection, newest)
        whole = whole_texts_of(
            connection, ((link.kind, link.row_id) for link in batch if link.row_digest is None)
        )
        for link in batch:
            if link.chain != position[0]:
                position, previous = (link.chain, 0), ZERO_DIGEST
            key = (link.kind, link.row_id)
            defect: Defect | None = None
            if link.seq != position[1] + 1:
                defect = Defect.GAP
            elif link.row_digest is None:
                defect = _check_first_form(link, previous, whole.get(key))
            elif _digest_of(link, previous) != bytes(link.digest):
                defect = Defect.CHANGED
            elif link.is_newest and key not in waiting:
                defect = _compare(bytes(link.row_digest), rows.get(key))
            if defect is not None:
                yield Finding(defect, *key, link.loan)
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
    links, later = evidence_link.c, evidence_link.alias("later")
    is_newest = ~(
        select(later.c.id)
        .where(later.c.kind == links.kind, later.c.row_id == links.row_id, later.c.id > links.id)
        .exists()
    )
    next_links = (
        select(*columns_of(_Link, evidence_link, is_newest=is_newest, loan=loan.c.external_id))
        .outerjoin_from(evidence_link, loan, loan.c.id == links.chain)
        .where(tuple_(links.chain, links.seq) > tuple_(*after))
        .order_by(links.chain, links.seq)
        .limit(BATCH_SIZE)
    )
    if chain is not None:
        next_links = next_links.where(links.chain == chain)
    return typed_rows(_Link, connection.execute(next_links))


def _find_unlinked(connection: Connection, chain: int | None) -> Iterator[Finding]:
    for kind, evidence in EVIDENCE.items():
        since = f" AND ({evidence.since})" if evidence.since else ""
        unlinked = connection.execute(
            text(f"""
                SELECT DISTINCT t.{evidence.key} AS row_id, {evidence.loan} AS chain
                  FROM {kind} t
                 WHERE NOT EXISTS (SELECT FROM evidence_link l
                                    WHERE l.kind = :kind AND l.row_id = t.{evidence.key})
                   AND NOT EXISTS (SELECT FROM evidence_due d
                                    WHERE d.kind = :kind AND d.row_id = t.{evidence.key}){since}
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


def check_heads(connection: Connection, newest: int | None = None) -> Iterator[Finding]:
    """Check that every head covers the links that it added, in order, after the previous head.

    With `newest`, only so many of the newest heads.
    """
    previous = ZERO_DIGEST
    heads = connection.execute(
        select(evidence_head).order_by(evidence_head.c.id.desc()).limit(newest and newest + 1)
    ).all()[::-1]
    if newest is not None and len(heads) > newest:
        previous, heads = bytes(heads[0].digest), heads[1:]
    for head in heads:
        digests = [
            bytes(value)
            for value in connection.execute(
                select(evidence_link.c.digest)
                .where(evidence_link.c.evidence_head_id == head.id)
                .order_by(evidence_link.c.id)
            ).scalars()
        ]
        if len(digests) != head.links or head_digest(previous, digests) != bytes(head.digest):
            yield Finding(Defect.HEAD, "evidence_head", head.id, None)
        previous = bytes(head.digest)
