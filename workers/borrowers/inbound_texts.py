"""Texts from borrowers: recorded once; STOP and START take effect immediately."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from domain.actors import Actor, ActorKind
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact
from domain.inbound_texts import ReplyKind
from workers.context import Context
from workers.db.persons import end_number_facts, from_one_of, lock_number, note_number_fact
from workers.db.schema import borrower, contact, loan, reply
from workers.db.typed_rows import typed_row
from workers.sms.providers.port import InboundText

_STORED_AS = {
    ReplyKind.CEASE: ReplyKind.STOP,
    ReplyKind.WRONG_NUMBER: ReplyKind.OTHER,
    ReplyKind.NO_CALLS: ReplyKind.OTHER,
    ReplyKind.HARMLESS: ReplyKind.OTHER,
}
"""What has no effect of its own yet is for a person to read."""

BY_TEXT = Actor("text", ActorKind.BORROWER)
"""The actor of an opt-out that came as a text."""


@dataclass(frozen=True, slots=True)
class RecordedText:
    """A text that is on record."""

    kind: ReplyKind
    locale: str | None
    """BCP 47, the language of the sender; None: no borrower has that number."""


def record_inbound_text(ctx: Context, text: InboundText, *, help_is_answered: bool) -> RecordedText:
    """Record a borrower's text, once, and apply STOP or START immediately.

    STOP is a fact about the number: it reaches everybody who has it, now or later. START takes back
    only opt-outs that came by text. If the provider does not answer HELP by itself
    (`help_is_answered` is False), the text goes to a collector.
    """
    kind = _STORED_AS.get(said := ctx.policy.replies.read(text.body, text.opt_out_type).kind, said)
    if kind is ReplyKind.HELP and not help_is_answered:
        kind = ReplyKind.OTHER
    now = ctx.now()
    sender = ctx.cipher.blind_index(text.from_number)
    with ctx.engine.begin() as connection:
        writers = connection.execute(
            select(borrower.c.id, borrower.c.locale)
            .where(borrower.c.phone_blind_index == sender)
            .order_by(borrower.c.id)
        ).all()
        ids = [writer.id for writer in writers]
        # Locked last, as the claim does, which cannot send before it has the number.
        number = lock_number(connection, sender) if text.from_number else None
        about = _last_texted(connection, ids) or _most_past_due(connection, ids)
        new = connection.execute(
            insert(reply)
            .values(
                contact_point_id=number,
                borrower_id=about.borrower_id if about else next(iter(ids), None),
                loan_id=about.loan_id if about else None,
                provider=text.provider,
                sid=text.sid,
                kind=kind,
                body_encrypted=ctx.cipher.encrypt(text.body),
                received_at=now,
            )
            .on_conflict_do_nothing(index_elements=[reply.c.provider, reply.c.sid])
            .returning(reply.c.id)
        ).scalar()
        # A repeated STOP must not undo a START that came in between.
        if new is not None and number is not None and kind is ReplyKind.STOP:
            note_number_fact(connection, number, NumberFact.OPTED_OUT, BY_TEXT, now)
        if new is not None and number is not None and kind is ReplyKind.START:
            # If the provider refused a number as opted out, it knew that from a text too.
            by_text = from_one_of((BY_TEXT, Actor(text.provider, ActorKind.PROVIDER)))
            opted_out = {NumberFact.OPTED_OUT}
            end_number_facts(connection, number, opted_out, BY_TEXT, now, which=by_text)
    return RecordedText(kind, writers[0].locale if writers else None)


class _Subject(NamedTuple):
    """The borrower and the loan that a text is most likely about."""

    borrower_id: int
    loan_id: int


def _last_texted(connection: Connection, borrower_ids: list[int]) -> _Subject | None:
    """Which of these borrowers was texted last, and about which loan."""
    last = (
        select(contact.c.borrower_id, contact.c.loan_id)
        .where(contact.c.borrower_id.in_(borrower_ids), contact.c.channel == Channel.SMS)
        .order_by(contact.c.at.desc(), contact.c.id.desc())
        .limit(1)
    )
    return typed_row(_Subject, connection.execute(last))


def _most_past_due(connection: Connection, borrower_ids: list[int]) -> _Subject | None:
    """For borrowers who were never texted: the loan that is past due longest."""
    oldest = (
        select(loan.c.borrower_id, loan.c.id.label("loan_id"))
        .where(loan.c.borrower_id.in_(borrower_ids))
        .order_by(loan.c.delinquent_since.asc().nulls_last(), loan.c.id)
        .limit(1)
    )
    return typed_row(_Subject, connection.execute(oldest))
