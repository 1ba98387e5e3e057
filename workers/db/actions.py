"""Actions in the database: the table of moves guards every move, and every move has its event."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    exists,
    false,
    literal_column,
    or_,
    select,
    text,
    update,
)

from domain.actions import (
    ACTION_MOVES,
    CLAIMABLE,
    WAITING,
    ActionFacts,
    ActionStatus,
    ActionType,
    Move,
    next_status,
)
from domain.compliance.inconvenient_times import INCONVENIENT_TIME
from domain.compliance.verdict import ON_HOLD
from domain.moves import sources
from workers.db import outbox_messages
from workers.db.bulk import as_json, is_among
from workers.db.loan_standing import StoredAction
from workers.db.outbox import record_events
from workers.db.parties import with_contacted
from workers.db.pending_events import (
    has_pending_event,
    has_pending_event_of_parties,
    has_pending_tape,
    has_pending_tape_of_person,
)
from workers.db.prepared_statements import prepared
from workers.db.schema import action, borrower, loan, loan_party
from workers.db.sending_holds import is_action_held
from workers.db.skip_locked import not_dispatched_since, update_first

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


REVIEWS_FIRST = timedelta(hours=1)
"""How long a contact that several loans share waits for the reviews of the person's other loans."""


def _awaits_reviews(now: datetime) -> ColumnElement[bool]:
    """Whether another loan of whoever an action is for is still to be reviewed today.

    Only loans to which this person is what they are to the loan of the action count: the borrower's
    own ones, or those with them in the same role. Else the first loan's text would go alone, and
    the others a moment later. For a query of `action`.
    """
    own, other = loan.alias("own"), loan.alias("other")
    record, other_record = borrower.alias("record"), borrower.alias("other_record")
    party, other_party = loan_party.alias("party"), loan_party.alias("other_party")
    is_reviewed = and_(
        other.c.id != action.c.loan_id,
        other.c.review_on <= now.date(),
        or_(other.c.quarantined_until.is_(None), other.c.quarantined_until < now),
    )
    of_borrower = exists().where(
        action.c.party_id.is_(None),
        own.c.id == action.c.loan_id,
        record.c.id == own.c.borrower_id,
        other_record.c.person_id == record.c.person_id,
        other.c.borrower_id == other_record.c.id,
        is_reviewed,
    )
    of_party = exists().where(
        party.c.id == action.c.party_id,
        record.c.id == party.c.borrower_id,
        other_record.c.person_id == record.c.person_id,
        other_party.c.borrower_id == other_record.c.id,
        other_party.c.role == party.c.role,
        other_party.c.ended_at.is_(None),
        other.c.id == other_party.c.loan_id,
        is_reviewed,
    )
    return or_(of_borrower, of_party)


def take_due(
    connection: Connection,
    action_type: ActionType,
    now: datetime,
    *,
    again_after: timedelta,
    limit: int,
) -> dict[int, str]:
    """Up to `limit` due actions to be announced to their workers, oldest first.

    Returns, by id, the lender's id of the loan and the item, as Flower shows them. An action that
    was announced longer ago than `again_after` and still waits is among them: its message must have
    been lost. What a sending hold stops is not. Two callers at the same time get different actions.
    `now` is in the lender's zone.
    """
    due = and_(
        action.c.type == action_type,
        action.c.status.in_(CLAIMABLE),
        action.c.due_at <= now,
        not_dispatched_since(action.c.dispatched_at, now - again_after),
        ~is_action_held(action_type=action_type),
    )
    if action_type.shared:
        due &= or_(action.c.due_at <= now - REVIEWS_FIRST, ~_awaits_reviews(now))
    first = update_first(action, due, (action.c.due_at,), limit)
    external_id = select(loan.c.external_id).where(loan.c.id == action.c.loan_id).scalar_subquery()
    taken = first.values(dispatched_at=now).returning(action.c.id, external_id, action.c.item)
    return {id: f"{name} {item}" for id, name, item in sorted(connection.execute(taken))}
