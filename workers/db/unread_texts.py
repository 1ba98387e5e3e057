"""Texts from borrowers that nobody has read yet: whose they are, and how they wait to be read."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from domain.compliance.vocabulary import NOT_THE_PERSON, Channel
from domain.errors import ReasonedError
from domain.events import InboxStatus, Named
from domain.inbound_texts import ReplyKind
from workers.db.contact_points import lock_number, records_with
from workers.db.encryption import Cipher
from workers.db.inbox import payload_value
from workers.db.numbers import points_of
from workers.db.places import place_of_reply
from workers.db.prepared_statements import literal
from workers.db.schema import borrower, contact, contact_point, inbox_event, loan, reply
from workers.db.typed_rows import typed_row

TEXTS = "inbound_text"
"""The kind of event whose payload has the words of a text, until it is applied. It names a number,
and no person."""

PAYLOAD_BODY = "body_encrypted"

STILL_THEIRS = timedelta(days=90)
"""How long a number that nobody has any more counts as that of the person last contacted at it.
Telephone companies keep a number unused for about so long before somebody else gets it."""


class Subject(NamedTuple):
    """The borrower and the loan that a text is most likely about."""

    borrower_id: int
    loan_id: int | None


def writers_of(connection: Connection, number: bytes, at: datetime) -> Sequence[int]:
    """The records that have a number, by its keyed hash. If nobody has it: the record that was
    contacted at it last, if that was not long before `at`.

    A person who just got another number may still answer from the old one.
    """
    writers = select(borrower.c.id).where(borrower.c.id.in_(records_with(number)))
    have_it = connection.execute(writers.order_by(borrower.c.id)).scalars().all()
    if have_it:
        return have_it
    had_it = (
        select(contact.c.borrower_id)
        .where(
            contact.c.number_blind_index == number,
            contact.c.at >= at - STILL_THEIRS,
            contact.c.party.not_in(NOT_THE_PERSON),
        )
        .order_by(contact.c.at.desc(), contact.c.id.desc())
        .limit(1)
    )
    return connection.execute(had_it).scalars().all()


def subject_of(connection: Connection, writers: Sequence[int]) -> Subject | None:
    """Which of these records of `writers_of` a text is from; None if there are none.

    It is from whom we texted last. If we texted none of them, it is from whoever has the loan that
    is past due longest.
    """
    if not writers:
        return None
    about = _last_texted(connection, writers) or _most_past_due(connection, writers)
    return about or Subject(writers[0], None)


def keep_unread(
    connection: Connection, payload: Mapping[str, Any], cipher: Cipher | None = None
) -> None:
    """Put a text that was never applied among those that a person must read, in the caller's
    transaction.

    It may ask for no contact at all. So it holds texts to its number until somebody has read it.
    Without its words it holds them all the same: nobody can read it, and somebody must decide. They
    are left out without a `cipher`.
    """
    sender = bytes.fromhex(payload.get(Named.NUMBER) or "")
    number = lock_number(connection, sender) if sender else None
    received_at = datetime.fromisoformat(payload["received_at"])
    about = subject_of(connection, writers_of(connection, sender, received_at))
    insert_reply(
        connection,
        payload,
        about,
        contact_point_id=number,
        kind=ReplyKind.OTHER,
        to_read=True,
        body_encrypted=cipher and _words(cipher, payload),
        received_at=received_at,
    )


def _words(cipher: Cipher, payload: Mapping[str, Any]) -> bytes | None:
    """The words of a text, encrypted with the first key; as they are where no key opens them, for
    it may be found again."""
    if not (body := payload.get(PAYLOAD_BODY)):
        return None
    encrypted, place = b64decode(body), place_of_reply(payload["provider"], payload["sid"])
    try:
        return cipher.encrypt(cipher.unseal(encrypted, place), place)
    except ReasonedError:
        return encrypted


def insert_reply(
    connection: Connection, payload: Mapping[str, Any], about: Subject | None, **values: Any
) -> int | None:
    """Insert a text from the payload of its event, with these other columns; its id, or None if it
    is on record already."""
    new: int | None = connection.execute(
        insert(reply)
        .values(
            borrower_id=about.borrower_id if about else None,
            loan_id=about.loan_id if about else None,
            provider=payload["provider"],
            sid=payload["sid"],
            **values,
        )
        .on_conflict_do_nothing(index_elements=[reply.c.provider, reply.c.sid])
        .returning(reply.c.id)
    ).scalar()
    return new


class UnreadText(NamedTuple):
    """The event of a text that was not applied."""

    id: int
    payload: Mapping[str, Any]


def unread_texts_of(connection: Connection, borrower_ids: Sequence[int]) -> list[UnreadText]:
    """The texts that wait to be applied, and are from these borrowers, by their numbers.

    A number may belong to several people. `subject_of` says which of them a text is from.
    """
    points = points_of(connection, borrower_ids)
    have = select(contact_point.c.blind_index).where(contact_point.c.id.in_(points))
    had = select(contact.c.number_blind_index).where(
        contact.c.borrower_id.in_(borrower_ids), contact.c.number_blind_index.is_not(None)
    )
    hashes = connection.execute(have.union(had))
    found = select(inbox_event.c.id, inbox_event.c.payload).where(
        inbox_event.c.status == literal(InboxStatus.RECEIVED),
        inbox_event.c.kind == literal(TEXTS),
        payload_value(inbox_event, Named.NUMBER).in_([each.hex() for each in hashes.scalars()]),
    )
    texts = []
    for row in connection.execute(found.order_by(inbox_event.c.id)):
        sender = bytes.fromhex(row.payload[Named.NUMBER])
        received_at = datetime.fromisoformat(row.payload["received_at"])
        about = subject_of(connection, writers_of(connection, sender, received_at))
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
