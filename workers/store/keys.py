"""Whether the keys at hand are those that what is stored was sealed with."""

from __future__ import annotations

from hmac import compare_digest

from sqlalchemy import Connection, Engine, select

from domain.errors import ArrearsError
from workers.store.schema import borrower
from workers.store.vault import Vault


def assert_keys_open(engine: Engine, vault: Vault) -> None:
    """Open what was sealed first and what was sealed last: the keys between them were in between.

    With other keys a tape would be sealed so that no worker could read it; with another key at the
    end of the list, the numbers that find a borrower would no longer be found.

    Raises:
        ArrearsError: none of the keys opens one of them, or the last key is not the one it was.
    """
    name, by_age = borrower.c.name_sealed, borrower.c.id
    with engine.connect() as connection:
        for order in (by_age, by_age.desc()):
            if sealed := connection.execute(select(name).order_by(order).limit(1)).scalar():
                vault.open(sealed)
        _assert_numbers_found(connection, vault)


def _assert_numbers_found(connection: Connection, vault: Vault) -> None:
    newest = connection.execute(
        select(borrower.c.phone_sealed, borrower.c.phone_digest)
        .where(borrower.c.phone_digest.is_not(None))
        .order_by(borrower.c.id.desc())
        .limit(1)
    ).one_or_none()
    if newest and not compare_digest(
        vault.digest(vault.open(newest.phone_sealed)), bytes(newest.phone_digest)
    ):
        raise ArrearsError(
            "The last key in ARREARS_ENCRYPTION_KEYS is not the one that it was: borrowers would "
            "no longer be found by their number. Put new keys in front, and the oldest one last."
        )
