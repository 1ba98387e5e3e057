"""Texts that went out before the database was restored: they are not sent again.

A recovery finds them on the provider's list (`workers/recovery/texts_out.py`). An action that was
decided after the backup was made does not exist any more, and is decided again, before or after the
recovery. So what was found is kept by the number, and each claim of a text looks at it.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, insert, select, update

from domain.actions import (
    EVENT_PENDING,
    SEND_SMS,
    SENT_BEFORE_RESTORE,
    WAITING,
    ActionStatus,
    Move,
)
from domain.ladder import Item, find_ladder
from domain.messages import MessageStatus
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db.numbers import LockedNumber
from workers.db.schema import action, borrower_number, contact_point, loan, message, recovered_text
from workers.db.typed_rows import columns_of, typed_rows
from workers.gate.check import CheckedAction
from workers.gate.reserve import reserve_contact


class _RecoveredText(NamedTuple):
    id: int
    provider: str
    sid: str
    at: datetime
    contact_id: int | None


def sent_before_restore(
    connection: Connection, ctx: Context, checked: CheckedAction, move: Move | None
) -> Move | None:
    """Where a claimed text goes that may have gone out before the database was restored; None if it
    certainly did not, or goes elsewhere anyway (`move`).

    It was due by then if the days of its item had begun. If no other text was due to the persons
    who have the number, it is the text that the provider sent. Otherwise nobody can say which text
    that was, and none is sent.
    """
    texted = [number for number in checked.loan.numbers if number.texted_at is not None]
    if not texted or not (move is None or _is_put_off(move)):
        return None
    zone = ctx.settings.lender_zone
    since = _due_from(checked.item, checked.loan.ladder_since, checked.loan.caused_at, zone)
    after = datetime.combine(since, datetime.min.time(), zone)
    found = _texts_to(connection, texted, after)
    if not found:
        return None
    last = found[-1]
    at = f"{last.at.astimezone(zone):%Y-%m-%d %H:%M}"
    said = {"provider": last.provider, "sid": last.sid, "at": at}
    if len(found) == 1 and not _others_due(connection, ctx, checked, texted, last.at):
        _note_message(connection, ctx, checked, last)
        why = because(ReasonCode.SENT_BEFORE_RESTORE, **said)
        return Move(ActionStatus.DONE, why, (SENT_BEFORE_RESTORE,))
    why = because(ReasonCode.MAYBE_SENT_BEFORE_RESTORE, **said)
    return Move(ActionStatus.BARRED, why, (SENT_BEFORE_RESTORE,))


def _is_put_off(move: Move) -> bool:
    return move.to is ActionStatus.DEFERRED and EVENT_PENDING not in move.rules


def _texts_to(
    connection: Connection, numbers: Sequence[LockedNumber], after: datetime
) -> list[_RecoveredText]:
    rows = connection.execute(
        select(*columns_of(_RecoveredText, recovered_text))
        .where(
            recovered_text.c.number_blind_index.in_([number.blind_index for number in numbers]),
            recovered_text.c.at >= after,
        )
        .order_by(recovered_text.c.at, recovered_text.c.id)
    )
    return typed_rows(_RecoveredText, rows)


def _others_due(
    connection: Connection,
    ctx: Context,
    checked: CheckedAction,
    numbers: Sequence[LockedNumber],
    at: datetime,
) -> bool:
    """Whether the provider may have sent something else: another text that is due to a person with
    one of the numbers, or a text that was taken for the sent one before."""
    points = [number.contact_point_id for number in numbers]
    rows = connection.execute(
        select(
            *(action.c.ladder_id, action.c.ladder_version, action.c.item),
            *(action.c.ladder_since, action.c.caused_at),
        )
        .join(loan, loan.c.id == action.c.loan_id)
        .join(borrower_number, borrower_number.c.borrower_id == loan.c.borrower_id)
        .join(contact_point, contact_point.c.id == borrower_number.c.contact_point_id)
        .where(
            contact_point.c.id.in_(points),
            action.c.type == SEND_SMS,
            action.c.id != checked.action_id,
            action.c.status.in_(WAITING) | action.c.rules.contains([SENT_BEFORE_RESTORE]),
        )
    )
    zone = ctx.settings.lender_zone
    on = at.astimezone(zone).date()
    for row in rows:
        ladder = find_ladder(ctx.policy.ladders, row.ladder_id, row.ladder_version)
        if _due_from(ladder.item(row.item), row.ladder_since, row.caused_at, zone) <= on:
            return True
    return False


def _due_from(item: Item, ladder_since: date, caused_at: datetime | None, zone: ZoneInfo) -> date:
    """The first day on which such an action could act."""
    if caused_at is not None:
        return caused_at.astimezone(zone).date()
    return ladder_since + timedelta(days=item.days.first)


def _note_message(
    connection: Connection, ctx: Context, checked: CheckedAction, found: _RecoveredText
) -> None:
    """Record the text that the provider sent, without its words, which only the provider has."""
    contact_id = found.contact_id
    if contact_id is None:
        contact_id = reserve_contact(connection, checked, found.at)
        connection.execute(
            update(recovered_text)
            .where(recovered_text.c.id == found.id)
            .values(contact_id=contact_id)
        )
    name, locale = str(checked.item.template), checked.loan.locale
    sender = ctx.sms.senders.get(found.provider)
    connection.execute(
        insert(message).values(
            id=uuid4(),
            action_id=checked.action_id,
            contact_id=contact_id,
            provider=found.provider,
            sender=sender.sender if sender else "",
            sid=found.sid,
            status=MessageStatus.ACCEPTED,
            try_number=checked.loan.try_number,
            template=name,
            template_version=ctx.templates.version(name, locale),
            locale=locale,
            segments=1,
            created_at=found.at,
            changed_at=checked.now,
        )
    )
