"""Who may work for a person: asked of the staff before they do anything about that person."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, false, or_, select

from domain.actors import Actor, ActorKind
from domain.errors import RefusedError
from domain.language.speak import speak
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db.schema import arrangement, borrower, loan, promise, reply, staff
from workers.db.schema import must_not_handle as barred


def assert_may_handle(connection: Connection, actor: Actor, whose: ColumnElement[bool]) -> None:
    """Check that whoever acts may work for the people whose records these are. It is asked of the
    staff only: Arrears itself and the lender's systems are nobody whom a person complains of.

    Raises:
        RefusedError: they must not handle one of them.
    """
    if actor.kind is not ActorKind.STAFF:
        return
    own = borrower.alias("own")
    kept_away = (
        select(barred.c.id)
        .join(staff, staff.c.id == barred.c.staff_id)
        .join(own, own.c.id == barred.c.borrower_id)
        .join(borrower, borrower.c.person_id == own.c.person_id)
        .where(staff.c.external_id == actor.reference, barred.c.ended_at.is_(None), whose)
    )
    if connection.execute(kept_away.limit(1)).scalar() is not None:
        reason = because(ReasonCode.STAFF_MUST_NOT_HANDLE, staff=actor.reference)
        raise RefusedError(speak(reason), reason)


def assert_may_report(ctx: Context, said: Mapping[str, Any]) -> None:
    """The same of the people whom a report is about: it names a loan, somebody's record, an
    arrangement, a promise or a text.

    Raises:
        RefusedError: whoever reports must not handle one of them.
    """
    of_loan = select(loan.c.borrower_id)
    named = [borrower.c.external_id == said.get("borrower")] if said.get("borrower") else []
    if said.get("loan"):
        named.append(borrower.c.id.in_(of_loan.where(loan.c.external_id == said["loan"])))
    for name, table in (("arrangement", arrangement), ("promise", promise)):
        if said.get(name):
            its = of_loan.join(table, table.c.loan_id == loan.c.id)
            named.append(borrower.c.id.in_(its.where(table.c.external_id == said[name])))
    if said.get("reply"):
        wrote = select(reply.c.borrower_id).where(reply.c.id == said["reply"])
        named.append(borrower.c.id.in_(wrote))
    with ctx.engine.connect() as connection:
        assert_may_handle(connection, ctx.actor, or_(false(), *named))


def of_loan_id(loan_id: int) -> ColumnElement[bool]:
    """The record of the borrower of a loan, for `assert_may_handle`."""
    return borrower.c.id.in_(select(loan.c.borrower_id).where(loan.c.id == loan_id))
