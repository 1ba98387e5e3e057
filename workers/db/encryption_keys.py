"""Whether the keys at hand are those that what is stored was sealed with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest

from sqlalchemy import Connection, Engine, delete, insert, select, text

from domain.errors import ArrearsError
from workers.db.encryption import Cipher
from workers.db.schema import borrower, encryption_key

_ONE_AT_A_TIME = text("LOCK TABLE encryption_key IN SHARE ROW EXCLUSIVE MODE")


def assert_keys_open(engine: Engine, cipher: Cipher) -> None:
    """Every key is at hand that something stored may be sealed with.

    What was sealed first and what was sealed last is opened as well: that finds a key that sealed
    without having been put on record. With other keys a tape would be sealed so that no worker
    could read it, and the numbers that find a borrower would no longer be found.

    Raises:
        ArrearsError: a key is missing, or the numbers would not be found.
    """
    name, by_age = borrower.c.name_encrypted, borrower.c.id
    held = select(name).where(name.is_not(None))
    with engine.connect() as connection:
        _assert_on_record(connection, cipher)
        for order in (by_age, by_age.desc()):
            if sealed := connection.execute(held.order_by(order).limit(1)).scalar():
                cipher.decrypt(sealed)
        _assert_numbers_found(connection, cipher)


def store_index_key(engine: Engine, cipher: Cipher, now: datetime) -> None:
    """Keep the key of the digests in the database, sealed, where it is not kept yet.

    A book without borrowers gets one of its own. Another keeps the one by which its numbers were
    found so far.

    Raises:
        ArrearsError: as `assert_keys_open`.
    """
    assert_keys_open(engine, cipher)
    with engine.begin() as connection:
        connection.execute(_ONE_AT_A_TIME)
        if connection.execute(select(encryption_key.c.id).limit(1)).first():
            return
        empty = connection.execute(select(borrower.c.id).limit(1)).first() is None
        _put_on_record(connection, cipher.encrypted_index_keys(renew=empty), now)


def begin_rotation(connection: Connection, cipher: Cipher, now: datetime) -> None:
    """From now on everything is to be sealed with the first key, and the others are needed too."""
    connection.execute(_ONE_AT_A_TIME)
    known = _marks(connection)
    if known and known[-1] == cipher.current_key_id:
        return
    keys = cipher.encrypted_index_keys()
    connection.execute(
        delete(encryption_key).where(encryption_key.c.key_id == cipher.current_key_id)
    )
    older = {*known} - {cipher.current_key_id}
    new = {key_id: sealed for key_id, sealed in keys.items() if key_id not in older}
    _put_on_record(connection, new, now)


def is_rotating(connection: Connection, cipher: Cipher) -> bool:
    """Whether something may be sealed with an older key, and our first one is to take its place.

    A worker that was not started anew since the keys changed has another key in front, and must
    not seal anything back.
    """
    known = _marks(connection)
    return len(known) > 1 and known[-1] == cipher.current_key_id


def end_rotation(connection: Connection, cipher: Cipher) -> None:
    """Nothing is sealed with an older key any more: none of them is needed."""
    connection.execute(_ONE_AT_A_TIME)
    if is_rotating(connection, cipher):
        connection.execute(
            delete(encryption_key).where(encryption_key.c.key_id != cipher.current_key_id)
        )


def read_index_key(engine: Engine, key_ids: Sequence[str]) -> bytes | None:
    """The key of the digests, sealed with one of the keys of these marks; None if none is kept."""
    ours = select(encryption_key.c.index_key_encrypted).where(encryption_key.c.key_id.in_(key_ids))
    with engine.connect() as connection:
        return connection.execute(ours.order_by(encryption_key.c.id.desc()).limit(1)).scalar()


def _put_on_record(connection: Connection, keys: dict[str, bytes], now: datetime) -> None:
    """The oldest first: the list has the newest key in front."""
    for key_id, sealed in reversed(keys.items()):
        connection.execute(
            insert(encryption_key).values(key_id=key_id, index_key_encrypted=sealed, since=now)
        )


def _marks(connection: Connection) -> list[str]:
    """Of the keys that something may be sealed with; the last one is to seal everything."""
    key_ids = select(encryption_key.c.key_id).order_by(encryption_key.c.id)
    return list(connection.execute(key_ids).scalars())


def _assert_on_record(connection: Connection, cipher: Cipher) -> None:
    if missing := set(_marks(connection)) - set(cipher.key_ids):
        raise ArrearsError(
            f"Something stored may be sealed with {len(missing)} key(s) that are not in "
            "ARREARS_ENCRYPTION_KEYS. Put them back at the end of the list, let `arrears keys "
            "rotate` run to its end, and take them out when it says so."
        )


def _assert_numbers_found(connection: Connection, cipher: Cipher) -> None:
    newest = connection.execute(
        select(borrower.c.phone_encrypted, borrower.c.phone_blind_index)
        .where(borrower.c.phone_blind_index.is_not(None))
        .order_by(borrower.c.id.desc())
        .limit(1)
    ).one_or_none()
    if newest and not compare_digest(
        cipher.blind_index(cipher.decrypt(newest.phone_encrypted)), bytes(newest.phone_blind_index)
    ):
        raise ArrearsError(
            "The last key in ARREARS_ENCRYPTION_KEYS is not the one that it was: borrowers would "
            "no longer be found by their number. Put new keys in front, and the oldest one last."
        )
