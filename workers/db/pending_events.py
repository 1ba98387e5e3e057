"""News that has come in and is not applied yet: until it is, nobody is contacted on older facts."""

from __future__ import annotations

from sqlalchemy import Exists, FromClause, Table, Text, exists, or_
from sqlalchemy.sql.elements import ColumnElement

from workers.db.prepared_statements import written_out
from workers.db.schema import NEWS_OF_BORROWERS, NEWS_OF_LOANS, borrower, inbox_event, loan


def news_waits() -> ColumnElement[bool]:
    """Whether an event waits that must stop a contact, for a query of `loan` and `borrower`.

    A reversal or a release does not count: neither forbids what was lawful before it.
    """
    return or_(_waits(NEWS_OF_LOANS, "loan", loan), _waits(NEWS_OF_BORROWERS, "borrower", borrower))


def told_of(events: FromClause, key: str) -> ColumnElement[str]:
    """What the payload of events has under a key, as the indexes of waiting events say it."""
    words: ColumnElement[str] = events.c.payload.op("->>", return_type=Text())(written_out(key))
    return words


def _waits(kinds: tuple[str, ...], key: str, named: Table) -> Exists:
    return exists().where(
        inbox_event.c.status == written_out("received"),
        inbox_event.c.kind.in_([written_out(kind) for kind in kinds]),
        told_of(inbox_event, key) == named.c.external_id,
    )
