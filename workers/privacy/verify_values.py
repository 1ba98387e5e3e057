"""Finds encrypted values that do not open where they stand: changed, moved, or of a lost key."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import LargeBinary, func, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from domain.errors import ReasonedError
from domain.permissions import Permission
from domain.reasons import Reasons
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.encryption import PREFIX_LENGTH
from workers.privacy.encrypted_columns import ENCRYPTED_TABLES, EncryptedTable

ROWS_OF_A_PAGE = 1_000
SAMPLE = 50
"""Rows of each table that `arrears check` looks at: the newest ones."""


class BrokenValue(NamedTuple):
    """A value that does not open."""

    table: str
    id: str
    """Of its row."""
    column: str
    reason: Reasons


@permitted(Permission.ROTATE_KEYS)
def find_broken(ctx: Context) -> Iterator[BrokenValue]:
    """Every encrypted value that does not open, by table and id. It reads the whole database, in
    short transactions, and changes nothing."""
    for encrypted in ENCRYPTED_TABLES:
        id, after = encrypted.table.c.id, None
        while True:
            page = _rows(encrypted).order_by(id).limit(ROWS_OF_A_PAGE)
            with ctx.engine.connect() as connection:
                rows = connection.execute(page if after is None else page.where(id > after)).all()
            if not rows:
                break
            after = rows[-1].id
            for row in rows:
                yield from _broken_in(ctx, encrypted, row)


def find_broken_among_newest(ctx: Context) -> list[BrokenValue]:
    """The same among the newest rows of each table."""
    found: list[BrokenValue] = []
    for encrypted in ENCRYPTED_TABLES:
        newest = _rows(encrypted).order_by(encrypted.table.c.id.desc()).limit(SAMPLE)
        with ctx.engine.connect() as connection:
            rows = connection.execute(newest).all()
        found += (value for row in rows for value in _broken_in(ctx, encrypted, row))
    return found


def find_broken_of_each_key(ctx: Context) -> list[BrokenValue]:
    """The same among one row of each key and each column. It reads every row once."""
    found: list[BrokenValue] = []
    for encrypted in ENCRYPTED_TABLES:
        for column in encrypted.columns:
            if not isinstance(column.type, LargeBinary):
                continue  # events: the newest ones are looked at
            key = func.substr(column, 1, PREFIX_LENGTH)
            not_empty = _rows(encrypted).where(column.is_not(None))
            one_of_each = not_empty.ext(distinct_on(key)).order_by(key)
            with ctx.engine.begin() as connection:
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                rows = connection.execute(one_of_each).all()
            found += (value for row in rows for value in _broken_in(ctx, encrypted, row))
    return found


def _rows(encrypted: EncryptedTable) -> Any:
    return select(encrypted.table.c.id, *encrypted.columns, *encrypted.keys)


def _broken_in(ctx: Context, encrypted: EncryptedTable, row: Any) -> Iterator[BrokenValue]:
    for column in encrypted.columns:
        try:
            encrypted.decrypt(ctx.cipher, row, column)
        except ReasonedError as error:
            yield BrokenValue(encrypted.name, str(row.id), column.name, error.reason)
