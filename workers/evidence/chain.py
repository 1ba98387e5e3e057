"""Chain evidence: a background task links every new row; one transaction at a time."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, text

from workers.context import Context
from workers.db.bulk import insert_rows
from workers.db.schema import evidence_head, evidence_link
from workers.evidence.hashing import (
    ZERO_DIGEST,
    head_digest,
    link_digest,
    rows_of,
    set_hash_format,
)

BATCH_SIZE = 2_000
"""Rows in one transaction."""

_LOCK_KEY = 0x41525245  # any number that no other advisory lock uses

# The first rows are a range of the key, so the rows behind them are not read.
_TAKE = text("""
WITH first AS (SELECT id FROM evidence_due ORDER BY id LIMIT :limit),
     taken AS (DELETE FROM evidence_due WHERE id <= (SELECT max(id) FROM first)
               RETURNING id, kind, row_id)
SELECT kind, row_id FROM taken ORDER BY id
""")

_LAST_LINKS = text("""
SELECT c.chain, l.seq, l.digest
  FROM unnest(CAST(:chains AS bigint[])) AS c (chain)
 CROSS JOIN LATERAL (SELECT seq, digest FROM evidence_link
                      WHERE chain = c.chain ORDER BY seq DESC LIMIT 1) AS l
""")


def chain_evidence(ctx: Context, *, limit: int = BATCH_SIZE) -> int:
    """Link the next rows of evidence, and add a head that covers all links so far.

    Returns how many; 0 if another process is doing it. A fixed number of statements.
    """
    with ctx.engine.begin() as connection:
        if not connection.execute(
            text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK_KEY}
        ).scalar():
            return 0
        due = [(row.kind, row.row_id) for row in connection.execute(_TAKE, {"limit": limit})]
        if due:
            _link(connection, due, ctx.now())
        return len(due)


def _link(connection: Connection, due: Sequence[tuple[str, int]], now: datetime) -> None:
    set_hash_format(connection)
    rows = rows_of(connection, due)
    last_links = _last_links(connection, {row.chain for row in rows.values()})
    links: list[dict[str, object]] = []
    digests: list[bytes] = []
    for kind, row_id in due:
        row = rows[kind, row_id]
        seq, previous = last_links.get(row.chain, (0, ZERO_DIGEST))
        digest = link_digest(previous, kind, row.text)
        last_links[row.chain] = (seq + 1, digest)
        links.append(
            {
                "chain": row.chain,
                "seq": seq + 1,
                "kind": kind,
                "row_id": row_id,
                "digest": rf"\x{digest.hex()}",
            }
        )
        digests.append(digest)
    head_id = _head(connection, digests, now)
    insert_rows(
        connection, evidence_link, [{"evidence_head_id": head_id, **link} for link in links]
    )


def _last_links(connection: Connection, chains: Collection[int]) -> dict[int, tuple[int, bytes]]:
    """The last link of each chain that has one."""
    found = connection.execute(_LAST_LINKS, {"chains": list(chains)})
    return {row.chain: (row.seq, bytes(row.digest)) for row in found}


def _head(connection: Connection, digests: Sequence[bytes], now: datetime) -> int:
    previous = connection.execute(
        select(evidence_head.c.digest).order_by(evidence_head.c.id.desc()).limit(1)
    ).scalar()
    digest = head_digest(bytes(previous) if previous else ZERO_DIGEST, digests)
    head_id: int = connection.execute(
        insert(evidence_head)
        .values(at=now, links=len(digests), digest=digest)
        .returning(evidence_head.c.id)
    ).scalar_one()
    return head_id
