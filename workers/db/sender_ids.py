"""Whose id is meant: ids of what events record belong to the sender that gave them."""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, Table, exists, or_, select

from domain.errors import RefusedError
from domain.events import STAFF, RejectedError
from domain.language.speak import speak
from domain.reasons import ReasonCode
from workers.db.schema import (
    adjustment,
    arrangement,
    hold,
    inbox_event,
    payment,
    payment_return,
    promise,
    replaced_schedule,
)


def whose_id(
    connection: Connection,
    table: Table,
    external_id: str,
    sender: str | None,
    *among: ColumnElement[bool],
) -> str:
    """The sender who gave a row of `table` this id, `among` the rows for which all of this holds.

    `sender` is the sender that is named. A system that names nobody means its own ids. Where the
    staff names nobody it is None: then the staff's own id is meant, or else the only sender's.

    Raises:
        RejectedError: several senders gave it, and the staff did not.
    """
    if sender is not None:
        return sender
    whose = named_by_staff(connection, table, {external_id}, *among)[external_id]
    if isinstance(whose, RejectedError):
        raise whose
    return whose


def whose_id_said(
    connection: Connection, table: Table, external_id: str, sender: str | None
) -> str:
    """As `whose_id`, for what a person asks for at once.

    Raises:
        RefusedError: several senders have given the id, and the person says none.
    """
    try:
        return whose_id(connection, table, external_id, sender)
    except RejectedError as error:
        raise RefusedError(speak(error.reason), error.reason) from None


def named_by_staff(
    connection: Connection,
    table: Table,
    external_ids: Collection[str],
    *among: ColumnElement[bool],
) -> dict[str, str | RejectedError]:
    """The sender of each id that the staff names, or why it is not known. One statement."""
    senders = defaultdict[str, list[str]](list)
    named = select(table.c.external_id, table.c.sender).where(
        table.c.external_id.in_(external_ids), *among
    )
    for row in connection.execute(named.order_by(table.c.sender)):
        senders[row.external_id].append(row.sender)
    return {id: _of(id, senders[id]) for id in external_ids}


def _of(external_id: str, senders: list[str]) -> str | RejectedError:
    if STAFF in senders or not senders:
        return STAFF
    if len(senders) > 1:
        return RejectedError(ReasonCode.ID_OF_SEVERAL_SENDERS, id=external_id, senders=senders)
    return senders[0]


_WITH_IDS = (
    *(payment, payment_return, adjustment, replaced_schedule, promise, hold, arrangement),
    inbox_event,
)


def has_ids(connection: Connection, sender: str) -> bool:
    """Whether anything is on record under an id that this sender gave."""
    any_of = or_(*(exists().where(table.c.sender == sender) for table in _WITH_IDS))
    return bool(connection.execute(select(any_of)).scalar_one())


def is_named(table: Table, external_id: str, sender: str) -> ColumnElement[bool]:
    """The row of `table` that a sender knows by this id."""
    return (table.c.external_id == external_id) & (table.c.sender == sender)
