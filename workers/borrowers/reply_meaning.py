"""A person has read a borrower's text and says what it means: that counts, and closes it."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, exists, select, update

from domain.actors import Actor
from domain.disputes import DisputeKind, RaisedBy
from domain.events import RejectedError
from domain.inbound_texts import ABOUT_SOMETHING_ELSE, Meaning, effects_of
from domain.reasons import ReasonCode, Reasons, because
from workers.borrowers.reply_effects import (
    AskedAt,
    allow_texts_again,
    apply_effects,
    end_consents,
    end_misread,
)
from workers.context import Context
from workers.db.closed_numbers import recheck_through
from workers.db.contact_points import lock_number
from workers.db.parties import loans_of
from workers.db.people import People, lock_people
from workers.db.persons import records_of_person
from workers.db.representative_wishes import is_of_representative, note_wishes, wishes_among
from workers.db.said_facts import SaidFact, note_said_facts
from workers.db.schema import borrower, contact_point, loan, reply
from workers.db.typed_rows import columns_of, typed_row
from workers.escalation.reassess import reassess
from workers.gate.problems import resolve_gate_problems
from workers.hardship.disputes import NewDispute, raise_dispute
from workers.hardship.text_requests import request_read_in_text


@dataclass(frozen=True, slots=True)
class ReadReply:
    """What a person says that a text means."""

    reply: int
    meaning: Meaning
    actor: str
    """The lender's reference of the person who has read it."""
    dispute: str | None = None
    """For a dispute: the lender's own id of it."""
    dispute_kind: DisputeKind = DisputeKind.OTHER
    loan: str | None = None
    """For a dispute or a plan: the lender's id of the loan. None: that of the text; for a plan also
    the other loans of the writer that are past due."""
    why: str | None = None
    """For a dispute."""
    said: tuple[SaidFact, ...] = ()
    """For wishes: when, where and in which language they want to be contacted."""
    sender: str | None = None
    """The sender to whom the id of the dispute belongs."""


def record_meaning(connection: Connection, ctx: Context, read: ReadReply) -> Reasons:
    """Close a text with what it means, in the caller's transaction. Returns what came of it.

    What followed from another reading by the machine ends, unless the text is about something else,
    such as a dispute. What a later text asked for stays. Texts to the number go on only if nothing
    else is against them, and no other text from it waits to be read.

    Raises:
        RejectedError: there is no such text, or somebody has closed it; it is about a person, and
            nobody on record has the number; it is a dispute, and has no id, no reason or no known
            loan, or its id is that of a hold on record; or it asks for a plan, and its loan is not
            known or cannot have a request now.
    """
    now, actor = ctx.now(), Actor(read.actor)
    found = typed_row(_Reply, connection.execute(_FOUND.where(reply.c.id == read.reply)))
    if found is None:
        raise RejectedError(ReasonCode.REPLY_NOT_KNOWN, reply_id=read.reply)
    if found.blind_index is None:
        if read.meaning in OF_A_PERSON:
            raise RejectedError(ReasonCode.REPLY_OF_NOBODY, reply_id=read.reply)
        came = _open_what_it_asks_for(connection, ctx, read, found)
        _close(connection, read, now)
        return because(ReasonCode.REPLY_READ, reply_id=read.reply, meaning=read.meaning) + came
    people = lock_people(connection, found.blind_index, found.borrower_id, of_loan=read.loan)
    acts_for = _acts_for_others(connection, read, found.blind_index, people)
    came = _open_what_it_asks_for(connection, ctx, read, found)
    number = lock_number(connection, found.blind_index)
    _close(connection, read, now)
    _change_effects(connection, read, found, found.blind_index, people, number, now)
    if acts_for:
        wishes, _ = wishes_among(read.said)
        note_wishes(connection, found.blind_index, wishes, actor, min(found.received_at, now))
    _note_facts(connection, read, found, people, now)
    if read.meaning is Meaning.START:
        asked = AskedAt(read.reply, found.received_at)
        allow_texts_again(connection, number, people.named, found.provider, actor, now, asked=asked)
        recheck_through(connection, found.blind_index, now)
    reassess(connection, ctx, people.loans, now)
    return because(ReasonCode.REPLY_READ, reply_id=read.reply, meaning=read.meaning) + came


OF_A_PERSON = frozenset({Meaning.WISHES, Meaning.NO_CONSENT})
"""What is true of a person, so that somebody must have the number."""


def _acts_for_others(
    connection: Connection, read: ReadReply, number: bytes, people: People
) -> bool:
    """Whether the wishes are those of a representative, because no borrower has the number.

    Raises:
        RejectedError: it is about a person, and nobody on record has the number.
    """
    if read.meaning not in OF_A_PERSON or people.named:
        return False
    if read.meaning is Meaning.WISHES and is_of_representative(connection, number):
        return True
    raise RejectedError(ReasonCode.REPLY_OF_NOBODY, reply_id=read.reply)


def _change_effects(
    connection: Connection,
    read: ReadReply,
    found: "_Reply",
    blind_index: bytes,
    people: People,
    number: int,
    now: datetime,
) -> None:
    """End what the machine took the text for, if that is wrong, and do what it means."""
    actor = Actor(read.actor)
    effects = effects_of({read.meaning}, number_is_known=bool(people.named))
    if read.meaning not in ABOUT_SOMETHING_ELSE:
        end_misread(
            connection,
            effects,
            asked=AskedAt(read.reply, found.received_at),
            number_id=number,
            people=people,
            actor=actor,
            now=now,
        )
    apply_effects(
        connection,
        effects,
        number_id=number,
        blind_index=blind_index,
        named=people.named,
        actor=actor,
        now=now,
    )


def _note_facts(
    connection: Connection, read: ReadReply, found: "_Reply", people: People, now: datetime
) -> None:
    """Note what the text says of whoever has the number."""
    note_said_facts(
        connection,
        people.named,
        read.said,
        found.blind_index,
        Actor(read.actor),
        now,
        said_at=found.received_at,
        own_word=people.is_one,
    )
    if read.meaning is Meaning.NO_CONSENT:
        end_consents(connection, people, Actor(read.actor), now)
    if read.meaning in OF_A_PERSON:
        resolve_gate_problems(connection, people.named, {said.fact for said in read.said}, now)


class _Reply(NamedTuple):
    borrower_id: int | None
    provider: str
    sid: str
    received_at: datetime
    blind_index: bytes | None
    external_id: str | None
    """The lender's id of the loan that it is about."""


_FOUND = select(*columns_of(_Reply, reply, contact_point, loan)).select_from(
    reply.outerjoin(contact_point).outerjoin(loan, loan.c.id == reply.c.loan_id)
)


def _open_what_it_asks_for(
    connection: Connection, ctx: Context, read: ReadReply, found: _Reply
) -> Reasons:
    """Open the dispute, or the request for a plan, that the text is; what came of a request."""
    if read.meaning is Meaning.DISPUTE:
        _open_dispute(connection, ctx, read, found)
    if read.meaning is not Meaning.ASKS_PLAN:
        return ()
    if read.loan is None and found.external_id is None:
        raise RejectedError(ReasonCode.PLAN_NEEDS_LOAN, reply_id=read.reply)
    return request_read_in_text(
        connection,
        ctx,
        borrower_id=found.borrower_id,
        about=found.external_id,
        named=read.loan,
        sid=found.sid,
        provider=found.provider,
        actor=read.actor,
    )


def _open_dispute(connection: Connection, ctx: Context, read: ReadReply, found: _Reply) -> None:
    """Place a new hold of the loan. A hold on record may be over, so it is refused: the text would
    be closed and nothing would be held."""
    disputed = read.loan or found.external_id
    if disputed is None or read.dispute is None or read.why is None:
        raise RejectedError(ReasonCode.DISPUTE_NEEDS_MORE, reply_id=read.reply)
    placed = raise_dispute(
        connection,
        ctx,
        NewDispute(
            dispute=read.dispute,
            loan=disputed,
            starts_on=ctx.today(),
            why=read.why,
            actor=read.actor,
            kind=read.dispute_kind,
            raised_by=RaisedBy.TEXT,
            borrower=_if_party(connection, found.borrower_id, disputed),
            received_at=min(found.received_at, ctx.now()),
            sender=read.sender,
        ),
    )
    if ReasonCode.HOLD_KNOWN in {reason.code for reason in placed}:
        raise RejectedError(ReasonCode.HOLD_ID_TAKEN, hold_id=read.dispute, of=disputed)


def _if_party(connection: Connection, record: int | None, loan_id: str) -> str | None:
    """The lender's id of the record of the writer of a text, if they are or were party to the loan.
    None: its borrower said what the text says."""
    if record is None:
        return None
    theirs = loan.c.id.in_(loans_of(records_of_person(record), ever=True))
    is_theirs = exists().where(loan.c.external_id == loan_id, theirs)
    named = select(borrower.c.external_id).where(borrower.c.id == record, is_theirs)
    return connection.execute(named).scalar()


def _close(connection: Connection, read: ReadReply, now: datetime) -> None:
    closed = connection.execute(
        update(reply)
        .where(reply.c.id == read.reply, reply.c.handled_at.is_(None))
        .values(handled_at=now, actor=read.actor, meaning=read.meaning)
    )
    if not closed.rowcount:
        handled = select(reply.c.actor).where(reply.c.id == read.reply)
        by = connection.execute(handled).scalar_one()
        raise RejectedError(ReasonCode.REPLY_CLOSED, reply_id=read.reply, actor=by)
