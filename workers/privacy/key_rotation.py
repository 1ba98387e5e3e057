"""Sealing everything with the first key, so that the others can be taken out of the list.

The rows themselves say how far it got: what is sealed begins with the mark of its key. So it may
be killed anywhere and begun again, and two at once take different rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, bindparam, exists, func, select, true, update

from workers.context import Context
from workers.db.encryption_keys import begin_rotation, end_rotation, is_rotating
from workers.privacy.encrypted_columns import ENCRYPTED_TABLES, EncryptedTable

BATCH_SIZE = 500
"""Rows of one transaction."""

BATCHES_PER_RUN = 20
"""Transactions of one run of the task, for each place."""


def count_left(connection: Connection, ctx: Context) -> dict[str, int]:
    """How many rows hold something that the first key did not seal, by their table."""
    key_id = ctx.cipher.current_key_id
    return {
        encrypted.name: connection.execute(
            select(func.count()).select_from(encrypted.table).where(encrypted.not_under_key(key_id))
        ).scalar_one()
        for encrypted in ENCRYPTED_TABLES
    }


def rotate(ctx: Context, tell: Callable[[str, int], None]) -> bool:
    """Seal everything with the first key; `tell` is given a table and how many rows more are done.

    Every process must have the new key by then: what is sealed here is opened there. False where
    rows are left because others hold them at this moment: then it is to be run once more.

    Raises:
        ArrearsError: none of the keys opens something that is stored.
    """
    with ctx.engine.begin() as connection:
        begin_rotation(connection, ctx.cipher, ctx.now())
    for encrypted in ENCRYPTED_TABLES:
        _reencrypt_table(ctx, encrypted, tell=tell)
    return finish_rotation(ctx)


def continue_rotation(ctx: Context) -> int:
    """A piece of a rotation that was begun; returns how many rows were sealed anew.

    Nothing where none was begun, or where another key is in front here than where it was begun.
    """
    with ctx.engine.connect() as connection:
        if not is_rotating(connection, ctx.cipher):
            return 0
    done = sum(
        _reencrypt_table(ctx, encrypted, at_most=BATCHES_PER_RUN) for encrypted in ENCRYPTED_TABLES
    )
    if not done:
        finish_rotation(ctx)
    return done


def finish_rotation(ctx: Context) -> bool:
    """Whether the older keys are not needed any more: then they are struck off the record."""
    key_id = ctx.cipher.current_key_id
    with ctx.engine.begin() as connection:
        left = select(
            *(exists().where(encrypted.not_under_key(key_id)) for encrypted in ENCRYPTED_TABLES)
        )
        if any(connection.execute(left).one()):
            return False
        end_rotation(connection, ctx.cipher)
        return True


def _reencrypt_table(
    ctx: Context,
    encrypted: EncryptedTable,
    *,
    at_most: int | None = None,
    tell: Callable[[str, int], None] = lambda name, rows: None,
) -> int:
    """Go through a table once, in the order of its ids. Rows that somebody holds are left out."""
    done, last, runs = 0, None, 0
    while at_most is None or runs < at_most:
        with ctx.engine.begin() as connection:
            ids = _reencrypt_next(connection, ctx, encrypted, last)
        if not ids:
            break
        done, last, runs = done + len(ids), ids[-1], runs + 1
        tell(encrypted.name, len(ids))
    return done


def _reencrypt_next(
    connection: Connection, ctx: Context, encrypted: EncryptedTable, after: Any
) -> list[Any]:
    """The ids of the next rows, which are sealed with the first key now."""
    id = encrypted.table.c.id
    rows = connection.execute(
        select(id, *encrypted.columns)
        .where(encrypted.not_under_key(ctx.cipher.current_key_id), id > after if after else true())
        .order_by(id)
        .limit(BATCH_SIZE)
        .with_for_update(skip_locked=True)
    ).all()
    if rows:
        connection.execute(
            update(encrypted.table)
            .where(id == bindparam("row"))
            .values(
                {column.name: bindparam(f"{column.name}_anew") for column in encrypted.columns}
            ),
            [
                {
                    "row": row.id,
                    **{
                        f"{column.name}_anew": encrypted.reencrypt(
                            ctx.cipher, row._mapping[column.name]
                        )
                        for column in encrypted.columns
                    },
                }
                for row in rows
            ],
        )
    return [row.id for row in rows]
