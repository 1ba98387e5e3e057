"""Actions in the database: the table of moves guards every move, and every move has its event."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    bindparam,
    literal_column,
    or_,
    text,
    update,
)

from domain.actions import ACTION_MOVES, WAITING, ActionFacts, ActionStatus, Move, next_status
from domain.compliance.inconvenient_times import INCONVENIENT_TIME
from domain.compliance.verdict import ON_HOLD
from domain.moves import sources
from workers.db import outbox_messages
from workers.db.bulk import as_json, is_among
from workers.db.loan_standing import StoredAction
from workers.db.outbox import record_events
from workers.db.prepared_statements import prepared
from workers.db.schema import action

_MOVE = prepared(
    text("""
WITH before AS (
    SELECT id, status FROM action
     WHERE id = ANY(CAST(:ids AS bigint[])) AND status = ANY(:sources)
       AND (CAST(:token AS uuid) IS NULL OR claim_token = CAST(:token AS uuid))
       FOR UPDATE
), moved AS (
    UPDATE action a
       SET status = :to, reason = CAST(:reason AS jsonb),
           rules = CAST(:rules AS text[]), due_at = :due_at,
           attempts = a.attempts + :failed, claim_token = NULL, claimed_until = NULL,
           dispatched_at = NULL, changed_at = :now
      FROM before
     WHERE a.id = before.id
 RETURNING a.id, a.loan_id, a.type, a.step, a.item, a.ladder_since, before.status
), ended AS (
    UPDATE call SET ended_at = :now
      FROM moved
     WHERE call.action_id = moved.id AND moved.status = 'assigned' AND call.ended_at IS NULL
), noted AS (
    INSERT INTO action_event (action_id, at, from_status, to_status, due_at, reason, rules)
    SELECT id, :now, status, :to, :due_at, CAST(:reason AS jsonb), CAST(:rules AS text[]) FROM moved
)
SELECT * FROM moved ORDER BY id
""")
)


def move_actions(
    connection: Connection,
    action_ids: Collection[int],
    move: Move,
    now: datetime,
    *,
    token: UUID | None = None,
) -> int:
    """Move those of the actions whose status allows it; returns how many moved. One statement.

    With a `token` only an action that is still claimed by it moves: a worker whose claim has lapsed
    writes nothing. One more statement records the events for the lender's systems.
    """
    moved = connection.execute(
        _MOVE,
        {
            "ids": list(action_ids),
            "sources": [str(status) for status in sources(ACTION_MOVES, move.to)],
            "token": str(token) if token else None,
            "to": str(move.to),
            "reason": as_json(move.reason) if move.reason else None,
            "rules": list(move.rules),
            "due_at": move.due_at,
            "failed": int(move.to is ActionStatus.FAILED),
            "now": now,
        },
    )
    rows = [outbox_messages.MovedAction(*row) for row in moved]
    record_events(connection, outbox_messages.of_moved_actions(rows, move.to, move.reason), now)
    return len(rows)


def move_waiting(
    connection: Connection, actions: Iterable[tuple[StoredAction, ActionFacts]], now: datetime
) -> None:
    """Move those of the actions that wait and by their facts are not to wait any more.

    One statement for each different move.
    """
    ids: dict[Move, list[int]] = defaultdict(list)
    for stored, facts in actions:
        past = stored.past
        if past.status not in WAITING:
            continue
        facts_now = facts.following(past.cause, past.act_until, now.date())
        if move := next_status(past.ladder_since, facts_now, None, now):
            ids[move].append(stored.id)
    for move, action_ids in ids.items():
        move_actions(connection, action_ids, move, now)


def is_current(action: str, loan: str) -> str:
    """The SQL condition that an action belongs to the present arrears of its loan. A follow-up does
    whenever there are arrears; any other action does if it was planned for these arrears. `action`
    and `loan` are the names of the tables."""
    same = f"{action}.ladder_since = {loan}.ladder_since"
    return f"({same} OR {action}.cause IS NOT NULL AND {loan}.ladder_since IS NOT NULL)"


def action_is_current() -> ColumnElement[bool]:
    """The same, of the tables `action` and `loan` themselves."""
    return literal_column(is_current("action", "loan"), Boolean)


WISHES_AND_HOLDS = [ON_HOLD, INCONVENIENT_TIME]
"""The rules of what somebody may end sooner than it was to end."""

_ASK_AGAIN = prepared(
    update(action)
    .where(
        is_among(action.c.loan_id, "of_loans"),
        action.c.status == ActionStatus.DEFERRED,
        or_(action.c.due_at.is_(None), action.c.rules.overlap(WISHES_AND_HOLDS)),
    )
    .values(due_at=bindparam("now"))
)


def recheck_deferred(connection: Connection, loan_ids: Sequence[int], now: datetime) -> None:
    """Make deferred actions due now that wait for a fact, or for the end of a hold.

    The claim asks the gate about them again. A hold may have ended sooner than it was to, and a
    person may have said that a time is convenient after all.
    """
    if not loan_ids:
        return
    connection.execute(_ASK_AGAIN, {"of_loans": list(loan_ids), "now": now})
