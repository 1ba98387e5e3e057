"""The keys on record: whether the configured keys are those that encrypted the stored data."""

from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest

from sqlalchemy import Connection, Engine, delete, insert, select, text, update

from domain.errors import ArrearsError
from workers.db.encryption import Cipher, is_bound
from workers.db.places import place_of_name, place_of_number
from workers.db.schema import borrower, borrower_number, contact_point, encryption_key

_LOCK_KEYS = text("LOCK TABLE encryption_key IN SHARE ROW EXCLUSIVE MODE")


def assert_keys_open(engine: Engine, cipher: Cipher) -> None:
    """Check that every key is configured that may have encrypted stored data.

    The oldest and the newest value are decrypted too: this detects a key that is not on record.
    With wrong keys a tape would be encrypted so that no worker could read it, and borrowers would
    not be found by their number.

    A process that cannot decrypt must seal for a key that is on record.

    Raises:
        ArrearsError: a key is missing, or the blind indexes would not match.
    """
    name, by_age = borrower.c.name_encrypted, borrower.c.id
    if not cipher.can_decrypt:
        assert_seals_for_known_key(engine, cipher)
        return
    names = select(borrower.c.external_id, name).where(name.is_not(None))
    with engine.connect() as connection:
        _assert_keys_present(connection, cipher)
        for order in (by_age, by_age.desc()):
            if row := connection.execute(names.order_by(order).limit(1)).first():
                cipher.decrypt(row.name_encrypted, place_of_name(row.external_id))
        _assert_numbers_found(connection, cipher)


def assert_seals_for_known_key(engine: Engine, cipher: Cipher) -> None:
    """Check that what a webhook seals can be opened by the workers.

    Raises:
        ArrearsError: its key is not on record: it was replaced by another one, or never used.
    """
    with engine.connect() as connection:
        key_ids = _key_ids(connection)
    if cipher.current_key_id not in key_ids:
        raise ArrearsError(
            "ARREARS_WEBHOOK_KEY is not of a key that is in use. Print it with `arrears keys "
            "webhook`, where the encryption keys are, and restart the webhook: nobody could open "
            "what it seals."
        )


def assert_keys_on_record(engine: Engine, cipher: Cipher) -> None:
    """As `assert_keys_open`, without a look at any value: for who may read none.

    Raises:
        ArrearsError: a key is missing, or what is sealed could not be opened.
    """
    if not cipher.can_decrypt:
        assert_seals_for_known_key(engine, cipher)
        return
    with engine.connect() as connection:
        _assert_keys_present(connection, cipher)


def store_index_key(engine: Engine, cipher: Cipher, now: datetime) -> None:
    """Store the key of the blind indexes in the database, encrypted, if none is stored yet.

    A database without borrowers gets a new key. Any other keeps the key that made its indexes.

    Raises:
        ArrearsError: as `assert_keys_open`.
    """
    assert_keys_open(engine, cipher)
    with engine.begin() as connection:
        connection.execute(_LOCK_KEYS)
        if connection.execute(select(encryption_key.c.id).limit(1)).first():
            return
        empty = connection.execute(select(borrower.c.id).limit(1)).first() is None
        # What an earlier release stored is not bound yet.
        _insert_keys(connection, cipher.encrypted_index_keys(bound=empty, renew=empty), now)


def may_change_keys(connection: Connection) -> bool:
    """Whether whoever is connected may replace and remove keys: the role of the workers may not,
    because without the key of the blind indexes nothing starts any more."""
    rights = text("SELECT has_table_privilege('encryption_key', 'DELETE')")
    return bool(connection.execute(rights).scalar())


def begin_rotation(connection: Connection, cipher: Cipher, now: datetime) -> None:
    """Start a rotation: re-encrypt everything with the first key. The others stay needed.

    Raises:
        ArrearsError: whoever is connected may not change keys.
    """
    if not may_change_keys(connection):
        raise ArrearsError(
            "Keys are changed by the owner of the tables. Run the command with the DATABASE_URL "
            "that `arrears migrate` has (docs/operations.md)."
        )
    connection.execute(_LOCK_KEYS)
    key_ids = _key_ids(connection)
    if key_ids and key_ids[-1] == cipher.current_key_id:
        return
    keys = cipher.encrypted_index_keys(bound=not _has_unbound_keys(connection))
    connection.execute(
        delete(encryption_key).where(encryption_key.c.key_id == cipher.current_key_id)
    )
    older = {*key_ids} - {cipher.current_key_id}
    new = {key_id: encrypted for key_id, encrypted in keys.items() if key_id not in older}
    _insert_keys(connection, new, now)


def is_rotating(connection: Connection, cipher: Cipher) -> bool:
    """Whether values are to be encrypted again with our first key: a rotation to it is in progress,
    or an earlier release stored values that are not bound to their place.

    A worker that was not restarted since the keys changed has another first key. It must not
    encrypt anything with that one again.
    """
    key_ids = _key_ids(connection)
    is_ours = bool(key_ids) and key_ids[-1] == cipher.current_key_id
    return is_ours and (len(key_ids) > 1 or _has_unbound_keys(connection))


def end_rotation(connection: Connection, cipher: Cipher) -> None:
    """End the rotation: everything is bound and encrypted with the first key. So none of the older
    ones is needed, and what is not bound is refused from now on."""
    connection.execute(_LOCK_KEYS)
    if is_rotating(connection, cipher):
        current = encryption_key.c.key_id == cipher.current_key_id
        connection.execute(delete(encryption_key).where(~current))
        keys = cipher.encrypted_index_keys(bound=True)
        connection.execute(
            update(encryption_key)
            .where(current)
            .values(index_key_encrypted=keys[cipher.current_key_id])
        )


def read_index_key(engine: Engine, key_ids: Sequence[str]) -> bytes | None:
    """The key of the blind indexes, encrypted with one of these keys; None if none is stored."""
    index_keys = select(encryption_key.c.index_key_encrypted).where(
        encryption_key.c.key_id.in_(key_ids)
    )
    with engine.connect() as connection:
        return connection.execute(index_keys.order_by(encryption_key.c.id.desc()).limit(1)).scalar()


def _insert_keys(connection: Connection, keys: dict[str, bytes], now: datetime) -> None:
    """Insert the oldest first: the list starts with the newest key."""
    for key_id, encrypted in reversed(keys.items()):
        connection.execute(
            insert(encryption_key).values(key_id=key_id, index_key_encrypted=encrypted, since=now)
        )


def _has_unbound_keys(connection: Connection) -> bool:
    """Whether values that are not bound may be left; so it is where no key is on record yet."""
    stored = connection.execute(select(encryption_key.c.index_key_encrypted)).scalars().all()
    return not stored or not all(map(is_bound, stored))


def _key_ids(connection: Connection) -> list[str]:
    """The ids of the keys that may have encrypted something; the last one is the current key."""
    key_ids = select(encryption_key.c.key_id).order_by(encryption_key.c.id)
    return list(connection.execute(key_ids).scalars())


def _assert_keys_present(connection: Connection, cipher: Cipher) -> None:
    if missing := set(_key_ids(connection)) - set(cipher.key_ids):
        raise ArrearsError(
            "Something stored may be encrypted with {missing} key(s) that are not in "
            "ARREARS_ENCRYPTION_KEYS. Put them back at the end of the list, let `arrears "
            "keys rotate` run to its end, and take them out when it says so.",
            missing=len(missing),
        )


def _assert_numbers_found(connection: Connection, cipher: Cipher) -> None:
    newest = connection.execute(
        select(
            borrower.c.external_id,
            borrower_number.c.number_encrypted,
            contact_point.c.blind_index,
        )
        .join(borrower, borrower.c.id == borrower_number.c.borrower_id)
        .join(contact_point, contact_point.c.id == borrower_number.c.contact_point_id)
        .order_by(borrower_number.c.id.desc())
        .limit(1)
    ).one_or_none()
    if newest is None:
        return
    place = place_of_number(newest.external_id, newest.blind_index)
    number = cipher.decrypt(newest.number_encrypted, place)
    if not compare_digest(cipher.blind_index(number), bytes(newest.blind_index)):
        raise ArrearsError(
            "The last key in ARREARS_ENCRYPTION_KEYS is not the one that it was: borrowers would "
            "no longer be found by their number. Put new keys in front, and the oldest one last."
        )
