"""Follow-ups: actions that a ladder asks for because something happened, planned and called off."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from domain.actions import WAITING, ActionFacts, ActionStatus, Move, next_status
from domain.delinquency import ladder_start
from domain.follow_ups import FOLLOW_UP, Happened, parts_of_cause
from domain.ladder import CALL_BACK, Item, Ladder
from domain.parties import contacted_parties
from domain.reasons import ReasonCode, because
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.appointments import cancel_calls, is_begun
from workers.db.loan_standing import LoanStanding, load_standings
from workers.db.parties import who_is_other
from workers.db.schema import action
from workers.db.typed_rows import columns_of, typed_rows
from workers.escalation.record import plan_actions


def plan_follow_ups(
    connection: Connection, ctx: Context, happened: Sequence[Happened], now: datetime
) -> int:
    """Plan what the loans' ladders ask for because of this; returns how many actions were planned.

    The loans are locked, and up to date. `now` is in the lender's zone. Each item acts once for one
    cause: what is on record already stays as it is, unless it was called off. What a co-borrower or
    a guarantor said is followed up with them; with nobody, if they are no party any more. A loan
    that nobody is contacted about, because too little is past due or no ladder is for it, gets
    none. The gate is asked when they are claimed. Two statements for any number of loans, and one
    more where a record is named.
    """
    by_ladder = any(ladder.follow_ups for ladder in ctx.policy.ladders)
    if not any(by_ladder or each.item == CALL_BACK.id for each in happened):
        return 0
    loan_ids = sorted({each.loan_id for each in happened})
    standings = load_standings(connection, loan_ids, now.date())
    records = {each.record for each in happened if each.record is not None}
    others = who_is_other(connection, loan_ids, records)
    rows = [
        row
        for each in happened
        if (standing := standings.get(each.loan_id))
        for row in _rows(
            each,
            others.get((each.loan_id, each.record)),
            standing,
            ctx.ladder_of(standing, now.date()),
            now,
        )
    ]
    return plan_actions(connection, rows, now) if rows else 0


def _rows(
    happened: Happened,
    other: int | None,
    standing: LoanStanding,
    ladder: Ladder | None,
    now: datetime,
) -> Iterable[dict[str, Any]]:
    """What is written of each follow-up. `other` is the person it is for, who is not the
    borrower."""
    party = None if other is None else contacted_parties(standing.parties).get(other)
    if ladder is None or (other is not None and party is None):
        return
    since = ladder_start(standing.instalments, now.date(), ladder.minimum_amount)
    if since is None:
        return
    for item in ladder.after(happened.trigger, happened.item):
        move = _first_move(item, standing, since, happened, now)
        days = item.follow_up.within if item.follow_up else 0
        yield {
            "ladder_id": ladder.id,
            "ladder_version": ladder.version,
            "step": FOLLOW_UP,
            "item": item.id,
            "type": item.do,
            "status": move.to,
            "due_at": move.due_at,
            "reason": move.reason or None,
            "rules": move.rules,
            "follows": happened.trigger,
            "cause": happened.cause,
            "caused_at": now,
            "act_until": happened.due_at.astimezone(now.tzinfo).date() + timedelta(days=days),
            "loan_ids": [happened.loan_id],
            "decision_ids": [None],
            "since": [since],
            "party_ids": [party.id if party else None],
        }


def _first_move(
    item: Item, standing: LoanStanding, since: date, happened: Happened, now: datetime
) -> Move:
    """Planned for the moment at which it is due, unless somebody must approve it first."""
    facts = ActionFacts(
        past_due=True,
        ladder_since=since,
        written_off=standing.written_off,
        follow_up=True,
        approver=item.approval,
    )
    planned = Move(ActionStatus.PLANNED, (), due_at=max(happened.due_at, now))
    return next_status(since, facts, None, now) or planned


class _Caused(NamedTuple):
    id: int
    cause: str


def end_follow_ups(
    connection: Connection, loan_ids: Collection[int], causes: Collection[str], now: datetime
) -> None:
    """Cancel what was not done yet for these causes, which are over. The loans are locked. A call
    that somebody makes at this moment is left to its outcome.

    One statement, and two more for each cause with something to cancel.
    """
    if not causes:
        return
    waiting = connection.execute(
        select(*columns_of(_Caused, action)).where(
            action.c.loan_id.in_(loan_ids),
            action.c.cause.in_(causes),
            action.c.status.in_(WAITING | {ActionStatus.ASSIGNED}),
            ~is_begun(),
        )
    )
    ids = defaultdict[str, list[int]](list)
    for row in typed_rows(_Caused, waiting):
        ids[row.cause].append(row.id)
    for cause, of_cause in ids.items():
        move = Move(ActionStatus.CANCELLED, because(ReasonCode.CAUSE_OVER, **parts_of_cause(cause)))
        cancel_calls(connection, of_cause, now)
        move_actions(connection, of_cause, move, now)
