"""Who takes back at the desk what is binding for somebody: a promise, a request, an offer."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, exists, select, true

from domain.actors import ActorKind
from domain.arrangements import SAID_BY_BORROWER, ArrangementStatus, Refusal
from domain.errors import RefusedError
from domain.events import person_of
from domain.language.speak import speak
from domain.permissions import Permission
from domain.promises import PromiseStatus
from domain.reasons import ReasonCode, Reasons, because
from workers.access.permitted import permitted
from workers.calls.amounts import CONTACT, amounts_are_shown
from workers.context import Context
from workers.db.duties import ASKS_FOR_ARRANGEMENT
from workers.db.schema import arrangement, duty, loan, promise, staff, work_lease
from workers.db.sender_ids import named_by_staff

_WAITS = (ArrangementStatus.REQUESTED, ArrangementStatus.OFFERED)
"""What has been accepted needs a second person in any case."""


def why_not_ended(
    connection: Connection, ctx: Context, table: Table, name: str, said: Mapping[str, Any]
) -> Reasons:
    """Why whoever acts cannot say that a person withdraws a promise, or a request for an
    arrangement; empty: they can.

    Somebody of the loan was confirmed to them today; or it is a promise that they recorded
    themselves by mistake; or they do more than contact borrowers, such as a supervisor. What is
    over is only repeated, and what is not known is for others to refuse.
    """
    is_mistake = said.get("was_made") is False
    return _why(connection, ctx, table, name, said.get("sender"), said["actor"], own=is_mistake)


@permitted(Permission.RECORD_ARRANGEMENTS)
def assert_may_decline(
    ctx: Context, name: str, refusal: Refusal, *, sender: str | None = None
) -> None:
    """Check that whoever acts may decline an arrangement that is asked for or offered.

    What the borrower said needs somebody of the loan who was confirmed to them today. What the
    lender decides is also for whoever recorded the request or made the offer, and for whoever owes
    the answer or was served work of that loan. Supervisors need none of it, nor do machines.

    Raises:
        RefusedError: it is not theirs, and nobody was confirmed.
    """
    if ctx.actor.kind is not ActorKind.STAFF:
        return
    own = refusal not in SAID_BY_BORROWER
    with ctx.engine.connect() as connection:
        me = ctx.actor.reference
        if why := _why(connection, ctx, arrangement, name, sender, me, own=own):
            raise RefusedError(speak(why), why)


def _why(
    connection: Connection,
    ctx: Context,
    table: Table,
    name: str,
    sender: str | None,
    who: str,
    *,
    own: bool,
) -> Reasons:
    if ctx.actor.kind is ActorKind.STAFF and not ctx.actor.roles <= CONTACT:
        return ()
    whose = sender or named_by_staff(connection, table, {name})[name]
    if not isinstance(whose, str):
        return ()
    theirs = (promise.c.actor,) if table is promise else _RECORDED
    stored = select(loan.c.id, loan.c.external_id, table.c.status, *theirs).where(
        table.c.loan_id == loan.c.id, table.c.external_id == name, table.c.sender == whose
    )
    if table is promise:
        stored = stored.where(_counts(own))
    else:
        stored = stored.where(table.c.status.in_(_WAITS))
    row = connection.execute(stored).one_or_none()
    if row is None or amounts_are_shown(connection, ctx, row.external_id, who):
        return ()
    recorded = {person_of(by) for by in row[3:] if by}
    if own and who in recorded:
        return ()
    if own and table is arrangement and _works_on(connection, row.id, who):
        return ()
    return because(ReasonCode.ENDED_BY_NOBODY_CONFIRMED, loan=row.external_id)


_RECORDED = (arrangement.c.requested_by, arrangement.c.offered_by)


def _counts(own: bool) -> ColumnElement[bool]:
    """Whether a promise may still change: it is open, or counts although it was a mistake."""
    is_open = promise.c.status == PromiseStatus.OPEN
    return is_open | promise.c.was_made.is_distinct_from(False) if own else is_open


def _works_on(connection: Connection, loan_id: int, who: str) -> bool:
    """Whether somebody owes the answer to a request of a loan, or was served work of it."""
    owes = exists().where(
        duty.c.loan_id == loan_id,
        duty.c.outcome.in_(ASKS_FOR_ARRANGEMENT),
        duty.c.ended_at.is_(None),
        duty.c.staff == who,
    )
    served = exists().where(
        work_lease.c.loan_id == loan_id,
        work_lease.c.ended_at.is_(None),
        work_lease.c.staff_id == staff.c.id,
        staff.c.external_id == who,
    )
    return connection.execute(select(true()).where(owes | served)).first() is not None
