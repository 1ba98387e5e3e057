"""Events that are not applied yet and must stop a contact: nobody is contacted on older facts."""

from sqlalchemy import Exists, Table, exists, or_
from sqlalchemy.sql.elements import ColumnElement

from domain.events import InboxStatus
from workers.db.inbox import payload_value
from workers.db.prepared_statements import literal
from workers.db.schema import borrower, inbox_event, loan


def has_pending_event() -> ColumnElement[bool]:
    """Whether an event that stops contact is pending, for a query of `loan` and `borrower`.

    Which kinds stop contact is said in `workers/inbox/kinds.py`. A reversal or a release does not:
    neither forbids what was lawful before it.
    """
    return or_(_is_pending("loan", loan), _is_pending("borrower", borrower))


def _is_pending(key: str, named: Table) -> Exists:
    return exists().where(
        inbox_event.c.status == literal(InboxStatus.RECEIVED),
        inbox_event.c.stops_contact,
        payload_value(inbox_event, key) == named.c.external_id,
    )
