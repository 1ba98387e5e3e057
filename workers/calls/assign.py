"""Assign a call: one transaction claims the action and gives the call to the collector planned.

This reaches nobody. The gate checks the call again when a collector starts it.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert

from domain.actions import ASSIGN_CALL, ActionStatus, Move
from domain.collectors import business_day
from domain.compliance.vocabulary import Party
from domain.contact_outcomes import REASON
from domain.reasons import ReasonCode, because
from domain.staffing import terms_on
from workers.attempts.known_reasons import told_on
from workers.calls.plan import plan_calls
from workers.context import Context
from workers.db.action_claims import is_due
from workers.db.bulk import insert_rows
from workers.db.callers import give
from workers.db.calls_to_plan import others_have
from workers.db.open_calls import CallToJoin, call_to_join, count_longer
from workers.db.planned_calls import PlannedCall, planned_call, take_planned
from workers.db.schema import call
from workers.gate.claim import ClaimedAction, claim_together, complete_together

TRIES = 3
"""How often to plan anew before the call waits: collectors' days fill up meanwhile."""
WAITS = timedelta(minutes=1)


class _PlanAnewError(Exception):
    """The plan cannot be kept; what was done with it is rolled back."""


def assign_call(ctx: Context, action_id: int) -> str:
    """Assign the call of one action to a collector. Returns the result in a word.

    A call to learn the reason is done if the person has given it by themselves meanwhile.

    All calls that are due are planned together, if this one is not planned yet. All that one
    collector has to call a person about is one call: what is due of other loans, of another step,
    or because of something that happened, becomes part of the call that they have already, unless
    that call is being made now.

    A call that nobody can make by the plan stays planned, with the limit that binds. It is due
    again when somebody should be free.
    """
    with ctx.engine.connect() as connection:
        if not is_due(connection, action_id, ctx.now()):
            return "nothing to do"
        planned = planned_call(connection, action_id, ctx.now())
    if planned is None:
        plan_calls(ctx, action_id)
    for _ in range(TRIES):
        try:
            return _assign_planned(ctx, action_id)
        except _PlanAnewError:
            plan_calls(ctx, action_id, anew=True)
    return _wait(ctx, action_id)


def _assign_planned(ctx: Context, action_id: int) -> str:
    with ctx.engine.begin() as connection:
        claimed = claim_together(connection, ctx, action_id, ASSIGN_CALL)
        if not claimed:
            return "nothing to do"
        first = claimed[0]
        ids = [action.action_id for action in claimed]
        if _is_learnt(connection, ctx, claimed):
            return "learnt already"
        # The gate may have left out the action asked for, and the plan the others, due later today.
        planned = take_planned(connection, [action_id, *ids], action_id, first.now)
        if planned is None:
            raise _PlanAnewError
        if planned.staff_id is None:
            due_at = planned.due_at or business_day(first.now).ends_at
            move = Move(ActionStatus.PLANNED, planned.reason, due_at=due_at)
            complete_together(connection, claimed, move, first.now)
            return "nobody free"
        until = business_day(first.now).ends_at
        person = first.loan.person_id
        joined = call_to_join(connection, first.action_id)
        if joined is not None and joined.staff_id == planned.staff_id:
            _join(connection, claimed, planned, joined)
            return "assigned"
        if others_have(connection, person, planned.staff_id, first.now) or not give(
            connection,
            planned.staff_id,
            person,
            minutes=planned.minutes,
            share=planned.share,
            visit_minutes=terms_on(ctx.policy.staffing, first.now.date()).visit_minutes,
            now=first.now,
            until=until,
        ):
            raise _PlanAnewError
        give_call(
            connection,
            claimed,
            planned.staff_id,
            minutes=planned.minutes,
            share=planned.share,
        )
        return "assigned"


def _is_learnt(connection: Connection, ctx: Context, claimed: Sequence[ClaimedAction]) -> bool:
    """Whether the person has given the reason by themselves, so that the call is done."""
    first = claimed[0]
    if not all(REASON in each.item.must_learn for each in claimed):
        return False
    if first.party != Party.BORROWER:
        return False
    caused_at, zone = first.loan.caused_at, ctx.settings.lender_zone
    since = caused_at.astimezone(zone).date() if caused_at else first.loan.ladder_since
    told = told_on(connection, first.loan.loan_id, since, zone)
    if told is None:
        return False
    move = Move(ActionStatus.DONE, because(ReasonCode.LEARNT_INBOUND, on=told))
    complete_together(connection, claimed, move, first.now)
    return True


def _wait(ctx: Context, action_id: int) -> str:
    with ctx.engine.begin() as connection:
        if claimed := claim_together(connection, ctx, action_id, ASSIGN_CALL):
            now = claimed[0].now
            changed = because(ReasonCode.CALLERS_OF_DAY_CHANGED)
            move = Move(ActionStatus.PLANNED, changed, due_at=now + WAITS)
            complete_together(connection, claimed, move, now)
            return "nobody free"
        return "nothing to do"


def give_call(
    connection: Connection,
    claimed: Sequence[ClaimedAction],
    staff_id: int,
    *,
    minutes: int | None,
    share: int,
) -> int:
    """Write one call of a collector, with a row for each claimed action, and move these. Returns
    the id of its first row. `minutes` and `share` are what it counts for on the day of the
    collector; no `minutes`: it is not counted there."""
    first, *others = ({**_call(action), "staff_id": staff_id} for action in claimed)
    first |= {"minutes": minutes, "share": share}
    first_id: int = connection.execute(insert(call).values(first).returning(call.c.id)).scalar_one()
    if others:
        insert_rows(connection, call, [{**other, "part_of": first_id} for other in others])
    _move(connection, claimed)
    return first_id


def _join(
    connection: Connection,
    claimed: Sequence[ClaimedAction],
    planned: PlannedCall,
    joined: CallToJoin,
) -> None:
    """Make what was claimed part of a call to the person that their collector has already."""
    now = claimed[0].now
    longer = max(0, planned.minutes - joined.minutes)
    # What was planned before that call was given was counted with it.
    share = planned.share if planned.planned_at > joined.assigned_at else 0
    count_longer(connection, joined, longer, share, now)
    part = {"staff_id": joined.staff_id, "part_of": joined.id}
    insert_rows(connection, call, [{**_call(action), **part} for action in claimed])
    _move(connection, claimed)


def _move(connection: Connection, claimed: Sequence[ClaimedAction]) -> None:
    moves = defaultdict[Move, list[ClaimedAction]](list)
    for action in claimed:
        instead = action.passed_over if action.representative else ()
        why = instead + because(ReasonCode.COLLECTOR_HAS_CALL)
        moves[Move(ActionStatus.ASSIGNED, why, action.verdict.rules)].append(action)
    for move, actions in moves.items():
        complete_together(connection, actions, move, actions[0].now)


def _call(action: ClaimedAction) -> dict[str, Any]:
    return {
        "loan_id": action.loan.loan_id,
        "action_id": action.action_id,
        "purpose": action.item.purpose or action.item.id,
        "must_learn": list(action.item.must_learn),
        "may_offer": list(action.item.may_offer),
        "language": action.loan.locale,
        "assigned_at": action.now,
    }
