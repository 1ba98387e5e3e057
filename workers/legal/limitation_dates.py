"""Dates that laws depend on: the validation notice, and the acknowledgement of a debt."""

from datetime import date

from sqlalchemy import Connection, func, update
from sqlalchemy.dialects.postgresql import insert

from domain.actors import Actor
from domain.compliance.vocabulary import Proof
from domain.events import RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.loans import lock_named_loan
from workers.db.schema import acknowledgement, loan
from workers.escalation.reassess import reassess


def note_validation_notice(
    connection: Connection, ctx: Context, external_id: str, given_on: date
) -> Reasons:
    """Record that the borrower got the validation notice: what is owed, and how to dispute it.

    Regulation F, 12 CFR 1006.34. The first date stays. Actions that waited for it are checked by
    the gate again. In the caller's transaction.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: the date is in the future.
    """
    owed = lock_named_loan(connection, external_id, "validation_notice")
    _check_not_in_future(given_on, ctx, external_id)
    connection.execute(
        update(loan)
        .where(loan.c.id == owed.id)
        .values(
            validation_notice_on=func.least(
                func.coalesce(loan.c.validation_notice_on, given_on), given_on
            )
        )
    )
    reassess(connection, ctx, [owed.id], ctx.now())
    return because(ReasonCode.VALIDATION_NOTICE_RECORDED, loan=external_id, on=given_on)


def note_acknowledgement(
    connection: Connection,
    ctx: Context,
    external_id: str,
    on: date,
    proof: Proof,
    *,
    document: str | None = None,
    actor: Actor | None = None,
) -> Reasons:
    """Record that the borrower acknowledged the debt, and by which proof.

    Where the law says so, the limitation period starts again (中华人民共和国民法典 art. 195;
    Limitation Act 1980 s. 29). Every acknowledgement is kept: a later one may restart it only
    because an earlier one did. One of the same day with the same proof is recorded once. In the
    caller's transaction.

    Raises:
        NotYetError: the loan is not known.
        RejectedError: the date is in the future.
    """
    owed = lock_named_loan(connection, external_id, "acknowledgement")
    _check_not_in_future(on, ctx, external_id)
    connection.execute(
        insert(acknowledgement)
        .values(
            loan_id=owed.id,
            acknowledged_on=on,
            proof=proof,
            document=document,
            actor=actor.reference if actor else None,
            recorded_at=ctx.now(),
        )
        .on_conflict_do_nothing()
    )
    reassess(connection, ctx, [owed.id], ctx.now())
    return because(ReasonCode.DEBT_ACKNOWLEDGED, loan=external_id, on=on)


def _check_not_in_future(on: date, ctx: Context, external_id: str) -> None:
    if on > ctx.today():
        raise RejectedError(ReasonCode.DATE_IN_FUTURE, on=on, loan=external_id)
