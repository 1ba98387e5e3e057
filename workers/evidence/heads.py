"""Heads: digests that cover all evidence up to a moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from workers.db.schema import evidence_head, evidence_link
from workers.evidence.findings import Defect, Finding
from workers.evidence.hashing import ZERO_DIGEST, head_digest


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
