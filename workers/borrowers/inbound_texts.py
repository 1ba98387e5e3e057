"""Texts from borrowers: recorded once; what follows from them takes effect immediately."""

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from domain.compliance.vocabulary import Channel
from domain.inbound_texts import Reading, ReplyKind, effects_of
from workers.borrowers.reply_effects import (
    BY_TEXT,
    AskedAt,
    allow_texts_again,
    apply_effects,
)
from workers.context import Context
from workers.db.people import lock_people
from workers.db.persons import lock_number, records_with
from workers.db.schema import borrower, contact, loan, reply
from workers.db.spoken_language import spoken_language
from workers.db.typed_rows import typed_row
from workers.escalation.reassess import reassess
from workers.sms.providers.port import InboundText


@dataclass(frozen=True, slots=True)
class RecordedText:
    """A text that is on record."""

    kind: ReplyKind
    locale: str | None
    """BCP 47, the language of the sender; None: no borrower has that number."""


def record_inbound_text(ctx: Context, text: InboundText, *, help_is_answered: bool) -> RecordedText:
    """Record a borrower's text, once, and what follows from it, immediately.

    STOP is a fact about the number: it reaches everybody who has it, now or later. A request for no
    contact at all is a fact of everybody who has the number. START takes back only opt-outs that
    came by text. What is not understood puts off all texts to the number until a collector has read
    it; so does a call for help, if the provider does not answer it by itself (`help_is_answered` is
    False), or if there is no answer in the person's language.
    """
    now = ctx.now()
    sender = ctx.cipher.blind_index(text.from_number)
    with ctx.engine.begin() as connection:
        writers = connection.execute(
            select(borrower.c.id, spoken_language().label("locale"))
            .where(borrower.c.id.in_(records_with(sender)))
            .order_by(borrower.c.id)
        ).all()
        ids = [writer.id for writer in writers]
        locale = writers[0].locale if writers else None
        written = locale is None or ctx.templates.has_locale(locale)
        reading = _read(ctx, text, help_is_answered=help_is_answered and written)
        effects = effects_of(reading.kinds, number_is_known=bool(ids))
        allows_texts = ReplyKind.START in reading.kinds
        reaches_people = effects.reach_people or allows_texts
        people = lock_people(connection, sender) if reaches_people else None
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
                kind=reading.kind,
                to_read=reading.to_read,
                body_encrypted=ctx.cipher.encrypt(text.body),
                received_at=now,
            )
            .on_conflict_do_nothing(index_elements=[reply.c.provider, reply.c.sid])
            .returning(reply.c.id)
        ).scalar()
        # A repeated STOP must not undo a START that came in between.
        if new is not None and number is not None:
            apply_effects(
                connection,
                effects,
                number_id=number,
                blind_index=sender,
                named=people.named if people else (),
                actor=BY_TEXT,
                now=now,
            )
            if people and allows_texts:
                allow_texts_again(
                    connection,
                    number,
                    people.named,
                    text.provider,
                    BY_TEXT,
                    now,
                    asked=AskedAt(new, now),
                )
            if people:
                reassess(connection, ctx, people.loans, now)
    return RecordedText(reading.kind, locale)


def _read(ctx: Context, text: InboundText, *, help_is_answered: bool) -> Reading:
    reading = ctx.policy.replies.read(text.body, text.opt_out_type)
    if reading.kind is ReplyKind.HELP and not help_is_answered:
        return Reading(frozenset({ReplyKind.OTHER}))
    return reading


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
