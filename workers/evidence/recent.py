"""A quick look at the evidence: whether it is chained, and its newest part is as it was written."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from workers.context import Context
from workers.db.evidence_triggers import set_hash_format
from workers.db.schema import evidence_due, evidence_head
from workers.evidence.findings import Finding
from workers.evidence.head_file import check_file
from workers.evidence.heads import check_heads
from workers.evidence.verify import check_newest_links, find_unlinked
from workers.evidence.waiting import check_waiting, read_waiting

HEADS = 20
ROWS = 500
MOST_WAITING = 20_000
"""Of more rows than that, only how long they wait is looked at."""


def verify_recent(connection: Connection, ctx: Context) -> Iterator[Finding]:
    """Defects of what waits for its link, of the newest heads and the rows of their links, of the
    newest rows of each table, and of the file of heads. It takes as long in any book.

    The transaction must be REPEATABLE READ.

    Raises:
        ArrearsError: the file of heads cannot be read.
    """
    set_hash_format(connection)
    count = connection.execute(select(func.count()).select_from(evidence_due)).scalar_one()
    waiting = read_waiting(connection) if count <= MOST_WAITING else {}
    yield from check_waiting(connection, None, waiting)
    yield from check_heads(connection, HEADS)
    if count <= MOST_WAITING:
        newest = select(func.max(evidence_head.c.id)).scalar_subquery()
        yield from check_newest_links(connection, newest - HEADS, waiting)
    yield from find_unlinked(connection, newest=ROWS)
    if ctx.settings.evidence_file is not None:
        yield from check_file(connection, ctx.settings.evidence_file, ctx.cipher)
