"""The loan book in the store: finding loans, taking payments, keeping opt-outs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.allocation import Allocation
from domain.errors import ArrearsError
from domain.loans import Component, Instalment
from domain.rules import Channel
from workers.events import NotYetError
from workers.store.relaying import write_new_parts
from workers.store.rows import as_rows, given_rows
from workers.store.schema import instalment, loan
from workers.store.schema import opt_out as opt_out_table

_LOCK = (
    select(
        loan.c.id,
        loan.c.currency,
        loan.c.jurisdiction,
        loan.c.product,
        loan.c.anchor_on,
        loan.c.tape_as_of,
        loan.c.written_off_on,
    )
    .where(loan.c.external_id == bindparam("known_as"))
    .with_for_update()
)


def lock_loan(connection: Connection, external_id: str) -> Row[*tuple[Any, ...]] | None:
    """The loan by the lender's own id, locked until the transaction ends; None if unknown."""
    return connection.execute(_LOCK, {"known_as": external_id}).one_or_none()


def lock_loan_told_of(connection: Connection, external_id: str, told: str) -> Row[*tuple[Any, ...]]:
    """The loan that an event is about, locked as `lock_loan` does; `told` is what it tells.

    Raises:
        NotYetError: the loan is not known yet.
    """
    found = lock_loan(connection, external_id)
    if found is None:
        raise NotYetError(f"Loan {external_id} is not known. Import it; the {told} is kept.")
    return found


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


def lock_known_loan(connection: Connection, external_id: str) -> Row[*tuple[Any, ...]]:
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


_SCHEDULE = (
    select(
        instalment.c.due_on,
        *(instalment.c[part] for part in ("principal", "interest", "fees")),
        *(instalment.c[f"paid_{part}"] for part in ("principal", "interest", "fees")),
    )
    .where(instalment.c.loan_id == bindparam("of_loan"))
    .order_by(instalment.c.due_on)
)


def load_schedule(connection: Connection, loan_id: int) -> tuple[Instalment, ...]:
    """The whole schedule in due order."""
    rows = connection.execute(_SCHEDULE, {"of_loan": loan_id})
    return tuple(Instalment(*row) for row in rows)


def write_allocations(
    connection: Connection, loan_id: int, payment_id: int, allocations: Sequence[Allocation]
) -> None:
    """Put allocations on record and lower what is unpaid by them."""
    if not allocations:
        return
    write_new_parts(connection, payment_id, allocations)
    pay_instalments(connection, loan_id, allocations)


_PAID = as_rows((instalment.c.due_on, *(instalment.c[f"paid_{c}"] for c in Component)))
_PAY = (
    update(instalment)
    .where(instalment.c.loan_id == bindparam("of_loan"), instalment.c.due_on == _PAID.c.due_on)
    .values(
        {
            instalment.c[f"paid_{c}"]: instalment.c[f"paid_{c}"] + _PAID.c[f"paid_{c}"]
            for c in Component
        }
    )
)


def pay_instalments(
    connection: Connection, loan_id: int, allocations: Sequence[Allocation]
) -> None:
    """Lower what is unpaid of the instalments by `allocations`, of which there is at least one."""
    paid: dict[date, dict[str, Any]] = {}
    for part in allocations:
        row = paid.setdefault(
            part.due_on, {"due_on": part.due_on, **{f"paid_{c}": 0 for c in Component}}
        )
        row[f"paid_{part.component}"] += part.amount
    connection.execute(_PAY, {"of_loan": loan_id, **given_rows(list(paid.values()))})


def opt_out(
    connection: Connection, borrower_id: int, channel: Channel, source: str, now: datetime
) -> None:
    """Never contact this borrower through this channel again. The first opt-out's date stays."""
    connection.execute(
        insert(opt_out_table)
        .values(borrower_id=borrower_id, channel=channel, source=source, since=now)
        .on_conflict_do_nothing()
    )
