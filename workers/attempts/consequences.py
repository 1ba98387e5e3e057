"""What follows from a conversation: facts, holds, promises, a next action, who owes what by when.

All of it is written with the outcome, in one transaction, or none of it.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import Connection, case, literal, null, or_, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.actors import Actor
from domain.arrangements import AskedBy
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ContactOutcome
from domain.contact_points import NumberFact
from domain.disputes import NOT_IN_WORDS, ComplaintKind, DisputeKind, RaisedBy
from domain.events import RejectedError, person_of
from domain.follow_ups import Happened, Trigger
from domain.ladder import Ladder
from domain.next_work import work_policy_on
from domain.outcome_follows import TAKEN, Follows, Owner, what_follows
from domain.persons import PersonFact
from domain.reasons import ReasonCode, Reasons, because
from workers.attempts.conversations import (
    Conversation,
    LoanOfContact,
    SaidPromise,
    loans_of_contact,
)
from workers.context import Context
from workers.db.contact_points import note_number_fact
from workers.db.duties import is_answered
from workers.db.numbers import lock_numbers_of
from workers.db.parties import loans_of
from workers.db.person_facts import ALONE, FactDetails, note_person_fact
from workers.db.persons import records_of_person
from workers.db.prepared_statements import prepared
from workers.db.promises import OF_CONVERSATION, STORED, StoredPromise, stored_promise
from workers.db.schema import contact_outcome, duty, loan, promise
from workers.db.staff import makes_calls
from workers.escalation.follow_ups import plan_follow_ups
from workers.hardship.arrangements import NewRequest, request_if_none
from workers.hardship.complaints import NewComplaint, receive_complaint
from workers.hardship.disputes import NewDispute, raise_dispute
from workers.hardship.holds import NewHold, place_hold
from workers.hardship.means import kept_means
from workers.hardship.promises import NewPromise, record_promise


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
        came = _raise_disputes(connection, ctx, about, loans)
    else:
        came = _place_holds(connection, ctx, about, loans, follows)
    came = _closed_or_kept(about, now) + came
    if about.details.promised is not None:
        came += _record_promise(connection, ctx, about, about.details.promised, loans[0])
    if about.outcome in ASKS_FOR_ARRANGEMENT:
        came += _request_arrangements(connection, ctx, about, loans)
    if about.outcome is ContactOutcome.COMPLAINS:
        came += _receive_complaint(connection, ctx, about, loans[0])
    if follows.owner is not None and not _is_answered(connection, about, now):
        owner = follows.owner
        if about.outcome not in TAKEN:  # that somebody takes it is owed since it is on record
            owner = _write_duty(connection, about, follows, owner, now)
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
    by_visit = about.channel is Channel.VISIT
    mentioned = loans_of_contact(connection, about.mentioned) if about.mentioned else []
    came: Reasons = ()
    for number, each in enumerate((*loans, *mentioned)):
        request = NewRequest(
            arrangement=f"contact:{about.attempt}{f':{each.external_id}' if number else ''}",
            loan=each.external_id,
            asked_by=AskedBy.VISIT if by_visit else AskedBy.CALL,
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
        pauses = follows.hold is not None and not _had_enough(connection, ctx, about, follows, id)
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


def _place_holds(
    connection: Connection,
    ctx: Context,
    about: Conversation,
    loans: Sequence[LoanOfContact],
    follows: Follows,
) -> Reasons:
    """Of a person one hold, of loans one for each."""
    if follows.hold is None or about.hold_is_placed:
        return ()
    today = ctx.today()
    came: Reasons = ()
    for number, each in enumerate(loans[:1] if follows.hold.of_person else loans):
        if enough := _had_enough(connection, ctx, about, follows, each.id):
            came += because(ReasonCode.PAUSED_OFTEN_ENOUGH, count=enough)
            continue
        new = NewHold(
            hold=_id_of_loan(about, number, each),
            loan=each.external_id,
            borrower=about.borrower if follows.hold.of_person else None,
            kind=follows.hold,
            starts_on=today,
            ends_on=today + timedelta(days=follows.days) if follows.days else None,
            why=about.details.why,
            why_id=about.why_id,
            actor=about.actor,
            sender=about.sender,
        )
        came += place_hold(connection, ctx, new, by_policy=True)
    return came


def _had_enough(
    connection: Connection, ctx: Context, about: Conversation, follows: Follows, loan_id: int
) -> int:
    """In how many conversations before, since the loan's present arrears began, this outcome was
    heard, if that is as often as its hold is placed; else 0. The loan is locked."""
    if follows.times is None:
        return 0
    values = {
        "of_loan": loan_id,
        "outcome": about.outcome,
        "of_contact": about.contact_id,
        "zone": str(ctx.settings.lender_zone),
    }
    before = int(connection.execute(_TIMES_BEFORE, values).scalar_one())
    return before if before >= follows.times else 0


_TIMES_BEFORE = prepared(
    text("""
SELECT count(DISTINCT coalesce(c.part_of, c.id))
  FROM collection_case k
       JOIN contact c ON c.loan_id = k.loan_id
            AND CAST(c.at AT TIME ZONE :zone AS date) >= k.opened_on
       JOIN contact_outcome o ON o.contact_id = c.id
 WHERE k.loan_id = :of_loan AND k.closed_at IS NULL AND o.outcome = :outcome
   AND coalesce(c.part_of, c.id) <> :of_contact
""")
)


def _id_of_loan(about: Conversation, number: int, loan: LoanOfContact) -> str:
    """The id of what a conversation brings about one of its loans: `disputes:a-1`, `…:L-2`."""
    return f"{about.outcome}:{about.attempt}{f':{loan.external_id}' if number else ''}"


def _raise_disputes(
    connection: Connection, ctx: Context, about: Conversation, loans: Sequence[LoanOfContact]
) -> Reasons:
    """A dispute of each loan that the conversation was about, each with its hold and its clock."""
    came: Reasons = ()
    for number, each in enumerate(loans):
        new = NewDispute(
            dispute=_id_of_loan(about, number, each),
            loan=each.external_id,
            why=_in_words(about),
            why_id=about.why_id,
            actor=about.actor,
            starts_on=ctx.today(),
            kind=about.details.dispute_kind or DisputeKind.OTHER,
            raised_by=_raised_by(about),
            borrower=about.borrower,
            sender=about.sender,
        )
        came += raise_dispute(connection, ctx, new)
    return came


def _receive_complaint(
    connection: Connection, ctx: Context, about: Conversation, first: LoanOfContact
) -> Reasons:
    """A complaint whose clock runs from now on. Whoever handles it finds out what was not said, and
    corrects it."""
    said = about.details.complaint
    new = NewComplaint(
        complaint=_id_of_loan(about, 0, first),
        loan=first.external_id,
        kind=said.kind or ComplaintKind.OTHER,
        why=_in_words(about),
        why_id=about.why_id,
        actor=about.actor,
        raised_by=_raised_by(about),
        borrower=about.borrower,
        about_staff=said.about_staff,
        about_attempt=said.about_attempt,
        sender=about.sender,
    )
    return receive_complaint(connection, ctx, new)


def _raised_by(about: Conversation) -> RaisedBy:
    return RaisedBy.VISIT if about.channel is Channel.VISIT else RaisedBy.CALL


def _in_words(about: Conversation) -> str:
    return about.details.why or NOT_IN_WORDS


def _check_is_theirs(connection: Connection, about: Conversation, external_id: str) -> None:
    """Refuse a promise about a loan of somebody else. `record_promise` refuses an unknown loan."""
    theirs = loan.c.id.in_(loans_of(records_of_person(about.record)))
    named = select(or_(theirs, loan.c.id.in_(about.loan_ids)))
    if connection.execute(named.where(loan.c.external_id == external_id)).scalar() is False:
        raise RejectedError(ReasonCode.LOAN_OF_SOMEBODY_ELSE, loan=external_id)


def _id_of_promise(about: Conversation) -> str:
    return f"{OF_CONVERSATION}{about.attempt}"


def _record_promise(
    connection: Connection,
    ctx: Context,
    about: Conversation,
    said: SaidPromise,
    first: LoanOfContact,
) -> Reasons:
    if said.loan is not None:
        _check_is_theirs(connection, about, said.loan)
    new = NewPromise(
        promise=_id_of_promise(about),
        loan=said.loan or first.external_id,
        amount=said.amount,
        currency=said.currency,
        due_on=said.due_on,
        parts=said.parts,
        agreed_by=said.agreed_by,
        can_pay_monthly=said.can_pay_monthly,
        borrower=about.borrower,
        actor=about.actor,
        sender=about.sender,
        in_conversation=True,
    )
    return record_promise(connection, ctx, new)


def says_another_promise(connection: Connection, about: Conversation, now: datetime) -> bool:
    """Whether an outcome that is reported once more has another promise than is on record, under
    whatever id. The promise on record may be a little older than the outcome. `now` is in the
    lender's zone. Up to three statements."""
    if (said := about.details.promised) is None:
        return False
    stored = _promises_of_conversation(connection, about, said)
    return not any(said.is_of(each.as_made(now).parts) for each in stored)


def means_of_conversation(
    connection: Connection, ctx: Context, about: Conversation
) -> Decimal | None:
    """What the person said to be able to pay a month, as it is kept with the promise of a
    conversation; None: nobody asked, or it was erased."""
    if (said := about.details.promised) is None:
        return None
    ids = [each.id for each in _promises_of_conversation(connection, about, said)]
    return kept_means(connection, ctx, ids)


def _promises_of_conversation(
    connection: Connection, about: Conversation, said: SaidPromise
) -> list[StoredPromise]:
    first, *_ = loans_of_contact(connection, about.loan_ids)
    owed = select(loan.c.id).where(
        loan.c.external_id == (said.loan or first.external_id), loan.c.currency == said.currency
    )
    named = promise.c.external_id == _id_of_promise(about)
    of_loan = STORED.where(promise.c.loan_id.in_(owed))
    stored = connection.execute(of_loan.where(named)).all()
    if not stored:
        told = contact_outcome.c.reported_at
        at = select(told).where(contact_outcome.c.contact_id == about.contact_id).scalar_subquery()
        shortly_before = promise.c.made_at.between(at - timedelta(days=1), at)
        stored = connection.execute(of_loan.where(shortly_before)).all()
    return [stored_promise(row) for row in stored]


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
