"""Verify evidence: whether every row is present and unchanged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection, func, select, text, tuple_

from workers.db.loans import known_loan_id
from workers.db.schema import evidence_head, evidence_link, loan
from workers.db.schema.evidence import EVIDENCE
from workers.db.typed_rows import columns_of, typed_rows
from workers.evidence.hashing import (
    ZERO_DIGEST,
    head_digest,
    link_digest,
    rows_of,
    set_hash_format,
)

BATCH_SIZE = 5_000


class Defect(StrEnum):
    """The defects that verification can find."""

    CHANGED = "changed"  # the row, or the link before it, was changed
    MISSING = "missing"  # its link exists, but the row does not
    UNLINKED = "unlinked"  # the row has no link and is not queued for one
    GAP = "gap"  # a link of the chain is missing
    HEAD = "head"  # the links are not those that the head covers
    NO_SUCH_HEAD = "no_such_head"  # a head that was noted outside is not on record


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
    yield from _check_links(connection, chain, progress)
    yield from _find_unlinked(connection, chain)
    if chain is None:
        yield from _check_heads(connection)


def _check_links(
    connection: Connection, chain: int | None, progress: Callable[[int], None]
) -> Iterator[Finding]:
    position, previous, checked = (-1, 0), ZERO_DIGEST, 0
    while batch := _batch(connection, chain, position):
        rows = rows_of(connection, ((link.kind, link.row_id) for link in batch))
        for link in batch:
            if link.chain != position[0]:
                position, previous = (link.chain, 0), ZERO_DIGEST
            about = (link.kind, link.row_id, link.loan)
            row = rows.get((link.kind, link.row_id))
            if link.seq != position[1] + 1:
                yield Finding(Defect.GAP, *about)
            elif row is None:
                yield Finding(Defect.MISSING, *about)
            elif link_digest(previous, link.kind, row.text) != bytes(link.digest):
                yield Finding(Defect.CHANGED, *about)
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
    loan: str | None
    """The lender's id of the loan."""


def _batch(connection: Connection, chain: int | None, after: tuple[int, int]) -> list[_Link]:
    links = evidence_link.c
    next_links = (
        select(*columns_of(_Link, evidence_link, loan=loan.c.external_id))
        .outerjoin_from(evidence_link, loan, loan.c.id == links.chain)
        .where(tuple_(links.chain, links.seq) > tuple_(*after))
        .order_by(links.chain, links.seq)
        .limit(BATCH_SIZE)
    )
    if chain is not None:
        next_links = next_links.where(links.chain == chain)
    return typed_rows(_Link, connection.execute(next_links))


def _find_unlinked(connection: Connection, chain: int | None) -> Iterator[Finding]:
    for kind, key in EVIDENCE.items():
        unlinked = connection.execute(
            text(f"""
                SELECT t.{key} FROM {kind} t
                 WHERE NOT EXISTS (SELECT FROM evidence_link l
                                    WHERE l.kind = :kind AND l.row_id = t.{key})
                   AND NOT EXISTS (SELECT FROM evidence_due d
                                    WHERE d.kind = :kind AND d.row_id = t.{key})
                 ORDER BY t.{key}
            """),  # noqa: S608 - names of our own tables
            {"kind": kind},
        )
        keys = [(kind, row_id) for row_id in unlinked.scalars()]
        for (_, row_id), row in sorted(rows_of(connection, keys).items()):
            if chain in (None, row.chain):
                yield Finding(Defect.UNLINKED, kind, row_id, _loan_of(connection, row.chain))


def _loan_of(connection: Connection, chain: int) -> str | None:
    found: str | None = connection.execute(
        select(loan.c.external_id).where(loan.c.id == chain)
    ).scalar()
    return found


def _check_heads(connection: Connection) -> Iterator[Finding]:
    """Check that every head covers the links that it added, in order, after the previous head."""
    previous = ZERO_DIGEST
    heads = connection.execute(select(evidence_head).order_by(evidence_head.c.id)).all()
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
