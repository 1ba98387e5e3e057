"""Complaints: received, and whom they keep from the person who complains."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from domain.compliance.answer_period import Stops
from domain.disputes import ABOUT_PEOPLE, ComplaintKind, Matter, RaisedBy, whom_it_is_about
from domain.events import RejectedError
from domain.holds import HoldKind
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.barred_staff import bar_staff, end_bar, take_back_work
from workers.db.free_text import keep_words
from workers.db.kept_away import kept_away_from
from workers.db.matter_staff import had_contact, take_from_handler
from workers.db.persons import lock_loans_of_person
from workers.db.schema import complaint, hold, loan, staff
from workers.db.sender_ids import is_named, whose_id
from workers.hardship.holds import NewHold, place_hold
from workers.hardship.matters import (
    NewMatter,
    contact_in_question,
    insert_matter,
    last_day,
    on_record,
    terms_of,
    who_raises,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewComplaint:
    """A complaint as the lender's systems or a person recorded it."""

    complaint: str
    """The lender's own id of the complaint: the same id is the same complaint."""
    loan: str
    """The loan in the collection of which it arose: one of the person's."""
    kind: ComplaintKind
    why: str
    """What the person says, in a sentence or two."""
    actor: str
    """The lender's reference of the member of staff who wrote it down."""
    raised_by: RaisedBy = RaisedBy.OTHER
    borrower: str | None = None
    """The record of who complains; None: the borrower of the loan."""
    about_staff: str | None = None
    """The staff reference of the person complained of; None: nobody in particular."""
    about_attempt: str | None = None
    """The contact in question."""
    received_at: datetime | None = None
    """When it came in; None: now."""
    sender: str | None = None
    """Whose id of the complaint it is."""
    why_id: UUID | None = None
    """Under which these words are kept, if they are kept already."""


def receive_complaint(connection: Connection, ctx: Context, new: NewComplaint) -> Reasons:
    """Record a complaint in the caller's transaction. Returns what came of it.

    Whom it is about does no work for the person from then on: their open calls and visits are
    planned again. One about people that does not say about whom is taken too, since who complains
    may not know; it is said that it keeps nobody away. Where a law says so, nobody collects from
    the person until it is answered. Repeated under the same id it changes nothing.

    Raises:
        NotYetError: the loan, the record or the contact is not known.
        RejectedError: its id is that of another complaint or of a hold, who complains is no party
            to the loan, the contact was with somebody else, nobody on the roster has the reference,
            or it came in later than now.
    """
    now = ctx.now()
    received_at = (new.received_at or now).astimezone(now.tzinfo)
    if received_at > now:
        raise RejectedError(
            ReasonCode.MATTER_IN_FUTURE,
            matter=Matter.COMPLAINT,
            id=new.complaint,
            at=received_at.date(),
        )
    raising = who_raises(connection, new.loan, new.borrower, "complaint")
    lock_loans_of_person(connection, raising.borrower_id)
    sender = whose_id(connection, complaint, new.complaint, new.sender)
    if known := _received_before(connection, new, sender):
        return known
    contact_id = contact_in_question(connection, new.about_attempt, raising)
    if new.about_staff is not None:
        check_on_roster(connection, new.about_staff)
    had_it = had_contact_here(connection, contact_id)
    about = whom_it_is_about(new.kind, new.about_staff, had_it)
    terms = terms_of(ctx, Matter.COMPLAINT, new.kind, raising.jurisdiction, received_at)
    named = {"complaint": new.complaint, "matter_kind": new.kind, "loan": new.loan}
    answer_on = last_day(terms.answer_by)
    said = because(ReasonCode.COMPLAINT_RECEIVED, **named, answer_on=answer_on)
    result = on_record(said, answer_on, matter=Matter.COMPLAINT, id=new.complaint, kind=new.kind)
    hold_id = None
    if terms.stops is Stops.EVERYBODY:
        hold_id = stop_everybody(
            connection,
            ctx,
            new.complaint,
            loan=new.loan if new.borrower is None else None,
            borrower=new.borrower,
            why=new.why,
            actor=new.actor,
            sender=sender,
        )
        result += because(ReasonCode.COMPLAINT_STOPS_EVERYBODY)
    why_id = new.why_id
    if why_id is None:
        why_id = keep_words(connection, ctx.cipher, new.why, now, borrower_id=raising.borrower_id)
    whose = insert_matter(
        connection,
        ctx,
        Matter.COMPLAINT,
        NewMatter(
            external_id=new.complaint,
            sender=sender,
            kind=new.kind,
            raised_by=new.raised_by,
            contact_id=contact_id,
            received_at=received_at,
            actor=new.actor,
            why_id=why_id,
            hold_id=hold_id,
            own={"about_staff": about[0] if len(about) == 1 else None},
        ),
        raising,
        terms,
        now,
    )
    for each in about:
        result += keep_away(connection, each, raising.borrower_id, why_id, new.actor, now)
    if new.kind in ABOUT_PEOPLE and not about:
        result += because(ReasonCode.COMPLAINT_BARS_NOBODY)
    return result + whose


def keep_away(
    connection: Connection,
    about_staff: str,
    borrower_id: int,
    why_id: UUID,
    actor: str,
    now: datetime,
) -> Reasons:
    """Keep whom a complaint is about from who complains. The person and the loans are locked."""
    bar_staff(connection, about_staff, borrower_id, why_id, actor, now)
    again = take_back_work(connection, about_staff, borrower_id, now)
    take_from_handler(connection, about_staff, borrower_id, now)
    return because(ReasonCode.COMPLAINT_BARS, staff=about_staff, count=again)


def let_back(
    connection: Connection,
    about_staff: Collection[str],
    borrower_id: int,
    why_id: UUID,
    now: datetime,
) -> Reasons:
    """Let work for the person again whom the complaint is not about, unless something else keeps
    them away. The person is locked."""
    end_bar(connection, why_id, now, about_staff)
    back = sorted(set(about_staff) - kept_away_from(connection, borrower_id))
    return tuple(
        reason for each in back for reason in because(ReasonCode.COMPLAINT_BARS_NO_MORE, staff=each)
    )


def _received_before(connection: Connection, new: NewComplaint, sender: str) -> Reasons:
    """That the complaint is on record already, if it is; another one under its id is refused."""
    stored = connection.execute(
        select(complaint.c.kind, loan.c.external_id.label("of"))
        .join(loan, loan.c.id == complaint.c.loan_id)
        .where(is_named(complaint, new.complaint, sender))
    ).one_or_none()
    if stored is None:
        return ()
    if (stored.of, stored.kind) != (new.loan, new.kind):
        raise RejectedError(
            ReasonCode.MATTER_ID_TAKEN, matter=Matter.COMPLAINT, id=new.complaint, of=stored.of
        )
    return because(ReasonCode.COMPLAINT_KNOWN, complaint=new.complaint)


def had_contact_here(connection: Connection, contact_id: int | None) -> frozenset[str]:
    """Whoever had the contact in question and is on the roster. One from long ago, or by a machine,
    may be by nobody there."""
    if contact_id is None:
        return frozenset()
    known = staff.c.external_id.in_(had_contact(connection, contact_id))
    return frozenset(connection.execute(select(staff.c.external_id).where(known)).scalars())


def check_on_roster(connection: Connection, reference: str) -> None:
    """Check that the person complained of is on the roster.

    Raises:
        RejectedError: nobody there has the reference.
    """
    known = select(staff.c.id).where(staff.c.external_id == reference)
    if connection.execute(known).scalar() is None:
        raise RejectedError(ReasonCode.COMPLAINED_OF_NOT_KNOWN, staff=reference)


def stop_everybody(
    connection: Connection,
    ctx: Context,
    complaint_id: str,
    *,
    loan: str | None,
    borrower: str | None,
    why: str,
    actor: str,
    sender: str,
) -> int:
    """Place the hold of the person that lasts until the answer; returns its id. The person is the
    borrower of the `loan`, or the one of the named record."""
    place_hold(
        connection,
        ctx,
        NewHold(
            hold=complaint_id,
            loan=loan,
            borrower=borrower,
            kind=HoldKind.COMPLAINT,
            starts_on=ctx.today(),
            ends_on=None,
            why=why,
            actor=actor,
            sender=sender,
        ),
        by_policy=True,
        kinds=(HoldKind.COMPLAINT,),
    )
    hold_id: int = connection.execute(
        select(hold.c.id).where(is_named(hold, complaint_id, sender))
    ).scalar_one()
    return hold_id
