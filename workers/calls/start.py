"""Making a call: asked of the gate once more, put on record, and only then the number is shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import Connection, select, true
from sqlalchemy.exc import IntegrityError

from domain.access_log import Opened
from domain.actions import ASSIGN_CALL, ActionStatus
from domain.actors import Actor
from domain.collectors import Role
from domain.errors import ArrearsError
from workers.attempts.attempts import (
    StartedAttempt,
    check_known,
    check_role,
    open_contact_detail,
    refuse_if_barred,
    told,
)
from workers.context import Context
from workers.db.schema import action, call, contact, loan
from workers.db.typed_rows import typed_row
from workers.gate.claim import CheckedAction, check_gate, lock_action, reserve_contact

ASKED_AGAIN = timedelta(minutes=1)
"""How long a dialer that lost the answer may ask for it again."""


def start_call(
    ctx: Context,
    loan_external_id: str,
    *,
    actor: Actor,
    item: str | None = None,
    attempt: str | None = None,
    dry_run: bool = False,
) -> StartedAttempt:
    """Begin the newest call that is open for a loan, or that of one of its items; gives the number.

    `by` is the staff reference of the caller, `attempt` the dialer's own id of this attempt: asked
    again within a minute, because an answer was lost, it is the same attempt, and gives the number
    again. The contact and the look at the number are on record before the number is given.

    Raises:
        BarredError: the gate says not now, or never; or the money came. Nothing is written.
        ArrearsError: no call is open, `by` is no caller, or an attempt has no outcome yet.
    """
    with ctx.engine.begin() as connection:
        open_call = _open_call(connection, loan_external_id, item)
        check_role(connection, actor, Role.CALLER)
        row = lock_action(connection, open_call.action_id, ASSIGN_CALL)
        if row is None or row.status != ActionStatus.ASSIGNED:
            raise _no_call(loan_external_id, item)
        now = ctx.now()
        before = _without_outcome(connection, open_call.action_id)
        if before and not (before.attempt == attempt and now - before.at <= ASKED_AGAIN):
            raise ArrearsError(
                f"The call of loan {loan_external_id} was begun as {before.attempt}, and nobody "
                "has said what came of it. `arrears call end` says so."
            )
        checked = check_gate(connection, ctx, open_call.action_id, row, ASSIGN_CALL, now)
        begun = StartedAttempt(
            attempt=None,
            item=row.item,
            purpose=open_call.purpose,
            language=open_call.language,
            must_learn=tuple(open_call.must_learn),
            may_offer=tuple(open_call.may_offer),
            warnings=checked.verdict.warnings,
        )
        if before is None:
            refuse_if_barred(checked)
        if dry_run:
            return begun
        if before is None:
            attempt = attempt or f"call-{uuid4()}"
            _reserve(connection, checked, attempt, actor)
        number = open_contact_detail(
            connection, ctx, checked, Opened.NUMBER, row.phone_encrypted, actor
        )
        return replace(begun, attempt=attempt, reach=number)


class _OpenCall(NamedTuple):
    action_id: int
    purpose: str
    language: str
    must_learn: list[str]
    may_offer: list[str]


def _open_call(connection: Connection, loan_external_id: str, item: str | None) -> _OpenCall:
    newest = (
        select(*(call.c[name] for name in _OpenCall._fields))
        .join(action, action.c.id == call.c.action_id)
        .join(loan, loan.c.id == action.c.loan_id)
        .where(
            loan.c.external_id == loan_external_id,
            call.c.cancelled_at.is_(None),
            action.c.status == ActionStatus.ASSIGNED,
            action.c.item == item if item else true(),
        )
        .order_by(call.c.id.desc())
        .limit(1)
    )
    found = typed_row(_OpenCall, connection.execute(newest))
    if found is None:
        check_known(connection, loan_external_id)
        raise _no_call(loan_external_id, item)
    return found


class _OpenAttempt(NamedTuple):
    attempt: str
    at: datetime


def _without_outcome(connection: Connection, action_id: int) -> _OpenAttempt | None:
    """The attempt of which nobody has said what came of it; there is at most one."""
    pending = select(contact.c.attempt, contact.c.at).where(
        contact.c.action_id == action_id, contact.c.attempt.is_not(None), ~told()
    )
    return typed_row(_OpenAttempt, connection.execute(pending))


def _reserve(connection: Connection, checked: CheckedAction, attempt: str, actor: Actor) -> None:
    try:
        with connection.begin_nested():
            reserve_contact(connection, checked, checked.now, attempt=attempt, actor=actor)
    except IntegrityError:
        raise ArrearsError(
            f"{attempt} is the id of another attempt. Each has one of its own."
        ) from None


def _no_call(loan_external_id: str, item: str | None) -> ArrearsError:
    return ArrearsError(
        f"No call{f' {item}' if item else ''} is open for loan {loan_external_id}. "
        "`arrears work --kind calls` shows those that are."
    )
