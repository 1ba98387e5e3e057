"""Start a call: check the gate again, record the contact, and only then show the number."""

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
from domain.errors import ArrearsError, NoOpenCallError, OutcomeMissingError
from workers.attempts.attempts import (
    StartedAttempt,
    check_role,
    has_outcome,
    open_contact_detail,
    refuse_if_barred,
)
from workers.context import Context
from workers.db.loans import known_loan_id
from workers.db.schema import action, call, contact, loan
from workers.db.typed_rows import columns_of, typed_row
from workers.gate.claim import CheckedAction, check_gate, lock_action, reserve_contact

REPEAT_WITHIN = timedelta(minutes=1)
"""How long a dialer that lost the response may repeat its request."""


def start_call(
    ctx: Context,
    loan_external_id: str,
    *,
    actor: Actor,
    item: str | None = None,
    attempt: str | None = None,
    dry_run: bool = False,
) -> StartedAttempt:
    """Start the newest open call of a loan, or of one of its ladder items; gives the number.

    `actor` is the caller. `attempt` is the dialer's own id of this attempt. The same id within
    `REPEAT_WITHIN` is a repeated request, not another attempt: it gives the number again. The
    contact and the access to the number are recorded before the number is given.

    Raises:
        BarredError: the gate does not allow it now, or the arrears are paid. Nothing is written.
        ArrearsError: no call is open, `actor` is not a caller, or an attempt has no outcome yet.
    """
    with ctx.engine.begin() as connection:
        open_call = _open_call(connection, loan_external_id, item)
        check_role(connection, actor, Role.CALLER)
        row = lock_action(connection, open_call.action_id, ASSIGN_CALL)
        if row is None or row.status != ActionStatus.ASSIGNED:
            raise _no_call(loan_external_id, item)
        now = ctx.now()
        pending = _without_outcome(connection, open_call.action_id)
        if pending and not (pending.attempt == attempt and now - pending.at <= REPEAT_WITHIN):
            raise OutcomeMissingError(
                f"The call of loan {loan_external_id} was started as {pending.attempt}, and its "
                "outcome is not recorded. Report the outcome first."
            )
        checked = check_gate(connection, ctx, row, ASSIGN_CALL, now)
        started = StartedAttempt(
            attempt=None,
            item=row.item,
            purpose=open_call.purpose,
            language=open_call.language,
            must_learn=tuple(open_call.must_learn),
            may_offer=tuple(open_call.may_offer),
            warnings=checked.verdict.warnings,
        )
        if pending is None:
            refuse_if_barred(checked)
        if dry_run:
            return started
        if pending is None:
            attempt = attempt or f"call-{uuid4()}"
            _reserve(connection, checked, attempt, actor)
        number = open_contact_detail(
            connection, ctx, checked, Opened.NUMBER, row.phone_encrypted, actor
        )
        return replace(started, attempt=attempt, reach=number)


class _OpenCall(NamedTuple):
    action_id: int
    purpose: str
    language: str
    must_learn: list[str]
    may_offer: list[str]


def _open_call(connection: Connection, loan_external_id: str, item: str | None) -> _OpenCall:
    newest = (
        select(*columns_of(_OpenCall, call))
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
        known_loan_id(connection, loan_external_id)
        raise _no_call(loan_external_id, item)
    return found


class _OpenAttempt(NamedTuple):
    attempt: str
    at: datetime


def _without_outcome(connection: Connection, action_id: int) -> _OpenAttempt | None:
    """The attempt that has no outcome yet; there is one at most."""
    pending = select(contact.c.attempt, contact.c.at).where(
        contact.c.action_id == action_id, contact.c.attempt.is_not(None), ~has_outcome()
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


def _no_call(loan_external_id: str, item: str | None) -> NoOpenCallError:
    return NoOpenCallError(
        f"No call{f' {item}' if item else ''} is open for loan {loan_external_id}."
    )
