"""Encrypts values again when their record gets another id, because a value is bound to that id."""

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, text

from domain.errors import ReasonedError
from domain.reasons import ReasonCode
from workers.db.encryption import Cipher
from workers.db.places import place_of_address, place_of_name, place_of_number

log = logging.getLogger(__name__)

_RECORDS = text("""
SELECT id, external_id, name_encrypted, address_encrypted
  FROM borrower WHERE id = ANY(:records) ORDER BY id FOR NO KEY UPDATE
""")
_NUMBERS = text("""
SELECT n.id, n.borrower_id, b.external_id, p.blind_index, n.number_encrypted
  FROM borrower_number n
  JOIN borrower b ON b.id = n.borrower_id
  JOIN contact_point p ON p.id = n.contact_point_id
 WHERE n.borrower_id = ANY(:records)
 ORDER BY n.id FOR NO KEY UPDATE OF n
""")
_SET_RECORD = text("""
UPDATE borrower SET name_encrypted = :name, address_encrypted = :address WHERE id = :id
""")
_SET_NUMBER = text("UPDATE borrower_number SET number_encrypted = :number WHERE id = :id")

_STAGED_RECORDS = text("""
SELECT line, slot, external_id, name_encrypted, address_encrypted
  FROM tape_borrower WHERE external_id = ANY(:ids)
""")
_STAGED_NUMBERS = text("""
SELECT line, slot, field, borrower AS external_id, blind_index, number_encrypted
  FROM tape_number WHERE borrower = ANY(:ids)
""")
_SET_STAGED_RECORD = text("""
UPDATE tape_borrower SET name_encrypted = :name, address_encrypted = :address
 WHERE external_id = :external_id AND line = :line AND slot = :slot
""")
_SET_STAGED_NUMBER = text("""
UPDATE tape_number SET number_encrypted = :number
 WHERE borrower = :external_id AND line = :line AND slot = :slot AND field = :field
""")


def rebind_records(connection: Connection, cipher: Cipher, new_ids: Mapping[int, str]) -> None:
    """Encrypt the values of records for the ids that they are to have. They have their old ids yet.

    Raises:
        ArrearsError: no key opens a value.
    """
    of_records = {"records": sorted(new_ids)}
    records = connection.execute(_RECORDS, of_records).all()
    numbers = connection.execute(_NUMBERS, of_records).all()
    if records:
        values = [{"id": row.id, **_of_record(cipher, row, new_ids[row.id])} for row in records]
        connection.execute(_SET_RECORD, values)
    if numbers:
        values = [
            {"id": row.id, **_of_number(cipher, row, new_ids[row.borrower_id])} for row in numbers
        ]
        connection.execute(_SET_NUMBER, values)


def rebind_staged(connection: Connection, cipher: Cipher, new_ids: Mapping[str, str]) -> None:
    """The same for what a batch says of records, by the ids that its rows gave them."""
    staged = {"ids": list(new_ids)}
    records = connection.execute(_STAGED_RECORDS, staged).all()
    numbers = connection.execute(_STAGED_NUMBERS, staged).all()
    for statement, rows, reencrypt in (
        (_SET_STAGED_RECORD, records, _of_record),
        (_SET_STAGED_NUMBER, numbers, _of_number),
    ):
        if rows:
            values = [
                {**row._asdict(), **reencrypt(cipher, row, new_ids[row.external_id])}
                for row in rows
            ]
            connection.execute(statement, values)


def _of_record(cipher: Cipher, row: Row[Any], new_id: str) -> dict[str, bytes | None]:
    old_id, name, address = row.external_id, row.name_encrypted, row.address_encrypted
    return {
        "name": name and _moved(cipher, name, place_of_name(old_id), place_of_name(new_id)),
        "address": address
        and _moved(cipher, address, place_of_address(old_id), place_of_address(new_id)),
    }


def _of_number(cipher: Cipher, row: Row[Any], new_id: str) -> dict[str, bytes]:
    old_place = place_of_number(row.external_id, row.blind_index)
    new_place = place_of_number(new_id, row.blind_index)
    return {"number": _moved(cipher, row.number_encrypted, old_place, new_place)}


def _moved(cipher: Cipher, value: bytes, old_place: bytes, new_place: bytes) -> bytes:
    """The value for another place.

    A value that belongs to a third place opens at neither of these. It stays as it is, and the
    other rows of the tape go on.

    Raises:
        ArrearsError: no key opens it. With the key put back it will, and only at its old place.
    """
    try:
        return cipher.encrypt(cipher.decrypt(value, old_place), new_place)
    except ReasonedError as error:
        if error.reason[0].code is not ReasonCode.VALUE_OUT_OF_PLACE:
            raise
        log.error("a value was not moved to the new id of its record: %s", error)
        return value
