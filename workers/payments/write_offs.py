"""Write-offs: the lender takes a loan off its books, and it is not collected here any more; and
write-offs that are taken back."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, exists, insert, select, update

from domain.actors import Actor
from domain.events import NotYetError, RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.free_text import keep_words
from workers.db.loans import lock_named_loan
from workers.db.schema import loan as loan_table
from workers.db.schema import past_write_off, payment
from workers.escalation.reassess import reassess
from workers.hardship.arrangement_endings import decline_open
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

    `actor` is who reported it, and `why` what they typed; None: it was not said.

    Its case is closed, its waiting actions are cancelled, its open promise ends without being
    broken, and no scan finds it again. The debt may remain: payments of that day and later are
    recorded as recoveries. `take_back_write_off` undoes it.

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
    why_id = keep_words(connection, ctx.cipher, why, now, loan_id=loan.id) if why else None
    connection.execute(
        update(loan_table)
        .where(loan_table.c.id == loan.id)
        .values(
            written_off_on=on,
            written_off_at=now,
            written_off_by=actor.reference if actor else None,
            written_off_why_id=why_id,
        )
    )
    connection.execute(
        update(payment)
        .where(payment.c.loan_id == loan.id, payment.c.paid_on >= on)
        .values(is_recovery=True)
    )
    end_promise(connection, loan.id, now)
    decline_open(connection, loan.id, now)
    reassess(connection, ctx, [loan.id], now)
    return because(ReasonCode.WRITE_OFF_RECORDED, loan=external_id)


@dataclass(frozen=True, slots=True)
class WriteOffTakenBack:
    """The lender takes a loan back on its books."""

    loan: str
    """The lender's own id of it."""
    taken_back_on: date
    actor: str | None = None
    why: str | None = None


def take_back_write_off(connection: Connection, ctx: Context, back: WriteOffTakenBack) -> Reasons:
    """Take a write-off back, in the caller's transaction. Returns what came of it.

    The loan is on its ladder again, from its next review on: nothing is sent here, and what the
    review plans waits for lawful hours as always. The write-off stays on record.

    Raises:
        NotYetError: the loan is not known, or not written off: its write-off may come later.
        RejectedError: the day has not come yet, or is before the write-off.
    """
    now = ctx.now()
    loan = lock_named_loan(connection, back.loan, "write_off_taken_back")
    if loan.written_off_on is None:
        if not _was_taken_back(connection, loan.id, back.taken_back_on):
            raise NotYetError(ReasonCode.NOT_WRITTEN_OFF, loan=back.loan)
        return because(ReasonCode.NOT_WRITTEN_OFF, loan=back.loan)
    if not loan.written_off_on <= back.taken_back_on <= now.date():
        raise RejectedError(
            ReasonCode.WRITE_OFF_TAKEN_BACK_ON_WRONG_DAY,
            loan=back.loan,
            written_off_on=loan.written_off_on,
            on=back.taken_back_on,
        )
    was = (
        *("id", "written_off_at", "written_off_on", "written_off_by"),
        *("written_off_why_id", "written_off_why"),
    )
    row = connection.execute(
        select(*(loan_table.c[name] for name in was)).where(loan_table.c.id == loan.id)
    ).one()
    why_id = None
    if back.why:
        why_id = keep_words(connection, ctx.cipher, back.why, now, loan_id=loan.id)
    connection.execute(
        insert(past_write_off).values(
            loan_id=loan.id,
            written_off_at=row.written_off_at,
            written_off_on=row.written_off_on,
            written_off_by=row.written_off_by,
            written_off_why_id=row.written_off_why_id,
            written_off_why=row.written_off_why,
            taken_back_on=back.taken_back_on,
            taken_back_at=now,
            taken_back_by=back.actor,
            taken_back_why_id=why_id,
        )
    )
    connection.execute(
        update(loan_table).where(loan_table.c.id == loan.id).values(dict.fromkeys(was[1:], None))
    )
    reassess(connection, ctx, [loan.id], now)
    return because(ReasonCode.WRITE_OFF_TAKEN_BACK, loan=back.loan)


def _was_taken_back(connection: Connection, loan_id: int, on: date) -> bool:
    """Whether a write-off of the loan was taken back as of that day."""
    found = exists().where(
        past_write_off.c.loan_id == loan_id, past_write_off.c.taken_back_on == on
    )
    return bool(connection.execute(select(found)).scalar())
