"""Sending holds in the database: what is stopped, asked inside the statements that claim."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    case,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from domain.actions import ACTION_TYPES, ActionType
from domain.compliance.vocabulary import Channel, country_of
from domain.reasons import Reasons
from domain.sending import EVERYTHING, Scope, SendingScope, StoppedBecause
from workers.db.encryption import Cipher
from workers.db.free_text import open_reasons
from workers.db.prepared_statements import literal
from workers.db.schema import action, loan, sending_hold
from workers.db.typed_rows import columns_of, typed_rows


@dataclass(frozen=True, slots=True)
class SendingHold:
    """One time that sending was stopped. It has no personal data."""

    id: int
    scope: SendingScope
    subject: str | None
    """The channel, the jurisdiction or the ladder; None: everything."""
    cause: StoppedBecause
    why: Reasons
    set_at: datetime
    set_by: str
    resumed_at: datetime | None
    resumed_by: str | None


_OPEN = sending_hold.c.resumed_at.is_(None)


def _is_open(scope: SendingScope, *of: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(_OPEN, sending_hold.c.scope == literal(scope), *of)


def is_held(
    channel: ColumnElement[str], jurisdiction: ColumnElement[str], ladder: ColumnElement[Any] | None
) -> ColumnElement[bool]:
    """Whether a sending hold stops a contact through this channel, about a loan of this law."""
    subject = sending_hold.c.subject
    country = func.split_part(jurisdiction, "-", 1)
    return or_(
        _is_open(SendingScope.ALL),
        _is_open(SendingScope.CHANNEL, subject == channel),
        _is_open(SendingScope.JURISDICTION, or_(subject == jurisdiction, subject == country)),
        *([] if ladder is None else [_is_open(SendingScope.LADDER, subject == ladder)]),
    )


_CHANNEL_OF = {name: literal(declared.channel) for name, declared in ACTION_TYPES.items()}


def is_action_held(
    actions: FromClause = action, action_type: ActionType | None = None
) -> ColumnElement[bool]:
    """Whether a sending hold stops an action, for a statement about `actions`.

    With the type of all of them, a hold of everything or of its channel is looked for once, and
    not for each action.
    """
    channel: ColumnElement[str] = (
        literal(action_type.channel) if action_type else case(_CHANNEL_OF, value=actions.c.type)
    )
    of_loan = select(loan.c.jurisdiction).where(loan.c.id == actions.c.loan_id)
    return is_held(channel, of_loan.correlate(actions).scalar_subquery(), actions.c.ladder_id)


def stops_action(jurisdiction: str) -> ColumnElement[bool]:
    """Whether one sending hold, open or over, is of an action of a loan of this law: for a
    statement about `sending_hold` and `action`."""
    scope, subject = sending_hold.c.scope, sending_hold.c.subject
    channel = case(_CHANNEL_OF, value=action.c.type)
    return or_(
        scope == SendingScope.ALL,
        (scope == SendingScope.CHANNEL) & (subject == channel),
        (scope == SendingScope.JURISDICTION)
        & subject.in_((jurisdiction, country_of(jurisdiction))),
        (scope == SendingScope.LADDER) & (subject == action.c.ladder_id),
    )


def is_contact_held(connection: Connection, channel: Channel, loan_external_id: str) -> bool:
    """Whether a sending hold stops a contact about a loan that no ladder asks for."""
    of_loan = select(loan.c.jurisdiction).where(loan.c.external_id == loan_external_id)
    held = is_held(literal(channel), of_loan.scalar_subquery(), None)
    return bool(connection.execute(select(held)).scalar())


def set_sending_hold(
    connection: Connection,
    cause: StoppedBecause,
    why: Reasons,
    set_by: str,
    now: datetime,
    *,
    scope: Scope = EVERYTHING,
    found: Mapping[str, Any] | None = None,
) -> bool:
    """Stop sending; False, and nothing changes, if it is stopped for this cause already."""
    new = (
        insert(sending_hold)
        .values(
            scope=scope.kind,
            subject=scope.subject,
            cause=cause,
            why=why,
            found=found,
            set_at=now,
            set_by=set_by,
        )
        .on_conflict_do_nothing(index_elements=["scope", "subject", "cause"], index_where=_OPEN)
    )
    return connection.execute(new).rowcount == 1


def read_sending_holds(
    connection: Connection,
    zone: tzinfo,
    *,
    all_of_them: bool = False,
    cipher: Cipher | None = None,
) -> list[SendingHold]:
    """The sending holds that stop something now, or all there ever were; the oldest first.

    With `cipher`, and what a person typed who stopped it. It is about no loan and no person.
    """
    found = select(*columns_of(SendingHold, sending_hold)).order_by(sending_hold.c.id)
    rows = connection.execute(found if all_of_them else found.where(_OPEN))
    holds = typed_rows(SendingHold, rows, zone)
    if cipher is None:
        return holds
    return [replace(hold, why=open_reasons(connection, cipher, hold.why)) for hold in holds]
