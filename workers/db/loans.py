"""Loans: lock them, read and pay their instalments."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select, update

from domain.allocation import Allocation
from domain.errors import NotKnownError
from domain.events import NotYetError
from domain.loans import Component, Instalment
from domain.reasons import ReasonCode
from workers.db.bulk import as_rows, given_rows, is_among
from workers.db.prepared_statements import prepared
from workers.db.schema import instalment, loan
from workers.db.sender_ids import is_named
from workers.db.typed_rows import columns_of, typed_row, typed_rows


class LockedLoan(NamedTuple):
    """A loan that is locked until the transaction ends."""

    id: int
    external_id: str
    currency: str
    """ISO 4217."""
    jurisdiction: str
    product: str
    delinquent_since: date | None
    tape_as_of: date | None
    """The business date of the last tape that had it."""
    written_off_on: date | None
    restructured_on: date | None


_NAMED_LOANS = (
    select(*columns_of(LockedLoan, loan))
    .where(is_among(loan.c.external_id, "known_as"))
    .order_by(loan.c.id)
)
_LOCK = prepared(_NAMED_LOANS.with_for_update(key_share=True))


_KNOWN = prepared(select(loan.c.external_id).where(is_among(loan.c.external_id, "known_as")))
_LOCK_FREE = prepared(_NAMED_LOANS.with_for_update(key_share=True, skip_locked=True))


def lock_free_loans(
    connection: Connection, external_ids: Collection[str]
) -> tuple[dict[str, LockedLoan], set[str]]:
    """Lock the loans that nobody else has locked, by the lender's id; and the ids of the others.

    A transaction with several loans must not wait for one while it has locked others: an import
    locks loans in its own order, and for a long time. Unknown loans are in neither.
    """
    known_as = {"known_as": list(external_ids)}
    rows = typed_rows(LockedLoan, connection.execute(_LOCK_FREE, known_as))
    free = {row.external_id: row for row in rows}
    if len(free) == len(external_ids):
        return free, set()
    return free, set(connection.execute(_KNOWN, known_as).scalars()) - free.keys()


def lock_loan(connection: Connection, external_id: str) -> LockedLoan | None:
    """Lock the loan with the lender's id until the transaction ends; None if it is not known."""
    return typed_row(LockedLoan, connection.execute(_LOCK, {"known_as": [external_id]}))


def lock_loan_by_id(connection: Connection, loan_id: int) -> LockedLoan:
    """Lock a loan that is on record."""
    by_id = select(*columns_of(LockedLoan, loan)).where(loan.c.id == loan_id)
    (locked,) = typed_rows(LockedLoan, connection.execute(by_id.with_for_update(key_share=True)))
    return locked


def lock_named_loan(connection: Connection, external_id: str, event: str) -> LockedLoan:
    """Lock the loan that an event names; `event` is the kind of event, for the message.

    Raises:
        NotYetError: the loan is not known yet.
    """
    locked = lock_loan(connection, external_id)
    if locked is None:
        raise not_known_yet(external_id, event)
    return locked


def not_known_yet(external_id: str, event: str) -> NotYetError:
    """The answer to an event about a loan that is not imported yet."""
    return NotYetError(ReasonCode.LOAN_NOT_KNOWN, loan=external_id, event=event)


def lock_loan_of(connection: Connection, table: Table, external_id: str, sender: str) -> int | None:
    """Lock the loan that a row of `table` belongs to; returns its id.

    `external_id` is the id that `sender` gave the row. None if there is no such row. Read other
    data of the loan only after this.
    """
    locked: int | None = connection.execute(
        select(loan.c.id)
        .join(table, table.c.loan_id == loan.c.id)
        .where(is_named(table, external_id, sender))
        .with_for_update(of=loan, key_share=True)
    ).scalar()
    return locked


def lock_known_loan(connection: Connection, external_id: str) -> LockedLoan:
    """Lock the loan that a person named.

    Raises:
        NotKnownError: the loan is not known.
    """
    loan = lock_loan(connection, external_id)
    if loan is None:
        raise loan_not_known(external_id)
    return loan


def known_loan_id(connection: Connection, external_id: str) -> int:
    """The id of the loan that a person named; it is not locked.

    Raises:
        NotKnownError: the loan is not known.
    """
    loan_id: int | None = connection.execute(
        select(loan.c.id).where(loan.c.external_id == external_id)
    ).scalar()
    if loan_id is None:
        raise loan_not_known(external_id)
    return loan_id


def loan_not_known(external_id: str) -> NotKnownError:
    """The message for a person who named an unknown loan."""
    return NotKnownError(
        "Loan {external_id} is not known. Check its number, or import it.", external_id=external_id
    )


_SCHEDULE = prepared(
    select(instalment.c.loan_id, *(instalment.c[field.name] for field in fields(Instalment)))
    .where(is_among(instalment.c.loan_id, "of_loans"))
    .order_by(instalment.c.loan_id, instalment.c.due_on)
)


def load_schedules(
    connection: Connection, loan_ids: Iterable[int]
) -> dict[int, tuple[Instalment, ...]]:
    """The whole schedules in due order, by loan. One statement."""
    schedules: dict[int, list[Instalment]] = {loan_id: [] for loan_id in loan_ids}
    for loan_id, *parts in connection.execute(_SCHEDULE, {"of_loans": list(schedules)}):
        schedules[loan_id].append(Instalment(*parts))
    return {loan_id: tuple(schedule) for loan_id, schedule in schedules.items()}


def load_schedule(connection: Connection, loan_id: int) -> tuple[Instalment, ...]:
    """The whole schedule in due order."""
    return load_schedules(connection, [loan_id])[loan_id]


_PAID = as_rows(
    (instalment.c.loan_id, instalment.c.due_on, *(instalment.c[f"paid_{c}"] for c in Component))
)
_PAY = prepared(
    update(instalment)
    .where(
        is_among(instalment.c.loan_id, "of_loans"),
        instalment.c.loan_id == _PAID.c.loan_id,
        instalment.c.due_on == _PAID.c.due_on,
    )
    .values(
        {
            instalment.c[f"paid_{c}"]: instalment.c[f"paid_{c}"] + _PAID.c[f"paid_{c}"]
            for c in Component
        }
    )
)


def pay_instalments(
    connection: Connection, allocations: Mapping[int, Sequence[Allocation]]
) -> None:
    """Add the allocations of each loan to what is paid of its instalments. One statement."""
    paid: dict[tuple[int, date], dict[str, Any]] = {}
    for loan_id, parts in allocations.items():
        for part in parts:
            row = paid.setdefault(
                (loan_id, part.due_on),
                {"loan_id": loan_id, "due_on": part.due_on, **{f"paid_{c}": 0 for c in Component}},
            )
            row[f"paid_{part.component}"] += part.amount
    if paid:
        of_loans = {"of_loans": list(allocations)}
        connection.execute(_PAY, of_loans | given_rows(list(paid.values())))
