"""The loan book in the store: finding loans, taking payments, keeping opt-outs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.actors import Actor
from domain.allocation import Allocation
from domain.compliance.vocabulary import Channel
from domain.errors import ArrearsError
from domain.events import NotYetError
from domain.loans import Component, Instalment
from workers.db.bulk import as_rows, given_rows, is_among
from workers.db.prepared_statements import prepared
from workers.db.schema import instalment, loan
from workers.db.schema import opt_out as opt_out_table
from workers.db.typed_rows import typed_row, typed_rows


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


_LOCK_THEM = (
    select(*(loan.c[name] for name in LockedLoan._fields))
    .where(is_among(loan.c.external_id, "known_as"))
    .order_by(loan.c.id)
)
_LOCK = prepared(_LOCK_THEM.with_for_update())


_KNOWN = prepared(select(loan.c.external_id).where(is_among(loan.c.external_id, "known_as")))
_LOCK_FREE = prepared(_LOCK_THEM.with_for_update(skip_locked=True))


def lock_free_loans(
    connection: Connection, external_ids: Collection[str]
) -> tuple[dict[str, LockedLoan], set[str]]:
    """Those of the loans that nobody holds, locked, by the lender's own id; and those held.

    Whoever locks several must not wait while holding some: a tape holds loans in its own order, and
    for as long as it takes. What is in neither is not known.
    """
    known_as = {"known_as": list(external_ids)}
    rows = typed_rows(LockedLoan, connection.execute(_LOCK_FREE, known_as))
    free = {row.external_id: row for row in rows}
    if len(free) == len(external_ids):
        return free, set()
    return free, set(connection.execute(_KNOWN, known_as).scalars()) - free.keys()


def lock_loan(connection: Connection, external_id: str) -> LockedLoan | None:
    """The loan by the lender's own id, locked until the transaction ends; None if unknown."""
    return typed_row(LockedLoan, connection.execute(_LOCK, {"known_as": [external_id]}))


def lock_named_loan(connection: Connection, external_id: str, told: str) -> LockedLoan:
    """The loan that an event is about, locked as `lock_loan` does; `told` is what it tells.

    Raises:
        NotYetError: the loan is not known yet.
    """
    found = lock_loan(connection, external_id)
    if found is None:
        raise not_known_yet(external_id, told)
    return found


def not_known_yet(external_id: str, told: str) -> NotYetError:
    """What is said of an event about a loan that has not come in yet."""
    return NotYetError(f"Loan {external_id} is not known. Import it; the {told} is kept.")


def lock_loan_of(connection: Connection, what: Table, external_id: str) -> int | None:
    """The id of the loan that a row of `what` belongs to, by the lender's own id of that row.

    The loan is locked until the transaction ends. What else is read of it must be read after this.
    None if there is no such row.
    """
    found: int | None = connection.execute(
        select(loan.c.id)
        .join(what, what.c.loan_id == loan.c.id)
        .where(what.c.external_id == external_id)
        .with_for_update(of=loan)
    ).scalar()
    return found


def lock_known_loan(connection: Connection, external_id: str) -> LockedLoan:
    """The loan that a person named, locked as `lock_loan` does.

    Raises:
        ArrearsError: the loan is not known.
    """
    loan = lock_loan(connection, external_id)
    if loan is None:
        raise loan_not_known(external_id)
    return loan


def loan_not_known(external_id: str) -> ArrearsError:
    """What a person is told who named a loan that is not in the book."""
    return ArrearsError(f"Loan {external_id} is not known. Check its number, or import it.")


_SCHEDULE = prepared(
    select(
        instalment.c.loan_id,
        instalment.c.due_on,
        *(instalment.c[part] for part in ("principal", "interest", "fees")),
        *(instalment.c[f"paid_{part}"] for part in ("principal", "interest", "fees")),
    )
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
    """Lower what is unpaid of the instalments by the allocations of each loan. One statement."""
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


def opt_out(
    connection: Connection, borrower_id: int, channel: Channel, actor: Actor, now: datetime
) -> None:
    """Never contact this borrower through this channel again. The first opt-out's date stays."""
    connection.execute(
        insert(opt_out_table)
        .values(
            borrower_id=borrower_id,
            channel=channel,
            source=actor.reference,
            source_kind=actor.kind,
            since=now,
        )
        .on_conflict_do_nothing()
    )
