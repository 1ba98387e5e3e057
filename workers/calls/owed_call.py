"""The call back that somebody owes and that no call of the ladder carries: its start opens it.

It was agreed in the person's own call or at the door, and was served at its moment. From then on it
is a call like any other: the gate is asked, its outcome is due, and nobody else makes it meanwhile.
"""

from typing import NamedTuple

from sqlalchemy import Connection, select, text

from domain.actions import ASSIGN_CALL
from domain.collectors import business_day
from domain.errors import NoOpenCallError
from domain.follow_ups import FOLLOW_UP, Happened, Trigger
from domain.ladder import CALL_BACK
from domain.staffing import terms_on
from workers.attempts.attempts import BarredError, sending_is_held
from workers.calls.asked_call import AskedCall, open_call
from workers.calls.assign import give_call
from workers.context import Context
from workers.db.callers import give
from workers.db.loans import lock_loan
from workers.db.open_calls import ItemToCall
from workers.db.persons import lock_person
from workers.db.schema import action
from workers.db.typed_rows import typed_row
from workers.db.work_leases import lease_call_instead
from workers.escalation.follow_ups import plan_follow_ups
from workers.gate.claim import ClaimedAction, claim


class _Owed(NamedTuple):
    lease_id: int
    staff_id: int
    borrower_id: int
    person_id: int
    loan_id: int
    attempt: str
    """The conversation in which it was agreed."""
    record: int
    """Of whom it was agreed with."""


_OWED = text("""
SELECT w.id AS lease_id, w.staff_id, w.borrower_id, w.person_id, d.loan_id, x.attempt,
       x.borrower_id AS record
  FROM staff s JOIN work_lease w ON w.staff_id = s.id AND w.ended_at IS NULL
       JOIN duty d ON d.id = w.duty_id AND d.ended_at IS NULL
       JOIN loan l ON l.id = d.loan_id
       JOIN contact x ON x.id = d.contact_id
 WHERE s.external_id = :staff AND l.external_id = :loan AND d.outcome = 'callback_requested'
""")


def call_to_make(connection: Connection, ctx: Context, asked: AskedCall) -> list[ItemToCall]:
    """What the call is about, in its order: the open call of whoever calls, if they were not served
    a callback to another party of the loan; else that callback; else the call of a colleague.

    Raises:
        NoOpenCallError: there is none of them.
        BarredError: it is a callback, and the gate does not allow it now.
        ArrearsError: the loan is not known.
    """
    of = asked.actor if asked.machine else None
    try:
        items = open_call(connection, asked.loan, asked.item, of=of)
    except NoOpenCallError:
        if not _open_owed(connection, ctx, asked):
            raise
    else:
        is_theirs = items[0].staff == asked.actor.reference and not items[0].owes_another
        if is_theirs or not _open_owed(connection, ctx, asked):
            return items
    return open_call(connection, asked.loan, asked.item, of=asked.actor)


def _open_owed(connection: Connection, ctx: Context, asked: AskedCall) -> bool:
    """Give whoever calls the call that they owe; False: they owe none, or the ladder does not
    contact the person about the loan.

    Raises:
        BarredError: the gate does not allow it now.
    """
    if not asked.opens_callbacks or asked.item not in (None, CALL_BACK.id):
        return False
    values = {"staff": asked.actor.reference, "loan": asked.loan}
    owed = typed_row(_Owed, connection.execute(_OWED, values))
    if owed is None:
        return False
    lock_person(connection, owed.borrower_id)
    lock_loan(connection, asked.loan)
    now, cause = ctx.now(), f"contact:{owed.attempt}"
    asks = Happened(
        owed.loan_id, Trigger.OUTCOME, cause, now, item=CALL_BACK.id, record=owed.record
    )
    if not plan_follow_ups(connection, ctx, [asks], now):
        return False
    planned = select(action.c.id).where(
        action.c.loan_id == owed.loan_id, action.c.cause == cause, action.c.item == CALL_BACK.id
    )
    action_id: int = connection.execute(planned).scalar_one()
    claimed = claim(connection, ctx, action_id, ASSIGN_CALL)
    if claimed is None:
        moved = select(action.c.reason, action.c.rules, action.c.due_at)
        why = connection.execute(moved.where(action.c.id == action_id)).one()
        if why.reason is None:
            raise sending_is_held()
        raise BarredError(why.reason, why.rules, why.due_at)
    call_id = _give(connection, ctx, claimed, owed)
    lease_call_instead(connection, owed.lease_id, call_id)
    return True


def _give(connection: Connection, ctx: Context, claimed: ClaimedAction, owed: _Owed) -> int:
    """Give the call. It was promised: a day that is full counts it no more."""
    now = claimed.now
    terms = terms_on(ctx.policy.staffing, now.date())
    minutes = terms.of_call(FOLLOW_UP, CALL_BACK.id).minutes
    counted = give(
        connection,
        owed.staff_id,
        owed.person_id,
        minutes=minutes,
        share=0,
        visit_minutes=terms.visit_minutes,
        now=now,
        until=business_day(now).ends_at,
    )
    return give_call(
        connection, [claimed], owed.staff_id, minutes=minutes if counted else None, share=0
    )
