"""What came of a call or a visit, as whoever made it tells: on record once, and never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, exists, insert, select, update

from domain.actions import ActionStatus, Move
from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import REASON, ArrearsReason, ContactOutcome
from domain.events import NotYetError, RejectedError
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.schema import action, borrower, call, contact, contact_outcome, loan, visit
from workers.db.typed_rows import typed_row
from workers.escalation.reassess import reassess


@dataclass(frozen=True, slots=True)
class ReportedOutcome:
    """What came of an attempt."""

    attempt: str
    outcome: ContactOutcome
    reason: ArrearsReason | None
    """Why the loan is overdue, where the borrower said so."""
    actor: Actor
    """The lender's own reference of whoever made the attempt."""


def record_outcome(connection: Connection, ctx: Context, told: ReportedOutcome) -> str:
    """Put an outcome on record, in the caller's transaction. Returns a sentence for people.

    A call that reached somebody, or a number that reaches nobody, is done; another may be tried
    again, as the gate allows. A visit is done whatever came of it.

    Raises:
        NotYetError: the attempt is not known.
        RejectedError: it was told otherwise before, the visit was never begun, or the call had to
            learn the reason and none is told.
    """
    now = ctx.now()
    made = _lock(connection, told.attempt)
    if made is None:
        raise NotYetError(f"No attempt {told.attempt} is known. Its outcome is kept.")
    known = connection.execute(
        select(contact_outcome).where(contact_outcome.c.contact_id == made.id)
    ).one_or_none()
    if known is not None:
        if (known.outcome, known.reason) != (told.outcome, told.reason):
            raise RejectedError(
                f"What came of attempt {told.attempt} is on record as {known.outcome}. What is on "
                "record is not changed."
            )
        return f"What came of attempt {told.attempt} is on record already; nothing changed."
    _check(connection, made, told)
    connection.execute(
        insert(contact_outcome).values(
            contact_id=made.id,
            outcome=told.outcome,
            connected=told.outcome.connected,
            reason=told.reason,
            actor=told.actor.reference,
            reported_at=now,
        )
    )
    if made.channel == Channel.CALL and told.outcome is ContactOutcome.NUMBER_INVALID:
        _note_invalid(connection, made.number_blind_index, now)
    over = made.channel == Channel.VISIT or told.outcome.settles_it
    if over:
        move = Move(ActionStatus.DONE, f"it was made: {told.outcome}")
        move_actions(connection, [made.action_id], move, now)
    reassess(connection, [made.loan_id], now)
    again = "" if over else " It may be tried again."
    return f"The {made.channel} of loan {made.external_id} came to: {told.outcome}.{again}"


class _Attempt(NamedTuple):
    """A contact that a person began."""

    id: int
    loan_id: int
    action_id: int
    channel: str
    number_blind_index: bytes | None
    external_id: str
    """The lender's id of the loan."""


def _lock(connection: Connection, attempt: str) -> _Attempt | None:
    """The attempt; its borrower and its loan are locked, as they are when it begins."""
    locked = (
        select(
            contact.c.id,
            contact.c.loan_id,
            contact.c.action_id,
            contact.c.channel,
            contact.c.number_blind_index,
            loan.c.external_id,
        )
        .select_from(
            contact.join(loan, loan.c.id == contact.c.loan_id).join(
                borrower, borrower.c.id == loan.c.borrower_id
            )
        )
        .where(contact.c.attempt == attempt)
        .with_for_update(of=(borrower, loan))
    )
    return typed_row(_Attempt, connection.execute(locked))


def _check(connection: Connection, made: _Attempt, told: ReportedOutcome) -> None:
    if made.channel == Channel.VISIT:
        begun = exists().where(
            visit.c.contact_id == made.id,
            visit.c.begun_at.is_not(None),
        )
        if not connection.execute(select(begun)).scalar():
            raise RejectedError(
                f"Visit {told.attempt} was not begun, so nothing can have come of it. "
                "`arrears visit call-off` frees its visitors."
            )
        return
    must_learn = connection.execute(
        select(call.c.must_learn)
        .join(action, action.c.id == call.c.action_id)
        .where(call.c.action_id == made.action_id)
        .order_by(call.c.id.desc())
        .limit(1)
    ).scalar()
    spoke = told.outcome is ContactOutcome.SPOKE
    if spoke and REASON in (must_learn or ()) and told.reason is None:
        raise RejectedError(
            "That call was to learn why the loan is overdue. Say the reason: one of "
            f"{', '.join(ArrearsReason)}."
        )


def _note_invalid(connection: Connection, number_blind_index: bytes | None, now: datetime) -> None:
    """The number reaches nobody, under whatever name it is on record."""
    connection.execute(
        update(borrower)
        .where(
            borrower.c.phone_blind_index == number_blind_index,
            borrower.c.phone_invalid_at.is_(None),
        )
        .values(phone_invalid_at=now)
    )
