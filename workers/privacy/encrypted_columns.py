"""Where sealed personal data stands, and what of it an older key sealed.

A test holds the tables to this list.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, Text, case, cast, func, literal, or_
from sqlalchemy.dialects.postgresql import JSONB

from workers.db.encryption import Cipher, token_prefix
from workers.db.schema import borrower, document, inbox_event, message, reply


@dataclass(frozen=True, slots=True)
class EncryptedTable(ABC):
    """One table, and those of its columns that hold sealed values; each may be null."""

    table: Table
    columns: tuple[Column[Any], ...]

    @property
    def name(self) -> str:
        return self.table.name

    @abstractmethod
    def not_under_key(self, key_id: str) -> ColumnElement[bool]:
        """Rows of which something was sealed with another key than that of the mark."""

    @abstractmethod
    def reencrypt(self, cipher: Cipher, value: Any) -> Any:
        """What a column is to hold: the same, sealed with the first key."""


class EncryptedColumns(EncryptedTable):
    """Columns that hold one sealed value each."""

    def not_under_key(self, key_id: str) -> ColumnElement[bool]:
        head = token_prefix(key_id)
        return or_(*(func.substr(column, 1, len(head)) != head for column in self.columns))

    def reencrypt(self, cipher: Cipher, value: bytes | None) -> bytes | None:
        return None if value is None else cipher.reencrypt(value)


ENCRYPTED_PAYLOAD_KEYS = ("phone_encrypted", "address_encrypted")
"""New contacts come in as events, and stand in their payload under these names, in base64."""

PAYLOAD_DIGEST_KEY = "digest"
"""The keyed hash of both, by which an event that is told twice is known."""


class EncryptedPayloads(EncryptedTable):
    """A JSON column, of which some values are sealed."""

    def not_under_key(self, key_id: str) -> ColumnElement[bool]:
        head = b64encode(token_prefix(key_id)).decode()
        (payload,) = self.columns
        return or_(
            *(
                func.left(payload[each_payload].astext, len(head)) != head
                for each_payload in ENCRYPTED_PAYLOAD_KEYS
            )
        )

    def reencrypt(self, cipher: Cipher, value: dict[str, Any]) -> dict[str, Any]:
        anew = {
            name: b64encode(cipher.reencrypt(b64decode(value[name]))).decode()
            for name in ENCRYPTED_PAYLOAD_KEYS
            if value.get(name) is not None
        }
        return {**value, **anew}


def without_encrypted_values(payload: Column[Any]) -> ColumnElement[Any]:
    """The payload with null for what was sealed in it: what it told of can still be seen."""
    left: ColumnElement[Any] = payload
    for name in ENCRYPTED_PAYLOAD_KEYS:
        nothing = literal({name: None}, JSONB())
        merged = left.op("||", return_type=JSONB())(nothing)
        left = case((payload.has_key(name), merged), else_=left)
    return left


def without_digest(payload: ColumnElement[Any]) -> ColumnElement[Any]:
    """The payload without the keyed hash of what was sealed in it."""
    return payload.op("-", return_type=JSONB())(cast(PAYLOAD_DIGEST_KEY, Text))


ENCRYPTED_TABLES: tuple[EncryptedTable, ...] = (
    EncryptedPayloads(inbox_event, (inbox_event.c.payload,)),
    EncryptedColumns(message, (message.c.body_encrypted,)),
    EncryptedColumns(reply, (reply.c.body_encrypted,)),
    EncryptedColumns(document, (document.c.body_encrypted,)),
    EncryptedColumns(
        borrower,
        (borrower.c.name_encrypted, borrower.c.phone_encrypted, borrower.c.address_encrypted),
    ),
)
