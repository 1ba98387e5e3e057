"""The rate limit of a sender: how many texts a second all workers together may send from it.

A worker waits for its slot before the claim, so that the gate checks the moment of sending. After
the gate, a wait could end in a quiet hour.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, Interval, bindparam, exists, func, select, true
from sqlalchemy.dialects.postgresql import insert

from domain.actions import CLAIMABLE
from domain.contact_points import STOPS, PointKind
from workers.context import Context
from workers.db.messages import providers_that_refused
from workers.db.parties import with_contacted
from workers.db.places import place_of_number
from workers.db.prepared_statements import prepared
from workers.db.schema import (
    action,
    borrower,
    borrower_number,
    contact_point,
    contact_point_fact,
    loan,
    sender_pace,
)
from workers.sms.providers.routing import Sender

LONGEST_WAIT = timedelta(seconds=20)
"""A task may run for 45 seconds, and the call of the provider needs its part of them."""


def wait_for_send_slot(ctx: Context, action_id: int) -> bool:
    """Wait until the text of an action may be sent; False: the wait would be too long.

    Without a rate limit in the settings nothing is read. If the borrower's number changes between
    the slot and the claim, one text may exceed the rate of its sender; providers tolerate that.
    """
    per_second = ctx.settings.sms_per_second
    if per_second is None:
        return True
    with ctx.engine.begin() as connection:
        sender = _sender_of(connection, ctx, action_id)
        if sender is None:
            return True  # nothing to send, as the claim will find too
        now = ctx.now()
        slot = reserve_send_slot(connection, sender, now, per_second)
    if slot is None:
        return False
    ctx.clock.sleep(slot - now)
    return True


_INSERT_SLOT = insert(sender_pace).values(
    {name: bindparam(name) for name in ("provider", "sender", "next_at")}
)
_RESERVE_SLOT = prepared(
    _INSERT_SLOT.on_conflict_do_update(
        index_elements=[sender_pace.c.provider, sender_pace.c.sender],
        set_={
            "next_at": func.greatest(
                sender_pace.c.next_at + bindparam("apart", type_=Interval),
                _INSERT_SLOT.excluded.next_at,
            )
        },
        where=sender_pace.c.next_at <= bindparam("latest"),
    ).returning(sender_pace.c.next_at)
)


def reserve_send_slot(
    connection: Connection, sender: Sender, now: datetime, per_second: float
) -> datetime | None:
    """Reserve the moment at which the next text of `sender` may be sent.

    Slots are evenly spaced; an unused slot is lost. None, and nothing is reserved, if the slot
    would be later than `LONGEST_WAIT` from now. One statement, so that no two callers get the
    same slot.
    """
    apart = timedelta(seconds=1 / per_second)
    slot = {
        "provider": sender.provider,
        "sender": sender.sender,
        "apart": apart,
        "next_at": now + apart,
        "latest": now + LONGEST_WAIT,
    }
    next_at: datetime | None = connection.execute(_RESERVE_SLOT, slot).scalar()
    return next_at - apart if next_at else None


# The first number that takes texts; which one is used, the claim decides.
_TEXTED = (
    select(borrower_number.c.number_encrypted, contact_point.c.blind_index)
    .join(contact_point, contact_point.c.id == borrower_number.c.contact_point_id)
    .where(
        borrower_number.c.borrower_id == borrower.c.id,
        contact_point.c.kind == PointKind.NUMBER,
        ~exists().where(
            contact_point_fact.c.contact_point_id == contact_point.c.id,
            contact_point_fact.c.ended_at.is_(None),
            contact_point_fact.c.kind.in_(STOPS),
        ),
    )
    .order_by(borrower_number.c.position)
    .limit(1)
    .correlate(borrower)
    .lateral("texted")
)
_DUE_TEXT = prepared(
    select(
        action.c.attempts,
        *(_TEXTED.c.number_encrypted, _TEXTED.c.blind_index),
        borrower.c.external_id.label("record"),
    )
    .select_from(with_contacted(action.join(loan, loan.c.id == action.c.loan_id)))
    .join(_TEXTED, true())
    .where(
        action.c.id == bindparam("of_action"),
        action.c.status.in_(CLAIMABLE),
        action.c.due_at <= bindparam("now"),
    )
)


def _sender_of(connection: Connection, ctx: Context, action_id: int) -> Sender | None:
    """The sender for the text of an action; None if there is nothing to send now."""
    parameters = {"of_action": action_id, "now": ctx.now()}
    due = connection.execute(_DUE_TEXT, parameters).one_or_none()
    if due is None:
        return None
    refused_by = providers_that_refused(connection, [action_id]) if due.attempts else ()
    place = place_of_number(due.record, due.blind_index)
    return ctx.sms.for_number(ctx.cipher.decrypt(due.number_encrypted, place), refused_by)
