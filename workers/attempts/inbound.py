"""Contacts that the person began: a call to the lender, or a visit there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, insert, or_, select

from domain.actors import Actor
from domain.compliance.vocabulary import Channel, Party
from domain.contact_outcomes import ArrearsReason, ContactOutcome
from domain.events import STAFF, RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.loans import lock_named_loan, not_known_yet
from workers.db.persons import lock_loans_of_person, lock_person_of_loan
from workers.db.representative_wishes import acting_numbers, note_wishes, wishes_among
from workers.db.said_facts import SaidFact, note_said_facts
from workers.db.schema import borrower, contact, contact_outcome, loan
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
    by_representative: bool = False
    """Whether who acts for the borrower began it."""
    own_sender: str = STAFF
    """Whose id it is."""


def record_inbound_contact(
    connection: Connection, ctx: Context, reported: InboundContact
) -> Reasons:
    """Record a contact that the person began, in the caller's transaction.

    It counts as a conversation where a law says so, and as no attempt of the lender's. What
    somebody else began is a contact with a third party; what who acts for the borrower began, one
    with them, and what they asked for is theirs.

    Raises:
        NotYetError: one of the loans is not known.
        RejectedError: it is in the future, another contact has that id, what was said does not
            say which time, place or language it means, or nobody acts for the borrower who has a
            number.
    """
    now = ctx.now()
    if reported.said and not reported.outcome.connected:
        raise RejectedError(ReasonCode.NOBODY_SAID_ANYTHING, outcome=reported.outcome)
    if reported.said:
        lock_person_of_loan(connection, reported.loan)
    owed = lock_named_loan(connection, reported.loan, EVENT)
    if reported.at > now:
        on = reported.at.astimezone(now.tzinfo).date()
        raise RejectedError(ReasonCode.DATE_IN_FUTURE, on=on, loan=reported.loan)
    known = connection.execute(
        named_attempt(
            select(contact.c.loan_id, contact.c.at), reported.contact, reported.own_sender
        )
    ).one_or_none()
    if known is not None:
        if (known.loan_id, known.at) != (owed.id, reported.at):
            raise RejectedError(ReasonCode.CONTACT_ID_TAKEN, contact=reported.contact)
        return because(ReasonCode.OUTCOME_KNOWN, attempt=reported.contact)
    also = loan_ids(connection, reported.also_about, EVENT)
    whose = connection.execute(
        select(borrower.c.id, borrower.c.zones, borrower.c.external_id)
        .join(loan, loan.c.borrower_id == borrower.c.id)
        .where(loan.c.id == owed.id)
    ).one()
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
            party=_party(reported),
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
            actor=reported.actor,
            reported_at=now,
        )
    )
    loans, said = [owed.id], reported.said
    if acting is not None:
        wishes, said = wishes_among(said)
        note_wishes(connection, acting, wishes, Actor(reported.actor), now)
    if said:
        loans = lock_loans_of_person(connection, whose.id)
        note_said_facts(
            connection,
            [whose.id],
            said,
            None,
            Actor(reported.actor),
            now,
            said_at=reported.at,
            own_word=not reported.outcome.with_other,
        )
        resolve_gate_problems(connection, [whose.id], {each.fact for each in said}, now)
    reassess(connection, ctx, loans, now)
    return because(ReasonCode.INBOUND_RECORDED, channel=reported.channel, loan=reported.loan)


def named_attempt(attempts: Contacts, id: str, own_sender: str) -> Contacts:
    """Of these contacts the one that a sender means by this id: one of its own, or an attempt of
    the lender's, whose ids belong to nobody. The staff means everybody's, its own before others."""
    sender = contact.c.sender
    if own_sender != STAFF:
        attempts = attempts.where(or_(sender == own_sender, sender.is_(None)))
    own_first = (sender == own_sender).desc().nulls_last()
    return (
        attempts.where(contact.c.attempt == id).order_by(own_first, sender.nulls_first()).limit(1)
    )


def _party(reported: InboundContact) -> Party:
    if reported.by_representative:
        return Party.REPRESENTATIVE
    return Party.THIRD_PARTY if reported.outcome.with_other else Party.BORROWER


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
