"""Approvals: a person with the role that the ladder names approves or refuses an action."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from domain.actions import ActionStatus, Move
from domain.actors import Actor
from domain.errors import NotKnownError, WrongRoleError, text_of
from domain.ladder import find_ladder
from domain.permissions import Permission
from domain.reasons import ReasonCode, because
from domain.second_person_text import roles_said
from workers.access.may_handle import assert_may_handle, of_loan_id
from workers.access.permitted import permitted
from workers.access.second_person import ToGrant, with_second_person
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.free_text import keep_words
from workers.db.loans import lock_known_loan
from workers.db.schema import action, approval
from workers.db.staff import roles_of
from workers.db.typed_rows import columns_of, typed_row


@permitted(Permission.DECIDE_APPROVALS)
def approve(ctx: Context, loan_external_id: str, item: str) -> int:
    """Approve an item of a loan that awaits approval: it is due now. Returns the action's id.

    Whoever acts is on the roster, and must have the role that the ladder asks for. The approval
    and the move are one transaction: of two approvals at the same time, one fails.

    Raises:
        SecondPersonNeededError: another person has not granted it yet.
        RefusedError: whoever acts must not handle the borrower.
        ArrearsError: the loan is not known, nothing awaits approval, or whoever acts may not
            give it.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        action_id, role, _ = _to_decide(connection, ctx, loan_external_id, item)
        facts = {
            "loan": loan_external_id,
            "item": item,
            "as the role": roles_said(role),
            "action": action_id,
        }
        asked = ToGrant(Permission.DECIDE_APPROVALS, text_of("Approve an item."), facts)
        with_second_person(connection, ctx, asked)
        _record(connection, action_id, ctx.actor, role, now)
        move = Move(ActionStatus.PLANNED, because(ReasonCode.APPROVED_AS, role=role), due_at=now)
        move_actions(connection, [action_id], move, now)
        return action_id


@permitted(Permission.DECIDE_APPROVALS)
def refuse(ctx: Context, loan_external_id: str, item: str, why: str) -> int:
    """Refuse an item of a loan that awaits approval: it is discarded, with the reason.

    Whoever may approve may refuse. Returns the action's id.

    Raises:
        ArrearsError: as for `approve`.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        action_id, role, loan_id = _to_decide(connection, ctx, loan_external_id, item)
        why_id = keep_words(connection, ctx.cipher, why, now, loan_id=loan_id)
        reason = because(ReasonCode.APPROVAL_REFUSED, actor=ctx.actor, role=role, why_id=why_id)
        move = Move(ActionStatus.DISCARDED, reason)
        move_actions(connection, [action_id], move, now)
        return action_id


def _to_decide(
    connection: Connection, ctx: Context, loan_external_id: str, item: str
) -> tuple[int, str, int]:
    """The action that awaits approval, the role in which whoever acts may decide it, and
    its loan."""
    loan = lock_known_loan(connection, loan_external_id)
    assert_may_handle(connection, ctx.actor, of_loan_id(loan.id))
    waiting = _waiting(connection, loan.id, item)
    if waiting is None:
        raise NotKnownError(
            "Nothing awaits approval as {item} for loan {loan}. The worklist shows what does.",
            item=item,
            loan=loan_external_id,
        )
    ladder = find_ladder(ctx.policy.ladders, waiting.ladder_id, waiting.ladder_version)
    needed = str(ladder.item(item).approval)
    roles = roles_of(connection, ctx.actor, ctx.today())
    if needed not in roles:
        raise WrongRoleError(
            "{item} for loan {loan} is for a {needed} to approve, and "
            "{actor} is on the roster as {roles}. Ask a {needed}.",
            item=item,
            loan=loan_external_id,
            needed=needed,
            actor=ctx.actor,
            roles=sorted(roles) or text_of("nothing"),
        )
    return waiting.id, needed, loan.id


class _WaitingAction(NamedTuple):
    id: int
    ladder_id: str
    ladder_version: int


def _waiting(connection: Connection, loan_id: int, item: str) -> _WaitingAction | None:
    """The newest action of the item that awaits approval."""
    newest = (
        select(*columns_of(_WaitingAction, action))
        .where(
            action.c.loan_id == loan_id,
            action.c.item == item,
            action.c.status == ActionStatus.AWAITING_APPROVAL,
        )
        .order_by(action.c.ladder_since.desc())
        .limit(1)
    )
    return typed_row(_WaitingAction, connection.execute(newest))


def _record(connection: Connection, action_id: int, actor: Actor, role: str, now: datetime) -> None:
    connection.execute(
        insert(approval)
        .values(action_id=action_id, role=role, actor=actor.reference, approved_at=now)
        # An action that was skipped and planned again needs another approval: the newest counts.
        .on_conflict_do_update(
            index_elements=[approval.c.action_id],
            set_={"role": role, "actor": actor.reference, "approved_at": now},
        )
    )
