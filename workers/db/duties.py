"""Duties that end by themselves, the problem of a loan of which one is late, and notices that are
owed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    ColumnExpressionArgument,
    Connection,
    FromClause,
    Table,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.sql.selectable import LateralFromClause

from domain.actors import ARREARS
from domain.arrangements import ArrangementStatus
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ContactOutcome
from domain.disputes import Matter
from domain.outcome_follows import Follows, Owner
from domain.reasons import ReasonCode, Reasons, because
from workers.db.problems import (
    DUTY_LATE,
    Contacted,
    FoundProblem,
    note_problems,
    resolve_problems,
)
from workers.db.schema import (
    arrangement,
    collection_case,
    complaint,
    contact,
    contact_outcome,
    dispute,
    duty,
    problem,
)
from workers.db.typed_rows import columns_of, typed_row

OF_MATTER = {
    Matter.DISPUTE: ContactOutcome.DISPUTES,
    Matter.COMPLAINT: ContactOutcome.COMPLAINS,
}
"""The outcome whose duty is that somebody takes what was raised."""

ASKS_FOR_ARRANGEMENT = (ContactOutcome.ASKS_PLAN, ContactOutcome.ASKS_DEFERRAL)

OPEN = duty.c.ended_at.is_(None)
_SPOKEN = tuple(outcome for outcome in ContactOutcome if outcome.with_borrower)


def owe_taking(
    connection: Connection,
    matter: Matter,
    matter_id: int,
    loan_id: int,
    follows: Follows,
    now: datetime,
) -> None:
    """Have somebody take a dispute or a complaint, however it came in. The loan is locked."""
    connection.execute(
        insert(duty).values(
            loan_id=loan_id,
            dispute_id=matter_id if matter is Matter.DISPUTE else None,
            complaint_id=matter_id if matter is Matter.COMPLAINT else None,
            outcome=OF_MATTER[matter],
            owner=follows.owner,
            made_at=now,
            due_at=now + follows.within,
        )
    )


def named_matter(matter: Matter, found: FromClause) -> ColumnElement[str | None]:
    """The lender's id of the dispute, or of the complaint, that somebody takes; null: it is another
    duty. The duty is joined with what was found by `looked_up`, and with its contact.

    Older ones are owed after the conversation in which it was raised, from which it has its id.
    """
    of_conversation = func.concat(duty.c.outcome, ":", contact.c.attempt)
    named = func.coalesce(found.c.external_id, of_conversation)
    return case((duty.c.outcome == OF_MATTER[matter], named))


def looked_up(matter: Matter) -> LateralFromClause:
    """The dispute, or the complaint, of each duty. The limit has it found by its id: few duties are
    open, and many matters on record."""
    table = _TABLES[matter]
    of_duty = select(table.c.external_id, table.c.borrower_id).where(table.c.id == _IDS[matter])
    return of_duty.limit(1).lateral(f"of_{matter}")


_TABLES: Mapping[Matter, Table] = {Matter.DISPUTE: dispute, Matter.COMPLAINT: complaint}
_IDS = {Matter.DISPUTE: duty.c.dispute_id, Matter.COMPLAINT: duty.c.complaint_id}


def end_duties_of_matter(
    connection: Connection, matter: Matter, matter_id: int, loan_id: int, actor: str, now: datetime
) -> None:
    """End what was owed about a dispute or a complaint of a loan: somebody handles it now.

    Older ones are owed after the conversation in which it was raised, from which it has its id.
    """
    table = _TABLES[matter]
    raised_it = exists().where(
        table.c.id == matter_id,
        contact.c.id == duty.c.contact_id,
        func.concat(duty.c.outcome, ":", contact.c.attempt) == table.c.external_id,
        contact.c.sender.is_(None) | (contact.c.sender == table.c.sender),
    )
    of_conversation = (duty.c.outcome == OF_MATTER[matter]) & raised_it
    about_it = (_IDS[matter] == matter_id) | of_conversation
    _end(connection, (duty.c.loan_id == loan_id, about_it), loan_id, actor, now)


def end_callback(connection: Connection, contact_id: int, loan_id: int, now: datetime) -> None:
    """Nobody calls back: what the same person said later stops that. The loan is locked."""
    asked = duty.c.outcome == ContactOutcome.CALLBACK_REQUESTED
    _end(connection, (duty.c.contact_id == contact_id, asked), loan_id, ARREARS.reference, now)


def _end(
    connection: Connection,
    which: Sequence[ColumnExpressionArgument[bool]],
    loan_id: int,
    by: str,
    now: datetime,
) -> None:
    done = {"ended_at": now, "ended_by": by}
    if connection.execute(update(duty).where(*which, OPEN).values(done)).rowcount:
        settle_late(connection, [loan_id], now)


class OwedNotice(NamedTuple):
    """That somebody gives the notice of a default, because neither a letter nor a text can."""

    id: int
    made_at: datetime
    ended_at: datetime | None
    ended_by: str | None

    @property
    def given_at(self) -> datetime | None:
        """When somebody gave it; None: nobody has."""
        return None if self.ended_by == ARREARS.reference else self.ended_at


def owe_notice(
    connection: Connection, loan_id: int, arrangement_id: int, now: datetime, within: timedelta
) -> None:
    """Have a supervisor give the notice of a default, within a time. The loan is locked."""
    connection.execute(
        insert(duty).values(
            loan_id=loan_id,
            arrangement_id=arrangement_id,
            owner=Owner.SUPERVISOR,
            made_at=now,
            due_at=now + within,
        )
    )


def owed_notice(connection: Connection, loan_id: int, arrangement_id: int) -> OwedNotice | None:
    """The newest such duty of an arrangement."""
    newest = (
        select(*columns_of(OwedNotice, duty))
        .where(duty.c.loan_id == loan_id, duty.c.arrangement_id == arrangement_id)
        .order_by(duty.c.id.desc())
        .limit(1)
    )
    return typed_row(OwedNotice, connection.execute(newest))


def end_owed_notice(
    connection: Connection, loan_id: int, arrangement_id: int, now: datetime
) -> None:
    """It need not be given any more, or there is another way."""
    of_it = (duty.c.loan_id == loan_id, duty.c.arrangement_id == arrangement_id)
    _end(connection, of_it, loan_id, ARREARS.reference, now)


def watch_duties(connection: Connection, now: datetime, limit: int) -> int:
    """End the duties of loans whose case is closed, and duties that were done: a call was made when
    a callback was asked for, or a request for an arrangement was answered. Note a problem of each
    loan that has a late duty. Returns how many loans these are. May run any number of times and at
    once.

    What is owed about a dispute or a complaint stays owed although the loan is paid.
    """
    over = exists().where(
        collection_case.c.loan_id == duty.c.loan_id, collection_case.c.closed_at >= duty.c.made_at
    )
    needless = (
        select(duty.c.id)
        .where(
            OPEN,
            or_(
                func.coalesce(duty.c.outcome, "").not_in(OF_MATTER.values()) & over,
                (duty.c.outcome == ContactOutcome.CALLBACK_REQUESTED) & _was_called_back(),
                duty.c.outcome.in_(ASKS_FOR_ARRANGEMENT)
                & _was_answered(duty.c.loan_id, duty.c.contact_id, duty.c.made_at),
            ),
        )
        .order_by(duty.c.due_at, duty.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    done = {"ended_at": now, "ended_by": ARREARS.reference}
    ended = connection.execute(
        update(duty).where(duty.c.id.in_(needless)).values(done).returning(duty.c.loan_id)
    ).scalars()
    settle_late(connection, sorted(set(ended)), now)
    late = (
        select(
            *(duty.c.loan_id, duty.c.owner, duty.c.outcome, duty.c.due_at),
            arrangement.c.external_id.label("arrangement"),
        )
        .outerjoin(arrangement, arrangement.c.id == duty.c.arrangement_id)
        .ext(distinct_on(duty.c.loan_id))
        .where(OPEN, duty.c.due_at <= now, ~_is_noted(duty.c.loan_id))
        .order_by(duty.c.loan_id, duty.c.due_at)
        .limit(limit)
    )
    found = [
        FoundProblem(
            Contacted(row.loan_id),
            DUTY_LATE,
            _late(row, now),
        )
        for row in connection.execute(late)
    ]
    note_problems(connection, found, now)
    return len(found)


def _late(row: Any, now: datetime) -> Reasons:
    who = {"owner": row.owner, "due_at": row.due_at.astimezone(now.tzinfo)}
    if row.outcome is None:
        return because(ReasonCode.NOTICE_IS_LATE, arrangement=row.arrangement, **who)
    return because(ReasonCode.DUTY_IS_LATE, outcome=row.outcome, **who)


def was_spoken_to() -> ColumnElement[bool]:
    """Whether the person to whom a duty is owed was spoken with since the conversation that it is
    owed after."""
    spoken = contact_outcome.c.outcome.in_(_SPOKEN) & (contact.c.channel != Channel.LETTER)
    return _was_contacted(spoken)


def _was_called_back() -> ColumnElement[bool]:
    """Whether the same person was called since, or has called, and the outcome is on record."""
    return _was_contacted(contact.c.channel == Channel.CALL)


def _was_contacted(how: ColumnElement[bool]) -> ColumnElement[bool]:
    asked = contact.alias("asked")
    contacted = exists().where(
        asked.c.id == duty.c.contact_id,
        contact.c.loan_id == duty.c.loan_id,
        contact.c.borrower_id == asked.c.borrower_id,
        contact.c.party == asked.c.party,
        contact.c.at > asked.c.at,
        contact.c.id == contact_outcome.c.contact_id,
        how,
    )
    return contacted.correlate(duty)


def is_answered(connection: Connection, loan_id: int, contact_id: int, now: datetime) -> bool:
    """Whether what the person asked for in a conversation is answered by now: as for duties."""
    answered = _was_answered(literal(loan_id), literal(contact_id), literal(now))
    return bool(connection.execute(select(answered)).scalar())


def _was_answered(
    loan_id: ColumnElement[int],
    contact_id: ColumnElement[int],
    made_at: ColumnElement[datetime],
) -> ColumnElement[bool]:
    """Whether the loan had an offer since the conversation began, an acceptance, or a request that
    was declined or withdrawn; and no request waits: of the loan, or of another one of the same
    conversation."""

    def of_contact(column: Column[Any]) -> ColumnElement[Any]:
        of_it = select(column).where(contact.c.id == contact_id)
        return of_it.correlate_except(contact).scalar_subquery()

    since = func.least(of_contact(contact.c.at), made_at)
    of_loan = arrangement.c.loan_id == loan_id
    waits = exists().where(
        of_loan | (arrangement.c.asked_in == of_contact(contact.c.attempt)),
        arrangement.c.status == ArrangementStatus.REQUESTED,
    )
    ended = arrangement.c.status.in_((ArrangementStatus.DECLINED, ArrangementStatus.WITHDRAWN))
    answered = exists().where(
        of_loan,
        or_(
            arrangement.c.offered_at >= since,
            arrangement.c.accepted_at >= since,
            ended & (arrangement.c.ended_at >= since),
        ),
    )
    return answered & ~waits


def _is_noted(loan_id: ColumnElement[int]) -> ColumnElement[bool]:
    return exists().where(
        problem.c.loan_id == loan_id,
        problem.c.party_id.is_(None),
        problem.c.kind == DUTY_LATE,
        problem.c.resolved_at.is_(None),
    )


def settle_late(connection: Connection, loan_ids: Collection[int], now: datetime) -> None:
    """Close the problem of those of these loans of which no duty is late any more."""
    if not loan_ids:
        return
    still = select(duty.c.loan_id).where(duty.c.loan_id.in_(loan_ids), OPEN, duty.c.due_at <= now)
    left = set(connection.execute(still).scalars())
    resolve_problems(connection, sorted(set(loan_ids) - left), (DUTY_LATE,), now)


def count_duties(connection: Connection, now: datetime) -> tuple[int, int]:
    """How many duties are open, and how many of them are late."""
    late = func.count().filter(duty.c.due_at <= now)
    open_, are_late = connection.execute(select(func.count(), late).where(OPEN)).one()
    return open_, are_late
