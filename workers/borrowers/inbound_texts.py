"""Texts from borrowers, as events: stored without waiting, then recorded once with what follows."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from domain.actors import BY_TEXT
from domain.events import Named
from domain.inbound_texts import Reading, ReplyKind, effects_of
from domain.permissions import Permission
from domain.reasons import ReasonCode, Reasons, because
from workers.access.permitted import permitted
from workers.borrowers.reply_effects import (
    AskedAt,
    allow_texts_again,
    apply_effects,
    without_what_ended_since,
)
from workers.context import Context
from workers.db.closed_numbers import recheck_through
from workers.db.contact_points import lock_number, records_with
from workers.db.encryption import Cipher
from workers.db.inbox import forget_values
from workers.db.people import People, lock_people
from workers.db.places import place_of_reply
from workers.db.schema import borrower
from workers.db.spoken_language import spoken_language
from workers.db.unread_texts import PAYLOAD_BODY, insert_reply, subject_of, writers_of
from workers.escalation.reassess import reassess
from workers.hardship.text_requests import request_by_text
from workers.sms.providers.port import InboundText

Payload = Mapping[str, Any]


def text_id(sid: str) -> str:
    """The provider's id of the event that a text is: by its id of the text, it is one event."""
    return f"text:{sid}"


def text_payload(
    cipher: Cipher, text: InboundText, received_at: datetime, *, help_is_answered: bool
) -> Payload:
    """A text as the payload of an event: its words encrypted, its number as a keyed hash, by which
    the claim finds everybody who has it.

    `help_is_answered` says whether whoever stored it has answered a call for help.
    """
    place = place_of_reply(text.provider, text.sid)
    payload = {
        "provider": text.provider,
        "sid": text.sid,
        PAYLOAD_BODY: b64encode(cipher.seal(text.body, place)).decode(),
        "opt_out_type": text.opt_out_type,
        "help_is_answered": help_is_answered,
        "received_at": received_at.isoformat(),
    }
    if text.from_number:
        payload[Named.NUMBER] = cipher.blind_index(text.from_number).hex()
    return payload


@permitted(Permission.REPORT_TEXTS)
def language_of_number(connection: Connection, ctx: Context, number: bytes) -> str | None:
    """BCP 47: the language of who has a number, by its keyed hash; None: no borrower has it."""
    writers = select(borrower.c.id, spoken_language().label("locale"))
    with_number = writers.where(borrower.c.id.in_(records_with(number)))
    first = connection.execute(with_number.order_by(borrower.c.id).limit(1)).one_or_none()
    return first.locale if first else None


def record_inbound_text(connection: Connection, ctx: Context, payload: Payload) -> Reasons:
    """Record a borrower's text, once, and what follows from it, in the caller's transaction.

    STOP is a fact about the number: it reaches everybody who has it, now or later. A request for no
    contact at all is a fact of everybody who has the number; if nobody has it any more, of whoever
    was contacted at it last. START takes back only opt-outs that came by text, before it. What is
    not understood puts off all texts to the number until a collector has read it; so does a call
    for help that nobody has answered. One that asks for time or instalments is a request for an
    arrangement as well.

    Texts may be applied in another order than that in which they came. What counts is when they
    came. The words are on record then, and are deleted from the event.
    """
    text = _text(ctx, payload)
    ids = writers_of(connection, text.sender, text.received_at)
    about = subject_of(connection, ids)
    reading = _read(ctx, text.body, payload)
    effects = effects_of(reading.kinds, number_is_known=bool(ids))
    # Whoever wrote the text means it for themselves, also if they have another number now.
    also = about.borrower_id if about else None
    reaches_people = effects.reach_people or ReplyKind.START in reading.kinds
    people = lock_people(connection, text.sender, also) if reaches_people else None
    if about and about.loan_id and reading.to_read and ctx.policy.replies.asks_for_time(text.body):
        request_by_text(
            connection,
            ctx,
            borrower_id=about.borrower_id,
            loan_id=about.loan_id,
            sid=text.sid,
            provider=text.provider,
            words=text.body,
        )
    # Locked last, as the claim does, which cannot send before it has the number.
    number = lock_number(connection, text.sender) if text.sender else None
    new = insert_reply(
        connection,
        payload,
        about,
        contact_point_id=number,
        kind=reading.kind,
        to_read=reading.to_read or number is None,  # nobody knows whose it is: somebody must look
        body_encrypted=ctx.cipher.encrypt(text.body, place_of_reply(text.provider, text.sid)),
        received_at=text.received_at,
    )
    # A text that was recorded before must not undo what another one said in between.
    if new is not None and number is not None:
        asked = AskedAt(new, text.received_at)
        apply_effects(
            connection,
            without_what_ended_since(connection, number, effects, asked),
            number_id=number,
            blind_index=text.sender,
            named=people.named if people else (),
            actor=BY_TEXT,
            now=text.received_at,
        )
        if people and ReplyKind.START in reading.kinds:
            _allow_again(connection, ctx, text, number, people, asked)
        if people:
            reassess(connection, ctx, people.loans, ctx.now())
    forget_values(connection, text.provider, text_id(text.sid), (PAYLOAD_BODY, Named.NUMBER))
    return because(ReasonCode.INBOUND_TEXT_RECORDED)


@dataclass(frozen=True, slots=True)
class _Text:
    provider: str
    sid: str
    sender: bytes
    """The keyed hash of the number that it came from; empty: none was given."""
    received_at: datetime
    body: str = field(repr=False)


def _text(ctx: Context, payload: Payload) -> _Text:
    provider, sid = payload["provider"], payload["sid"]
    sealed = b64decode(payload[PAYLOAD_BODY])
    return _Text(
        provider,
        sid,
        sender=bytes.fromhex(payload.get(Named.NUMBER, "")),
        body=ctx.cipher.unseal(sealed, place_of_reply(provider, sid)),
        received_at=datetime.fromisoformat(payload["received_at"]),
    )


def _allow_again(
    connection: Connection,
    ctx: Context,
    text: _Text,
    number: int,
    people: People,
    asked: AskedAt,
) -> None:
    at = text.received_at
    allow_texts_again(connection, number, people.named, text.provider, BY_TEXT, at, asked=asked)
    # Who acts for others has the number perhaps, and may be called there again.
    recheck_through(connection, text.sender, ctx.now())


def _read(ctx: Context, body: str, payload: Payload) -> Reading:
    reading = ctx.policy.replies.read(body, payload["opt_out_type"])
    if reading.kind is ReplyKind.HELP and not payload["help_is_answered"]:
        return Reading(frozenset({ReplyKind.OTHER}))
    return reading
