"""Unknown texts: a person says what became of a text that nobody else could tell about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, select

from domain.actions import ActionStatus, Move
from domain.actors import Actor
from domain.errors import ArrearsError
from domain.messages import MessageStatus
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.messages import advance_message
from workers.db.schema import action, loan, message
from workers.db.typed_rows import typed_row

UNCONFIRMED = (MessageStatus.UNKNOWN, MessageStatus.PARKED)


class _StoredText(NamedTuple):
    id: UUID
    action_id: int
    provider: str
    status: str


@dataclass(frozen=True, slots=True)
class UnconfirmedText:
    """A text that may or may not have gone out. Holds no personal data."""

    message: UUID
    """The house's own id of it, which receipts carry."""
    loan: str
    item: str
    provider: str
    since: datetime
    status: str
    """`unknown`: the house is still finding out; `parked`: it has given up, and a person must."""


def read_unconfirmed(connection: Connection, zone: tzinfo) -> tuple[UnconfirmedText, ...]:
    """All texts that nobody can tell about, oldest first; moments are in `zone`."""
    rows = connection.execute(
        select(
            message.c.id,
            loan.c.external_id,
            action.c.item,
            message.c.provider,
            message.c.created_at,
            message.c.status,
        )
        .select_from(message.join(action).join(loan))
        .where(message.c.status.in_(UNCONFIRMED), action.c.status == ActionStatus.UNKNOWN)
        .order_by(message.c.created_at, message.c.contact_id)
    )
    return tuple(
        UnconfirmedText(id, of, item, provider, since.astimezone(zone), status)
        for id, of, item, provider, since, status in rows
    )


def mark_sent(
    ctx: Context, message_id: UUID, actor: Actor, *, sid: str | None = None, dry_run: bool = False
) -> None:
    """The provider took it: its action is done. `sid` is the provider's own id, if it told one.

    `by` is the lender's own reference of the person. With `dry_run` everything is checked and
    nothing is written.

    Raises:
        ArrearsError: that text is not unknown (any more), or `sid` is another text's.
    """
    done = Move(ActionStatus.DONE, f"its text was sent, says {actor}")
    _settle(ctx, message_id, MessageStatus.ACCEPTED, done, sid=sid, dry_run=dry_run)


def mark_unsent(ctx: Context, message_id: UUID, actor: Actor, *, dry_run: bool = False) -> None:
    """It never went out: its action is due again, and the gate is asked again, as always.

    Should a receipt prove otherwise later, that is a problem on the loan.

    Raises:
        ArrearsError: that text is not unknown (any more).
    """
    again = Move(ActionStatus.FAILED, f"its text was not sent, says {actor}", due_at=ctx.now())
    _settle(ctx, message_id, MessageStatus.NOT_SENT, again, dry_run=dry_run)


def abandon_text(ctx: Context, message_id: UUID, actor: Actor, *, dry_run: bool = False) -> None:
    """Whatever became of it, nothing more is to be done for its action.

    Raises:
        ArrearsError: that text is not unknown (any more).
    """
    dropped = Move(ActionStatus.DROPPED, f"dropped by {actor}")
    # Nobody need go on asking; a receipt may still tell.
    _settle(ctx, message_id, MessageStatus.PARKED, dropped, dry_run=dry_run)


def _settle(
    ctx: Context,
    message_id: UUID,
    status: MessageStatus,
    move: Move,
    *,
    sid: str | None = None,
    dry_run: bool,
) -> None:
    """Put on record what a person says of an unknown text, and let its action follow."""
    now = ctx.now()
    with ctx.engine.begin() as connection:
        lost = _lock(connection, message_id)
        if sid is not None:
            _refuse_sid_of_another(connection, lost, sid)
        if dry_run:
            return
        advance_message(connection, lost.id, status, now, sid=sid)
        move_actions(connection, [lost.action_id], move, now)


def _lock(connection: Connection, message_id: UUID) -> _StoredText:
    """The text and then its action, locked in that order, as everywhere."""
    named = select(*(message.c[name] for name in _StoredText._fields)).where(
        message.c.id == message_id
    )
    lost = typed_row(_StoredText, connection.execute(named.with_for_update()))
    if lost is None:
        raise ArrearsError(
            f"There is no text {message_id}. `arrears texts unconfirmed` shows those to decide "
            "about."
        )
    status = connection.execute(
        select(action.c.status).where(action.c.id == lost.action_id).with_for_update()
    ).scalar_one()
    if lost.status not in UNCONFIRMED or status != ActionStatus.UNKNOWN:
        raise ArrearsError(
            f"Text {message_id} is not unknown any more: it is {lost.status}, and its action is "
            f"{status}. There is nothing to decide."
        )
    return lost


def _refuse_sid_of_another(connection: Connection, lost: _StoredText, sid: str) -> None:
    another = connection.execute(
        select(message.c.id).where(message.c.provider == lost.provider, message.c.sid == sid)
    ).first()
    if another:
        raise ArrearsError(
            f"{sid} is the id of another text, {another.id}. Look it up again at {lost.provider}, "
            "or leave --sid out."
        )
