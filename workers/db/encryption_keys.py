"""Whether the keys at hand are those that what is stored was sealed with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest

from sqlalchemy import Connection, Engine, delete, insert, select, text

from domain.errors import ArrearsError
from workers.db.encryption import Vault
from workers.db.schema import borrower, sealing_key

_ONE_AT_A_TIME = text("LOCK TABLE sealing_key IN SHARE ROW EXCLUSIVE MODE")


def assert_keys_open(engine: Engine, vault: Vault) -> None:
    """Every key is at hand that something stored may be sealed with.

    What was sealed first and what was sealed last is opened as well: that finds a key that sealed
    without having been put on record. With other keys a tape would be sealed so that no worker
    could read it, and the numbers that find a borrower would no longer be found.

    Raises:
        ArrearsError: a key is missing, or the numbers would not be found.
    """
    name, by_age = borrower.c.name_sealed, borrower.c.id
    held = select(name).where(name.is_not(None))
    with engine.connect() as connection:
        _assert_on_record(connection, vault)
        for order in (by_age, by_age.desc()):
            if sealed := connection.execute(held.order_by(order).limit(1)).scalar():
                vault.open(sealed)
        _assert_numbers_found(connection, vault)


def keep_digest_key(engine: Engine, vault: Vault, now: datetime) -> None:
    """Keep the key of the digests in the database, sealed, where it is not kept yet.

    A book without borrowers gets one of its own. Another keeps the one by which its numbers were
    found so far.

    Raises:
        ArrearsError: as `assert_keys_open`.
    """
    assert_keys_open(engine, vault)
    with engine.begin() as connection:
        connection.execute(_ONE_AT_A_TIME)
        if connection.execute(select(sealing_key.c.id).limit(1)).first():
            return
        empty = connection.execute(select(borrower.c.id).limit(1)).first() is None
        _put_on_record(connection, vault.sealed_digest_keys(renew=empty), now)


def begin_rotation(connection: Connection, vault: Vault, now: datetime) -> None:
    """From now on everything is to be sealed with the first key, and the others are needed too."""
    connection.execute(_ONE_AT_A_TIME)
    known = _marks(connection)
    if known and known[-1] == vault.seals_with:
        return
    keys = vault.sealed_digest_keys()
    connection.execute(delete(sealing_key).where(sealing_key.c.mark == vault.seals_with))
    older = {*known} - {vault.seals_with}
    new = {mark: sealed for mark, sealed in keys.items() if mark not in older}
    _put_on_record(connection, new, now)


def rotation_goes_on(connection: Connection, vault: Vault) -> bool:
    """Whether something may be sealed with an older key, and our first one is to take its place.

    A worker that was not started anew since the keys changed has another key in front, and must
    not seal anything back.
    """
    known = _marks(connection)
    return len(known) > 1 and known[-1] == vault.seals_with


def end_rotation(connection: Connection, vault: Vault) -> None:
    """Nothing is sealed with an older key any more: none of them is needed."""
    connection.execute(_ONE_AT_A_TIME)
    if rotation_goes_on(connection, vault):
        connection.execute(delete(sealing_key).where(sealing_key.c.mark != vault.seals_with))


def read_digest_key(engine: Engine, marks: Sequence[str]) -> bytes | None:
    """The key of the digests, sealed with one of the keys of these marks; None if none is kept."""
    ours = select(sealing_key.c.digest_key_sealed).where(sealing_key.c.mark.in_(marks))
    with engine.connect() as connection:
        return connection.execute(ours.order_by(sealing_key.c.id.desc()).limit(1)).scalar()


def _put_on_record(connection: Connection, keys: dict[str, bytes], now: datetime) -> None:
    """The oldest first: the list has the newest key in front."""
    for mark, sealed in reversed(keys.items()):
        connection.execute(
            insert(sealing_key).values(mark=mark, digest_key_sealed=sealed, since=now)
        )


def _marks(connection: Connection) -> list[str]:
    """Of the keys that something may be sealed with; the last one is to seal everything."""
    marks = select(sealing_key.c.mark).order_by(sealing_key.c.id)
    return list(connection.execute(marks).scalars())


def _assert_on_record(connection: Connection, vault: Vault) -> None:
    if missing := set(_marks(connection)) - set(vault.marks):
        raise ArrearsError(
            f"Something stored may be sealed with {len(missing)} key(s) that are not in "
            "ARREARS_ENCRYPTION_KEYS. Put them back at the end of the list, let `arrears keys "
            "rotate` run to its end, and take them out when it says so."
        )


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
