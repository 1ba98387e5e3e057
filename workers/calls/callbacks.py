"""Callbacks: the collector who was asked makes them. When they are late, anybody does."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, exists, func, select

from domain.actions import ASSIGN_CALL, ActionStatus, Move
from domain.compliance.gate import may_contact
from domain.compliance.verdict import Permission
from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ContactOutcome
from domain.ladder import find_ladder
from domain.outcome_follows import what_follows
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db.appointments import move_calls
from workers.db.schema import action, call, contact, contact_outcome, loan, staff
from workers.db.typed_rows import columns_of, typed_rows
from workers.escalation.quarantine import for_each_loan, is_not_quarantined
from workers.gate.check import check_facts
from workers.gate.locked_action import lock_actions

BATCH_SIZE = 100


class _Callback(NamedTuple):
    action_id: int
    loan_id: int
    ladder_id: str
    ladder_version: int
    staff: str


def hand_on_late_callbacks(ctx: Context, *, limit: int = BATCH_SIZE) -> int:
    """Take callbacks that their collectors are late with off their lists; returns how many.

    Each is due at once, for whoever is free. It is late when it could have been made for as long as
    the ladder says: after its moment, and within hours in which the gate allows it. May run any
    number of times.
    """
    now = ctx.now()
    later = contact.alias("later")
    owed = (
        select(*columns_of(_Callback, action, action_id=action.c.id, staff=staff.c.external_id))
        .join(loan, loan.c.id == action.c.loan_id)
        .join(call, and_(call.c.action_id == action.c.id, call.c.cancelled_at.is_(None)))
        .join(staff, staff.c.id == call.c.staff_id)
        .join(contact, contact.c.action_id == action.c.id)
        .join(contact_outcome, contact_outcome.c.contact_id == contact.c.id)
        .where(
            action.c.type == ASSIGN_CALL,
            action.c.status == ActionStatus.ASSIGNED,
            contact_outcome.c.callback_at < now,
            # Nobody has tried since, and the call was not handed on since.
            ~exists().where(later.c.action_id == action.c.id, later.c.id > contact.c.id),
            func.coalesce(call.c.assigned_at <= contact.c.at, True),
            is_not_quarantined(now),
        )
        .order_by(contact_outcome.c.callback_at, action.c.id)
        .limit(limit)
        .with_for_update(of=loan, key_share=True, skip_locked=True)
    )

    def find(connection: Connection, loan_id: int | None) -> list[_Callback]:
        asked = owed if loan_id is None else owed.where(loan.c.id == loan_id)
        return typed_rows(_Callback, connection.execute(asked))

    def hand_on(connection: Connection, found: Sequence[_Callback]) -> int:
        moves = {
            each.action_id: Move(
                ActionStatus.PLANNED,
                because(ReasonCode.CALLBACK_LATE, actor=each.staff),
                due_at=now,
            )
            for each in found
            if _is_late(connection, ctx, each, now)
        }
        move_calls(connection, moves, now)
        return len(moves)

    return for_each_loan(ctx, find, hand_on)


def _is_late(connection: Connection, ctx: Context, owed: _Callback, now: datetime) -> bool:
    """Whether the gate allows the call now, and did as long ago as a callback may be late."""
    ladder = find_ladder(ctx.policy.ladders, owed.ladder_id, owed.ladder_version)
    follows = what_follows(ladder.outcomes, ContactOutcome.CALLBACK_REQUESTED)
    earlier = now - (follows.late_after or timedelta())
    rows = lock_actions(connection, [owed.action_id], ASSIGN_CALL)
    return bool(rows) and all(
        checked.verdict.permission is Permission.ALLOWED
        for at in (now, earlier)
        for checked in check_facts(
            connection,
            ctx,
            rows,
            ASSIGN_CALL,
            now,
            lambda facts, at=at: may_contact(facts, Channel.CALL, at),  # type: ignore[misc]
        )
    )
