"""The place of an encrypted value: table, column and row. A value opens in its own place only.

A row is named by what is known before it is inserted, also by COPY and by several processes that
read a tape without a database, and by what says whose it is:

    borrower          the lender's id of the record, which is unique. Whatever changes it
                      (`workers/tapes/rebind.py`) encrypts the values of the record again.
    borrower_number   likewise, and the keyed hash of the number, to which the facts of it belong
    message           its id, which is made first
    document          the action that it was written for, or the arrangement
    reply             the provider, and its id of the text
    dispute, complaint  its id, and who gave it
    free_text         its id, which is made first
    representative    the fact of which it says who acts, and since when
    inbox_event       whom its payload is about, and the digest of all that it says of them; the
                      words of a text as those of a reply

A random salt in the row would bind nothing: whoever moves a value would move the salt with it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID


class Placed(NamedTuple):
    """An encrypted value, and the place where it belongs: the arguments of `Cipher.decrypt`."""

    encrypted: bytes
    place: bytes


def place_of_name(record: str) -> bytes:
    return _place("borrower.name_encrypted", record)


def place_of_address(record: str) -> bytes:
    return _place("borrower.address_encrypted", record)


def place_of_number(record: str, blind_index: bytes) -> bytes:
    return _place("borrower_number.number_encrypted", record, bytes(blind_index).hex())


def place_of_text(message_id: UUID) -> bytes:
    return _place("message.body_encrypted", str(message_id))


def place_of_letter(action_id: int) -> bytes:
    return _place("document.body_encrypted", str(action_id))


def place_of_default_notice(arrangement_id: int) -> bytes:
    return _place("document.body_encrypted", f"arrangement {arrangement_id}")


def place_of_document(row: Any) -> bytes:
    """Of a document of an action, or of an arrangement."""
    if row.action_id is None:
        return place_of_default_notice(row.arrangement_id)
    return place_of_letter(row.action_id)


def place_of_answer(table: str, external_id: str, sender: str) -> bytes:
    return _place(f"{table}.letter_encrypted", external_id, sender)


def place_of_reply(provider: str, sid: str) -> bytes:
    return _place("reply.body_encrypted", provider, sid)


def place_of_representative(column: str, person_fact_id: int, since: datetime) -> bytes:
    moment = since.astimezone(UTC).isoformat()
    return _place(f"representative.{column}", str(person_fact_id), moment)


def place_of_words(free_text_id: UUID) -> bytes:
    return _place("free_text.words_encrypted", str(free_text_id))


def place_in_payload(name: str, payload: Mapping[str, Any]) -> bytes:
    """The place of a value in the payload of an event. What is applied, pruned or kept with another
    record changes none of the parts of it. The words of a text belong to the text, also as a reply:
    what no key opens now is put among the replies as it is, and may open later."""
    if name == "body_encrypted":
        return place_of_reply(payload["provider"], payload["sid"])
    borrower = payload.get("said_borrower") or payload.get("borrower")
    return _place(f"inbox_event.payload.{name}", borrower or "", payload.get("digest") or "")


def place_of_index_key(key_id: str) -> bytes:
    return _place("encryption_key.index_key_encrypted", key_id)


def _place(*parts: str) -> bytes:
    """No text in PostgreSQL contains a zero byte."""
    return "\0".join(parts).encode()
