"""The attempt that a report is about, with the contacts that belong to it; its person is locked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, or_, select

from domain.compliance.vocabulary import Channel
from domain.contact_outcomes import ContactOutcome
from workers.attempts.conversations import Conversation, ReportedOutcome
from workers.attempts.named import named_attempt
from workers.db.people import lock_people
from workers.db.schema import borrower, contact, loan, person
from workers.db.typed_rows import columns_of, typed_row, typed_rows


class LockedAttempt(NamedTuple):
    """A contact that a person started, or recorded as one that the borrower began."""

    id: int
    loan_id: int
    borrower_id: int
    action_id: int | None
    """None: no item of a ladder asked for it. It asked a third party where the borrower is."""
    channel: str
    at: datetime
    number_blind_index: bytes | None
    address_blind_index: bytes | None
    zones: list[str]
    """The zones of the person at that time."""
    party: str
    """Who was to be reached."""
    external_id: str
    """The lender's id of the loan."""
    record: str
    """The lender's id of the borrower record."""
    actor: str | None
    """Who started it, or took it; None: it is a visit, which its visitors make."""
    inbound: bool | None
    """Whether the person began it; None: the lender did."""

    @property
    def point(self) -> bytes | None:
        """The number that was called, or the address that was visited: a visit says of the address
        what a call says of the number."""
        return self.number_blind_index or self.address_blind_index


class ContactOfAttempt(NamedTuple):
    """The contact about one item of an attempt."""

    id: int
    loan_id: int
    action_id: int | None


def lock_everybody_at_number(connection: Connection, attempt: str, sender: str) -> None:
    """Lock all who have the number that was called."""
    called = select(contact.c.number_blind_index, contact.c.borrower_id)
    named = named_attempt(called, attempt, sender)
    row = connection.execute(named).one_or_none()
    if row is not None and row.number_blind_index is not None:
        lock_people(connection, row.number_blind_index, row.borrower_id)


def lock_attempt(connection: Connection, attempt: str, sender: str) -> LockedAttempt | None:
    """The attempt that a sender means, with its person locked. The loans are locked after that."""
    locked = _named(attempt, sender).with_for_update(of=(person, borrower), key_share=True)
    return typed_row(LockedAttempt, connection.execute(locked))


def find_attempt(connection: Connection, attempt: str, sender: str) -> LockedAttempt | None:
    """The same, of somebody who is locked already."""
    return typed_row(LockedAttempt, connection.execute(_named(attempt, sender)))


def _named(attempt: str, sender: str) -> Select[Any]:
    record = borrower.c.external_id
    attempts = select(*columns_of(LockedAttempt, contact, loan, record=record)).select_from(
        contact.join(loan, loan.c.id == contact.c.loan_id)
        .join(borrower, borrower.c.id == contact.c.borrower_id)
        .join(person, person.c.id == borrower.c.person_id)
    )
    return named_attempt(attempts, attempt, sender)


def contacts_of(connection: Connection, contact_id: int) -> list[ContactOfAttempt]:
    """The contacts of an attempt, one for each item that it was about; the first one first."""
    of_attempt = or_(contact.c.id == contact_id, contact.c.part_of == contact_id)
    rows = select(*columns_of(ContactOfAttempt, contact)).where(of_attempt).order_by(contact.c.id)
    return typed_rows(ContactOfAttempt, connection.execute(rows))


def conversation_of(
    attempt: LockedAttempt, loan_ids: Sequence[int], report: ReportedOutcome
) -> Conversation:
    """What an attempt and the report of its outcome say together."""
    return Conversation(
        attempt=report.attempt,
        contact_id=attempt.id,
        record=attempt.borrower_id,
        borrower=attempt.record,
        loan_ids=loan_ids,
        channel=Channel(attempt.channel),
        outcome=report.outcome,
        details=report.details,
        actor=report.actor,
        sender=report.sender,
        callback_at=report.callback_at,
        arrived_at=attempt.at if attempt.channel == Channel.LETTER else None,
        hold_is_placed=report.outcome is ContactOutcome.DECEASED,
    )
