"""The telephone numbers of the lender's records, in the order in which they are tried."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import (
    Connection,
    Engine,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    union,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.contact_points import PointKind, address_key
from workers.db.bulk import is_among
from workers.db.encryption import Cipher
from workers.db.places import Placed, place_of_address, place_of_number
from workers.db.prepared_statements import prepared
from workers.db.schema import (
    borrower,
    borrower_number,
    contact,
    contact_point,
    contact_point_fact,
    former_number,
    person_fact,
    recovered_text,
    reply,
    representative_wish,
)
from workers.db.typed_rows import columns_of, typed_rows

EXTENSION = ";ext="
"""Stands between a number and its extension, as RFC 3966 writes it."""

MOST_NUMBERS = 10
"""Of one record."""


class LockedNumber(NamedTuple):
    """A number of a record. It is locked until the transaction ends."""

    borrower_id: int
    position: int
    contact_point_id: int
    blind_index: bytes
    number_encrypted: bytes
    record: str
    """The lender's id of the record."""
    texted_at: datetime | None
    """When it was texted last as only the provider knew after a restore; None: it was not."""

    @property
    def placed(self) -> Placed:
        return Placed(self.number_encrypted, place_of_number(self.record, self.blind_index))

    @property
    def key(self) -> str:
        """As in `domain.contact_points.NumberOnRecord`."""
        return self.blind_index.hex()


_RECOVERED = (
    select(func.max(recovered_text.c.at))
    .where(recovered_text.c.number_blind_index == contact_point.c.blind_index)
    .scalar_subquery()
)
_LOCK_NUMBERS = prepared(
    select(
        *columns_of(
            LockedNumber,
            *(borrower_number, contact_point),
            record=borrower.c.external_id,
            texted_at=_RECOVERED,
        )
    )
    .join(contact_point, contact_point.c.id == borrower_number.c.contact_point_id)
    .join(borrower, borrower.c.id == borrower_number.c.borrower_id)
    .where(is_among(borrower_number.c.borrower_id, "of_records"))
    .order_by(contact_point.c.id)
    .with_for_update(of=contact_point, key_share=True)
)


def lock_numbers_of(
    connection: Connection, borrower_ids: Collection[int]
) -> dict[int, list[LockedNumber]]:
    """Lock all numbers of records whose persons are locked; by record, in order. One statement.

    A number whose facts change waits, as does a claim that would use it.
    """
    values = {"of_records": sorted(set(borrower_ids))}
    of_record = defaultdict[int, list[LockedNumber]](list)
    rows = typed_rows(LockedNumber, connection.execute(_LOCK_NUMBERS, values))
    for row in sorted(rows, key=lambda row: row.position):
        of_record[row.borrower_id].append(row)
    return of_record


_LOCK_POINT = prepared(
    select(contact_point.c.blind_index)
    .where(contact_point.c.id == bindparam("point"))
    .with_for_update(key_share=True)
)


def lock_point(connection: Connection, point_id: int) -> bytes:
    """Lock a contact point, and give its blind index."""
    blind_index: bytes = connection.execute(_LOCK_POINT, {"point": point_id}).scalar_one()
    return blind_index


def kind_of(number: str) -> PointKind:
    """What a number is; an extension is a contact point of its own."""
    return PointKind.EXTENSION if EXTENSION in number else PointKind.NUMBER


def address_index(cipher: Cipher, address: str) -> bytes:
    """The keyed hash of an address, equal however it is written."""
    return cipher.blind_index(f"address\n{address_key(address)}")


def address_point(connection: Connection, cipher: Cipher, address: str) -> int:
    """The id of an address as a contact point; it is made if it is not known yet."""
    return make_point(connection, address_index(cipher, address), PointKind.ADDRESS)


ADDRESSES_AT_ONCE = 500


def hash_addresses(engine: Engine, cipher: Cipher) -> int:
    """Make the hashes of addresses that were stored before an address was a contact point.

    Returns how many. It may be killed and run again; it does nothing if all have one.
    """
    missing = (
        select(borrower.c.id, borrower.c.external_id, borrower.c.address_encrypted)
        .where(borrower.c.address_encrypted.is_not(None), borrower.c.address_point_id.is_(None))
        .order_by(borrower.c.id)
        .limit(ADDRESSES_AT_ONCE)
        .with_for_update(key_share=True)
    )
    hashed = 0
    while True:
        with engine.begin() as connection:
            rows = connection.execute(missing).all()
            if not rows:
                return hashed
            for row in rows:
                place = place_of_address(row.external_id)
                address = cipher.decrypt(row.address_encrypted, place)
                point = address_point(connection, cipher, address)
                connection.execute(
                    update(borrower).where(borrower.c.id == row.id).values(address_point_id=point)
                )
        hashed += len(rows)


def make_point(connection: Connection, blind_index: bytes, kind: PointKind) -> int:
    """The id of a contact point, which is made if it is not known yet."""
    connection.execute(
        upsert(contact_point).values(blind_index=blind_index, kind=kind).on_conflict_do_nothing()
    )
    known = select(contact_point.c.id).where(contact_point.c.blind_index == blind_index)
    point_id: int = connection.execute(known).scalar_one()
    return point_id


def set_numbers(
    connection: Connection,
    cipher: Cipher,
    borrower_id: int,
    external_id: str,
    numbers: Sequence[tuple[str, int | None]],
) -> None:
    """Give a locked record these numbers, in order: each with the tape's field that it stands for.

    `external_id` is the lender's id of the record.

    A number that comes twice counts where it comes first. A number that is not among them any more
    is kept as a former number of the record.
    """
    had = connection.execute(
        delete(borrower_number)
        .where(borrower_number.c.borrower_id == borrower_id)
        .returning(borrower_number.c.contact_point_id)
    ).scalars()
    first = dict[str, int | None]()
    for number, tape_field in numbers:
        first.setdefault(number, tape_field)
    points = {
        number: make_point(connection, cipher.blind_index(number), kind_of(number))
        for number in sorted(first, key=cipher.blind_index)
    }
    rows = [
        {
            "borrower_id": borrower_id,
            "position": position,
            "contact_point_id": points[number],
            "number_encrypted": cipher.encrypt(
                number, place_of_number(external_id, cipher.blind_index(number))
            ),
            "tape_field": tape_field,
        }
        for position, (number, tape_field) in enumerate(first.items(), start=1)
    ]
    if rows:
        connection.execute(insert(borrower_number), rows)
    if former := sorted(set(had) - set(points.values())):
        gone = [{"contact_point_id": point, "borrower_id": borrower_id} for point in former]
        connection.execute(upsert(former_number).on_conflict_do_nothing(), gone)


_NUMBERS_OF = text("""
SELECT n.number_encrypted, n.tape_field, b.external_id, p.blind_index
  FROM borrower_number n
  JOIN borrower b ON b.id = n.borrower_id
  JOIN contact_point p ON p.id = n.contact_point_id
 WHERE n.borrower_id = :record ORDER BY n.position
""")


def numbers_of(
    connection: Connection, cipher: Cipher, borrower_id: int
) -> list[tuple[str, int | None]]:
    """The numbers of a record in order, as `set_numbers` takes them."""
    rows = connection.execute(_NUMBERS_OF, {"record": borrower_id})
    return [
        (
            cipher.decrypt(row.number_encrypted, place_of_number(row.external_id, row.blind_index)),
            row.tape_field,
        )
        for row in rows
    ]


def forget_points(connection: Connection, point_ids: Collection[int]) -> None:
    """Forget the numbers and addresses that nobody has any more. Those that a fact protects stay,
    as their keyed hashes: without them, an opt-out would be lost. Those that somebody gets at this
    moment stay too."""
    if not point_ids:
        return
    used = (
        borrower_number.c.contact_point_id,
        former_number.c.contact_point_id,
        borrower.c.address_point_id,
        contact_point_fact.c.contact_point_id,
        person_fact.c.contact_point_id,
        reply.c.contact_point_id,
        representative_wish.c.contact_point_id,
    )
    free = (
        select(contact_point.c.id)
        .where(
            contact_point.c.id.in_(sorted(point_ids)),
            *(~exists().where(column == contact_point.c.id) for column in used),
        )
        .order_by(contact_point.c.id)
        .with_for_update(skip_locked=True)
    )
    if ids := connection.execute(free).scalars().all():
        connection.execute(delete(contact_point).where(contact_point.c.id.in_(ids)))


def points_of(connection: Connection, borrower_ids: Collection[int]) -> list[int]:
    """The ids of all numbers and addresses of records, and of the numbers that they had before."""
    numbers = (
        select(table.c.contact_point_id).where(table.c.borrower_id.in_(borrower_ids))
        for table in (borrower_number, former_number)
    )
    addresses = select(borrower.c.address_point_id).where(
        borrower.c.id.in_(borrower_ids), borrower.c.address_point_id.is_not(None)
    )
    return list(connection.execute(union(*numbers, addresses)).scalars())


def points_called(connection: Connection, borrower_ids: Collection[int]) -> list[int]:
    """The ids of the numbers of third parties who were asked where these borrowers are."""
    called = (
        select(contact_point.c.id)
        .join(contact, contact.c.number_blind_index == contact_point.c.blind_index)
        .where(contact.c.borrower_id.in_(borrower_ids), contact.c.purpose.is_not(None))
        .distinct()
    )
    return list(connection.execute(called).scalars())


_BLIND_INDEXES = (
    select(contact_point.c.blind_index)
    .join(borrower_number, borrower_number.c.contact_point_id == contact_point.c.id)
    .where(borrower_number.c.borrower_id == bindparam("record"))
    .order_by(borrower_number.c.position)
)


def blind_indexes_of(connection: Connection, borrower_id: int) -> list[bytes]:
    """The keyed hashes of a record's numbers, in order."""
    return list(connection.execute(_BLIND_INDEXES, {"record": borrower_id}).scalars())


def has_or_had(contact_point_id: str) -> str:
    """SQL of the records that have the number of this column, or had it before.

    It is lateral: for each number an index is asked. Joined otherwise, PostgreSQL reads all numbers
    of a large book for some hundred of them.
    """
    return f"""LATERAL (
    SELECT borrower_id FROM borrower_number WHERE contact_point_id = {contact_point_id}
     UNION ALL
    SELECT borrower_id FROM former_number WHERE contact_point_id = {contact_point_id}
)"""  # noqa: S608 the column is a constant of the caller
