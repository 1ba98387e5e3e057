"""The outcome of a call or a visit, as the person who made it reports it. Recorded once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, exists, insert, select

from domain.actions import ActionStatus, Move
from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import REASON, ArrearsReason, ContactOutcome
from domain.contact_points import NumberFact
from domain.events import NotYetError, RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.attempts.inbound import loan_ids
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.closed_numbers import close_number
from workers.db.schema import (
    action,
    borrower,
    call,
    contact,
    contact_outcome,
    loan,
    person,
    visit,
)
from workers.db.typed_rows import columns_of, typed_row
from workers.escalation.reassess import reassess


@dataclass(frozen=True, slots=True)
class ReportedOutcome:
    """The reported outcome of an attempt."""

    attempt: str
    outcome: ContactOutcome
    reason: ArrearsReason | None
    """Why the loan is overdue, if the borrower said so."""
    actor: str
    """The lender's reference of the person who made the attempt."""
    also_about: tuple[str, ...] = ()
    """The other loans that were mentioned, by the lender's ids."""


def record_outcome(connection: Connection, ctx: Context, report: ReportedOutcome) -> Reasons:
    """Record an outcome in the caller's transaction. Returns what came of it.

    A call is done when a person was reached or the number is invalid. Any other call may be tried
    again, if the gate allows it. A visit is done with any outcome.

    Raises:
        NotYetError: the attempt, or a loan that was mentioned, is not known.
        RejectedError: another outcome is recorded, the visit was never started, or the call had to
            learn the reason of the arrears and the report has none.
    """
    now = ctx.now()
    attempt = _lock(connection, report.attempt)
    if attempt is None:
        raise NotYetError(ReasonCode.ATTEMPT_NOT_KNOWN, attempt=report.attempt)
    recorded = connection.execute(
        select(contact_outcome).where(contact_outcome.c.contact_id == attempt.id)
    ).one_or_none()
    if recorded is not None:
        if (recorded.outcome, recorded.reason) != (report.outcome, report.reason):
            raise RejectedError(
                ReasonCode.OUTCOME_DIFFERS, attempt=report.attempt, outcome=recorded.outcome
            )
        return because(ReasonCode.OUTCOME_KNOWN, attempt=report.attempt)
    _check(connection, attempt, report)
    connection.execute(
        insert(contact_outcome).values(
            contact_id=attempt.id,
            outcome=report.outcome,
            connected=report.outcome.connected,
            reason=report.reason,
            actor=report.actor,
            reported_at=now,
            also_loan_ids=loan_ids(connection, report.also_about, "contact_outcome") or None,
        )
    )
    if attempt.channel == Channel.CALL and report.outcome is ContactOutcome.NUMBER_INVALID:
        number = attempt.number_blind_index
        if number is not None:
            actor = Actor(report.actor)
            close_number(connection, number, NumberFact.REACHES_NOBODY, actor, now)
    over = attempt.channel == Channel.VISIT or report.outcome.completes_action
    if over:
        move = Move(ActionStatus.DONE, because(ReasonCode.ATTEMPT_MADE, outcome=report.outcome))
        move_actions(connection, [attempt.action_id], move, now)
    reassess(connection, ctx, [attempt.loan_id], now)
    return because(
        ReasonCode.OUTCOME_RECORDED if over else ReasonCode.OUTCOME_RECORDED_TRY_AGAIN,
        channel=attempt.channel,
        loan=attempt.external_id,
        outcome=report.outcome,
    )


class _Attempt(NamedTuple):
    """A contact that a person started."""

    id: int
    loan_id: int
    action_id: int
    channel: str
    number_blind_index: bytes | None
    external_id: str
    """The lender's id of the loan."""


def _lock(connection: Connection, attempt: str) -> _Attempt | None:
    """Lock the person and the loan of the attempt, in the same order as when it starts."""
    locked = (
        select(*columns_of(_Attempt, contact, loan))
        .select_from(
            contact.join(loan, loan.c.id == contact.c.loan_id)
            .join(borrower, borrower.c.id == loan.c.borrower_id)
            .join(person, person.c.id == borrower.c.person_id)
        )
        .where(contact.c.attempt == attempt)
        .with_for_update(of=(person, borrower, loan))
    )
    return typed_row(_Attempt, connection.execute(locked))


def _check(connection: Connection, attempt: _Attempt, report: ReportedOutcome) -> None:
    if attempt.channel == Channel.VISIT:
        started = exists().where(
            visit.c.contact_id == attempt.id,
            visit.c.started_at.is_not(None),
        )
        if not connection.execute(select(started)).scalar():
            raise RejectedError(ReasonCode.VISIT_NOT_STARTED, attempt=report.attempt)
        return
    must_learn = connection.execute(
        select(call.c.must_learn)
        .join(action, action.c.id == call.c.action_id)
        .where(call.c.action_id == attempt.action_id)
        .order_by(call.c.id.desc())
        .limit(1)
    ).scalar()
    spoke = report.outcome is ContactOutcome.SPOKE
    if spoke and REASON in (must_learn or ()) and report.reason is None:
        raise RejectedError(ReasonCode.ARREARS_REASON_MISSING, known=ArrearsReason)
