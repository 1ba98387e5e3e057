"""News that has come in and is not applied yet: until it is, nobody is contacted on older facts."""

from __future__ import annotations

from sqlalchemy import Exists, FromClause, Table, Text, exists, or_
from sqlalchemy.sql.elements import ColumnElement

from workers.db.prepared_statements import literal
from workers.db.schema import (
    KINDS_THAT_BLOCK_A_BORROWER,
    KINDS_THAT_BLOCK_A_LOAN,
    borrower,
    inbox_event,
    loan,
)


def has_pending_event() -> ColumnElement[bool]:
    """Whether an event waits that must stop a contact, for a query of `loan` and `borrower`.

    A reversal or a release does not count: neither forbids what was lawful before it.
    """
    return or_(
        _waits(KINDS_THAT_BLOCK_A_LOAN, "loan", loan),
        _waits(KINDS_THAT_BLOCK_A_BORROWER, "borrower", borrower),
    )


def payload_value(events: FromClause, key: str) -> ColumnElement[str]:
    """What the payload of events has under a key, as the indexes of waiting events say it."""
    words: ColumnElement[str] = events.c.payload.op("->>", return_type=Text())(literal(key))
    return words


def _waits(kinds: tuple[str, ...], key: str, named: Table) -> Exists:
    return exists().where(
        inbox_event.c.status == literal("received"),
        inbox_event.c.kind.in_([literal(kind) for kind in kinds]),
        payload_value(inbox_event, key) == named.c.external_id,
    )
