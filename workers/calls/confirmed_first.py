"""What is taken at the desk only once the right person is confirmed: what they say of the debt."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, cast, exists, select

from domain.access_log import Opened
from domain.actors import ActorKind
from domain.arrangements import ARRANGEMENT_MOVES, AcceptanceProof, ArrangementStatus, AskedBy
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import SAYS_OF_DEBT, ContactOutcome
from domain.errors import RefusedError
from domain.events import sender_of
from domain.language.speak import speak
from domain.moves import sources
from domain.reasons import ReasonCode, Reasons, because
from workers.calls.amounts import CONTACT, amounts_are_shown, is_confirmed_today
from workers.calls.right_party import CONFIRMED_THEMSELVES
from workers.calls.who_may_end import why_not_ended
from workers.context import Context
from workers.db import party_checks
from workers.db.schema import access, arrangement, borrower, contact, loan, promise, reply, staff

_IN_WRITING = (AskedBy.TEXT, AskedBy.LETTER, AskedBy.FORM)
_IS_OFFERED = arrangement.c.status.in_(sources(ARRANGEMENT_MOVES, ArrangementStatus.ACCEPTED))
_REPORTED_ALONE = frozenset(
    {ContactOutcome.PROMISED, ContactOutcome.ASKS_PLAN, ContactOutcome.ASKS_DEFERRAL}
)
"""What a contact that the person began need not say: it is reported by itself after the check."""


def assert_confirmed(
    connection: Connection, ctx: Context, kind: str, said: Mapping[str, Any]
) -> None:
    """Refuse a report of what the person said of the debt if nobody was confirmed to be the person.

    An outcome needs the check of its own call or visit. A promise, a request for an arrangement and
    the acceptance of an offer need a check of today by whoever reports it, of the one whose word it
    is: only the borrower accepts an offer. A withdrawal needs somebody of the loan. They need none
    from who does more than contact borrowers, such as a supervisor, nor for a request in writing,
    nor for what was accepted in a text that they have read. What is on record is only repeated, and
    what is not known is for others to refuse. What a text means says who has it or has opened it.

    Raises:
        RefusedError: nobody was confirmed.
    """
    why: Reasons = ()
    match kind:
        case "contact_outcome":
            why = _not_in_attempt(connection, ctx, said)
        case "inbound_contact" if ContactOutcome(said["outcome"]) in _REPORTED_ALONE:
            if not _speaks_for_itself(said):
                why = _not_today(connection, ctx, said, contact, "contact")
        case "promise":
            why = _not_today(connection, ctx, said, promise, "promise")
        case "arrangement_request" if said.get("asked_by") not in _IN_WRITING:
            why = _not_today(connection, ctx, said, arrangement, "arrangement")
        case "arrangement_acceptance" if not _accepted_in_text(connection, ctx, said):
            if _not_today(connection, ctx, said, arrangement, "arrangement", _IS_OFFERED):
                why = because(ReasonCode.ACCEPTED_BY_NOBODY_CONFIRMED, loan=said["loan"])
        case "promise_withdrawal":
            why = why_not_ended(connection, ctx, promise, said["promise"], said)
        case "arrangement_withdrawal":
            why = why_not_ended(connection, ctx, arrangement, said["arrangement"], said)
        case "reply_read":
            why = _not_opened(connection, said)
        case _:
            return
    if why:
        raise RefusedError(speak(why), why)


def _not_opened(connection: Connection, said: Mapping[str, Any]) -> Reasons:
    """Why somebody cannot say what an open text means: it is not theirs, and they have not opened
    it. Then nobody may have read it, whatever is on record."""
    opened = exists().where(
        access.c.reply_id == reply.c.id,
        access.c.what == Opened.REPLY,
        access.c.actor == said["actor"],
    )
    has_it = exists().where(staff.c.id == reply.c.staff_id, staff.c.external_id == said["actor"])
    unread = select(reply.c.id).where(
        reply.c.id == said["reply"], reply.c.handled_at.is_(None), ~has_it, ~opened
    )
    if connection.execute(unread).first() is None:
        return ()
    return because(ReasonCode.REPLY_NOT_OPENED, reply_id=said["reply"])


def _speaks_for_itself(said: Mapping[str, Any]) -> bool:
    """Whether a contact that the person began says of the debt what needs no check: what somebody
    says who acts for them, or what is asked for in a letter."""
    is_letter = said["channel"] == Channel.LETTER
    promises = said["outcome"] == ContactOutcome.PROMISED
    return bool(said.get("by_representative")) or (is_letter and not promises)


def _not_in_attempt(connection: Connection, ctx: Context, said: Mapping[str, Any]) -> Reasons:
    outcome = ContactOutcome(said["outcome"])
    if outcome not in SAYS_OF_DEBT:
        return ()
    attempt: str = said["attempt"]
    started = party_checks.read_started(connection, attempt, sender_of(ctx.actor))
    if started is None or started.has_outcome or started.party not in CONFIRMED_THEMSELVES:
        return ()
    if party_checks.is_confirmed(connection, [started.id]):
        return ()
    return because(ReasonCode.NOT_CONFIRMED_IN_ATTEMPT, attempt=attempt, outcome=outcome)


def _accepted_in_text(connection: Connection, ctx: Context, said: Mapping[str, Any]) -> bool:
    """Whether the proof is a text of the borrower, of after the offer and of the day on which it is
    said to be accepted or before, that whoever says so has read."""
    if said["proof"] != AcceptanceProof.TEXT:
        return False
    whose = borrower.alias("whose")
    next_day = date.fromisoformat(said["accepted_on"]) + timedelta(days=1)
    read = (
        select(reply.c.id)
        .join(borrower, borrower.c.id == reply.c.borrower_id)
        .join(whose, whose.c.person_id == borrower.c.person_id)
        .join(loan, loan.c.borrower_id == whose.c.id)
        .join(arrangement, arrangement.c.loan_id == loan.c.id)
        .where(
            loan.c.external_id == said["loan"],
            arrangement.c.external_id == said["arrangement"],
            arrangement.c.offered_at <= reply.c.received_at,
            reply.c.received_at < datetime.combine(next_day, time.min, ctx.settings.lender_zone),
            cast(reply.c.id, Text) == said["proof_reference"],
            reply.c.actor == said["actor"],
        )
    )
    return connection.execute(read.limit(1)).first() is not None


def _not_today(
    connection: Connection,
    ctx: Context,
    said: Mapping[str, Any],
    table: Table,
    name: str,
    is_left: ColumnElement[bool] | None = None,
) -> Reasons:
    actor = ctx.actor
    if actor.kind is ActorKind.STAFF and not actor.roles <= CONTACT:
        return ()
    owed: str = said["loan"]
    why = _nobody_who_said_it(connection, ctx, said, owed)
    if not why:
        return ()
    id = table.c.attempt if table is contact else table.c.external_id
    on_record = exists().where(table.c.loan_id == loan.c.id, id == said[name])
    if is_left is not None:
        on_record = on_record.where(~is_left)
    is_new = select(loan.c.id).where(loan.c.external_id == owed, ~on_record)
    if connection.execute(is_new).first() is None:
        return ()
    return why


def _nobody_who_said_it(
    connection: Connection, ctx: Context, said: Mapping[str, Any], owed: str
) -> Reasons:
    """Why nobody can have said it: it is the word of one person, and not of the loan's other
    people. Who it is, `borrower` says; without it, it is the borrower."""
    if not amounts_are_shown(connection, ctx, owed, said["actor"]):
        return because(ReasonCode.NOBODY_CONFIRMED_TODAY, loan=owed)
    record = said.get("borrower")
    if not is_confirmed_today(connection, ctx, owed, said["actor"], record):
        return because(ReasonCode.SOMEBODY_ELSE_CONFIRMED, loan=owed)
    return ()
