"""Reconcile texts: find out, without a person, what happened to texts whose response was lost.

The first source is our own records, then the list of the provider. If neither knows in time, the
text is parked until a person decides: see `decide_unconfirmed.py`. Nothing here sends a text. Each
step may run at any time, and several times at once.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, and_, func, or_, select, true, update

from domain.actions import ActionStatus, Move
from domain.errors import ReasonedError
from domain.messages import MESSAGE_MOVES, UNRESOLVED, MessageStatus
from domain.moves import sources
from domain.reasons import ReasonCode, because
from workers.actions.dispatch import DISPATCH_BATCH_SIZE
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.messages import (
    advance_message,
    in_text,
    is_first_row,
    of_action,
    texted_number,
    texted_record,
)
from workers.db.places import place_of_number, place_of_text
from workers.db.problems import note_problem
from workers.db.schema import action, contact, message
from workers.db.skip_locked import update_first
from workers.db.typed_rows import columns_of, typed_rows
from workers.failures import TRANSIENT_ERRORS, log_summary
from workers.messaging.backoff import MOST_FAILURES
from workers.sms.delivery_receipts import PROVES_SENT, move_after_failure
from workers.sms.missing_receipts import ask_about_receipts
from workers.sms.providers.port import LookupFailedError, OutgoingText, SmsGateway

log = logging.getLogger(__name__)

LOOKUP_INTERVAL = timedelta(seconds=30)
LOOKUP_BATCH_SIZE = 25
"""Texts that one run looks up: a task may run for 45 seconds."""

BATCH_SIZE = 1_000

CLOCK_SKEW = timedelta(minutes=1)
"""How far the clock of a provider may differ from ours."""

TEXTED_TWICE = "texted_twice"


class _PendingText(NamedTuple):
    """A text that may or may not have been sent."""

    id: UUID
    action_ids: list[int]
    """Of all loans that it is about."""
    provider: str
    sender: str
    template: str
    locale: str
    body_encrypted: bytes
    created_at: datetime
    loan_id: int
    borrower_id: int
    number_encrypted: bytes | None
    """The number that was texted. None: it was erased, or the record has it no more."""
    number_blind_index: bytes
    record: str
    """The lender's id of the record."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The result of one run."""

    resolved: int
    """Actions whose text had a confirmed status already."""
    found: int
    """Texts that are on the provider's list: they were sent."""
    parked: int
    """Texts that only a person can resolve from now on."""
    reported: int
    """Texts without a receipt of which the provider knew what became of them."""


def reconcile_texts(ctx: Context) -> Reconciled:
    """Resolve what can be resolved, ask the provider about the rest, and park what is too old.

    The provider is also asked about texts that it accepted and of which no receipt came.
    """
    return Reconciled(
        resolved=resolve_confirmed(ctx),
        found=ask_providers(ctx),
        parked=park_old(ctx),
        reported=ask_about_receipts(ctx),
    )


def resolve_confirmed(ctx: Context) -> int:
    """Move unknown actions whose text has a confirmed status by now; returns how many.

    If a worker recorded the response after its claim had expired, only the text has the status.
    """
    now = ctx.now()
    newest = (
        select(message.c.status, message.c.code)
        .where(of_action(action.c.id))
        .order_by(message.c.contact_id.desc())
        .limit(1)
        .lateral()
    )
    # Locked, so that nobody moves and claims an action between this read and the move.
    resolved = (
        select(action.c.id, action.c.attempts, action.c.try_number, newest.c.status, newest.c.code)
        .join(newest, true())
        .where(action.c.status == ActionStatus.UNKNOWN, newest.c.status.not_in(UNRESOLVED))
        .order_by(action.c.id)
        .limit(BATCH_SIZE)
        .with_for_update(of=action, skip_locked=True)
    )
    moves: defaultdict[Move, list[int]] = defaultdict(list)
    with ctx.engine.begin() as connection:
        for row in connection.execute(resolved):
            status = MessageStatus(row.status)
            move = _move_for(status, row.code, row.attempts, row.try_number, now)
            moves[move].append(row.id)
        return sum(move_actions(connection, ids, move, now) for move, ids in moves.items())


def _move_for(
    status: MessageStatus, code: str | None, failures: int, try_number: int, now: datetime
) -> Move:
    match status:
        case MessageStatus.NOT_SENT if failures + 1 < MOST_FAILURES:
            return Move(ActionStatus.FAILED, because(ReasonCode.TEXT_NOT_SENT), due_at=now)
        case MessageStatus.NOT_SENT:
            return Move(ActionStatus.DEAD, because(ReasonCode.TEXT_NOT_SENT_AGAIN))
        case MessageStatus.REFUSED:
            reason = because(ReasonCode.PROVIDER_REFUSED, provider_code=code or "none")
            return Move(ActionStatus.DEAD, reason)
        case MessageStatus.ACCEPTED:
            return Move(ActionStatus.DONE, because(ReasonCode.PROVIDER_HAS_IT))
        case MessageStatus.UNDELIVERED | MessageStatus.SEND_FAILED:
            return move_after_failure(code, try_number, now)
        case _:
            return PROVES_SENT


def ask_providers(ctx: Context) -> int:
    """Ask providers about unknown texts; returns how many they have sent.

    A text stays unknown, to be looked up again, if the provider does not respond or does not list
    it. A provider that cannot be asked is not asked again in this run.
    """
    with ctx.engine.begin() as connection:
        texts = _take_for_lookup(connection, ctx.now())
    found, unavailable = 0, set[str]()
    for pending in texts:
        gateway = ctx.sms.gateway_to(pending.provider)
        if gateway is None or pending.number_encrypted is None or pending.provider in unavailable:
            continue
        try:
            found += _ask_about(ctx, gateway, pending, pending.number_encrypted)
        except LookupFailedError:
            unavailable.add(pending.provider)
        except TRANSIENT_ERRORS:
            raise
        except Exception as error:  # it stays unknown, and is parked when it is too old
            log.error("text %s cannot be looked up: %s", pending.id, log_summary(error))
    return found


def _ask_about(
    ctx: Context, gateway: SmsGateway, pending: _PendingText, number_encrypted: bytes
) -> bool:
    """Ask a provider about one unknown text, and record it if it was sent; whether it was."""
    place = place_of_number(pending.record, pending.number_blind_index)
    text = _sent_text(ctx, pending, ctx.cipher.decrypt(number_encrypted, place))
    sids = gateway.find(text, pending.created_at - CLOCK_SKEW)
    if not sids:
        return False
    with ctx.engine.begin() as connection:
        return _resolve_found(connection, ctx, pending, text.body, sids)


def park_old(ctx: Context) -> int:
    """Park texts that stayed unknown too long: a person must find out. Returns how many."""
    now = ctx.now()
    old = and_(
        message.c.status == MessageStatus.UNKNOWN,
        message.c.created_at <= now - timedelta(seconds=ctx.settings.park_after_seconds),
    )
    first = update_first(message, old, (message.c.created_at,), BATCH_SIZE)
    parked = first.values(status=MessageStatus.PARKED, changed_at=now, parked_at=now)
    with ctx.engine.begin() as connection:
        return connection.execute(parked).rowcount


def _take_for_lookup(connection: Connection, now: datetime) -> list[_PendingText]:
    """Take unknown texts to look up, the longest wait first; each for one run only."""
    asked_at = message.c.asked_at
    due_for_lookup = and_(
        message.c.status == MessageStatus.UNKNOWN,
        is_first_row(),
        or_(asked_at.is_(None), asked_at <= now - LOOKUP_INTERVAL),
    )
    order_by = (asked_at.nulls_first(), message.c.created_at)
    first = update_first(message, due_for_lookup, order_by, LOOKUP_BATCH_SIZE)
    taken = first.values(asked_at=now).returning(message).cte("taken")
    part = contact.alias("part")
    actions = select(part.c.action_id).where(in_text(part, taken.c.contact_id))
    action_ids = func.array(actions.order_by(part.c.id).scalar_subquery())
    others = {
        "action_ids": action_ids,
        "number_encrypted": texted_number(),
        "record": texted_record(),
    }
    rows = connection.execute(
        select(*columns_of(_PendingText, taken, contact, **others)).join(
            contact, contact.c.id == taken.c.contact_id
        )
    )
    return typed_rows(_PendingText, rows)


def _sent_text(ctx: Context, pending: _PendingText, to: str) -> OutgoingText:
    return OutgoingText(
        reference=pending.id,
        to=to,
        body=ctx.cipher.decrypt(pending.body_encrypted, place_of_text(pending.id)),
        sender=pending.sender,
        template=pending.template,
        locale=pending.locale,
        values={},  # they are in the body
    )


def _resolve_found(
    connection: Connection, ctx: Context, pending: _PendingText, body: str, sids: Sequence[str]
) -> bool:
    """Resolve a text that is on the provider's list; False if that may be another text of ours.

    Equal texts to one borrower cannot be distinguished on the list. Only if the list has one for
    each of them, all have been sent. If their sids are exchanged, receipts correct that.
    """
    now = ctx.now()
    equal_texts = _lock_equal_texts(connection, ctx, pending, body)
    ours = connection.execute(
        select(message.c.sid).where(message.c.provider == pending.provider, message.c.sid.in_(sids))
    )
    free = sorted(set(sids) - set(ours.scalars()), key=sids.index)
    if not free or len(free) < equal_texts:
        return False
    if not advance_message(connection, pending.id, MessageStatus.ACCEPTED, now, sid=free[0]):
        return False
    done = Move(ActionStatus.DONE, because(ReasonCode.PROVIDER_LISTS_IT))
    move_actions(connection, pending.action_ids, done, now)
    if len(free) > equal_texts:
        detail = because(ReasonCode.TEXTED_TWICE)
        note_problem(connection, pending.loan_id, TEXTED_TWICE, detail, now)
    return True


def _lock_equal_texts(
    connection: Connection, ctx: Context, pending: _PendingText, body: str
) -> int:
    """How many texts to this borrower are unresolved that may be equal, this one included.

    They are locked, so that two runs do not match one text of the list with two of ours.
    """
    unresolved = connection.execute(
        select(message.c.id, message.c.body_encrypted)
        .join(contact)
        .where(
            contact.c.borrower_id == pending.borrower_id,
            message.c.provider == pending.provider,
            message.c.sender == pending.sender,
            message.c.status.in_(UNRESOLVED),
            contact.c.part_of.is_(None),
        )
        .order_by(message.c.contact_id)
        .with_for_update(of=message)
    )
    return sum(_may_be_equal(ctx, text.id, text.body_encrypted, body) for text in unresolved)


def _may_be_equal(ctx: Context, reference: UUID, body_encrypted: bytes, body: str) -> bool:
    try:
        return ctx.cipher.decrypt(body_encrypted, place_of_text(reference)) == body
    except ReasonedError:  # no key opens it: the list must have one for it too
        return True


def mark_lost_claims(ctx: Context) -> int:
    """Mark actions as unknown whose worker stopped between reserving and recording.

    Their text may have been sent. Only texts can stay claimed: all other actions claim and complete
    in one transaction. Returns how many were found.
    """
    now = ctx.now()
    pending = (
        select(action.c.id)
        .where(action.c.status == ActionStatus.CLAIMED, action.c.claimed_until < now)
        .order_by(action.c.id)
        .limit(DISPATCH_BATCH_SIZE)
    )
    with ctx.engine.begin() as connection:
        ids = list(connection.execute(pending).scalars())
        if not ids:
            return 0
        # The message is locked first, as everywhere, so that no deadlock is possible.
        connection.execute(
            update(message)
            .where(
                message.c.action_id.in_(ids),
                message.c.status.in_(sources(MESSAGE_MOVES, MessageStatus.UNKNOWN)),
            )
            .values(status=MessageStatus.UNKNOWN, changed_at=now)
        )
        why = because(ReasonCode.SENDER_STOPPED)
        return move_actions(connection, ids, Move(ActionStatus.UNKNOWN, why), now)
