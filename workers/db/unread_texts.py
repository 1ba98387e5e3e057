"""Texts from borrowers that nobody has read yet: whose they are, and how they wait to be read."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from domain.compliance.vocabulary import Channel
from domain.events import InboxStatus, Named
from domain.inbound_texts import ReplyKind
from workers.db.inbox import payload_value
from workers.db.numbers import points_of
from workers.db.persons import lock_number, records_with
from workers.db.prepared_statements import literal
from workers.db.schema import borrower, contact, contact_point, inbox_event, loan, reply
from workers.db.typed_rows import typed_row

TEXTS = "inbound_text"
"""The kind of event whose payload has the words of a text, until it is applied. It names nobody but
a number."""

PAYLOAD_BODY = "body_encrypted"


class Subject(NamedTuple):
    """The borrower and the loan that a text is most likely about."""

    borrower_id: int
    loan_id: int | None


def writers_of(connection: Connection, number: bytes) -> Sequence[int]:
    """The records that have a number, by its keyed hash."""
    writers = select(borrower.c.id).where(borrower.c.id.in_(records_with(number)))
    return connection.execute(writers.order_by(borrower.c.id)).scalars().all()


def subject_of(connection: Connection, writers: Sequence[int]) -> Subject | None:
    """Whose text it is, if these records have its number; None if nobody has it.

    That is whoever was texted last; or else whose loan is past due longest.
    """
    if not writers:
        return None
    about = _last_texted(connection, writers) or _most_past_due(connection, writers)
    return about or Subject(writers[0], None)


def keep_unread(connection: Connection, payload: Mapping[str, Any], *, words: bool = True) -> None:
    """Put a text that was never applied among those that a person must read, in the caller's
    transaction.

    It may ask for no contact at all. So it holds texts to its number until somebody has read it.
    Without its `words` it holds them all the same: nobody can read it, and somebody must decide.
    """
    sender = bytes.fromhex(payload.get(Named.NUMBER) or "")
    number = lock_number(connection, sender) if sender else None
    about = subject_of(connection, writers_of(connection, sender))
    body = payload.get(PAYLOAD_BODY)
    connection.execute(
        insert(reply)
        .values(
            contact_point_id=number,
            borrower_id=about.borrower_id if about else None,
            loan_id=about.loan_id if about else None,
            provider=payload["provider"],
            sid=payload["sid"],
            kind=ReplyKind.OTHER,
            to_read=True,
            body_encrypted=b64decode(body) if body and words else None,
            received_at=datetime.fromisoformat(payload["received_at"]),
        )
        .on_conflict_do_nothing(index_elements=[reply.c.provider, reply.c.sid])
    )


class UnreadText(NamedTuple):
    """The event of a text that was not applied."""

    id: int
    payload: Mapping[str, Any]


def unread_texts_of(connection: Connection, borrower_ids: Sequence[int]) -> list[UnreadText]:
    """The texts that wait to be applied, and are from these borrowers, by their numbers.

    A number may belong to several people; then a text is whose it would be as a reply.
    """
    points = points_of(connection, borrower_ids)
    hashes = connection.execute(
        select(contact_point.c.blind_index).where(contact_point.c.id.in_(points))
    )
    found = select(inbox_event.c.id, inbox_event.c.payload).where(
        inbox_event.c.status == literal(InboxStatus.RECEIVED),
        inbox_event.c.kind == literal(TEXTS),
        payload_value(inbox_event, Named.NUMBER).in_([each.hex() for each in hashes.scalars()]),
    )
    texts = []
    for row in connection.execute(found.order_by(inbox_event.c.id)):
        sender = bytes.fromhex(row.payload[Named.NUMBER])
        about = subject_of(connection, writers_of(connection, sender))
        if about and about.borrower_id in borrower_ids:
            texts.append(UnreadText(row.id, row.payload))
    return texts


def _last_texted(connection: Connection, borrower_ids: Sequence[int]) -> Subject | None:
    """Which of these borrowers was texted last, and about which loan."""
    last = (
        select(contact.c.borrower_id, contact.c.loan_id)
        .where(contact.c.borrower_id.in_(borrower_ids), contact.c.channel == Channel.SMS)
        .order_by(contact.c.at.desc(), contact.c.id.desc())
        .limit(1)
    )
    return typed_row(Subject, connection.execute(last))


def _most_past_due(connection: Connection, borrower_ids: Sequence[int]) -> Subject | None:
    """For borrowers who were never texted: the loan that is past due longest."""
    oldest = (
        select(loan.c.borrower_id, loan.c.id.label("loan_id"))
        .where(loan.c.borrower_id.in_(borrower_ids))
        .order_by(loan.c.delinquent_since.asc().nulls_last(), loan.c.id)
        .limit(1)
    )
    return typed_row(Subject, connection.execute(oldest))
