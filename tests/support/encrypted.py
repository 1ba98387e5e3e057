"""Encrypted values of a book: made for the place where they stand, and read there."""

from base64 import b64encode
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, select, text

from tests.support.loans import Book
from workers.db.encryption import Cipher
from workers.db.free_text import open_words
from workers.db.places import place_in_payload, place_of_address, place_of_name, place_of_number
from workers.privacy.encrypted_columns import ENCRYPTED_TABLES


def in_payload(book: Book, name: str, value: str, borrower: str) -> str:
    """A value as the payload of an event about a borrower has it, under the name of its key."""
    place = place_in_payload(name, {"borrower": borrower})
    return b64encode(book.ctx.cipher.encrypt(value, place)).decode()


def opened(book: Book, column: Column[Any], cipher: Cipher | None = None) -> list[Any]:
    """What a column holds, decrypted, in the order of the ids; null where nothing is left."""
    encrypted = next(each for each in ENCRYPTED_TABLES if column in each.places)
    rows = book.rows(
        select(encrypted.table.c.id, column, *encrypted.keys).order_by(encrypted.table.c.id)
    )
    return [encrypted.decrypt(cipher or book.ctx.cipher, row, column) for row in rows]


_SET_RECORD = text(
    "UPDATE borrower SET name_encrypted = :name, address_encrypted = :address WHERE id = :id"
)
_SET_NUMBER = text("UPDATE borrower_number SET number_encrypted = :number WHERE id = :id")
_NUMBERS = text("""
SELECT n.id, b.external_id, p.blind_index
  FROM borrower_number n
  JOIN borrower b ON b.id = n.borrower_id
  JOIN contact_point p ON p.id = n.contact_point_id
""")


def encrypt_copies(
    connection: Connection, cipher: Cipher, *, name: str, address: str | None, number: str
) -> None:
    """Give every record this name, address and number, encrypted for its own place: a value that
    was copied from another row does not open."""
    records = connection.execute(text("SELECT id, external_id FROM borrower")).all()
    connection.execute(
        _SET_RECORD,
        [
            {
                "id": row.id,
                "name": cipher.encrypt(name, place_of_name(row.external_id)),
                "address": address and cipher.encrypt(address, place_of_address(row.external_id)),
            }
            for row in records
        ],
    )
    connection.execute(
        _SET_NUMBER,
        [
            {
                "id": row.id,
                "number": cipher.encrypt(number, place_of_number(row.external_id, row.blind_index)),
            }
            for row in connection.execute(_NUMBERS).all()
        ],
    )


def typed(book: Book, id: Any) -> str | None:
    """What a person typed, by the id in a row or a reason; None where it is erased."""
    with book.ctx.engine.connect() as connection:
        return open_words(connection, book.ctx.cipher, [UUID(str(id))]).get(UUID(str(id)))
