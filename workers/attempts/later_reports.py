"""A later report of an attempt whose outcome is on record: what protects is taken."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ContactOutcome
from domain.outcome_follows import what_follows
from domain.reasons import ReasonCode, Reasons, because
from workers.attempts.call_plans import called_actions, ladder_of_call
from workers.attempts.consequences import (
    apply_consequences,
    ends_callback,
    follows_by,
    reaches_person,
)
from workers.attempts.conversations import Conversation, ReportedOutcome, loans_of_contact
from workers.attempts.locked_attempt import (
    ContactOfAttempt,
    LockedAttempt,
    contacts_of,
    conversation_of,
)
from workers.attempts.reported_again import Recorded, adding, differing, what_differs
from workers.attempts.reported_facts import (
    death_is_on_record,
    id_of_death,
    note_said,
    pause_for_death,
)
from workers.context import Context
from workers.db.closed_numbers import close_number
from workers.db.duties import end_callback
from workers.db.persons import lock_loans_of_person
from workers.escalation.reassess import reassess


def add_to_recorded(
    connection: Connection,
    ctx: Context,
    attempt: LockedAttempt,
    report: ReportedOutcome,
    recorded: Recorded,
) -> Reasons:
    """Record what a later report of an attempt adds to the outcome that is on record and stays.

    What protects is always taken: what was said, what the number is closed for, a death. A later
    outcome opens nothing, and completes no action; somebody owes what follows from it, and nobody
    the callback that it stops. What differs besides is named and does not count.

    Raises:
        RejectedError: it is another outcome, or says otherwise, and protects nobody; or nothing of
            it would be kept.
    """
    now, fact = ctx.now(), report.outcome.number_fact
    contacts = contacts_of(connection, attempt.id)
    rows = list(dict.fromkeys(row.loan_id for row in contacts))
    about = conversation_of(attempt, rows, report)
    differs = what_differs(connection, ctx, about, recorded, report)
    came: Reasons = ()
    other = "outcome" in differs
    died = other and report.outcome is ContactOutcome.DECEASED
    follows = what_follows(None, report.outcome)
    stops = other and (follows.hold or reaches_person(report.outcome, follows))
    protects = (other and (fact or stops)) or report.said
    if differs and (report.event_id is None or not protects):
        raise differing(report.attempt, recorded.outcome, differs)
    if differs or report.said:
        loans = lock_loans_of_person(connection, attempt.borrower_id)
        note_said(connection, ctx, attempt, report)
        if differs and fact and attempt.point is not None:
            close_number(connection, attempt.point, fact, Actor(report.actor), now)
        if died and not death_is_on_record(connection, report):
            pause_for_death(connection, attempt, report, now)
        if stops:
            came = _come_of_later(connection, ctx, attempt, contacts, about, now)
        reassess(connection, ctx, loans, now)
    if not differs:
        return because(ReasonCode.OUTCOME_KNOWN, attempt=report.attempt)
    adds = adding(report.attempt, recorded.outcome, report.outcome, differs)
    if died:
        adds += because(ReasonCode.DEATH_PAUSES, hold_id=id_of_death(report))
    return adds + came


def _come_of_later(
    connection: Connection,
    ctx: Context,
    attempt: LockedAttempt,
    contacts: Sequence[ContactOfAttempt],
    about: Conversation,
    now: datetime,
) -> Reasons:
    """Write what follows from a later outcome that protects, as the ladder has it; whoever owes a
    callback owes it no more."""
    actions = [row.action_id for row in contacts if row.action_id is not None]
    called = called_actions(connection, actions) if attempt.channel == Channel.CALL else []
    loans = loans_of_contact(connection, about.loan_ids)
    follows = follows_by(ladder_of_call(ctx, attempt, called, loans[0], now), about.outcome)
    if ends_callback(about, follows):
        end_callback(connection, attempt.id, loans[0].id, now)
    return apply_consequences(connection, ctx, about, loans, follows, now)
