"""Which columns hold encrypted personal data, where each value belongs, and which rows an older key
encrypted, or a release that did not bind values to their place.

A test compares the tables with this list.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Row,
    Table,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from domain.events import Named
from workers.db.encryption import Cipher, bound_prefix, sealed_prefix
from workers.db.inbox import PAYLOAD_DIGEST_KEY
from workers.db.places import (
    place_in_payload,
    place_of_address,
    place_of_answer,
    place_of_document,
    place_of_name,
    place_of_number,
    place_of_reply,
    place_of_representative,
    place_of_text,
    place_of_words,
)
from workers.db.schema import (
    borrower,
    borrower_number,
    complaint,
    contact_point,
    dispute,
    document,
    free_text,
    inbox_event,
    message,
    reply,
    representative,
)

Place = Callable[[Row[Any]], bytes]
"""The place of a value of one column, from `id` and the `keys` of its row."""


@dataclass(frozen=True, slots=True)
class EncryptedTable:
    """A table, and its columns that hold one encrypted value each, or null."""

    table: Table
    places: dict[Column[Any], Place]
    keys: tuple[ColumnElement[Any], ...] = ()
    """What the places need of the row besides its id, each with a label of its own."""
    may_be_sealed: bool = False

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def columns(self) -> tuple[Column[Any], ...]:
        return tuple(self.places)

    def not_under_key(self, key_id: str) -> ColumnElement[bool]:
        """Rows with a value that is not bound, or that another key than this one encrypted."""
        head = bound_prefix(key_id)
        return or_(*(func.substr(column, 1, len(head)) != head for column in self.columns))

    def needs_key(self, key_id: str) -> ColumnElement[bool]:
        """Rows with a value that is not bound, or that needs another key than this one."""
        return self.not_under_key(key_id)

    def decrypt(self, cipher: Cipher, row: Row[Any], column: Column[Any]) -> Any:
        """The value of a column, decrypted."""
        value = row._mapping[column.name]
        if value is None:
            return None
        decrypt = cipher.unseal if self.may_be_sealed else cipher.decrypt
        return decrypt(value, self.places[column](row))

    def reencrypt(self, cipher: Cipher, row: Row[Any], column: Column[Any]) -> Any:
        """The new value of a column: the same, encrypted with the first key, in its place."""
        value = self.decrypt(cipher, row, column)
        return None if value is None else cipher.encrypt(value, self.places[column](row))


ENCRYPTED_PAYLOAD_KEYS = (
    "name_encrypted",
    "phone_encrypted",
    "phones_encrypted",
    "another_phone_encrypted",
    "address_encrypted",
    "body_encrypted",
    "why_encrypted",
    "can_pay_monthly_encrypted",
    "monthly_encrypted",
)
"""Event payloads have personal data under these names, in base64."""

PERSONAL_EVENTS = ("contact_change", "loan_party", "representative")
"""The kinds of event whose payloads have personal data."""


class EncryptedPayloads(EncryptedTable):
    """A JSON column in which some values are encrypted, or sealed by a webhook."""

    def not_under_key(self, key_id: str) -> ColumnElement[bool]:
        return self._without_prefix(bound_prefix(key_id))

    def needs_key(self, key_id: str) -> ColumnElement[bool]:
        return self._without_prefix(bound_prefix(key_id), sealed_prefix(key_id))

    def decrypt(self, cipher: Cipher, row: Row[Any], column: Column[Any]) -> dict[str, Any]:
        return decrypted_payload(cipher, row._mapping[column.name])

    def reencrypt(self, cipher: Cipher, row: Row[Any], column: Column[Any]) -> dict[str, Any]:
        payload = row._mapping[column.name]
        return {
            name: b64encode(cipher.encrypt(value, place_in_payload(name, payload))).decode()
            if name in ENCRYPTED_PAYLOAD_KEYS and value is not None
            else value
            for name, value in self.decrypt(cipher, row, column).items()
        }

    def _without_prefix(self, *prefixes: bytes) -> ColumnElement[bool]:
        (payload,) = self.columns
        heads = [b64encode(prefix).decode() for prefix in prefixes]
        return or_(
            *(
                and_(*(func.left(payload[name].astext, len(head)) != head for head in heads))
                for name in ENCRYPTED_PAYLOAD_KEYS
            )
        )


def decrypted_payload(cipher: Cipher, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload with its encrypted values decrypted, under the same names."""
    texts = {
        name: cipher.unseal(b64decode(payload[name]), place_in_payload(name, payload))
        for name in ENCRYPTED_PAYLOAD_KEYS
        if payload.get(name) is not None
    }
    return {**payload, **texts}


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


_RECORD_OF_NUMBER = (
    select(borrower.c.external_id)
    .where(borrower.c.id == borrower_number.c.borrower_id)
    .correlate(borrower_number)
    .scalar_subquery()
)
_INDEX_OF_NUMBER = (
    select(contact_point.c.blind_index)
    .where(contact_point.c.id == borrower_number.c.contact_point_id)
    .correlate(borrower_number)
    .scalar_subquery()
)


def _of_representative(column: Column[Any]) -> Place:
    return lambda row: place_of_representative(column.name, row.person_fact_id, row.since)


def _of_answer(table: Table) -> Place:
    return lambda row: place_of_answer(table.name, row.external_id, row.sender)


ENCRYPTED_TABLES: tuple[EncryptedTable, ...] = (
    EncryptedPayloads(
        inbox_event, {inbox_event.c.payload: lambda row: place_in_payload("", row.payload)}
    ),
    EncryptedTable(free_text, {free_text.c.words_encrypted: lambda row: place_of_words(row.id)}),
    EncryptedTable(message, {message.c.body_encrypted: lambda row: place_of_text(row.id)}),
    EncryptedTable(
        reply,
        {reply.c.body_encrypted: lambda row: place_of_reply(row.provider, row.sid)},
        (reply.c.provider, reply.c.sid),
        may_be_sealed=True,  # words that no key opened when they were put there
    ),
    EncryptedTable(
        document,
        {document.c.body_encrypted: place_of_document},
        (document.c.action_id, document.c.arrangement_id),
    ),
    *(
        EncryptedTable(
            table,
            {table.c.letter_encrypted: _of_answer(table)},
            (table.c.external_id, table.c.sender),
        )
        for table in (dispute, complaint)
    ),
    EncryptedTable(
        representative,
        {
            column: _of_representative(column)
            for column in (
                representative.c.name_encrypted,
                representative.c.phone_encrypted,
                representative.c.address_encrypted,
            )
        },
        (representative.c.person_fact_id, representative.c.since),
    ),
    EncryptedTable(
        borrower,
        {
            borrower.c.name_encrypted: lambda row: place_of_name(row.external_id),
            borrower.c.address_encrypted: lambda row: place_of_address(row.external_id),
        },
        (borrower.c.external_id,),
    ),
    EncryptedTable(
        borrower_number,
        {
            borrower_number.c.number_encrypted: lambda row: place_of_number(
                row.record, row.blind_index
            )
        },
        (_RECORD_OF_NUMBER.label("record"), _INDEX_OF_NUMBER.label("blind_index")),
    ),
)
