"""What disputes and complaints have in common when they come in: whose it is, and its clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, insert, or_, select

from domain.compliance.answer_period import AnswerTerms, answer_terms, clock_of
from domain.compliance.rules import packs_for
from domain.disputes import Matter, MatterStatus, RaisedBy
from domain.events import NotYetError, RejectedError
from domain.outcome_follows import what_follows
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.disputes import TABLES, said_of, set_clock
from workers.db.duties import OF_MATTER, owe_taking
from workers.db.loans import not_known_yet
from workers.db.outbox import OutboxEventKind, OutboxMessage, record_events
from workers.db.parties import loans_of
from workers.db.persons import lock_known_borrower, lock_person_of_loan, records_of_person
from workers.db.schema import contact, loan
from workers.db.typed_rows import columns_of, typed_row

RAISED = {
    Matter.DISPUTE: OutboxEventKind.DISPUTE_RAISED,
    Matter.COMPLAINT: OutboxEventKind.COMPLAINT_RECEIVED,
}


class Raising(NamedTuple):
    """The loan that is meant; with the record of whoever raises something about it."""

    id: int
    external_id: str
    jurisdiction: str
    product: str
    currency: str
    borrower_id: int
    """Of who raises it; its person is locked."""


def who_raises(connection: Connection, loan_id: str, record: str | None, event: str) -> Raising:
    """Lock the person who raises something about a loan: its borrower, or the `record` of another
    one who is or was party to it.

    Raises:
        NotYetError: the loan or the record is not known.
        RejectedError: the record was never party to the loan.
    """
    if record is not None:
        borrower_id = lock_known_borrower(connection, record, event).id
    else:
        found = lock_person_of_loan(connection, loan_id)
        if found is None:
            raise not_known_yet(loan_id, event)
        borrower_id = found
    named = select(
        *(loan.c.id, loan.c.external_id, loan.c.jurisdiction, loan.c.product, loan.c.currency),
        loan.c.id.in_(loans_of(records_of_person(borrower_id), ever=True)).label("is_theirs"),
    ).where(loan.c.external_id == loan_id)
    row = connection.execute(named).one_or_none()
    if row is None:
        raise not_known_yet(loan_id, event)
    if not row.is_theirs:
        raise RejectedError(ReasonCode.NOT_OF_LOAN, borrower=record, loan=loan_id)
    return Raising(
        row.id, row.external_id, row.jurisdiction, row.product, row.currency, borrower_id
    )


def terms_of(
    ctx: Context,
    matter: Matter,
    kind: str,
    jurisdiction: str,
    received_at: datetime,
    *,
    extended: int = 0,
) -> AnswerTerms:
    """By when one is answered that came in at a moment, by the law of its loan; after the time was
    made longer so many times."""
    return answer_terms(
        packs_for(ctx.policy.rule_packs, jurisdiction),
        ctx.settings.collects_as,
        matter,
        kind,
        received_at.astimezone(ctx.settings.lender_zone),
        extended=extended,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMatter:
    """What is recorded of a dispute or a complaint."""

    external_id: str
    sender: str
    kind: str
    raised_by: RaisedBy
    contact_id: int | None
    """The contact in question."""
    received_at: datetime
    actor: str
    why_id: UUID | None
    hold_id: int | None = None
    own: Mapping[str, Any] = field(default_factory=dict)
    """The columns that only its table has."""


def insert_matter(
    connection: Connection,
    ctx: Context,
    matter: Matter,
    new: NewMatter,
    raising: Raising,
    terms: AnswerTerms,
    now: datetime,
) -> Reasons:
    """Record a dispute or a complaint, start its clock, have somebody take it, and tell the
    lender's systems. Returns who takes it, and by when."""
    table = TABLES[matter]
    clock = clock_of(new.received_at, (terms.acknowledge_by, terms.answer_by), now)
    row = connection.execute(
        insert(table)
        .values(
            external_id=new.external_id,
            sender=new.sender,
            loan_id=raising.id,
            borrower_id=raising.borrower_id,
            kind=new.kind,
            raised_by=new.raised_by,
            contact_id=new.contact_id,
            received_at=new.received_at,
            recorded_at=now,
            actor=new.actor,
            why_id=new.why_id,
            status=MatterStatus.RECEIVED,
            rules=list(terms.rules),
            acknowledge_by=terms.acknowledge_by,
            answer_by=terms.answer_by,
            clock="running",
            check_at=clock.changes_at,
            hold_id=new.hold_id,
            **new.own,
        )
        .returning(table)
    ).one()
    record_events(
        connection, [OutboxMessage(RAISED[matter], raising.id, said_of(matter, row))], now
    )
    ladder = ctx.ladder_of(raising, now.date())
    follows = what_follows(ladder.outcomes if ladder else None, OF_MATTER[matter])
    owe_taking(connection, matter, row.id, raising.id, follows, now)
    set_clock(connection, matter, [row.id], now)
    due_at = (now + follows.within).astimezone(now.tzinfo)
    return because(ReasonCode.DUTY_OF, owner=follows.owner, due_at=due_at)


class _Contact(NamedTuple):
    id: int
    is_theirs: bool


def contact_in_question(
    connection: Connection, attempt: str | None, raising: Raising
) -> int | None:
    """The contact that a dispute or a complaint is about. It was with the person who raises it, or
    about one of their loans.

    Raises:
        NotYetError: no contact has the id.
        RejectedError: it was with somebody else, about loans of somebody else.
    """
    if attempt is None:
        return None
    records = records_of_person(raising.borrower_id)
    theirs = or_(
        contact.c.loan_id == raising.id,
        contact.c.borrower_id.in_(records),
        contact.c.loan_id.in_(loans_of(records)),
    )
    named = (
        select(*columns_of(_Contact, contact, is_theirs=theirs))
        .where(contact.c.attempt == attempt)
        .order_by(theirs.desc().nulls_last(), contact.c.sender.nulls_first(), contact.c.id)
        .limit(1)
    )
    found = typed_row(_Contact, connection.execute(named))
    if found is None:
        raise NotYetError(ReasonCode.ATTEMPT_NOT_KNOWN, attempt=attempt)
    if not found.is_theirs:
        raise RejectedError(ReasonCode.CONTACT_OF_SOMEBODY_ELSE, attempt=attempt)
    return found.id


def on_record(
    said: Reasons, answer_on: date | None, *, matter: Matter, id: str, kind: str
) -> Reasons:
    """`said` if a rule says by when it is answered; else that none does, and what to do."""
    if answer_on is not None:
        return said
    return because(ReasonCode.MATTER_WITHOUT_DEADLINE, matter=matter, id=id, matter_kind=kind)


def last_day(late_at: datetime | None) -> date | None:
    """The last day on which something is in time, from the first moment at which it is late."""
    return None if late_at is None else (late_at - timedelta(microseconds=1)).date()
