"""What a contact rests on, locked: the person, the loans by id, then the numbers or the address."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    FromClause,
    and_,
    bindparam,
    func,
    null,
    or_,
    select,
    text,
)

from domain.actions import CLAIMABLE, ActionStatus, ActionType
from domain.collectors import business_day
from domain.compliance.vocabulary import Channel, Party
from domain.contact_points import BY_NUMBER
from workers.db.bulk import is_among
from workers.db.numbers import LockedNumber, lock_numbers_of, lock_point
from workers.db.parties import with_contacted
from workers.db.prepared_statements import literal, prepared
from workers.db.schema import action, borrower, loan, loan_party, person
from workers.db.spoken_language import confirmed_with, spoken_language
from workers.db.typed_rows import columns_of, typed_rows


class LockedAction(NamedTuple):
    """An action with what is read of its loan and its borrower, which are locked."""

    id: int
    status: ActionStatus
    due_at: datetime | None
    attempts: int
    try_number: int
    """Of its text; above 1, the texts before did not arrive."""
    ladder_since: date
    steps_tried: list[str]
    """Steps that the lender tried before, on the ladder that started on `steps_tried_at`."""
    steps_tried_at: date | None
    item: str
    cause: str | None
    """What it follows from; None: a day of the ladder asks for it."""
    caused_at: datetime | None
    """When that happened."""
    act_until: date | None
    """The last day on which a follow-up may act."""
    ladder_id: str
    ladder_version: int
    loan_id: int
    external_id: str
    jurisdiction: str
    currency: str
    borrower_id: int
    """The record of the person whom it is for."""
    record: str
    """The lender's id of that record."""
    person_id: int
    name_encrypted: bytes | None
    address_encrypted: bytes | None
    zones: list[str]
    locale: str
    """The language that the person speaks."""
    region: str | None
    address_point_id: int | None
    party_id: int | None
    """The party whom it is for; None: the borrower."""
    party: Party
    party_left: bool
    numbers: Sequence[LockedNumber]
    """Those of the record, in order; locked. Empty for a channel that needs none."""
    address_blind_index: bytes | None
    """Of a visit; the address is locked."""


_LOCKED = columns_of(
    LockedAction,
    *(action, loan, borrower),
    borrower_id=borrower.c.id,
    record=borrower.c.external_id,
    locale=spoken_language(),
    party=func.coalesce(loan_party.c.role, literal(Party.BORROWER)),
    party_left=loan_party.c.ended_at.is_not(None),
    numbers=null(),  # read after the lock, as the address is: nobody can change them then
    address_blind_index=null(),
)
_LOCK = prepared(
    select(*_LOCKED)
    .select_from(with_contacted(action.join(loan, loan.c.id == action.c.loan_id)))
    .join(person, person.c.id == borrower.c.person_id)
    .where(is_among(action.c.id, "of_actions"), action.c.type == bindparam("to_do"))
    .order_by(loan.c.id)
    .with_for_update(of=(person, borrower, loan), key_share=True)
)


def lock_action(
    connection: Connection, action_id: int, action_type: ActionType
) -> LockedAction | None:
    """Lock what a contact depends on: the person, so that caps cannot race; the loan, so that no
    payment slips in; and the numbers that may be used, or the address, so that no fact about them
    slips in."""
    rows = lock_actions(connection, [action_id], action_type)
    return rows[0] if rows else None


def lock_actions(
    connection: Connection, action_ids: Sequence[int], action_type: ActionType
) -> list[LockedAction]:
    """The same for actions of one person that are one contact."""
    values = {"of_actions": list(action_ids), "to_do": action_type}
    rows = typed_rows(LockedAction, connection.execute(_LOCK, values))
    return _lock_contact_points(connection, rows, action_type.channel)


def _lock_contact_points(
    connection: Connection, rows: Sequence[LockedAction], channel: Channel
) -> list[LockedAction]:
    """Lock the numbers that may be used, or the address, last of all."""
    if channel in BY_NUMBER and rows:
        numbers = lock_numbers_of(connection, {row.borrower_id for row in rows})
        return [row._replace(numbers=numbers[row.borrower_id]) for row in rows]
    rows = [row._replace(numbers=()) for row in rows]
    if channel is Channel.VISIT:
        addresses = {
            id: lock_point(connection, id)
            for id in sorted({row.address_point_id for row in rows if row.address_point_id})
        }
        rows = [
            row._replace(address_blind_index=addresses.get(row.address_point_id or 0))
            for row in rows
        ]
    return rows


_ASKED = action.alias("asked")
_ASKED_LOAN = loan.alias("asked_loan")
_ASKED_BORROWER = borrower.alias("asked_borrower")
_ASKED_PARTY = loan_party.alias("asked_party")


def _like(table: FromClause, asked: FromClause, *names: str) -> list[Any]:
    return [table.c[name] == asked.c[name] for name in names]


# Rows are locked in their order: the person and the loans by id.
_LOCK_TOGETHER = prepared(
    select(*_LOCKED)
    .select_from(_ASKED)
    .join(_ASKED_LOAN, _ASKED_LOAN.c.id == _ASKED.c.loan_id)
    .outerjoin(_ASKED_PARTY, _ASKED_PARTY.c.id == _ASKED.c.party_id)
    .join(
        _ASKED_BORROWER,
        _ASKED_BORROWER.c.id
        == func.coalesce(_ASKED_PARTY.c.borrower_id, _ASKED_LOAN.c.borrower_id),
    )
    .join(person, person.c.id == _ASKED_BORROWER.c.person_id)
    .join(borrower, borrower.c.person_id == person.c.id)
    # A contact names its loans. Who is only presumed to be the person may be somebody else.
    .where(text(f"borrower.id IN ({confirmed_with('asked_borrower')})"))
    # The loans to which the person is what they are to the first one.
    .outerjoin(
        loan_party,
        and_(
            loan_party.c.borrower_id == borrower.c.id,
            *_like(loan_party, _ASKED_PARTY, "role"),
        ),
    )
    .join(
        loan,
        or_(
            loan.c.id == loan_party.c.loan_id,
            and_(_ASKED.c.party_id.is_(None), loan.c.borrower_id == borrower.c.id),
        ),
    )
    .join(
        action,
        and_(
            action.c.loan_id == loan.c.id,
            action.c.party_id.is_not_distinct_from(loan_party.c.id),
        ),
    )
    .where(
        _ASKED.c.id == bindparam("of_action"),
        _ASKED.c.type == bindparam("to_do"),
        _ASKED.c.status.in_(CLAIMABLE),
        or_(
            action.c.id == _ASKED.c.id,
            and_(
                loan.c.id != _ASKED_LOAN.c.id,
                action.c.status.in_(CLAIMABLE),
                action.c.due_at < bindparam("until"),
                *_like(action, _ASKED, "type", "step"),
                *_like(loan, _ASKED_LOAN, "currency", "jurisdiction"),
            ),
        ),
    )
    .order_by(loan.c.id, action.c.id)
    .with_for_update(of=(person, borrower, loan), key_share=True)
)


def lock_together(
    connection: Connection,
    action_id: int,
    action_type: ActionType,
    now: datetime,
    may_join: Callable[[LockedAction, LockedAction], bool],
) -> list[LockedAction]:
    """Lock what one contact about several loans rests on, as `lock_action` does for one.

    All are loans of records that are confirmed to stand for one person, because the contact names
    them. What another record of the person owes is a contact by itself, which the same caps count.
    The action itself comes first, then an action of each other loan. `may_join` is asked with the
    first action and each other one. If a loan has two such actions, the later one of its ladder is
    taken. One statement, and one more for the numbers.
    """
    values = {
        "of_action": action_id,
        "to_do": action_type,
        "until": business_day(now).ends_at,
    }
    locked = typed_rows(LockedAction, connection.execute(_LOCK_TOGETHER, values))
    asked = [row for row in locked if row.id == action_id]
    others = [
        row
        for row in locked
        for first in asked
        if row.id != action_id and row.locale == first.locale and may_join(first, row)
    ]
    by_loan = {row.loan_id: row for row in (*asked, *others)}
    return _lock_contact_points(connection, list(by_loan.values()), action_type.channel)
