"""Rotate keys: re-encrypt everything with the first key, so that the others can be removed.

Every encrypted value starts with its form and the id of its key, so the rows themselves show the
progress. A rotation may be killed anywhere and continued, and two at once take different rows.
Values that an earlier release stored, which are not bound to their place, are encrypted again in
the same way, by the task in the background without being asked.
"""

import logging
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, select, true, update

from domain.errors import ReasonedError, text_of
from domain.permissions import Permission
from workers.access.permitted import permitted
from workers.access.second_person import ToGrant, with_second_person
from workers.context import Context
from workers.db.encryption_keys import (
    begin_rotation,
    end_rotation,
    is_rotating,
    may_change_keys,
)
from workers.privacy.encrypted_columns import ENCRYPTED_TABLES, EncryptedTable
from workers.privacy.plain_evidence import encrypt_plain_evidence
from workers.privacy.plain_words import encrypt_plain_words

log = logging.getLogger(__name__)

BATCH_SIZE = 500
"""Rows in one transaction."""

BATCHES_PER_RUN = 20
"""Transactions of one run of the task, for each table."""


@permitted(Permission.ROTATE_KEYS)
def count_left(connection: Connection, ctx: Context) -> dict[str, int]:
    """How many rows have a value that another key than the first encrypted, or that is not bound,
    by table."""
    key_id = ctx.cipher.current_key_id
    return {
        encrypted.name: connection.execute(
            select(func.count()).select_from(encrypted.table).where(encrypted.not_under_key(key_id))
        ).scalar_one()
        for encrypted in ENCRYPTED_TABLES
    }


@permitted(Permission.ROTATE_KEYS)
def rotate(ctx: Context, progress: Callable[[str, int], None]) -> bool:
    """Re-encrypt everything with the first key, and encrypt what people typed where an earlier
    release did not.

    `progress` is called with the table and the number of rows after each transaction. Every process
    must have the new key before. False if rows were left out: locked ones, for which it is run once
    more, and those with a value that does not open.

    Raises:
        SecondPersonNeededError: another person has not granted it yet.
    """
    what = text_of("Encrypt all personal data with the first key of ARREARS_ENCRYPTION_KEYS.")
    first, *others = ctx.cipher.key_ids
    facts = {"first key": first, "other keys": others}
    with ctx.engine.begin() as connection:
        with_second_person(connection, ctx, ToGrant(Permission.ROTATE_KEYS, what, facts))
        begin_rotation(connection, ctx.cipher, ctx.now())
    encrypt_plain_words(ctx)
    encrypt_plain_evidence(ctx)
    for encrypted in ENCRYPTED_TABLES:
        _reencrypt_table(ctx, encrypted, progress=progress)
    return finish_rotation(ctx)


def continue_rotation(ctx: Context) -> int:
    """Continue a rotation that was started, or the binding of what an earlier release stored;
    returns how many rows were re-encrypted.

    Does nothing if none was started, or if it was started with another first key than ours.
    """
    with ctx.engine.connect() as connection:
        if not is_rotating(connection, ctx.cipher):
            return 0
    rows_done = sum(
        _reencrypt_table(ctx, encrypted, at_most=BATCHES_PER_RUN) for encrypted in ENCRYPTED_TABLES
    )
    if not rows_done:
        finish_rotation(ctx)
    return rows_done


def finish_rotation(ctx: Context) -> bool:
    """Delete the older keys from the record if nothing needs them any more; True if so.

    The workers may not: then `arrears keys rotate` or the next `arrears migrate` does.
    """
    key_id = ctx.cipher.current_key_id
    with ctx.engine.begin() as connection:
        left = select(
            *(exists().where(encrypted.needs_key(key_id)) for encrypted in ENCRYPTED_TABLES)
        )
        if any(connection.execute(left).one()):
            return False
        if not may_change_keys(connection):
            log.info("every value is encrypted with the first key: `arrears keys rotate` ends it")
            return False
        end_rotation(connection, ctx.cipher)
        return True


def end_old_rotation(ctx: Context) -> None:
    """End a rotation whose work the workers have done."""
    with ctx.engine.connect() as connection:
        if not is_rotating(connection, ctx.cipher):
            return
    finish_rotation(ctx)


def _reencrypt_table(
    ctx: Context,
    encrypted: EncryptedTable,
    *,
    at_most: int | None = None,
    progress: Callable[[str, int], None] = lambda name, rows: None,
) -> int:
    """Re-encrypt a table once, in the order of its ids. Locked rows are left out."""
    rows_done, last, runs = 0, None, 0
    while at_most is None or runs < at_most:
        with ctx.engine.begin() as connection:
            ids, done = _reencrypt_next(connection, ctx, encrypted, last)
        if not ids:
            break
        rows_done, last, runs = rows_done + done, ids[-1], runs + 1
        progress(encrypted.name, done)
    return rows_done


def _reencrypt_next(
    connection: Connection, ctx: Context, encrypted: EncryptedTable, after: Any
) -> tuple[list[Any], int]:
    """Re-encrypt the next rows; returns the ids that were read, and how many were re-encrypted.

    A row with a value that does not open is left as it is, and stops no other.
    """
    id = encrypted.table.c.id
    rows = connection.execute(
        select(id, *encrypted.columns, *encrypted.keys)
        .where(encrypted.not_under_key(ctx.cipher.current_key_id), id > after if after else true())
        .order_by(id)
        .limit(BATCH_SIZE)
        .with_for_update(of=encrypted.table, skip_locked=True)
    ).all()
    new_values = []
    for row in rows:
        try:
            new = {
                f"{column.name}_anew": encrypted.reencrypt(ctx.cipher, row, column)
                for column in encrypted.columns
            }
        except ReasonedError as error:
            log.error("%s %s is not re-encrypted: %s", encrypted.name, row.id, error)
            continue
        new_values.append({"row": row.id, **new})
    if new_values:
        connection.execute(
            update(encrypted.table)
            .where(id == bindparam("row"))
            .values(
                {column.name: bindparam(f"{column.name}_anew") for column in encrypted.columns}
            ),
            new_values,
        )
    return [row.id for row in rows], len(new_values)
