"""The outcome of a call or a visit, as the person who made it reports it. Recorded once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, exists, insert, select

from domain.actions import ActionStatus, Move
from domain.compliance.vocabulary import Channel, Party
from domain.contact_outcomes import (
    OF_VISIT,
    OUTBOUND,
    REASON,
    SAYS_OF_DEBT,
    ArrearsReason,
    ContactOutcome,
)
from domain.events import NotYetError, RejectedError
from domain.ladder import find_ladder
from domain.outcome_follows import Follows
from domain.reasons import ReasonCode, Reasons, because
from workers.attempts.call_plans import CalledAction, called_actions, ladder_of_call, moves_after
from workers.attempts.callback_moments import (
    AskedCallback,
    check_callback,
    check_callback_moment,
)
from workers.attempts.consequences import apply_consequences, follows_by, plan_next, reaches_person
from workers.attempts.conversations import (
    ReportedOutcome,
    check_details,
    keep_what_was_said,
    loans_of_contact,
)
from workers.attempts.known_reasons import complete_enquiries, is_known_lately
from workers.attempts.later_reports import add_to_recorded, recorded_outcome
from workers.attempts.locked_attempt import (
    ContactOfAttempt,
    LockedAttempt,
    contacts_of,
    conversation_of,
    lock_attempt,
    lock_everybody_at_number,
)
from workers.attempts.named import loan_ids, refuse_loans_of_others
from workers.attempts.reported_facts import (
    id_of_death,
    note_about_number,
    note_said,
    pause_for_death,
)
from workers.attempts.whose import assert_theirs
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.appointments import move_calls
from workers.db.persons import lock_loans, lock_loans_of_person
from workers.db.problems import VISIT_UNREPORTED, resolve_problems
from workers.db.schema import contact_outcome, loan, visit
from workers.escalation.reassess import reassess


def record_outcome(connection: Connection, ctx: Context, report: ReportedOutcome) -> Reasons:
    """Record an outcome in the caller's transaction. Returns what came of it.

    A call is done when the borrower was reached, or when no further attempt is of any use. Any
    other call may be tried again, if the gate allows it. A call that asked a third party where the
    borrower is belongs to no action, and none is done by it. A visit is done with any outcome. What
    the outcome says of the number holds for everybody who has it. A death pauses every loan of the
    person until somebody releases the hold.

    Raises:
        NotYetError: the attempt, or a loan that was mentioned, is not known.
        RejectedError: only a letter comes to it, a colleague made it, another outcome is recorded
            and this one protects nobody, the visit was never started or comes to what only a
            telephone comes to, the call had to learn the reason of the arrears and the report has
            none, a third party was asked and it says something of the debt, a loan that was
            mentioned is somebody else's, or the moment of a callback is missing, over or too far
            away; or something was said where nobody was reached, or it does not say which time,
            place or language it means.
    """
    now = ctx.now()
    if report.outcome not in OUTBOUND:
        raise RejectedError(ReasonCode.OUTCOME_OF_LETTER, outcome=report.outcome)
    check_details(report.outcome, report.details)
    if report.said and not report.outcome.connected:
        raise RejectedError(ReasonCode.NOBODY_SAID_ANYTHING, outcome=report.outcome)
    if report.outcome.number_fact or report.outcome.refutes:
        lock_everybody_at_number(connection, report.attempt, report.sender)
    attempt = lock_attempt(connection, report.attempt, report.sender)
    if attempt is None:
        raise NotYetError(ReasonCode.ATTEMPT_NOT_KNOWN, attempt=report.attempt)
    rows = contacts_of(connection, attempt.id)
    actions = [row.action_id for row in rows if row.action_id is not None]
    # A loan has a row for each of its items that the call was about.
    about_loans = list(dict.fromkeys(row.loan_id for row in rows))
    about = conversation_of(attempt, about_loans, report)
    recorded = recorded_outcome(connection, attempt.id)
    is_new = recorded is None or recorded.outcome != report.outcome
    if attempt.party == Party.THIRD_PARTY and is_new:
        _check_third_party(report)
    if recorded is not None:
        return add_to_recorded(connection, ctx, attempt, about, report, recorded, actions)
    assert_theirs(connection, report, attempt, now.date())
    check_callback(report.outcome, report.callback_at, now)
    called = called_actions(connection, actions) if attempt.channel == Channel.CALL else []
    _check(connection, ctx, attempt, report, called)
    of_rows = loans_of_contact(connection, about_loans)
    follows = follows_by(ladder_of_call(ctx, attempt, called, of_rows[0], now), report.outcome)
    also = loan_ids(connection, report.also_about, "contact_outcome")
    if _reaches_person(report, follows):
        loans = lock_loans_of_person(connection, attempt.borrower_id)
    else:
        loans = lock_loans(connection, loan.c.id.in_([row.loan_id for row in rows]))
    refuse_loans_of_others(connection, also, {*loans, *about_loans})
    why_id = keep_what_was_said(connection, ctx, report, about_loans[0], attempt.borrower_id, now)
    _insert(connection, report, rows, also, why_id, now)
    note_said(connection, ctx, attempt, report)
    if attempt.point is not None:
        note_about_number(connection, attempt.point, report, attempt.at, now)
    if attempt.channel == Channel.VISIT:
        _complete_visit(connection, report, actions, loans, now)
    over = _move_calls(connection, ctx, report, called, now) or attempt.channel == Channel.VISIT
    mentioned = [id for id in also if id not in about_loans]
    if mentioned and report.reason is not None:
        said = because(ReasonCode.LEARNT_ELSEWHERE, on=attempt.at.astimezone(now.tzinfo).date())
        complete_enquiries(connection, attempt.borrower_id, mentioned, said, now)
    if report.outcome is ContactOutcome.DECEASED:
        pause_for_death(connection, about, now)
    about = replace(about, mentioned=mentioned, why_id=why_id)
    came = apply_consequences(connection, ctx, about, of_rows, follows, now)
    reassess(connection, ctx, loans, now)
    plan_next(connection, ctx, about, follows, now)
    if report.callback_at is not None:
        callback = AskedCallback(
            at=report.callback_at,
            by=attempt.actor or report.actor,
            contact_id=attempt.id,
            record=attempt.borrower_id,
            zones=attempt.zones,
            third_party=attempt.party == Party.THIRD_PARTY,
            loans=of_rows,
            called=called,
        )
        check_callback_moment(connection, ctx, callback, now)
    if report.said:
        came += because(ReasonCode.WISHES_NOTED)
    return _recorded_as(attempt, report, open_for_tries=bool(actions) and not over) + came


def _reaches_person(report: ReportedOutcome, follows: Follows) -> bool:
    """Whether something is true of the person, so that all their loans are locked first."""
    return bool(
        report.outcome is ContactOutcome.DECEASED
        or report.said
        or report.also_about
        or report.details.names_loan
        or reaches_person(report.outcome, follows)
    )


def _insert(
    connection: Connection,
    report: ReportedOutcome,
    rows: Sequence[ContactOfAttempt],
    also: Sequence[int],
    why_id: UUID | None,
    now: datetime,
) -> None:
    outcome = {
        "outcome": report.outcome,
        "connected": report.outcome.connected,
        "reason": report.reason,
        "callback_at": report.callback_at,
        "actor": report.actor,
        "reported_at": now,
        "recording": report.recording,
        "why_id": why_id,
        "also_loan_ids": also or None,
        "event_id": report.event_id,
    }
    connection.execute(insert(contact_outcome), [{"contact_id": row.id, **outcome} for row in rows])


def _complete_visit(
    connection: Connection,
    report: ReportedOutcome,
    actions: Sequence[int],
    loans: Sequence[int],
    now: datetime,
) -> None:
    _resolve_unreported(connection, loans, now)
    if actions:
        move = Move(ActionStatus.DONE, because(ReasonCode.ATTEMPT_MADE, outcome=report.outcome))
        move_actions(connection, actions, move, now)


def _move_calls(
    connection: Connection,
    ctx: Context,
    report: ReportedOutcome,
    called: Sequence[CalledAction],
    now: datetime,
) -> bool:
    """Move what was called about; whether anything of it is done."""
    if not called:
        return False
    moves = moves_after(connection, ctx, called, report.outcome, now)
    move_calls(connection, moves, now)
    return any(move.to is ActionStatus.DONE for move in moves.values())


def _recorded_as(
    attempt: LockedAttempt, report: ReportedOutcome, *, open_for_tries: bool
) -> Reasons:
    # If a callback was asked for, its moment is said, and not that it may be tried before.
    try_again = open_for_tries and report.callback_at is None
    recorded = because(
        ReasonCode.OUTCOME_RECORDED_TRY_AGAIN if try_again else ReasonCode.OUTCOME_RECORDED,
        channel=attempt.channel,
        loan=attempt.external_id,
        outcome=report.outcome,
    )
    if report.outcome is ContactOutcome.DECEASED:
        recorded += because(ReasonCode.DEATH_PAUSES, hold_id=id_of_death(report.attempt))
    return recorded


def _resolve_unreported(connection: Connection, loans: Sequence[int], now: datetime) -> None:
    """The visits of these loans are reported: nobody has to ask for them any more."""
    waits = exists().where(
        visit.c.loan_id.in_(loans),
        visit.c.unreported_at.is_not(None),
        visit.c.cancelled_at.is_(None),
        ~exists().where(contact_outcome.c.contact_id == visit.c.contact_id),
    )
    if not connection.execute(select(waits)).scalar():
        resolve_problems(connection, loans, (VISIT_UNREPORTED,), now)


def _check(
    connection: Connection,
    ctx: Context,
    attempt: LockedAttempt,
    report: ReportedOutcome,
    called: Sequence[CalledAction],
) -> None:
    """Check that the outcome can be recorded."""
    if attempt.channel == Channel.VISIT:
        started = exists().where(
            visit.c.contact_id == attempt.id,
            visit.c.started_at.is_not(None),
        )
        if not connection.execute(select(started)).scalar():
            raise RejectedError(ReasonCode.VISIT_NOT_STARTED, attempt=report.attempt)
        if report.outcome not in OF_VISIT:
            code = ReasonCode.OUTCOME_NOT_OF_VISIT
            raise RejectedError(code, outcome=report.outcome, known=OF_VISIT)
        return
    to_learn = {topic for each in called for topic in each.must_learn}
    missing = report.outcome.learns and REASON in to_learn and report.reason is None
    if missing:
        ladder = find_ladder(ctx.policy.ladders, called[0].ladder_id, called[0].ladder_version)
        if is_known_lately(connection, ladder, attempt.loan_id, ctx.now()):
            return
        raise RejectedError(ReasonCode.ARREARS_REASON_MISSING, known=ArrearsReason)


def _check_third_party(report: ReportedOutcome) -> None:
    """Check that what somebody else said is nothing that only the borrower can say: in a call that
    asks where they are nobody is confirmed to be them, and nobody speaks of the debt."""
    if report.outcome in SAYS_OF_DEBT:
        raise RejectedError(
            ReasonCode.OUTCOME_OF_THIRD_PARTY, attempt=report.attempt, outcome=report.outcome
        )
    if report.reason is not None:
        raise RejectedError(ReasonCode.REASON_OF_THIRD_PARTY, attempt=report.attempt)
