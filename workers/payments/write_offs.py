"""Writing off: the lender takes a loan off its books, and from then on it is not collected here."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, update

from domain.events import RejectedError
from workers.context import Context
from workers.db.loans import lock_named_loan
from workers.db.schema import loan
from workers.escalation.reassess import reassess
from workers.hardship.promises import end_promise


def write_off(connection: Connection, ctx: Context, external_id: str, on: date) -> str:
    """Write a loan off as of `on`, in the caller's transaction. Returns a sentence for people.

    Its case is closed, what waits is called off, an open promise is nobody's to break any more, and
    no scan finds it again. The debt may remain: money that comes in is recorded as before. There
    is no way back.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: the day has not come yet.
    """
    now = ctx.now()
    owed = lock_named_loan(connection, external_id, "write-off")
    if owed.written_off_on is not None:
        return f"Loan {external_id} was written off on {owed.written_off_on}; nothing changed."
    if on > now.date():
        raise RejectedError(
            f"{on} has not come yet. Tell of the write-off of loan {external_id} when it is done."
        )
    connection.execute(
        update(loan).where(loan.c.id == owed.id).values(written_off_on=on, written_off_at=now)
    )
    end_promise(connection, owed.id, now)
    reassess(connection, [owed.id], now)
    return f"Loan {external_id} is written off: it is not collected here any more."
