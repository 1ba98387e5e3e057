"""Unconfirmed texts: a person decides what happened to a text whose response was lost.

`reconcile.py` finds it out without a person, from our records and from the provider. What is here
is for a text of which neither knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Select, func, select

from domain.actions import ActionStatus, Move
from domain.errors import ArrearsError
from domain.messages import MessageStatus
from domain.permissions import Permission
from domain.reasons import ReasonCode, because
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.messages import StoredText, advance_message, is_first_row, is_text, lock_text
from workers.db.pages import ALL, Asked, Listing, Page, assert_of, count_rows, maker, read_page
from workers.db.schema import action, contact, loan, message
from workers.db.typed_rows import columns_of

UNCONFIRMED = (MessageStatus.UNKNOWN, MessageStatus.PARKED)
"""A person may resolve texts with these statuses."""


@dataclass(frozen=True, slots=True)
class UnconfirmedText:
    """A text that may or may not have gone out. Holds no personal data."""

    message: UUID
    """Our own id of the message, which receipts carry."""
    loan: str
    other_loans: Sequence[str]
    """The other loans that the same text is about."""
    item: str
    provider: str
    since: datetime
    status: str
    """`unknown`: still being reconciled; `parked`: only a person can resolve it."""


@permitted(Permission.READ_OPERATIONS)
def read_unconfirmed(
    connection: Connection, ctx: Context, asked: Asked = ALL
) -> Page[UnconfirmedText]:
    """The unconfirmed texts, oldest first; moments are in the lender's zone.

    Raises:
        ArrearsError: the page is not one of this list.
    """
    columns = columns_of(
        UnconfirmedText,
        message,
        action,
        message=message.c.id,
        loan=loan.c.external_id,
        other_loans=func.array(_other_loans().scalar_subquery()),
        since=message.c.created_at,
    )
    rows = (
        select(*columns)
        .select_from(message.join(action).join(loan))
        .where(
            message.c.status.in_(UNCONFIRMED),
            action.c.status == ActionStatus.UNKNOWN,
            is_first_row(),
        )
    )
    listing = Listing(
        "texts",
        rows,
        (message.c.created_at, message.c.contact_id),
        maker(UnconfirmedText, ctx.settings.lender_zone),
        count_rows(rows, message.c.status),
    )
    return read_page(connection, listing, assert_of({"texts"}, asked))


@permitted(Permission.MEND_OPERATIONS)
def mark_sent(
    ctx: Context, message_id: UUID, *, sid: str | None = None, dry_run: bool = False
) -> None:
    """The provider accepted it: its action is done. `sid` is the provider's id, if it is known.

    With `dry_run` everything is checked and nothing is written.

    Raises:
        ArrearsError: the text is not unconfirmed (any more), or `sid` belongs to another text.
    """
    done = Move(ActionStatus.DONE, because(ReasonCode.SAID_SENT, actor=ctx.actor))
    _resolve(ctx, message_id, MessageStatus.ACCEPTED, done, sid=sid, dry_run=dry_run)


@permitted(Permission.MEND_OPERATIONS)
def mark_unsent(ctx: Context, message_id: UUID, *, dry_run: bool = False) -> None:
    """It was never sent: its action is due again, and the gate checks it again.

    If a receipt proves later that it was sent, that becomes a problem of the loan.

    Raises:
        ArrearsError: the text is not unconfirmed (any more).
    """
    reason = because(ReasonCode.SAID_NOT_SENT, actor=ctx.actor)
    again = Move(ActionStatus.FAILED, reason, due_at=ctx.now())
    _resolve(ctx, message_id, MessageStatus.NOT_SENT, again, dry_run=dry_run)


@permitted(Permission.MEND_OPERATIONS)
def abandon_text(ctx: Context, message_id: UUID, *, dry_run: bool = False) -> None:
    """Discard its action, whatever happened to the text.

    Raises:
        ArrearsError: the text is not unconfirmed (any more).
    """
    discarded = Move(ActionStatus.DISCARDED, because(ReasonCode.DISCARDED, actor=ctx.actor))
    # No more look-ups; a receipt may still resolve it.
    _resolve(ctx, message_id, MessageStatus.PARKED, discarded, dry_run=dry_run)


def _resolve(
    ctx: Context,
    message_id: UUID,
    status: MessageStatus,
    move: Move,
    *,
    sid: str | None = None,
    dry_run: bool,
) -> None:
    """Record the decision of a person about an unconfirmed text, and move its action."""
    now = ctx.now()
    with ctx.engine.begin() as connection:
        stored = _lock(connection, message_id)
        if sid is not None:
            _refuse_sid_of_another(connection, stored, sid)
        if dry_run:
            return
        advance_message(connection, stored.id, status, now, sid=sid)
        move_actions(connection, stored.action_ids, move, now)


def _other_loans() -> Select[tuple[str]]:
    """The lender's ids of the other loans of a text, for a query of `message`."""
    part, other = contact.alias("part"), loan.alias("other")
    return (
        select(other.c.external_id)
        .join(part, part.c.loan_id == other.c.id)
        .where(part.c.part_of == message.c.contact_id)
        .order_by(part.c.id)
    )


def _lock(connection: Connection, message_id: UUID) -> StoredText:
    """Lock the text and then its actions, in the same order as everywhere."""
    stored = lock_text(connection, is_text(message_id))
    if stored is None:
        raise ArrearsError(
            "There is no text {message_id}. `arrears texts unconfirmed` shows those to "
            "decide about.",
            message_id=message_id,
        )
    statuses = connection.execute(
        select(action.c.status)
        .where(action.c.id.in_(stored.action_ids))
        .order_by(action.c.id)
        .with_for_update()
    )
    status, *others = dict.fromkeys(statuses.scalars())
    if stored.status not in UNCONFIRMED or ActionStatus.UNKNOWN not in (status, *others):
        raise ArrearsError(
            "Text {message_id} is not unknown any more: it is {status}, and its action "
            "is {action_status}. There is nothing to decide.",
            message_id=message_id,
            status=stored.status,
            action_status=status,
        )
    return stored


def _refuse_sid_of_another(connection: Connection, stored: StoredText, sid: str) -> None:
    another = connection.execute(
        select(message.c.id).where(message.c.provider == stored.provider, message.c.sid == sid)
    ).first()
    if another:
        raise ArrearsError(
            "{sid} is the id of another text, {id}. Look it up again at {provider}, or "
            "leave --sid out.",
            sid=sid,
            id=another.id,
            provider=stored.provider,
        )
