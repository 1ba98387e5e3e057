"""Which columns hold encrypted personal data, and which rows an older key encrypted.

A test compares the tables with this list.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, Text, case, cast, func, literal, or_
from sqlalchemy.dialects.postgresql import JSONB

from domain.events import Named
from workers.db.encryption import Cipher, token_prefix
from workers.db.inbox import PAYLOAD_DIGEST_KEY
from workers.db.schema import (
    borrower,
    borrower_number,
    document,
    inbox_event,
    message,
    reply,
    representative,
)


@dataclass(frozen=True, slots=True)
class EncryptedTable:
    """A table, and its columns that hold one encrypted value each, or null."""

    table: Table
    columns: tuple[Column[Any], ...]

    @property
    def name(self) -> str:
        return self.table.name

    def not_under_key(self, key_id: str) -> ColumnElement[bool]:
        """Rows with a value that another key than this one encrypted."""
        head = token_prefix(key_id)
        return or_(*(func.substr(column, 1, len(head)) != head for column in self.columns))

    def reencrypt(self, cipher: Cipher, value: Any) -> Any:
        """The new value of a column: the same, encrypted with the first key."""
        return None if value is None else cipher.reencrypt(value)


ENCRYPTED_PAYLOAD_KEYS = (
    "name_encrypted",
    "phone_encrypted",
    "phones_encrypted",
    "another_phone_encrypted",
    "address_encrypted",
    "body_encrypted",
)
"""Event payloads have personal data under these names, in base64."""

PERSONAL_EVENTS = ("contact_change", "loan_party", "representative")
"""The kinds of event whose payloads have personal data."""


class EncryptedPayloads(EncryptedTable):
    """A JSON column in which some values are encrypted."""

    def not_under_key(self, key_id: str) -> ColumnElement[bool]:
        head = b64encode(token_prefix(key_id)).decode()
        (payload,) = self.columns
        return or_(
            *(func.left(payload[name].astext, len(head)) != head for name in ENCRYPTED_PAYLOAD_KEYS)
        )

    def reencrypt(self, cipher: Cipher, value: dict[str, Any]) -> dict[str, Any]:
        reencrypted = {
            name: b64encode(cipher.reencrypt(b64decode(value[name]))).decode()
            for name in ENCRYPTED_PAYLOAD_KEYS
            if value.get(name) is not None
        }
        return {**value, **reencrypted}


def without_encrypted_values(payload: Column[Any]) -> ColumnElement[Any]:
    """The payload with null for its encrypted values, so that their names stay, and without the
    keyed hashes of numbers, which served only while it was not applied."""
    emptied: ColumnElement[Any] = payload
    for hashes in (Named.NUMBER, Named.NUMBERS):
        emptied = emptied.op("-", return_type=JSONB())(cast(hashes, Text))
    for name in ENCRYPTED_PAYLOAD_KEYS:
        null = literal({name: None}, JSONB())
        merged = emptied.op("||", return_type=JSONB())(null)
        emptied = case((payload.has_key(name), merged), else_=emptied)
    return emptied


def without_digest(payload: ColumnElement[Any]) -> ColumnElement[Any]:
    """The payload without the keyed hash of its encrypted values."""
    return payload.op("-", return_type=JSONB())(cast(PAYLOAD_DIGEST_KEY, Text))


ENCRYPTED_TABLES: tuple[EncryptedTable, ...] = (
    EncryptedPayloads(inbox_event, (inbox_event.c.payload,)),
    EncryptedTable(message, (message.c.body_encrypted,)),
    EncryptedTable(reply, (reply.c.body_encrypted,)),
    EncryptedTable(document, (document.c.body_encrypted,)),
    EncryptedTable(
        representative,
        (
            representative.c.name_encrypted,
            representative.c.phone_encrypted,
            representative.c.address_encrypted,
        ),
    ),
    EncryptedTable(
        borrower,
        (borrower.c.name_encrypted, borrower.c.address_encrypted),
    ),
    EncryptedTable(borrower_number, (borrower_number.c.number_encrypted,)),
)
