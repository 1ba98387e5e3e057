"""What somebody owes after a conversation: read in the order of its deadlines, and ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, func, select, true, update

from domain.arrangements import ArrangementStatus
from domain.contact_outcomes import ContactOutcome
from domain.disputes import Matter
from domain.duties import may_end
from domain.errors import NotKnownError, NotPermittedError, RefusedError
from domain.language.speak import speak
from domain.outcome_follows import Owner
from domain.permissions import Permission
from domain.reasons import ReasonCode, Reasons, because
from domain.staffing import terms_on
from workers.access.may_handle import assert_may_handle, of_loan_id, readable
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.duties import (
    ASKS_FOR_ARRANGEMENT,
    OPEN,
    looked_up,
    named_matter,
    settle_late,
    was_spoken_to,
)
from workers.db.pages import (
    ALL,
    Asked,
    Listing,
    Page,
    assert_of,
    count_rows,
    maker,
    of_loan,
    read_page,
)
from workers.db.schema import arrangement, borrower, contact, contact_outcome, duty, loan
from workers.db.typed_rows import columns_of
from workers.workforce.members import read_member


@dataclass(frozen=True, slots=True)
class Duty:
    """One thing that somebody owes."""

    id: int
    loan: str
    """The lender's id of the loan."""
    borrower: str
    """The lender's id of the borrower record of the person to whom it is owed."""
    outcome: ContactOutcome | None
    """The outcome that asks for it; None: the notice of a default is to be given."""
    dispute: str | None
    """The lender's id of the dispute that somebody takes. Done once somebody has taken it."""
    complaint: str | None
    """The same of a complaint."""
    arrangement: str | None
    """The lender's id of the arrangement in default. Done once the person knows of the notice."""
    owner: Owner
    staff: str | None
    """The staff reference of the collector who owes it; None: any of its owners."""
    made_at: datetime
    due_at: datetime
    """By when; aware. One that is late is still owed."""
    late: bool


_DISPUTE, _COMPLAINT = looked_up(Matter.DISPUTE), looked_up(Matter.COMPLAINT)
_WHOSE = (contact.c.borrower_id, _DISPUTE.c.borrower_id, _COMPLAINT.c.borrower_id)


@permitted(Permission.READ_LOANS)
def read_duties(
    connection: Connection,
    ctx: Context,
    asked: Asked = ALL,
    *,
    owners: Sequence[Owner] = tuple(Owner),
) -> Page[Duty]:
    """What is owed and not done yet, the nearest deadline first. Moments are in the lender's zone.
    What is owed to people whom whoever reads must not handle is left out.

    Raises:
        ArrearsError: the page is of another list.
    """
    assert_of(("duties",), asked)
    late = duty.c.due_at <= ctx.now()
    rows = (
        select(
            *columns_of(
                Duty,
                duty,
                loan=loan.c.external_id,
                borrower=borrower.c.external_id,
                arrangement=arrangement.c.external_id,
                dispute=named_matter(Matter.DISPUTE, _DISPUTE),
                complaint=named_matter(Matter.COMPLAINT, _COMPLAINT),
                late=late,
            )
        )
        .join(loan, loan.c.id == duty.c.loan_id)
        .outerjoin(contact, contact.c.id == duty.c.contact_id)
        .outerjoin(_DISPUTE, true())
        .outerjoin(_COMPLAINT, true())
        .join(borrower, borrower.c.id == func.coalesce(*_WHOSE, loan.c.borrower_id))
        .outerjoin(arrangement, arrangement.c.id == duty.c.arrangement_id)
        .where(
            OPEN,
            duty.c.owner.in_(owners),
            *of_loan(duty.c.loan_id, asked),
            *readable(ctx.actor, borrower.c.id, loan.c.borrower_id),
        )
    )
    listing = Listing(
        "duties",
        rows,
        (duty.c.due_at, duty.c.id),
        maker(Duty, ctx.settings.lender_zone),
        count_rows(rows, duty.c.owner),
    )
    return read_page(connection, listing, asked)


@permitted(Permission.RECORD_CONVERSATIONS)
def end_duty(ctx: Context, duty_id: int) -> Reasons:
    """Record that what was owed is done, by whoever acts: one of its owners, or a supervisor.

    What is owed about a dispute or a complaint is done by whoever takes it, and in no other way. So
    is what is owed after a request for an arrangement, by an offer or a decline of it. A callback
    is not done before its moment, unless the person was spoken with since.

    Raises:
        NotKnownError: there never was such a duty.
        RefusedError: it is not open any more, it is that a dispute or a complaint is taken, or
            that a request is answered; it is a callback at a later moment, or whoever acts must not
            handle the borrower.
        NotPermittedError: it is for others.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        found = connection.execute(
            select(
                *(duty.c.loan_id, duty.c.owner, duty.c.staff),
                func.coalesce(*_WHOSE).label("borrower_id"),
                named_matter(Matter.DISPUTE, _DISPUTE).label("dispute"),
                named_matter(Matter.COMPLAINT, _COMPLAINT).label("complaint"),
                _callback_at(),
            )
            .outerjoin(contact, contact.c.id == duty.c.contact_id)
            .outerjoin(contact_outcome, contact_outcome.c.contact_id == duty.c.contact_id)
            .outerjoin(_DISPUTE, true())
            .outerjoin(_COMPLAINT, true())
            .where(duty.c.id == duty_id, OPEN)
            .with_for_update(of=duty)
        ).one_or_none()
        if found is None:
            if connection.execute(select(duty.c.id).where(duty.c.id == duty_id)).first() is None:
                raise NotKnownError(
                    "No duty {duty} is on record. `arrears duty list` shows the open ones.",
                    duty=duty_id,
                )
            why = because(ReasonCode.DUTY_NOT_OPEN, duty=duty_id)
            raise RefusedError(speak(why), why)
        whose = of_loan_id(found.loan_id) | (borrower.c.id == found.borrower_id)
        assert_may_handle(connection, ctx.actor, whose)
        who = ctx.actor.reference
        skills = _skills_today(connection, ctx, who, now)
        if not may_end(Owner(found.owner), found.staff, ctx.actor, skills):
            raise NotPermittedError(
                "{actor} may not end duty {duty}, which is for {owner}. Ask them, or a supervisor.",
                actor=who,
                duty=duty_id,
                owner=found.staff or found.owner,
            )
        if (taken := found.dispute or found.complaint) is not None:
            matter = Matter.DISPUTE if found.dispute else Matter.COMPLAINT
            why = because(ReasonCode.DUTY_IS_TO_TAKE, duty=duty_id, matter=matter, id=taken)
            raise RefusedError(speak(why), why)
        if (answers := _request_that_waits(connection, duty_id)) is not None:
            why = because(ReasonCode.DUTY_IS_TO_ANSWER, duty=duty_id, arrangement=answers)
            raise RefusedError(speak(why), why)
        if found.callback_at is not None and found.callback_at > now:
            at = found.callback_at.astimezone(now.tzinfo)
            why = because(ReasonCode.CALLBACK_TO_COME, duty=duty_id, callback_at=at)
            raise RefusedError(speak(why), why)
        done = {"ended_at": now, "ended_by": who}
        connection.execute(update(duty).where(duty.c.id == duty_id).values(done))
        settle_late(connection, [found.loan_id], now)
        return because(ReasonCode.DUTY_DONE, duty=duty_id)


def _request_that_waits(connection: Connection, duty_id: int) -> str | None:
    """The lender's id of the request that the duty is to answer, while it waits for an answer."""
    waits = (
        select(arrangement.c.external_id)
        .join(duty, duty.c.loan_id == arrangement.c.loan_id)
        .where(
            duty.c.id == duty_id,
            duty.c.outcome.in_(ASKS_FOR_ARRANGEMENT),
            arrangement.c.status == ArrangementStatus.REQUESTED,
        )
        .order_by(arrangement.c.id)
    )
    found: str | None = connection.execute(waits.limit(1)).scalar()
    return found


def _callback_at() -> ColumnElement[datetime | None]:
    """The moment that the person named, of a callback that nothing has made needless."""
    is_callback = duty.c.outcome == ContactOutcome.CALLBACK_REQUESTED
    awaited = case((is_callback & ~was_spoken_to(), contact_outcome.c.callback_at))
    return awaited.label("callback_at")


def _skills_today(
    connection: Connection, ctx: Context, reference: str, now: datetime
) -> frozenset[str]:
    """The skills of somebody that count today; none of who is not on the roster."""
    known = read_member(connection, reference, now)
    if known is None:
        return frozenset()
    today = now.date()
    return terms_on(ctx.policy.staffing, today).skills_on(today, known.skills, known.certificates)
