"""Claims of actions: one worker has them until its lease ends. What holds an action back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    bindparam,
    exists,
    false,
    or_,
    select,
    update,
)

from domain.actions import CLAIMABLE, ActionStatus
from workers.db.bulk import is_among
from workers.db.parties import with_contacted
from workers.db.pending_events import (
    has_pending_event,
    has_pending_event_of_parties,
    has_pending_tape,
    has_pending_tape_of_person,
)
from workers.db.prepared_statements import prepared
from workers.db.schema import action, borrower, loan
from workers.db.sending_holds import is_action_held

_CLAIM = prepared(
    update(action)
    .where(
        action.c.id == bindparam("of_action"),
        action.c.status.in_(CLAIMABLE),
        action.c.due_at <= bindparam("now"),
    )
    .values(
        status=ActionStatus.CLAIMED,
        claim_token=bindparam("by"),
        claimed_until=bindparam("until"),
        changed_at=bindparam("now"),
    )
)


def is_due(connection: Connection, action_id: int, now: datetime) -> bool:
    """Whether an action may be claimed now, as far as its own row says. Nothing is locked."""
    due = select(action.c.id).where(
        action.c.id == action_id, action.c.status.in_(CLAIMABLE), action.c.due_at <= now
    )
    return connection.execute(due).first() is not None


def claim_action(
    connection: Connection, action_id: int, token: UUID, now: datetime, lease: timedelta
) -> bool:
    """Claim the action for one worker until the lease ends; False if it cannot be claimed."""
    taken = {"of_action": action_id, "by": token, "until": now + lease, "now": now}
    claimed = connection.execute(_CLAIM, taken)
    return claimed.rowcount == 1


_FIRST = action.alias("first")
_CLAIMED = (
    update(action)
    .where(
        is_among(action.c.id, "of_actions"),
        action.c.status.in_(CLAIMABLE),
        action.c.due_at < bindparam("others_due_by"),
        # Here, in the last statement before the claim commits: a hold that was set before counts.
        ~is_action_held(),
        exists().where(
            _FIRST.c.id == bindparam("first"),
            _FIRST.c.status.in_(CLAIMABLE),
            _FIRST.c.due_at <= bindparam("now"),
            ~is_action_held(_FIRST),
        ),
    )
    .values(
        status=ActionStatus.CLAIMED,
        claim_token=bindparam("by"),
        claimed_until=bindparam("until"),
        changed_at=bindparam("now"),
    )
    .returning(action.c.id)
    .cte("claimed")
)


class HeldBack(NamedTuple):
    """What keeps an action from being carried out that the contact gate is not asked about."""

    event_pending: bool
    """Whether an event that may stop it is stored and not applied yet, or a tape."""
    sending_held: bool
    """Whether a sending hold stops it."""


def _with_waiting(
    actions: FromClause, sending_held: ColumnElement[bool]
) -> Select[tuple[int, bool, bool]]:
    """The ids of these actions, and whether an event that may stop it waits, or a tape; and whether
    a sending hold stops it.

    What waits for a person is looked for once, not for each of their loans.
    """
    of_loans = action.join(actions, actions.c.id == action.c.id).join(
        loan, loan.c.id == action.c.loan_id
    )
    whom = (
        select(
            action.c.id,
            borrower.c.id.label("record"),
            or_(has_pending_event_of_parties(), has_pending_tape()).label("of_loan"),
            sending_held.label("sending_held"),
        )
        .select_from(with_contacted(of_loans))
        .cte("whom")
    )
    of_person = (
        select(borrower.c.id, or_(has_pending_event(), has_pending_tape_of_person()).label("waits"))
        .where(borrower.c.id.in_(select(whom.c.record)))
        .cte("of_person")
        .prefix_with("MATERIALIZED")
    )
    waits = or_(whom.c.of_loan, of_person.c.waits).label("event_pending")
    whose = of_person.c.id == whom.c.record
    return select(whom.c.id, waits, whom.c.sending_held).join(of_person, whose)


_CLAIM_TOGETHER = prepared(_with_waiting(_CLAIMED, false()))
_ASKED = select(action.c.id).where(is_among(action.c.id, "of_actions")).cte("asked")
_HELD_BACK = prepared(_with_waiting(_ASKED, is_action_held()))


def read_held_back(connection: Connection, action_ids: Sequence[int]) -> dict[int, HeldBack]:
    """What holds back these actions, whose persons and loans are locked."""
    rows = connection.execute(_HELD_BACK, {"of_actions": list(action_ids)})
    return {row.id: HeldBack(row.event_pending, row.sending_held) for row in rows}


def claim_actions(
    connection: Connection,
    action_ids: Sequence[int],
    token: UUID,
    now: datetime,
    lease: timedelta,
    *,
    others_due_by: datetime,
) -> dict[int, bool]:
    """Claim actions for one worker until the lease ends.

    Gives the ids of those that it got, and of each whether an event that may stop it waits. What
    is stored by now counts, because all locks are held. The first must be due now, or none is
    claimed; the others must be due before `others_due_by`. What a sending hold stops is not
    claimed, and stays due.
    """
    taken = {
        "of_actions": list(action_ids),
        "first": action_ids[0],
        "by": token,
        "until": now + lease,
        "now": now,
        "others_due_by": others_due_by,
    }
    return {row.id: row.event_pending for row in connection.execute(_CLAIM_TOGETHER, taken)}
