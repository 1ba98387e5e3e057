"""What follows from a conversation: facts, holds, promises, a next action, who owes what by when.

All of it is written with the outcome, in one transaction, or none of it.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from sqlalchemy import Connection, case, literal, null
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.actors import Actor
from domain.arrangements import AskedBy
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ContactOutcome
from domain.contact_points import NumberFact
from domain.events import person_of
from domain.follow_ups import Happened, Trigger
from domain.ladder import Ladder
from domain.next_work import work_policy_on
from domain.outcome_follows import TAKEN, Follows, Owner, what_follows
from domain.persons import PersonFact
from domain.reasons import ReasonCode, Reasons, because
from workers.attempts.conversations import Conversation, LoanOfContact, loans_of_contact
from workers.attempts.raised_matters import (
    had_enough,
    place_holds,
    raise_disputes,
    receive_said_complaint,
)
from workers.attempts.said_promises import record_said_promise
from workers.context import Context
from workers.db.contact_points import note_number_fact
from workers.db.duties import is_answered
from workers.db.numbers import lock_numbers_of
from workers.db.person_facts import ALONE, FactDetails, note_person_fact
from workers.db.schema import duty
from workers.db.staff import makes_calls
from workers.escalation.follow_ups import plan_follow_ups
from workers.hardship.arrangements import NewRequest, request_if_none


def reaches_person(outcome: ContactOutcome, follows: Follows) -> bool:
    """Whether what follows is true of the person, so that all their loans are locked first."""
    of_person = follows.hold is not None and follows.hold.of_person
    return of_person or outcome in _FACTS or outcome is ContactOutcome.COMPLAINS


_FACTS = {
    ContactOutcome.STOP_CHANNEL: PersonFact.NO_CHANNEL,
    ContactOutcome.STOP_ALL: PersonFact.CEASED,
    ContactOutcome.ADVISER: PersonFact.REPRESENTED,
}


def ends_callback(about: Conversation, follows: Follows) -> bool:
    """Whether nobody calls the person back at the moment that they named before: collection stops,
    or they want no calls."""
    if about.outcome is ContactOutcome.STOP_CHANNEL:
        return (about.details.stopped_channel or about.channel) is Channel.CALL
    return follows.hold is not None or about.outcome in _FACTS


_ASKED_BY = {
    Channel.CALL: AskedBy.CALL,
    Channel.VISIT: AskedBy.VISIT,
    Channel.LETTER: AskedBy.LETTER,
}

ASKS_FOR_ARRANGEMENT = frozenset({ContactOutcome.ASKS_PLAN, ContactOutcome.ASKS_DEFERRAL})


def follows_by(ladder: Ladder | None, outcome: ContactOutcome) -> Follows:
    """What follows from an outcome by the ladder of its loan."""
    return what_follows(ladder.outcomes if ladder else None, outcome)


def apply_consequences(
    connection: Connection,
    ctx: Context,
    about: Conversation,
    loans: Sequence[LoanOfContact],
    follows: Follows,
    now: datetime,
) -> Reasons:
    """Write what follows from a conversation; returns what came of it. The caller reassesses.

    Raises:
        NotYetError: the promise is about a loan that is not known.
        RejectedError: the promise cannot be taken, such as one about a loan of somebody else.
            Nothing is written then.
    """
    _note_facts(connection, about, now)
    if about.outcome is ContactOutcome.DISPUTES:
        came = raise_disputes(connection, ctx, about, loans)
    else:
        came = place_holds(connection, ctx, about, loans, follows)
    came = _closed_or_kept(about, now) + came
    if about.details.promised is not None:
        came += record_said_promise(connection, ctx, about, about.details.promised, loans[0])
    if about.outcome in ASKS_FOR_ARRANGEMENT:
        came += _request_arrangements(connection, ctx, about, loans)
    if about.outcome is ContactOutcome.COMPLAINS:
        came += receive_said_complaint(connection, ctx, about, loans[0])
    if about.outcome in TAKEN:  # that somebody takes it is owed, and said, since it is on record
        once = dict.fromkeys(came)
        return tuple(sorted(once, key=lambda reason: reason.code is ReasonCode.DUTY_OF))
    if follows.owner is not None and not _is_answered(connection, about, now):
        owner = _write_duty(connection, about, follows, follows.owner, now)
        if about.callback_at is not None:
            return came + _whose_callback(ctx, owner, about.callback_at, now)
        until = _due_at(about, follows, now).astimezone(now.tzinfo)
        came += because(ReasonCode.DUTY_OF, owner=owner, due_at=until)
    return came


def _whose_callback(ctx: Context, owner: Owner, at: datetime, now: datetime) -> Reasons:
    """Whose a callback is, and from when on a colleague may be served it."""
    alone = work_policy_on(ctx.policy.worklist, now.date()).callback_to_team_after
    since = (at + alone).astimezone(now.tzinfo)
    return because(ReasonCode.CALLBACK_OF, owner=owner, since=since)


def _is_answered(connection: Connection, about: Conversation, now: datetime) -> bool:
    """Whether the person asked for an arrangement and had their offer in the same conversation."""
    if about.outcome not in ASKS_FOR_ARRANGEMENT:
        return False
    return is_answered(connection, about.loan_ids[0], about.contact_id, now)


def _closed_or_kept(about: Conversation, now: datetime) -> Reasons:
    """What is closed from now on, and until when nobody calls."""
    said: Reasons = ()
    if about.outcome is ContactOutcome.STOP_CHANNEL:
        stopped = about.details.stopped_channel or about.channel
        said += because(ReasonCode.CHANNEL_STOPPED, channel=stopped)
    if about.outcome is ContactOutcome.STOP_ALL:
        said += because(ReasonCode.ALL_CONTACT_STOPPED)
    if about.outcome.number_fact is not None:
        by_visit = about.channel is Channel.VISIT
        said += because(
            ReasonCode.VISITED_ADDRESS_CLOSED if by_visit else ReasonCode.CALLED_NUMBER_CLOSED
        )
    if about.callback_at is not None:
        at = about.callback_at.astimezone(now.tzinfo)
        said += because(ReasonCode.CALL_AGAIN_AT, callback_at=at)
    return said


def _request_arrangements(
    connection: Connection, ctx: Context, about: Conversation, loans: Sequence[LoanOfContact]
) -> Reasons:
    """The person asked for time or instalments: a person answers with an offer for each loan that
    was spoken of, and each one pauses until then."""
    mentioned = loans_of_contact(connection, about.mentioned) if about.mentioned else []
    came: Reasons = ()
    for number, each in enumerate((*loans, *mentioned)):
        request = NewRequest(
            arrangement=f"contact:{about.attempt}{f':{each.external_id}' if number else ''}",
            loan=each.external_id,
            asked_by=_ASKED_BY[about.channel],
            asked_in=about.attempt,
            record=about.record,
            actor=about.actor,
            sender=about.sender,
        )
        came += request_if_none(connection, ctx, request)
    return came


def plan_next(
    connection: Connection, ctx: Context, about: Conversation, follows: Follows, now: datetime
) -> None:
    """Plan the next action, for the end of the hold; for a loan that had enough of them, for the
    next day. The loans are locked and up to date: after `reassess`."""
    if follows.then is None:
        return
    happened = []
    for id in about.loan_ids:
        pauses = follows.hold is not None and not had_enough(connection, ctx, about, follows, id)
        days = timedelta(days=follows.days if pauses and follows.days else 1)
        due_at = datetime.combine(now.date() + days, time.min, now.tzinfo)
        cause = f"contact:{about.attempt}"
        happened.append(
            Happened(id, Trigger.OUTCOME, cause, due_at, item=follows.then, record=about.record)
        )
    plan_follow_ups(connection, ctx, happened, now)


def _note_facts(connection: Connection, about: Conversation, now: datetime) -> None:
    fact = _FACTS.get(about.outcome)
    if fact is None:
        return
    actor, details = Actor(about.actor), ALONE
    if fact is PersonFact.NO_CHANNEL:
        channel = about.details.stopped_channel or about.channel
        details = FactDetails(channel=channel)
        if channel is Channel.SMS:
            for number in lock_numbers_of(connection, [about.record])[about.record]:
                point = number.contact_point_id
                note_number_fact(connection, point, NumberFact.OPTED_OUT, actor, now)
    note_person_fact(connection, about.record, fact, actor, now, details)


def _due_at(about: Conversation, follows: Follows, now: datetime) -> datetime:
    """By when it is owed. Nobody can call back before the moment that the person named."""
    return max(about.callback_at or now, now) + follows.within


def _write_duty(
    connection: Connection, about: Conversation, follows: Follows, owner: Owner, now: datetime
) -> Owner:
    """Write what is owed, once; returns who owes it. What whoever had the conversation would owe is
    any collector's if they are on no roster, have left or make no calls: they are served nothing of
    it. `now` is in the lender's zone."""
    person = person_of(about.actor)
    is_theirs = owner is Owner.COLLECTOR
    gives_on = literal(is_theirs) & ~makes_calls(about.actor, now.date())
    written = connection.execute(
        upsert(duty)
        .values(
            loan_id=about.loan_ids[0],
            contact_id=about.contact_id,
            outcome=about.outcome,
            owner=case((gives_on, literal(Owner.TEAM)), else_=literal(owner)),
            staff=case((gives_on, null()), else_=literal(person)) if is_theirs else None,
            due_at=_due_at(about, follows, now),
            made_at=now,
        )
        .on_conflict_do_nothing(constraint="duty_once")
        .returning(duty.c.owner)
    ).scalar()
    return Owner(written) if written else owner
