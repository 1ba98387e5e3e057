"""The claim: the one transaction that every action must pass before it has an effect.

It locks the person, the loan and the numbers, reads the facts again, claims the action by a token
and asks the contact gate. Facts recorded before it count; later ones wait until it commits.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Connection

from domain.actions import CLAIMABLE, SEND_SMS, STEPS_NOT_TRIED, ActionType, Move
from domain.collectors import business_day
from domain.errors import ReasonedError
from domain.ladder import find_ladder
from workers.context import Context
from workers.db.action_claims import claim_actions
from workers.db.actions import move_actions
from workers.db.problems import Contacted
from workers.db.review_dates import review_what_waits
from workers.failures import TRANSIENT_ERRORS
from workers.gate.check import CheckedAction, Gate, check_facts
from workers.gate.locked_action import LockedAction, lock_action, lock_together
from workers.gate.problems import note_gate_problems
from workers.gate.sent_before import sent_before_restore


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedAction(CheckedAction):
    """An action that this worker has claimed and may carry out."""

    token: UUID
    failures: int
    """How many times it failed before, each time certainly without effect."""


def claim(
    connection: Connection,
    ctx: Context,
    action_id: int,
    action_type: ActionType,
    gate: Gate | None = None,
) -> ClaimedAction | None:
    """Claim an action; if it may not be carried out now, move it to where it belongs.

    Returns None if there is nothing to do: the action is not due, another worker has it, its loan
    was paid, or the gate deferred or barred it. Its move is on record then. `gate` asks about
    another moment than now, as a visit needs.
    """
    now = ctx.now()
    row = lock_action(connection, action_id, action_type)
    claimed = _claim(connection, ctx, [row] if row else [], action_type, now, gate)
    return claimed[0] if claimed else None


def claim_together(
    connection: Connection,
    ctx: Context,
    action_id: int,
    action_type: ActionType,
    may_share: Callable[[LockedAction], bool] = lambda _: True,
) -> list[ClaimedAction]:
    """Claim an action, and the actions of the person's other loans that belong to its contact: one
    of each loan that is due today.

    They have the same type, ladder step, currency, law, number and language, and their records are
    confirmed to be one person. Where the ladders differ, the words must be the same. `may_share`
    says whether the contact may be about several loans.

    Each is checked by itself, as by `claim`. An action that may not be carried out now moves to
    where it belongs; the others stay. The list is empty if there is nothing to do.
    """
    now = ctx.now()

    def may_join(first: LockedAction, other: LockedAction) -> bool:
        if (first.cause, other.cause) != (None, None) and first.item != other.item:
            return False
        if first.ladder_id == other.ladder_id:
            return True
        template = _template(ctx, first)
        with suppress(ReasonedError):  # the other's ladder is not loaded any more
            return template == _template(ctx, other)
        return False

    rows = lock_together(connection, action_id, action_type, now, may_join)
    if len(rows) > 1 and not may_share(rows[0]):
        rows = rows[:1]
    return _claim(connection, ctx, rows, action_type, now)


def _check_facts(
    connection: Connection,
    ctx: Context,
    rows: Sequence[LockedAction],
    action_type: ActionType,
    now: datetime,
    gate: Gate | None,
) -> list[CheckedAction]:
    """The checks of these actions; of the first alone, if what is on record of another cannot be
    read. That one fails when it is claimed by itself."""
    try:
        return check_facts(connection, ctx, rows, action_type, now, gate)
    except TRANSIENT_ERRORS:
        raise
    except Exception:
        if len(rows) == 1:
            raise
        return check_facts(connection, ctx, rows[:1], action_type, now, gate)


def _template(ctx: Context, row: LockedAction) -> str | None:
    """The template of an action's text; None: nothing is written."""
    ladder = find_ladder(ctx.policy.ladders, row.ladder_id, row.ladder_version)
    return ladder.item(row.item).template


def _claim(
    connection: Connection,
    ctx: Context,
    rows: Sequence[LockedAction],
    action_type: ActionType,
    now: datetime,
    gate: Gate | None = None,
) -> list[ClaimedAction]:
    """Claim locked actions, of which the first must be due; those that may be carried out now."""
    first = rows[0] if rows else None
    if first is None or first.status not in CLAIMABLE or not first.due_at or first.due_at > now:
        return []
    token = uuid4()
    checks = _check_facts(connection, ctx, rows, action_type, now, gate)
    # One contact uses one number: an action that would use another one is claimed by itself.
    checks = [checked for checked in checks if checked.uses_same_number_as(checks[0])]
    got = claim_actions(
        connection,
        [checked.action_id for checked in checks],
        token,
        now,
        ctx.settings.lease,
        others_due_by=business_day(now).ends_at,
    )
    claimed = list[ClaimedAction]()
    moves = defaultdict[Move, list[int]](list)
    for checked in checks:
        if checked.action_id not in got:
            continue
        checked = replace(checked, event_pending=got[checked.action_id])
        move = checked.next_move
        if action_type is SEND_SMS:
            move = sent_before_restore(connection, ctx, checked, move) or move
        if move:
            moves[move].append(checked.action_id)
            whose = Contacted(checked.loan.loan_id, checked.loan.party_id)
            note_gate_problems(connection, {whose: [move.reason]}, now)
            continue
        known = {field.name: getattr(checked, field.name) for field in fields(checked)}
        claimed.append(ClaimedAction(**known, token=token, failures=checked.loan.attempts))
    for move, moved in moves.items():
        move_actions(connection, moved, move, now, token=token)
        if STEPS_NOT_TRIED in move.rules:
            # A review plans their next try. The last review may have seen no need of one.
            review_what_waits(connection, moved, now.date() + timedelta(days=1), now)
    return claimed


def complete(connection: Connection, claimed: ClaimedAction, move: Move, now: datetime) -> bool:
    """Move the claimed action; False, and nothing is written, if the claim has lapsed."""
    return complete_together(connection, [claimed], move, now)


def complete_together(
    connection: Connection, claimed: Sequence[ClaimedAction], move: Move, now: datetime
) -> bool:
    """Move actions that one claim took; False, and nothing is written, if it has lapsed."""
    ids = [action.action_id for action in claimed]
    return move_actions(connection, ids, move, now, token=claimed[0].token) > 0
