"""Events that are not applied yet and must stop a contact: nobody is contacted on older facts."""

from sqlalchemy import Exists, FromClause, exists, or_
from sqlalchemy.sql.elements import ColumnElement

from domain.events import InboxStatus
from workers.db.inbox import payload_value
from workers.db.prepared_statements import literal
from workers.db.schema import borrower, inbox_event, loan


def has_pending_event() -> ColumnElement[bool]:
    """Whether an event that stops contact is pending for a person, for a query of `borrower`.

    It may name any record or any loan of the person: what is true of a person reaches them all.
    Which kinds stop contact is said in `workers/inbox/kinds.py`. A reversal or a release does not:
    neither forbids what was lawful before it.
    """
    record = borrower.alias("record")
    loan_of_record = loan.alias("loan_of_record")
    of_person = record.c.person_id == borrower.c.person_id
    return or_(
        _is_pending("loan", loan_of_record).where(
            loan_of_record.c.borrower_id == record.c.id, of_person
        ),
        _is_pending("borrower", record).where(of_person),
    )


def has_pending_event_of_loan() -> ColumnElement[bool]:
    """The same for the events that name this loan or its borrower, for a query of both tables."""
    return or_(_is_pending("loan", loan), _is_pending("borrower", borrower))


def _is_pending(key: str, named: FromClause) -> Exists:
    return exists().where(
        inbox_event.c.status == literal(InboxStatus.RECEIVED),
        inbox_event.c.stops_contact,
        payload_value(inbox_event, key) == named.c.external_id,
    )
