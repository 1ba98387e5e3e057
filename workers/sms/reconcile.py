"""Reconciling: finding out what became of texts whose answer was lost.

First what our own records tell, then what the provider has on its list, and at last a person.
Nothing here ever sends. Each step may run at any time, and several times at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, and_, or_, select, true, update

from domain.actions import ActionStatus, Move
from domain.messages import MESSAGE_MOVES, UNSETTLED, MessageStatus
from domain.moves import sources
from workers.actions.dispatch import DISPATCH_BATCH_SIZE
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.messages import advance_message, of_action
from workers.db.problems import note_problem
from workers.db.schema import action, borrower, contact, message
from workers.db.skip_locked import update_first
from workers.db.typed_rows import typed_rows
from workers.messaging.backoff import MOST_FAILURES
from workers.sms.delivery_receipts import after
from workers.sms.providers.port import LookupFailedError, OutgoingText

ASK_AGAIN_AFTER = timedelta(seconds=30)
ASK_AT_ONCE = 25
"""Texts that one run asks about: a task may run for 45 seconds."""

BATCH_SIZE = 1_000

CLOCKS_DIFFER = timedelta(minutes=1)
"""A provider notes the time by a clock of its own."""

TEXTED_TWICE = "texted_twice"


class _PendingText(NamedTuple):
    """A text of which nobody knows whether it was sent."""

    id: UUID
    action_id: int
    provider: str
    sender: str
    template: str
    locale: str
    body_encrypted: bytes
    created_at: datetime
    loan_id: int
    borrower_id: int
    phone_encrypted: bytes | None
    """None: erased."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What one run found out."""

    settled: int
    """Actions that followed a text which is settled already."""
    found: int
    """Texts that the provider has on its list: they were sent."""
    parked: int
    """Texts that a person must ask about from now on."""


def reconcile_texts(ctx: Context) -> Reconciled:
    """Settle what can be settled, ask the provider about the rest, and park what is too old."""
    return Reconciled(
        settled=resolve_confirmed(ctx), found=ask_providers(ctx), parked=park_old(ctx)
    )


def resolve_confirmed(ctx: Context) -> int:
    """Let unknown actions follow texts of which more is known by now; returns how many moved.

    The sender may have come back after its claim had lapsed: then its answer is on the text, and
    nobody has told the action.
    """
    now = ctx.now()
    newest = (
        select(message.c.status, message.c.code)
        .where(of_action(action.c.id))
        .order_by(message.c.contact_id.desc())
        .limit(1)
        .lateral()
    )
    # Locked, so that nobody moves an action on and claims it between this look and the move.
    settled = (
        select(action.c.id, action.c.attempts, newest.c.status, newest.c.code)
        .join(newest, true())
        .where(action.c.status == ActionStatus.UNKNOWN, newest.c.status.not_in(UNSETTLED))
        .order_by(action.c.id)
        .limit(BATCH_SIZE)
        .with_for_update(of=action, skip_locked=True)
    )
    moves: defaultdict[Move, list[int]] = defaultdict(list)
    with ctx.engine.begin() as connection:
        for row in connection.execute(settled):
            moves[_follow(MessageStatus(row.status), row.code, row.attempts, now)].append(row.id)
        return sum(move_actions(connection, ids, move, now) for move, ids in moves.items())


def _follow(status: MessageStatus, code: str | None, failures: int, now: datetime) -> Move:
    match status:
        case MessageStatus.NOT_SENT if failures + 1 < MOST_FAILURES:
            return Move(ActionStatus.FAILED, "its text certainly was not sent", due_at=now)
        case MessageStatus.NOT_SENT:
            return Move(ActionStatus.DEAD, "its text certainly was not sent, once more")
        case MessageStatus.REFUSED:
            reason = f"The provider refused the text (code {code or 'none'})."
            return Move(ActionStatus.DEAD, reason)
        case MessageStatus.ACCEPTED:
            return Move(ActionStatus.DONE, "the provider has it")
        case _:
            return after(status, code)


def ask_providers(ctx: Context) -> int:
    """Ask providers what became of unknown texts; returns of how many they know.

    No answer and no trace both leave a text as it is, to be asked about again. A provider that
    cannot say is left alone until the next run.
    """
    with ctx.engine.begin() as connection:
        lost = _take_unasked(connection, ctx.now())
    found, silent = 0, set[str]()
    for one in lost:
        gateway = ctx.sms.gateway_to(one.provider)
        if gateway is None or one.phone_encrypted is None or one.provider in silent:
            continue
        text = _as_it_was_sent(ctx, one, ctx.cipher.decrypt(one.phone_encrypted))
        try:
            sids = gateway.find(text, one.created_at - CLOCKS_DIFFER)
        except LookupFailedError:
            silent.add(one.provider)
            continue
        if sids:
            with ctx.engine.begin() as connection:
                found += _settle_found(connection, ctx, one, text.body, sids)
    return found


def park_old(ctx: Context) -> int:
    """Park texts that stayed unknown for too long: a person must find out. Returns how many."""
    now = ctx.now()
    old = and_(
        message.c.status == MessageStatus.UNKNOWN,
        message.c.created_at <= now - timedelta(seconds=ctx.settings.park_after_seconds),
    )
    first = update_first(message, old, (message.c.created_at,), BATCH_SIZE)
    parked = first.values(status=MessageStatus.PARKED, changed_at=now, parked_at=now)
    with ctx.engine.begin() as connection:
        return connection.execute(parked).rowcount


def _take_unasked(connection: Connection, now: datetime) -> list[_PendingText]:
    """Take unknown texts to ask about, those that waited longest first; each for one run only."""
    asked_at = message.c.asked_at
    unasked = and_(
        message.c.status == MessageStatus.UNKNOWN,
        or_(asked_at.is_(None), asked_at <= now - ASK_AGAIN_AFTER),
    )
    order_by = (asked_at.nulls_first(), message.c.created_at)
    first = update_first(message, unasked, order_by, ASK_AT_ONCE)
    taken = first.values(asked_at=now).returning(message).cte("taken")
    of_message = (taken.c[name] for name in _PendingText._fields if name in taken.c)
    rows = connection.execute(
        select(*of_message, action.c.loan_id, contact.c.borrower_id, borrower.c.phone_encrypted)
        .join(action, action.c.id == taken.c.action_id)
        .join(contact, contact.c.id == taken.c.contact_id)
        .join(borrower, borrower.c.id == contact.c.borrower_id)
    )
    return typed_rows(_PendingText, rows)


def _as_it_was_sent(ctx: Context, lost: _PendingText, to: str) -> OutgoingText:
    return OutgoingText(
        reference=lost.id,
        to=to,
        body=ctx.cipher.decrypt(lost.body_encrypted),
        sender=lost.sender,
        template=lost.template,
        locale=lost.locale,
        values={},  # what it was filled in with is in the body
    )


def _settle_found(
    connection: Connection, ctx: Context, lost: _PendingText, body: str, sids: Sequence[str]
) -> bool:
    """Settle a text that is on the provider's list; False where that may be another of ours.

    Texts of ours with the same words to the same borrower cannot be told apart on the list. Only
    if it has one for each of them, all have been sent; whose is whose a receipt puts right.
    """
    now = ctx.now()
    alike = _lock_alike(connection, ctx, lost, body)
    ours = connection.execute(
        select(message.c.sid).where(message.c.provider == lost.provider, message.c.sid.in_(sids))
    )
    free = sorted(set(sids) - set(ours.scalars()), key=sids.index)
    if not free or len(free) < alike:
        return False
    if not advance_message(connection, lost.id, MessageStatus.ACCEPTED, now, sid=free[0]):
        return False
    done = Move(ActionStatus.DONE, "the provider has it on its list of what it sent")
    move_actions(connection, [lost.action_id], done, now)
    if len(free) > alike:
        detail = "The provider has a text more on its list than it was asked to send."
        note_problem(connection, lost.loan_id, TEXTED_TWICE, detail, now)
    return True


def _lock_alike(connection: Connection, ctx: Context, lost: _PendingText, body: str) -> int:
    """How many texts that say this to this borrower are unsettled, this one included.

    They are locked, so that two runs do not take one of the list's texts for two of ours.
    """
    unsettled = connection.execute(
        select(message.c.body_encrypted)
        .join(contact)
        .where(
            contact.c.borrower_id == lost.borrower_id,
            message.c.provider == lost.provider,
            message.c.sender == lost.sender,
            message.c.status.in_(UNSETTLED),
        )
        .order_by(message.c.contact_id)
        .with_for_update(of=message)
    )
    return sum(ctx.cipher.decrypt(sealed) == body for sealed in unsettled.scalars())


def mark_lost_claims(ctx: Context) -> int:
    """A text whose sender died between reserving and recording may have gone out: mark it unknown.

    Nothing else can be left claimed: the other kinds of work claim and finish in one transaction.
    Returns how many were found.
    """
    now = ctx.now()
    lost = (
        select(action.c.id)
        .where(action.c.status == ActionStatus.CLAIMED, action.c.claimed_until < now)
        .order_by(action.c.id)
        .limit(DISPATCH_BATCH_SIZE)
    )
    with ctx.engine.begin() as connection:
        ids = list(connection.execute(lost).scalars())
        if not ids:
            return 0
        # The message first, as everywhere else, so that two who meet here cannot block each other.
        connection.execute(
            update(message)
            .where(
                message.c.action_id.in_(ids),
                message.c.status.in_(sources(MESSAGE_MOVES, MessageStatus.UNKNOWN)),
            )
            .values(status=MessageStatus.UNKNOWN, changed_at=now)
        )
        why = "its sender stopped before it recorded the provider's answer"
        return move_actions(connection, ids, Move(ActionStatus.UNKNOWN, why), now)
