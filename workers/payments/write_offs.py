"""Write-offs: the lender takes a loan off its books, and it is not collected here any more."""

from datetime import date

from sqlalchemy import Connection, update

from domain.actors import Actor
from domain.events import RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.loans import lock_named_loan
from workers.db.schema import loan as loan_table
from workers.escalation.reassess import reassess
from workers.hardship.promises import end_promise


def write_off(
    connection: Connection,
    ctx: Context,
    external_id: str,
    on: date,
    *,
    actor: Actor | None = None,
    why: str | None = None,
) -> Reasons:
    """Write a loan off as of `on`, in the caller's transaction. Returns what came of it.

    `actor` is who reported it, and `why` a sentence that identifies nobody; None: it was not said.

    Its case is closed, its waiting actions are cancelled, its open promise ends without being
    broken, and no scan finds it again. The debt may remain: payments are recorded as before. A
    write-off cannot be undone.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: the day has not come yet.
    """
    now = ctx.now()
    loan = lock_named_loan(connection, external_id, "write_off")
    if loan.written_off_on is not None:
        return because(ReasonCode.WRITE_OFF_KNOWN, loan=external_id, on=loan.written_off_on)
    if on > now.date():
        raise RejectedError(ReasonCode.WRITE_OFF_IN_FUTURE, on=on, loan=external_id)
    connection.execute(
        update(loan_table)
        .where(loan_table.c.id == loan.id)
        .values(
            written_off_on=on,
            written_off_at=now,
            written_off_by=actor.reference if actor else None,
            written_off_why=why,
        )
    )
    end_promise(connection, loan.id, now)
    reassess(connection, ctx, [loan.id], now)
    return because(ReasonCode.WRITE_OFF_RECORDED, loan=external_id)
