"""After an attempt at a call: it is done, tried again by its plan, or stays with its collector."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, exists, select

from domain.actions import ActionStatus, Move
from domain.call_plan import CallPlan, Until
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import REASON, ContactOutcome
from domain.contact_points import stopped_by
from domain.ladder import Ladder, find_ladder
from domain.reasons import ReasonCode, because
from workers.attempts.conversations import LoanOfContact
from workers.attempts.known_reasons import is_known_lately
from workers.attempts.locked_attempt import LockedAttempt
from workers.context import Context
from workers.db.bulk import is_among
from workers.db.loan_facts import load_facts, load_party_facts
from workers.db.prepared_statements import prepared
from workers.db.schema import action, call, contact, contact_outcome
from workers.db.typed_rows import columns_of, typed_rows


class CalledAction(NamedTuple):
    """An action whose call was made."""

    id: int
    loan_id: int
    party_id: int | None
    step: str
    item: str
    ladder_id: str
    ladder_version: int
    must_learn: list[str]


_later = call.alias("later")
_CALLED = prepared(
    select(*columns_of(CalledAction, action, must_learn=call.c.must_learn))
    .join(call, call.c.action_id == action.c.id)
    .where(
        is_among(action.c.id, "of_actions"),
        ~exists().where(_later.c.action_id == action.c.id, _later.c.id > call.c.id),
    )
    .order_by(action.c.id)
)


def called_actions(connection: Connection, action_ids: Sequence[int]) -> list[CalledAction]:
    """The calls that these actions asked for, each as it was assigned last."""
    if not action_ids:
        return []
    return typed_rows(CalledAction, connection.execute(_CALLED, {"of_actions": list(action_ids)}))


def ladder_of_call(
    ctx: Context,
    attempt: LockedAttempt,
    called: Sequence[CalledAction],
    owed: LoanOfContact,
    now: datetime,
) -> Ladder | None:
    """The ladder of the item that names the call; of another contact that of its loan."""
    for each in sorted(called, key=lambda each: each.id != attempt.action_id):
        return find_ladder(ctx.policy.ladders, each.ladder_id, each.ladder_version)
    return ctx.ladder_of(owed, now.date())


class _Try(NamedTuple):
    action_id: int
    at: datetime
    outcome: str
    reason: str | None
    zones: list[str]


def moves_after(
    connection: Connection,
    ctx: Context,
    called: Sequence[CalledAction],
    outcome: ContactOutcome,
    now: datetime,
) -> Mapping[int, Move]:
    """Where each of these actions goes after an outcome that is on record already. An action that
    stays with its collector is left out. Their loans are locked."""
    plans = {each.id: _plan_of(ctx, each) for each in called}
    tries = _tries_of(connection, [id for id, plan in plans.items() if plan is not None])
    moves = dict[int, Move]()
    for each in called:
        plan, made = plans[each.id], [one for one in tries if one.action_id == each.id]
        until = plan.until if plan else None
        learnt = until is Until.LEARNT and _is_learnt(connection, ctx, each, made, outcome, now)
        if outcome.completes_action(each.must_learn, until, learnt=learnt):
            why = because(ReasonCode.ATTEMPT_MADE, outcome=outcome)
            moves[each.id] = Move(ActionStatus.DONE, why)
        elif plan is not None and outcome is not ContactOutcome.CALLBACK_REQUESTED:
            moves[each.id] = _by_plan(connection, ctx, each, plan, made, outcome, now)
    return moves


def _is_learnt(
    connection: Connection,
    ctx: Context,
    called: CalledAction,
    made: Sequence["_Try"],
    outcome: ContactOutcome,
    now: datetime,
) -> bool:
    """Whether the call has learnt what it is for: the reason, in a try of it; or, when the borrower
    talked, lately enough before."""
    if any(one.reason is not None and ContactOutcome(one.outcome).with_borrower for one in made):
        return True
    if not outcome.talked:
        return False
    ladder = find_ladder(ctx.policy.ladders, called.ladder_id, called.ladder_version)
    to_learn = REASON in called.must_learn
    return not to_learn or is_known_lately(connection, ladder, called.loan_id, now)


def _plan_of(ctx: Context, called: CalledAction) -> CallPlan | None:
    ladder = find_ladder(ctx.policy.ladders, called.ladder_id, called.ladder_version)
    return ladder.item(called.item).tries


def _by_plan(
    connection: Connection,
    ctx: Context,
    called: CalledAction,
    plan: CallPlan,
    made: Sequence[_Try],
    outcome: ContactOutcome,
    now: datetime,
) -> Move:
    """Its next try, or that it did not succeed: the tries, or the numbers, are used up."""
    talked = any(ContactOutcome(one.outcome).talked for one in made)
    code = ReasonCode.NOT_LEARNT if talked else ReasonCode.NOT_REACHED
    not_reached = because(code, count=len(made))
    if outcome.number_fact and not _has_a_number(connection, called, now):
        return Move(ActionStatus.DONE, not_reached + because(ReasonCode.NO_OTHER_NUMBER))
    zones = [zone for one in made for zone in one.zones]
    zone = ZoneInfo(zones[-1]) if zones else ctx.settings.lender_zone
    due_at = plan.next_try([one.at for one in made], zone, now)
    if due_at is None:
        return Move(ActionStatus.DONE, not_reached)
    again = because(ReasonCode.NEXT_TRY, outcome=outcome, count=len(made), most=plan.most)
    return Move(ActionStatus.PLANNED, again, due_at=due_at)


def _has_a_number(connection: Connection, called: CalledAction, now: datetime) -> bool:
    """Whether any number of whoever is called may still be called."""
    if called.party_id is None:
        facts = load_facts(connection, [called.loan_id], now)[called.loan_id]
    else:
        facts = load_party_facts(connection, [called.party_id], now)[called.party_id]
    return any(stopped_by(number.facts, Channel.CALL) is None for number in facts.reach.numbers)


_TRIES = prepared(
    select(*columns_of(_Try, contact, contact_outcome))
    .join(contact_outcome, contact_outcome.c.contact_id == contact.c.id)
    .where(is_among(contact.c.action_id, "of_actions"))
    .order_by(contact.c.id)
)


def _tries_of(connection: Connection, action_ids: Sequence[int]) -> list[_Try]:
    """The attempts at these actions that have an outcome, in order."""
    if not action_ids:
        return []
    return typed_rows(_Try, connection.execute(_TRIES, {"of_actions": list(action_ids)}))
