"""Contacts that the person began: a call to the lender, or a visit there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Select, case, insert, or_, select

from domain.actors import Actor
from domain.compliance.vocabulary import Channel, Party
from domain.contact_outcomes import INBOUND, ArrearsReason, ContactOutcome
from domain.disputes import ComplaintKind, DisputeKind
from domain.events import STAFF, RejectedError
from domain.outcome_follows import Owner, what_follows
from domain.reasons import ReasonCode, Reasons, because
from workers.attempts.callback_moments import check_callback, check_callback_hours
from workers.attempts.consequences import apply_consequences, follows_by, plan_next, reaches_person
from workers.attempts.conversations import (
    Conversation,
    OutcomeDetails,
    SaidComplaint,
    SaidPromise,
    check_details,
    loans_of_contact,
)
from workers.attempts.known_reasons import complete_enquiries
from workers.attempts.reported_again import adding, differing, what_differs
from workers.context import Context
from workers.db.loans import lock_named_loan, not_known_yet
from workers.db.persons import lock_known_borrower, lock_loans_of_person, lock_person_of_loan
from workers.db.representative_wishes import acting_numbers, note_wishes, wishes_among
from workers.db.said_facts import SaidFact, note_said_facts
from workers.db.schema import borrower, contact, contact_outcome, loan, loan_party
from workers.escalation.reassess import reassess
from workers.gate.problems import resolve_gate_problems

EVENT = "inbound_contact"

Contacts = TypeVar("Contacts", bound=Select[Any])


@dataclass(frozen=True, slots=True)
class InboundContact:
    """A contact as the person who took it reported it."""

    contact: str
    """The lender's own id of it: the same id is the same contact."""
    loan: str
    channel: Channel
    at: datetime
    """Aware."""
    outcome: ContactOutcome
    reason: ArrearsReason | None
    """Why the loan is overdue, if the borrower said so."""
    also_about: tuple[str, ...]
    """The other loans that were mentioned."""
    actor: str
    """The staff reference of who took it."""
    said: tuple[SaidFact, ...] = ()
    """When, where and in which language whoever began it wants to be contacted."""
    callback_at: datetime | None = None
    """When the person asked to be called; aware. Only with that outcome."""
    by_representative: bool = False
    """Whether who acts for that person began it."""
    borrower: str | None = None
    """The lender's id of the co-borrower or the guarantor who began it; None: the borrower."""
    promised: SaidPromise | None = None
    """What the person promised; only with that outcome."""
    dispute_kind: DisputeKind | None = None
    """What is disputed; only with that outcome."""
    complaint_kind: ComplaintKind | None = None
    """What somebody complains of; only with that outcome, and so are the next two."""
    about_staff: str | None = None
    """The staff reference of whom they complain of."""
    about_attempt: str | None = None
    """The contact of which they complain."""
    stopped_channel: Channel | None = None
    """By which the person wants no contact; None: that of the contact."""
    why: str | None = None
    """What the person said, in words."""
    recording: str | None = None
    """The reference of the recording."""
    own_sender: str = STAFF
    """Whose id it is."""
    event_id: int | None = None
    """The row of its event; None: it is not stored, and only asks what is on record."""

    @property
    def details(self) -> OutcomeDetails:
        return OutcomeDetails(
            reason=self.reason,
            promised=self.promised,
            dispute_kind=self.dispute_kind,
            complaint=SaidComplaint(self.complaint_kind, self.about_staff, self.about_attempt),
            stopped_channel=self.stopped_channel,
            why=self.why,
        )


def record_inbound_contact(
    connection: Connection, ctx: Context, reported: InboundContact
) -> Reasons:
    """Record a contact that the person began, in the caller's transaction.

    It counts as a conversation where a law says so, and as no attempt of the lender's; for whoever
    began it, who may be a co-borrower or a guarantor. What somebody else began is a contact with a
    third party; what who acts for the person began, one with them, and what they asked for is
    theirs. What a later report says besides is recorded too; the contact stays as it is.

    Raises:
        NotYetError: one of the loans, or the named person, is not known.
        RejectedError: it cannot come to such an outcome, the moment of a callback is missing, over,
            too far away or at an unlawful hour; it is in the future, another contact has that id,
            it is on record with another outcome, what was said does not say which time, place or
            language it means, the named person never was party to the loan, or nobody acts for the
            person who has a number.
    """
    now = ctx.now()
    if reported.outcome not in INBOUND:
        raise RejectedError(ReasonCode.OUTCOME_NOT_INBOUND, outcome=reported.outcome)
    check_details(reported.outcome, reported.details)
    names_loan = reported.details.names_loan
    follows = what_follows(None, reported.outcome)
    if reported.borrower is not None:
        lock_known_borrower(connection, reported.borrower, EVENT)
    elif (
        reported.said
        or reported.also_about
        or names_loan
        or reaches_person(reported.outcome, follows)
    ):
        lock_person_of_loan(connection, reported.loan)
    owed = lock_named_loan(connection, reported.loan, EVENT)
    if reported.at > now:
        on = reported.at.astimezone(now.tzinfo).date()
        raise RejectedError(ReasonCode.DATE_IN_FUTURE, on=on, loan=reported.loan)
    whose = _whose(connection, reported, owed.id)
    known = connection.execute(
        named_attempt(
            select(contact.c.id, contact.c.loan_id, contact.c.at, contact.c.borrower_id),
            reported.contact,
            reported.own_sender,
        )
    ).one_or_none()
    if known is not None:
        # The record of the borrower may be another one since, but never that of somebody else.
        is_theirs = reported.borrower is None or known.borrower_id == whose.id
        if (known.loan_id, known.at) != (owed.id, reported.at) or not is_theirs:
            raise RejectedError(ReasonCode.CONTACT_ID_TAKEN, contact=reported.contact)
        return _add_to_recorded(
            connection,
            ctx,
            _about(reported, whose._replace(id=known.borrower_id), known.id, owed.id),
            reported,
        )
    check_callback(reported.outcome, reported.callback_at, now)
    also = loan_ids(connection, reported.also_about, EVENT)
    (kind,) = loans_of_contact(connection, [owed.id])
    check_callback_hours(
        connection, ctx, kind.jurisdiction, whose.zones, reported.callback_at, reported.actor
    )
    follows = follows_by(ctx.ladder_of(kind, now.date()), reported.outcome)
    if reported.callback_at is not None and follows.owner is None:
        # No call of a ladder waits for this moment: whoever took it owes it.
        follows = replace(follows, owner=Owner.COLLECTOR)
    reaches = names_loan or bool(also) or reaches_person(reported.outcome, follows)
    of_person = lock_loans_of_person(connection, whose.id) if reaches else []
    mentioned = [id for id in also if id in of_person and id != owed.id]
    acting = None
    if reported.by_representative:
        acting = next(iter(acting_numbers(connection, whose.id, owed.id)), None)
        if acting is None:
            raise RejectedError(ReasonCode.NO_NUMBER_OF_REPRESENTATIVE, borrower=whose.external_id)
    contact_id = connection.execute(
        insert(contact)
        .values(
            borrower_id=whose.id,
            loan_id=owed.id,
            channel=reported.channel,
            at=reported.at,
            zones=whose.zones,
            party=_party(reported, whose.role),
            number_blind_index=acting,
            attempt=reported.contact,
            sender=reported.own_sender,
            actor=reported.actor,
            inbound=True,
            also_loan_ids=also or None,
        )
        .returning(contact.c.id)
    ).scalar_one()
    connection.execute(
        insert(contact_outcome).values(
            contact_id=contact_id,
            outcome=reported.outcome,
            connected=reported.outcome.connected,
            reason=reported.reason,
            callback_at=reported.callback_at,
            recording=reported.recording,
            actor=reported.actor,
            reported_at=now,
            event_id=reported.event_id,
        )
    )
    if reported.reason is not None and reported.outcome.tells_reason:
        on = reported.at.astimezone(now.tzinfo).date()
        learnt = because(ReasonCode.LEARNT_INBOUND, on=on)
        complete_enquiries(connection, whose.id, [owed.id, *mentioned], learnt, now)
    loans = _note_said(connection, reported, whose.id, acting, now) or [owed.id]
    if of_person:
        loans = of_person
    about = replace(_about(reported, whose, contact_id, owed.id), mentioned=mentioned)
    came = apply_consequences(connection, ctx, about, [kind], follows, now)
    reassess(connection, ctx, loans, now)
    plan_next(connection, ctx, about, follows, now)
    recorded = because(ReasonCode.INBOUND_RECORDED, channel=reported.channel, loan=reported.loan)
    return recorded + came


def _about(
    reported: InboundContact, whose: "_Whose", contact_id: int, loan_id: int
) -> Conversation:
    return Conversation(
        attempt=reported.contact,
        contact_id=contact_id,
        record=whose.id,
        borrower=whose.external_id,
        loan_ids=[loan_id],
        channel=reported.channel,
        outcome=reported.outcome,
        details=reported.details,
        actor=reported.actor,
        sender=reported.own_sender,
        callback_at=reported.callback_at,
    )


def named_attempt(attempts: Contacts, id: str, own_sender: str) -> Contacts:
    """The contact that a sender means by this id: its own contact, or an attempt of the lender's,
    whose ids belong to nobody. The staff may mean anybody's contact; its own come first."""
    sender = contact.c.sender
    if own_sender != STAFF:
        attempts = attempts.where(or_(sender == own_sender, sender.is_(None)))
    own_first = (sender == own_sender).desc().nulls_last()
    return (
        attempts.where(contact.c.attempt == id).order_by(own_first, sender.nulls_first()).limit(1)
    )


class _Whose(NamedTuple):
    """Whose contact it was."""

    id: int
    zones: list[str]
    external_id: str
    role: Party


def _whose(connection: Connection, reported: InboundContact, loan_id: int) -> _Whose:
    """The record of the person, and what they are, or were, to the locked loan.

    Raises:
        RejectedError: nobody of that id ever was party to it.
    """
    owner = select(borrower.c.person_id).join(loan).where(loan.c.id == loan_id).scalar_subquery()
    record = select(borrower.c.id, borrower.c.zones, borrower.c.external_id)
    if reported.borrower is None:
        of_loan = record.join(loan, loan.c.borrower_id == borrower.c.id).where(loan.c.id == loan_id)
        return _Whose(*connection.execute(of_loan).one(), Party.BORROWER)
    own = borrower.alias("own")
    roles = (
        select(loan_party.c.role)
        .join(own, own.c.id == loan_party.c.borrower_id)
        .where(loan_party.c.loan_id == loan_id, own.c.person_id == borrower.c.person_id)
        # Who owes the debt first counts; and what somebody is before what they were.
        .order_by(loan_party.c.ended_at.is_not(None), loan_party.c.role)
        .limit(1)
        .scalar_subquery()
    )
    role = case((borrower.c.person_id == owner, str(Party.BORROWER)), else_=roles)
    named = record.add_columns(role.label("role")).where(
        borrower.c.external_id == reported.borrower
    )
    found = connection.execute(named).one()
    if found.role is None:
        raise RejectedError(ReasonCode.NOT_OF_LOAN, borrower=reported.borrower, loan=reported.loan)
    return _Whose(found.id, found.zones, found.external_id, Party(found.role))


def _add_to_recorded(
    connection: Connection,
    ctx: Context,
    about: Conversation,
    reported: InboundContact,
) -> Reasons:
    """Record what a later report says besides what is on record.

    Raises:
        RejectedError: it has another outcome, or says otherwise of it, and nothing was said; or
            nothing of it would be kept.
    """
    now, contact_id = ctx.now(), about.contact_id
    outcome = connection.execute(
        select(contact_outcome).where(contact_outcome.c.contact_id == contact_id)
    ).one()
    differs = what_differs(connection, ctx, about, outcome, reported)
    if differs and (reported.event_id is None or not reported.said):
        raise differing(reported.contact, outcome.outcome, differs)
    if reported.said:
        acting = connection.execute(
            select(contact.c.number_blind_index).where(contact.c.id == contact_id)
        ).scalar()
        loans = _note_said(connection, reported, about.record, acting, now)
        reassess(connection, ctx, loans, now)
    if differs:
        return adding(reported.contact, outcome.outcome, reported.outcome, differs)
    return because(ReasonCode.OUTCOME_KNOWN, attempt=reported.contact)


def _note_said(
    connection: Connection,
    reported: InboundContact,
    record: int,
    acting: bytes | None,
    now: datetime,
) -> list[int]:
    """Record what was said, on the record of the locked person; or with the number of who acts for
    them. Returns the loans that it reaches."""
    said, actor = reported.said, Actor(reported.actor)
    if acting is not None:
        wishes, said = wishes_among(said)
        note_wishes(connection, acting, wishes, actor, reported.at)
    if not said:
        return []
    loans = lock_loans_of_person(connection, record)
    note_said_facts(
        connection,
        [record],
        said,
        None,
        actor,
        now,
        said_at=reported.at,
        own_word=not reported.outcome.with_other,
    )
    resolve_gate_problems(connection, [record], {each.fact for each in said}, now)
    return loans


def _party(reported: InboundContact, role: Party) -> Party:
    if reported.by_representative:
        return Party.REPRESENTATIVE
    return Party.THIRD_PARTY if reported.outcome.with_other else role


def loan_ids(connection: Connection, external_ids: Sequence[str], event: str) -> list[int]:
    """The ids of the loans that an event names besides its own.

    Raises:
        NotYetError: one of them is not known.
    """
    if not external_ids:
        return []
    named = select(loan.c.external_id, loan.c.id).where(loan.c.external_id.in_(external_ids))
    found = {row.external_id: row.id for row in connection.execute(named)}
    if unknown := [name for name in external_ids if name not in found]:
        raise not_known_yet(unknown[0], event)
    return sorted(found.values())
