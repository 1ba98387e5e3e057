"""The pace of a sender: how many texts a second may leave it, whoever of the workers sends them.

A turn is taken before the claim, so that the gate is asked at the moment of sending and not
before a wait that may end in a quiet hour.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, Interval, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from domain.actions import CLAIMABLE
from workers.context import Context
from workers.db.messages import providers_that_refused
from workers.db.prepared_statements import prepared
from workers.db.schema import action, borrower, loan, sender_pace
from workers.sms.providers.routing import Sender

LONGEST_WAIT = timedelta(seconds=20)
"""A task may run for 45 seconds, and the provider takes its own part of them."""


def wait_for_send_slot(ctx: Context, action_id: int) -> bool:
    """Wait until the text of an action may go; False: too many others are before it.

    Without a pace in the settings nothing is asked. A borrower's number that changes between the
    turn and the claim may put one text out of pace, which a provider forgives.
    """
    per_second = ctx.settings.sms_per_second
    if per_second is None:
        return True
    with ctx.engine.begin() as connection:
        sender = _sender_of(connection, ctx, action_id)
        if sender is None:
            return True  # there is nothing to send, as the claim will find too
        now = ctx.now()
        turn = reserve_send_slot(connection, sender, now, per_second)
    if turn is None:
        return False
    ctx.clock.sleep(turn - now)
    return True


_TAKEN = insert(sender_pace).values(
    {name: bindparam(name) for name in ("provider", "sender", "next_at")}
)
_TURN = prepared(
    _TAKEN.on_conflict_do_update(
        index_elements=[sender_pace.c.provider, sender_pace.c.sender],
        set_={
            "next_at": func.greatest(
                sender_pace.c.next_at + bindparam("apart", type_=Interval), _TAKEN.excluded.next_at
            )
        },
        where=sender_pace.c.next_at <= bindparam("latest"),
    ).returning(sender_pace.c.next_at)
)


def reserve_send_slot(
    connection: Connection, sender: Sender, now: datetime, per_second: float
) -> datetime | None:
    """The moment at which the next text of `sender` may go, taken for the caller.

    Turns are evenly spaced; one that nobody used is gone. None, and no turn is taken, where it
    would be later than `LONGEST_WAIT` from now. One statement, so that no two get the same turn.
    """
    apart = timedelta(seconds=1 / per_second)
    turn = {
        "provider": sender.provider,
        "sender": sender.sender,
        "apart": apart,
        "next_at": now + apart,
        "latest": now + LONGEST_WAIT,
    }
    next_at: datetime | None = connection.execute(_TURN, turn).scalar()
    return next_at - apart if next_at else None


_NUMBER = prepared(
    select(action.c.attempts, borrower.c.phone_encrypted)
    .select_from(borrower.join(loan).join(action))
    .where(
        action.c.id == bindparam("of_action"),
        action.c.status.in_(CLAIMABLE),
        action.c.due_at <= bindparam("now"),
        borrower.c.phone_encrypted.is_not(None),
    )
)


def _sender_of(connection: Connection, ctx: Context, action_id: int) -> Sender | None:
    """Who is to send the text of an action; None if it has none to send now."""
    asked = {"of_action": action_id, "now": ctx.now()}
    due = connection.execute(_NUMBER, asked).one_or_none()
    if due is None:
        return None
    refused_by = providers_that_refused(connection, action_id) if due.attempts else ()
    return ctx.sms.for_number(ctx.cipher.decrypt(due.phone_encrypted), refused_by)
