"""What people typed in rows that only the owner of the tables may change, where an earlier release
stored it: moved into `free_text`. These rows are only ever added to, or are what two persons saw.

Nobody else can change such a row. The change is on record: the row gets one more link in the chain,
and the link of what it was stays. A row whose link has no digest of its own, from a release before
those, is left as it is: the chain could not be verified without it.
"""

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, exists, select, text, update

from workers.context import Context
from workers.db.encryption_keys import may_change_keys
from workers.db.evidence_triggers import queue_again, set_hash_format
from workers.db.free_text import TYPED, keep_words
from workers.db.schema import access, action, action_event, evidence_link
from workers.privacy.plain_words import (
    BATCH_SIZE,
    IN_EVIDENCE,
    move_requests,
    note_if_done,
    reasons_with_ids,
)

log = logging.getLogger(__name__)


def encrypt_plain_evidence(ctx: Context) -> int:
    """Encrypt what was typed in rows of evidence; returns how many rows changed. Nothing happens if
    whoever is connected does not own the tables."""
    changed = 0
    steps: list[Callable[[Connection], int]] = [
        *(lambda c, of=of: _encrypt_next(c, ctx, *of) for of in IN_EVIDENCE),
        lambda c: move_requests(c, ctx),
    ]
    for step in steps:
        while True:
            with ctx.engine.begin() as connection:
                if not may_change_keys(connection):
                    return changed
                done = step(connection)
            changed += done
            if done < BATCH_SIZE:
                break
    note_if_done(ctx)
    return changed


def _encrypt_next(connection: Connection, ctx: Context, table: Table, is_plain: Any) -> int:
    of_first_form = exists().where(
        evidence_link.c.kind == table.name,
        evidence_link.c.row_id == table.c.id,
        evidence_link.c.row_digest.is_(None),
    )
    found = select(table).where(is_plain, ~of_first_form).order_by(table.c.id).limit(BATCH_SIZE)
    rows = connection.execute(found).all()
    if not rows:
        return 0
    # In this transaction only, and with a lock that lets nobody else write to the table.
    connection.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER {table.name}_stays"))
    for row in rows:
        values = _without_words(connection, ctx, table, row)
        connection.execute(update(table).where(table.c.id == row.id).values(values))
    connection.execute(text(f"ALTER TABLE {table.name} ENABLE TRIGGER {table.name}_stays"))
    set_hash_format(connection)
    queue_again(connection, table.name, [row.id for row in rows])
    log.warning("%s rows of %s: what people typed is encrypted", len(rows), table.name)
    return len(rows)


def _without_words(connection: Connection, ctx: Context, table: Table, row: Any) -> dict[str, Any]:
    """The new values of the row; its words are kept."""
    now = ctx.now()

    def keep(words: str, **owner: Any) -> UUID:
        return keep_words(connection, ctx.cipher, words, now, **owner)

    if table is action_event:
        of_action = select(action.c.loan_id).where(action.c.id == row.action_id)
        loan_id = connection.execute(of_action).scalar_one()
        return {"reason": reasons_with_ids(row.reason, lambda words: keep(words, loan_id=loan_id))}
    if table is access:
        owner = {"loan_id": row.loan_id, "borrower_id": row.borrower_id}
        purpose_id = keep(row.purpose, **owner)
        return {"purpose": "hand_to_data_subject", "purpose_id": purpose_id}
    values: dict[str, Any] = {}
    if row.why != TYPED:
        values |= {"why": TYPED, "why_id": keep(row.why, borrower_id=row.borrower_id)}
    if row.law is not None:
        values |= {"law": None, "law_id": keep(row.law, borrower_id=row.borrower_id)}
    return values
