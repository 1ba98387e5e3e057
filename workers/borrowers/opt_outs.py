"""Opt-outs: a person asked not to be contacted by one channel, or at all."""

from __future__ import annotations

from sqlalchemy import Connection

from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact
from domain.events import RejectedError
from domain.persons import PersonFact
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.persons import (
    lock_known_borrower,
    lock_loans_of_person,
    lock_number,
    note_number_fact,
    note_person_fact,
)
from workers.escalation.reassess import reassess


def record_opt_out(
    connection: Connection, ctx: Context, external_id: str, channel: Channel | None, actor: Actor
) -> Reasons:
    """Never contact a person through `channel` again. None: through no channel at all.

    In the caller's transaction. It holds for every record and every loan of the person. An opt-out
    of texts holds for the number too. Returns what came of it. Only the borrower can take this
    back, by a text that says START. Legal files stay possible: they contact nobody.

    Raises:
        NotYetError: the borrower is not known.
        RejectedError: what was held about the borrower was erased.
    """
    now = ctx.now()
    record = lock_known_borrower(connection, external_id, "opt_out")
    if record.erased_at is not None:
        raise RejectedError(ReasonCode.BORROWER_WAS_ERASED, borrower=external_id)
    loans = lock_loans_of_person(connection, record.id)
    if channel is None:
        note_person_fact(connection, record.id, PersonFact.CEASED, actor, now)
        result = because(ReasonCode.NOBODY_CONTACTS, borrower=external_id)
    else:
        note_person_fact(connection, record.id, PersonFact.NO_CHANNEL, actor, now, channel=channel)
        result = because(ReasonCode.NOT_REACHED_BY, borrower=external_id, channel=channel)
    if channel is Channel.SMS and record.phone_blind_index is not None:
        number = lock_number(connection, record.phone_blind_index)
        note_number_fact(connection, number, NumberFact.OPTED_OUT, actor, now)
    reassess(connection, ctx, loans, now)
    return result
