"""Contacts that the person began: a call to the lender, a visit there, or a letter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, insert

from domain.compliance.vocabulary import Channel, Party
from domain.contact_outcomes import ONLY_BY_TELEPHONE, may_come_to
from domain.events import STAFF, RejectedError, person_of
from domain.outcome_follows import Follows, Owner
from domain.reasons import ReasonCode, Reasons, because
from workers.attempts.callback_moments import (
    AskedCallback,
    check_callback,
    check_callback_moment,
)
from workers.attempts.consequences import apply_consequences, follows_by, plan_next, reaches_person
from workers.attempts.conversations import (
    Conversation,
    LoanOfContact,
    OutcomeReport,
    check_details,
    check_letter,
    keep_what_was_said,
    loans_of_contact,
)
from workers.attempts.known_reasons import complete_enquiries
from workers.attempts.later_reports import add_to_recorded, recorded_outcome
from workers.attempts.locked_attempt import LockedAttempt, find_attempt
from workers.attempts.named import (
    PersonOfContact,
    loan_ids,
    person_of_contact,
    refuse_loans_of_others,
)
from workers.attempts.reported_facts import note_said
from workers.context import Context
from workers.db.loans import LockedLoan, lock_named_loan
from workers.db.persons import lock_known_borrower, lock_loans_of_person, lock_person_of_loan
from workers.db.representative_wishes import acting_numbers
from workers.db.schema import contact, contact_outcome
from workers.escalation.reassess import reassess

EVENT = "inbound_contact"


@dataclass(frozen=True, slots=True)
class InboundContact(OutcomeReport):
    """A contact as the person who took it reported it."""

    contact: str
    """The lender's own id of it: the same id is the same contact."""
    loan: str
    channel: Channel
    at: datetime
    """Aware. Of a letter: when it arrived."""
    by_representative: bool = False
    """Whether a representative of that person began it."""
    borrower: str | None = None
    """The lender's id of the co-borrower or the guarantor who began it; None: the borrower."""
    own_sender: str = STAFF
    """The sender who gave it this id."""

    @property
    def is_letter(self) -> bool:
        return self.channel is Channel.LETTER


def record_inbound_contact(
    connection: Connection, ctx: Context, reported: InboundContact
) -> Reasons:
    """Record a contact that the person began, in the caller's transaction.

    It counts as a conversation where a law says so, and never as an attempt of the lender's. A
    letter reaches nobody: no law counts it, and it ends no day's contacts. It is a contact with
    whoever began it: the borrower, a co-borrower, a guarantor, a representative of the person, or a
    third party. What a representative asks for holds for the representative. What a later report
    adds is recorded too; the contact stays as it is.

    Raises:
        NotYetError: one of the loans, or the named person, is not known.
        RejectedError: such a contact has no such outcome; a letter lacks what it needs; it is in
            the future; another contact has that id, or it is on record with another outcome; the
            moment of a callback is missing, over, too far away or at an unlawful hour; what was
            said does not say which time, place or language it means; the named person never was
            party to the loan; a loan that was mentioned is somebody else's; or no representative of
            the person has a number.
    """
    now = ctx.now()
    _check_kind(reported)
    check_details(reported.outcome, reported.details)
    owed = _lock(connection, reported)
    if reported.at > now:
        at = reported.at.astimezone(now.tzinfo)
        raise RejectedError(ReasonCode.CONTACT_IN_FUTURE, at=at, loan=reported.loan)
    whose = person_of_contact(connection, owed.id, reported.loan, reported.borrower)
    attempt = find_attempt(connection, reported.contact, reported.own_sender)
    if attempt is not None:
        about = _on_record(attempt, reported, whose, owed.id)
        recorded = recorded_outcome(connection, attempt.id)
        if recorded is not None:
            return add_to_recorded(connection, ctx, attempt, about, reported, recorded)
    check_callback(reported.outcome, reported.callback_at, now)
    also = loan_ids(connection, reported.also_about, EVENT)
    (kind,) = loans_of_contact(connection, [owed.id])
    follows = _follows(ctx, kind, reported, now)
    of_person: list[int] = []
    if reported.details.names_loan or also or reaches_person(reported.outcome, follows):
        of_person = lock_loans_of_person(connection, whose.id)
    refuse_loans_of_others(connection, also, {*of_person, owed.id})
    mentioned = [id for id in also if id != owed.id]
    acting = _number_of_representative(connection, reported, whose, owed.id)
    why_id = keep_what_was_said(connection, ctx, reported, owed.id, whose.id, now)
    contact_id = _insert(connection, reported, whose, owed.id, also, acting, why_id, now)
    if reported.reason is not None:
        on = reported.at.astimezone(now.tzinfo).date()
        learnt = because(ReasonCode.LEARNT_INBOUND, on=on)
        complete_enquiries(connection, whose.id, [owed.id, *mentioned], learnt, now)
    if reported.said:
        of_person = of_person or lock_loans_of_person(connection, whose.id)
        made = find_attempt(connection, reported.contact, reported.own_sender)
        if made is not None:
            note_said(connection, ctx, made, reported)
    about = _about(reported, whose, contact_id, owed.id)
    about = replace(about, mentioned=mentioned, why_id=why_id)
    came = apply_consequences(connection, ctx, about, [kind], follows, now)
    reassess(connection, ctx, of_person or [owed.id], now)
    plan_next(connection, ctx, about, follows, now)
    if reported.callback_at is not None:
        callback = AskedCallback(
            at=reported.callback_at,
            by=reported.actor,
            contact_id=contact_id,
            record=whose.id,
            zones=whose.zones,
            third_party=False,
            loans=[kind],
        )
        check_callback_moment(connection, ctx, callback, now)
    if reported.is_letter:
        recorded_as = because(ReasonCode.LETTER_RECORDED, loan=reported.loan)
    else:
        recorded_as = because(
            ReasonCode.INBOUND_RECORDED, channel=reported.channel, loan=reported.loan
        )
    if reported.said:
        came += because(ReasonCode.WISHES_NOTED)
    return recorded_as + came


def _check_kind(reported: InboundContact) -> None:
    if reported.outcome not in (known := may_come_to(reported.channel)):
        if reported.is_letter:
            code = ReasonCode.OUTCOME_NOT_OF_LETTER
            raise RejectedError(code, outcome=reported.outcome, known=known)
        if reported.outcome in ONLY_BY_TELEPHONE and reported.channel is Channel.VISIT:
            code = ReasonCode.OUTCOME_NOT_OF_VISIT
            raise RejectedError(code, outcome=reported.outcome, known=known)
        raise RejectedError(ReasonCode.OUTCOME_NOT_INBOUND, outcome=reported.outcome)
    if reported.is_letter:
        check_letter(reported)


def _lock(connection: Connection, reported: InboundContact) -> LockedLoan:
    """Lock the person who began it, and then the loan: what follows may count what they owe."""
    if reported.borrower is not None:
        lock_known_borrower(connection, reported.borrower, EVENT)
    else:
        lock_person_of_loan(connection, reported.loan)
    return lock_named_loan(connection, reported.loan, EVENT)


def _on_record(
    known: LockedAttempt, reported: InboundContact, whose: PersonOfContact, loan_id: int
) -> Conversation:
    """The contact that is on record under this id.

    Raises:
        RejectedError: it is another contact.
    """
    # The record of the borrower may be another one since, but never that of somebody else.
    is_theirs = reported.borrower is None or known.borrower_id == whose.id
    is_same = (known.inbound, known.loan_id, known.at) == (True, loan_id, reported.at)
    if not is_same or not is_theirs:
        raise RejectedError(ReasonCode.CONTACT_ID_TAKEN, contact=reported.contact)
    return _about(reported, whose._replace(id=known.borrower_id), known.id, loan_id)


def _follows(ctx: Context, kind: LoanOfContact, reported: InboundContact, now: datetime) -> Follows:
    follows = follows_by(ctx.ladder_of(kind, now.date()), reported.outcome)
    if reported.callback_at is not None and follows.owner is None:
        # No call of a ladder waits for this moment: whoever took the contact owes the callback.
        return replace(follows, owner=Owner.COLLECTOR)
    return follows


def _number_of_representative(
    connection: Connection, reported: InboundContact, whose: PersonOfContact, loan_id: int
) -> bytes | None:
    """The number of the representative who began it; None: somebody else did.

    Raises:
        RejectedError: no representative of the person has a number.
    """
    if not reported.by_representative:
        return None
    numbers = acting_numbers(connection, whose.id, loan_id)
    if not numbers:
        raise RejectedError(ReasonCode.NO_NUMBER_OF_REPRESENTATIVE, borrower=whose.external_id)
    return numbers[0]


def _insert(
    connection: Connection,
    reported: InboundContact,
    whose: PersonOfContact,
    loan_id: int,
    also: Sequence[int],
    acting: bytes | None,
    why_id: UUID | None,
    now: datetime,
) -> int:
    """Write the contact and its outcome; returns the id of the contact."""
    contact_id: int = connection.execute(
        insert(contact)
        .values(
            borrower_id=whose.id,
            loan_id=loan_id,
            channel=reported.channel,
            at=reported.at,
            zones=whose.zones,
            party=_party(reported, whose.role),
            number_blind_index=acting,
            attempt=reported.contact,
            sender=reported.own_sender,
            actor=person_of(reported.actor),
            inbound=True,
            also_loan_ids=also or None,
        )
        .returning(contact.c.id)
    ).scalar_one()
    connection.execute(
        insert(contact_outcome).values(
            contact_id=contact_id,
            outcome=reported.outcome,
            connected=reported.outcome.connected and not reported.is_letter,
            reason=reported.reason,
            callback_at=reported.callback_at,
            recording=reported.recording,
            why_id=why_id,
            actor=reported.actor,
            reported_at=now,
            event_id=reported.event_id,
        )
    )
    return contact_id


def _about(
    reported: InboundContact, whose: PersonOfContact, contact_id: int, loan_id: int
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
        arrived_at=reported.at if reported.is_letter else None,
    )


def _party(reported: InboundContact, role: Party) -> Party:
    if reported.by_representative:
        return Party.REPRESENTATIVE
    return Party.THIRD_PARTY if reported.outcome.with_other else role
