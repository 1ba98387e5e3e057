"""What a report of a contact names: the contact itself, its person, and other loans."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Select, case, exists, or_, select

from domain.compliance.vocabulary import Party
from domain.errors import ArrearsError
from domain.events import STAFF, RejectedError
from domain.reasons import ReasonCode
from workers.db.loans import not_known_yet
from workers.db.schema import borrower, contact, loan, loan_party

Contacts = TypeVar("Contacts", bound=Select[Any])


def named_attempt(attempts: Contacts, id: str, own_sender: str) -> Contacts:
    """The contact that a sender means by this id: one of its own, or an attempt of the lender's,
    which belongs to no sender. Staff may mean the contact of any sender; their own come first."""
    sender = contact.c.sender
    if own_sender != STAFF:
        attempts = attempts.where(or_(sender == own_sender, sender.is_(None)))
    own_first = (sender == own_sender).desc().nulls_last()
    return (
        attempts.where(contact.c.attempt == id).order_by(own_first, sender.nulls_first()).limit(1)
    )


def id_taken(attempt: str) -> ArrearsError:
    """The refusal of a call under the id of another conversation."""
    return ArrearsError(
        "{attempt} is the id of another attempt. Each has one of its own.", attempt=attempt
    )


def refuse_taken_id(connection: Connection, attempt: str) -> None:
    """Refuse a call under the id of a contact that the person began, whoever sent it: what is
    reported under one id is of one conversation. One statement.

    Raises:
        ArrearsError: such a contact is on record.
    """
    if connection.execute(select(exists().where(contact.c.attempt == attempt))).scalar():
        raise id_taken(attempt)


def loan_ids(connection: Connection, external_ids: Sequence[str], event: str) -> list[int]:
    """The ids of the loans that an event names besides its own.

    Raises:
        NotYetError: one of them is not known.
    """
    if not external_ids:
        return []
    named = select(loan.c.external_id, loan.c.id).where(loan.c.external_id.in_(external_ids))
    found = {row.external_id: row.id for row in connection.execute(named)}
    if unknown := [name for name in external_ids if name not in found]:
        raise not_known_yet(unknown[0], event)
    return sorted(found.values())


def refuse_loans_of_others(
    connection: Connection, mentioned: Sequence[int], theirs: Collection[int]
) -> None:
    """Refuse a report that says of loans of somebody else that the conversation was about them too:
    it would count for them, and stay on record.

    Raises:
        RejectedError: one of those mentioned is none of theirs.
    """
    others = [id for id in mentioned if id not in theirs]
    if others:
        named = select(loan.c.external_id).where(loan.c.id == others[0])
        external_id = connection.execute(named).scalar_one()
        raise RejectedError(ReasonCode.LOAN_OF_SOMEBODY_ELSE, loan=external_id)


class PersonOfContact(NamedTuple):
    """The person whose contact it was."""

    id: int
    """Of their record."""
    zones: list[str]
    external_id: str
    """The lender's id of the record."""
    role: Party
    """What they are to the loan, or were."""


def person_of_contact(
    connection: Connection, loan_id: int, loan_external_id: str, borrower_external_id: str | None
) -> PersonOfContact:
    """The record of the person, and what they are, or were, to the locked loan; of its borrower, if
    no other person is named.

    Raises:
        RejectedError: the named person never was party to it.
    """
    owner = select(borrower.c.person_id).join(loan).where(loan.c.id == loan_id).scalar_subquery()
    record = select(borrower.c.id, borrower.c.zones, borrower.c.external_id)
    if borrower_external_id is None:
        of_loan = record.join(loan, loan.c.borrower_id == borrower.c.id).where(loan.c.id == loan_id)
        return PersonOfContact(*connection.execute(of_loan).one(), Party.BORROWER)
    own = borrower.alias("own")
    roles = (
        select(loan_party.c.role)
        .join(own, own.c.id == loan_party.c.borrower_id)
        .where(loan_party.c.loan_id == loan_id, own.c.person_id == borrower.c.person_id)
        # Who owes the debt first counts; and what somebody is before what they were.
        .order_by(loan_party.c.ended_at.is_not(None), loan_party.c.role)
        .limit(1)
        .scalar_subquery()
    )
    role = case((borrower.c.person_id == owner, str(Party.BORROWER)), else_=roles)
    named = record.add_columns(role.label("role")).where(
        borrower.c.external_id == borrower_external_id
    )
    found = connection.execute(named).one()
    if found.role is None:
        raise RejectedError(
            ReasonCode.NOT_OF_LOAN, borrower=borrower_external_id, loan=loan_external_id
        )
    return PersonOfContact(found.id, found.zones, found.external_id, Party(found.role))
