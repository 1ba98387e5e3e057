"""A later report of a conversation whose outcome is on record: what protects is taken."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from domain.actors import Actor
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import TOLD_APART
from domain.outcome_follows import what_follows
from domain.reasons import ReasonCode, Reasons, because
from workers.attempts.call_plans import called_actions, ladder_of_call
from workers.attempts.consequences import (
    apply_consequences,
    ends_callback,
    follows_by,
    reaches_person,
)
from workers.attempts.conversations import Conversation, OutcomeReport, loans_of_contact
from workers.attempts.locked_attempt import LockedAttempt
from workers.attempts.raised_matters import told_apart
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
from workers.db.free_text import WHY
from workers.db.persons import lock_loans_of_person
from workers.db.schema import contact_outcome
from workers.escalation.reassess import reassess


def recorded_outcome(connection: Connection, contact_id: int) -> Recorded | None:
    """The outcome of a contact; None: it has none yet."""
    of_contact = select(contact_outcome).where(contact_outcome.c.contact_id == contact_id)
    return connection.execute(of_contact).one_or_none()


def add_to_recorded(
    connection: Connection,
    ctx: Context,
    attempt: LockedAttempt,
    about: Conversation,
    report: OutcomeReport,
    recorded: Recorded,
    actions: Sequence[int] = (),
) -> Reasons:
    """Record what a later report adds to the outcome that is on record and stays, whoever began the
    conversation.

    What protects is always taken: what was said, what the number is closed for, a death, a second
    stop, dispute or complaint. A later outcome opens nothing, and completes none of the `actions`
    that the contact was about; somebody owes what follows from it, and nobody the callback that it
    stops. What differs besides is named and does not count.

    Raises:
        RejectedError: it is another outcome, or says otherwise, and protects nobody; or nothing of
            it would be kept.
    """
    now, fact = ctx.now(), about.outcome.number_fact
    differs = what_differs(connection, ctx, about, recorded, report)
    other = "outcome" in differs
    apart = set(TOLD_APART.get(about.outcome, ())) & set(differs)
    if other or apart:
        second = told_apart(connection, about)
        if second is None and not other:  # it was corrected since, and says so already
            differs = [name for name in differs if name not in apart]
            apart = set()
        about = replace(about, told_apart=second or "")
    died = other and about.hold_is_placed
    follows = what_follows(None, about.outcome)
    stops = bool((other or apart) and (follows.hold or reaches_person(about.outcome, follows)))
    protects = (other and fact) or stops or report.said
    if differs and (report.event_id is None or not protects):
        raise differing(about.attempt, recorded.outcome, differs)
    if differs or report.said:
        loans = lock_loans_of_person(connection, about.record)
        note_said(connection, ctx, attempt, report)
        if differs and fact and attempt.point is not None:
            close_number(connection, attempt.point, fact, Actor(report.actor), now)
        if died and not death_is_on_record(connection, about.attempt):
            pause_for_death(connection, about, now)
        came = _come_of_later(connection, ctx, attempt, actions, about, now) if stops else ()
        reassess(connection, ctx, loans, now)
    if not differs:
        return because(ReasonCode.OUTCOME_KNOWN, attempt=about.attempt)
    left = differs
    if apart and not other:  # its words are its own, and what it leaves out says nothing
        left = [
            name for name in differs if name not in {*apart, WHY} and getattr(report, name, None)
        ]
    adds = adding(about.attempt, recorded.outcome, about.outcome, left)
    if died:
        adds += because(ReasonCode.DEATH_PAUSES, hold_id=id_of_death(about.attempt))
    return adds + came


def _come_of_later(
    connection: Connection,
    ctx: Context,
    attempt: LockedAttempt,
    actions: Sequence[int],
    about: Conversation,
    now: datetime,
) -> Reasons:
    """Write what follows from a later outcome that protects, as the ladder has it; whoever owes a
    callback owes it no more."""
    is_call = about.channel is Channel.CALL
    called = called_actions(connection, actions) if is_call and actions else []
    loans = loans_of_contact(connection, about.loan_ids)
    follows = follows_by(ladder_of_call(ctx, attempt, called, loans[0], now), about.outcome)
    if ends_callback(about, follows):
        end_callback(connection, attempt.id, loans[0].id, now)
    return apply_consequences(connection, ctx, about, loans, follows, now)
