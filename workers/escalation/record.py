"""Record decisions: a fixed number of statements for any number of loans."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, text

from domain.actions import ACTION_MOVES, PLANNED_AGAIN, ActionFacts, ActionStatus, Move, next_status
from domain.buckets import BucketScheme
from domain.compliance.verdict import Verdict
from domain.decision import Decision, Outcome
from domain.ladder import Item
from domain.loan_states import state_of
from domain.past_actions import PastAction
from domain.reasons import ReasonCode, because
from workers.db import outbox_messages
from workers.db.actions import move_waiting, recheck_deferred
from workers.db.appointments import move_calls
from workers.db.bulk import as_json, insert_rows
from workers.db.cases import keep_cases
from workers.db.loan_facts import LoanFacts
from workers.db.outbox import record_events
from workers.db.prepared_statements import prepared
from workers.db.review_dates import Position, set_positions
from workers.db.schema import decision

Planned: TypeAlias = tuple[int, str, int | None]
"""A planned action: its loan, its item, and the party that it is for; None: the borrower."""
Prechecks: TypeAlias = Mapping[Planned, Verdict]
"""The gate's verdict about planned actions that it does not allow now."""


def write_decisions(
    connection: Connection,
    decisions: Sequence[Decision],
    prechecks: Prechecks,
    facts: Mapping[int, LoanFacts],
    rule_packs: Mapping[int, Sequence[str]],
    scheme: BucketScheme | None,
    now: datetime,
) -> int:
    """Write decisions, the actions that they plan, skip and cancel, cases, review dates and the
    daily history.

    Returns how many actions were planned. `facts` and `rule_packs` are by loan id. A statement is
    left out if by the facts it would change nothing.
    """
    if not decisions:
        return 0
    ids = _insert_decisions(connection, decisions, rule_packs)
    # Before anything is planned: what is deferred today need not be checked again.
    climbing = (Outcome.ACT, Outcome.WAIT)
    deferred = [
        d.loan_id
        for d in decisions
        if (d.outcome in climbing or d.parties) and facts[d.loan_id].has(ActionStatus.DEFERRED)
    ]
    recheck_deferred(connection, deferred, now)
    planned = _insert_actions(connection, decisions, ids, prechecks, now)
    record_events(connection, outbox_messages.of_decisions(decisions, ids), now)
    waiting = (
        (stored, _action_facts(d, facts[d.loan_id], stored.past))
        for d in decisions
        for stored in facts[d.loan_id].actions
    )
    move_waiting(connection, waiting, now)
    move_calls(connection, _ended_calls(decisions, facts), now)
    _keep_cases(connection, decisions, facts, now)
    positions = [
        Position(
            d.loan_id,
            delinquent_since=None
            if d.outcome is Outcome.WRITTEN_OFF
            else d.arrears.delinquent_since,
            ladder_since=None if d.outcome is Outcome.WRITTEN_OFF else d.ladder_since,
            review_on=d.review_on,
            state=state_of(d, scheme),
            past_due=d.arrears.amount,
        )
        for d in decisions
    ]
    set_positions(connection, positions, now)
    return planned


def _ended_calls(decisions: Sequence[Decision], facts: Mapping[int, LoanFacts]) -> dict[int, Move]:
    """Where the calls go that collectors still have and that the ladder has left, by action."""
    moves = {
        stored.id: _ended_call(d, stored.past)
        for d in decisions
        for stored in facts[d.loan_id].actions
    }
    return {action_id: move for action_id, move in moves.items() if move is not None}


def _ended_call(d: Decision, past: PastAction) -> Move | None:
    """Where a call goes that a collector has; None: it goes on, or is none."""
    if past.open_call is None or past.open_call.is_kept:
        return None
    if past.cause is not None:
        if past.act_until is None or past.act_until >= d.on:
            return None
        return Move(ActionStatus.SKIPPED, because(ReasonCode.FOLLOW_UP_TOO_LATE))
    if past.ladder_since != d.ladder_since:
        return None
    ended = because(ReasonCode.CALL_ENDED_WITH_STEP)
    if past.person is None and past.item in d.expired_tried:
        tried = because(ReasonCode.NOT_REACHED, count=past.open_call.tries)
        return Move(ActionStatus.DONE, tried + ended)
    if d.has_expired(past):
        return Move(ActionStatus.SKIPPED, ended)
    if past.item in d.removed_by_policy:
        return Move(ActionStatus.CANCELLED, because(ReasonCode.REMOVED_BY_POLICY))
    return None


def _keep_cases(
    connection: Connection,
    decisions: Sequence[Decision],
    facts: Mapping[int, LoanFacts],
    now: datetime,
) -> None:
    cured, written_off, past_due = [], [], {}
    for d in decisions:
        if facts[d.loan_id].case_open:
            if d.outcome is Outcome.WRITTEN_OFF:
                written_off.append(d.loan_id)
            elif not d.arrears.past_due:
                cured.append(d.loan_id)
        elif d.arrears.past_due and d.outcome not in (Outcome.WRITTEN_OFF, Outcome.NO_LADDER):
            past_due[d.loan_id] = d.on
    keep_cases(connection, cured=cured, written_off=written_off, past_due=past_due, now=now)


def _insert_decisions(
    connection: Connection, decisions: Sequence[Decision], rule_packs: Mapping[int, Sequence[str]]
) -> dict[int, int]:
    rows = [
        {
            "loan_id": d.loan_id,
            "decided_at": d.decided_at,
            "business_date": d.on,
            "outcome": d.outcome,
            "delinquent_since": d.arrears.delinquent_since,
            "days_past_due": d.arrears.days_past_due,
            "past_due": d.arrears.amount,
            "ladder_id": d.ladder_id,
            "ladder_version": d.ladder_version,
            "ladder_since": d.ladder_since,
            "ladder_day": d.ladder_day,
            "step": d.step.id if d.step else None,
            "hold_kind": d.hold.kind if d.hold else None,
            "waits_for": d.waits_for,
            "rule_packs": rule_packs[d.loan_id],
            "review_on": d.review_on,
        }
        for d in decisions
    ]
    written = insert_rows(connection, decision, rows, returning=("loan_id", "id"))
    return {row.loan_id: row.id for row in written}


# A skipped item is planned again when a later step requires it after all, a cancelled item when the
# loan is past due again: neither ever had an effect. An item whose text did not arrive is planned
# again for its next try. An action that the gate deferred or barred when it was planned has made
# its first move already, so that move is written as an event too.
# What follows from something that happened is one action, though the ladder may start anew.
_PLAN = prepared(
    text("""
WITH given AS (
    SELECT p.*, f.loan_id, f.decision_id, f.party_id,
           coalesce((SELECT min(a.ladder_since) FROM action a
                      WHERE p.cause IS NOT NULL AND a.loan_id = f.loan_id AND a.item = p.item
                        AND a.cause = p.cause), f.ladder_since) AS ladder_since
      FROM json_to_recordset(CAST(:plans AS json)) AS p (
               step text, item text, type text, ladder_id text, ladder_version int, status text,
               due_at timestamptz, reason jsonb, rules text[],
               follows text, cause text, caused_at timestamptz, act_until date,
               loan_ids bigint[], decision_ids bigint[], since date[], party_ids bigint[])
     CROSS JOIN LATERAL unnest(p.loan_ids, p.decision_ids, p.since, p.party_ids)
           AS f (loan_id, decision_id, ladder_since, party_id)
), written AS (
    INSERT INTO action (loan_id, party_id, decision_id, ladder_since, step, item, type, ladder_id,
                        ladder_version, status, due_at, reason, rules, follows, cause, caused_at,
                        act_until, changed_at)
    SELECT loan_id, party_id, decision_id, ladder_since, step, item, type, ladder_id,
           ladder_version, status, due_at, reason, rules, follows, cause, caused_at, act_until, :now
      FROM given
        ON CONFLICT ON CONSTRAINT action_once DO UPDATE
       SET (decision_id, step, type, ladder_id, ladder_version, status, due_at, reason, rules,
            changed_at, caused_at, act_until, try_number, attempts)
         = ROW (excluded.decision_id, excluded.step, excluded.type, excluded.ladder_id,
            excluded.ladder_version, excluded.status, excluded.due_at, excluded.reason,
            excluded.rules, excluded.changed_at, excluded.caused_at, excluded.act_until,
            action.try_number + CAST(action.status = 'undelivered' AS int),
            CASE WHEN action.status = 'undelivered' THEN 0 ELSE action.attempts END)
     WHERE concat_ws(' ', action.status, excluded.status) = ANY(:moves)
 RETURNING id, status, due_at, reason, rules
), noted AS (
    INSERT INTO action_event (action_id, at, from_status, to_status, due_at, reason, rules)
    SELECT id, :now, 'planned', status, due_at, reason, rules
      FROM written WHERE status IN ('deferred', 'barred')
)
SELECT count(*) FROM written WHERE status <> 'skipped'
""")
)
_MOVES = [f"{status} {to}" for status in PLANNED_AGAIN for to in ACTION_MOVES[status]]


def _insert_actions(
    connection: Connection,
    decisions: Sequence[Decision],
    decision_ids: Mapping[int, int],
    prechecks: Prechecks,
    now: datetime,
) -> int:
    """Each different plan is sent once, with its loans: the loans of a day share a few plans."""
    plans: dict[tuple[Any, ...], list[tuple[Decision, int | None]]] = defaultdict(list)
    for d in decisions:
        for chosen, missed in ((d.plans, False), (d.skips, True)):
            for party, (step, item) in chosen:
                party_id = party.id if party else None
                verdict = prechecks.get((d.loan_id, item.id, party_id))
                move = first_move(d, item, verdict, now, missed=missed)
                plan = (d.ladder_id, d.ladder_version, step.id, item.id, item.do, move)
                plans[plan].append((d, party_id))
    if not plans:
        return 0
    rows = [
        {
            "ladder_id": ladder_id,
            "ladder_version": ladder_version,
            "step": step,
            "item": item,
            "type": action_type,
            "status": move.to,
            "due_at": move.due_at,
            "reason": move.reason or None,
            "rules": move.rules,
            "loan_ids": [d.loan_id for d, _ in planned],
            "decision_ids": [decision_ids[d.loan_id] for d, _ in planned],
            "since": [d.ladder_since for d, _ in planned],
            "party_ids": [party_id for _, party_id in planned],
        }
        for (ladder_id, ladder_version, step, item, action_type, move), planned in plans.items()
    ]
    return plan_actions(connection, rows, now)


def plan_actions(connection: Connection, plans: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Write planned and skipped actions; returns how many are not skipped. One statement.

    An action on record moves only if it was skipped or cancelled, or if its text did not arrive.
    """
    values = {"moves": _MOVES, "plans": as_json(plans), "now": now}
    count: int = connection.execute(_PLAN, values).scalar_one()
    return count


def first_move(
    d: Decision, item: Item, verdict: Verdict | None, now: datetime, *, missed: bool = False
) -> Move:
    """The first status of an action: planned and due now, unless `next_status` says otherwise."""
    facts = ActionFacts(
        past_due=True, ladder_since=d.ladder_since, days_passed=missed, approver=item.approval
    )
    return next_status(d.ladder_since, facts, verdict, now) or Move(
        ActionStatus.PLANNED, (), due_at=now
    )


def _action_facts(d: Decision, facts: LoanFacts, waiting: PastAction) -> ActionFacts:
    """What a decision says about an action that waits."""
    return ActionFacts(
        past_due=d.arrears.past_due,
        ladder_since=d.ladder_since,
        written_off=d.outcome is Outcome.WRITTEN_OFF,
        off_the_ladder=d.outcome is Outcome.NO_LADDER or waiting.item in d.removed_by_policy,
        days_passed=d.has_expired(waiting),
        party_left=facts.has_left(waiting),
    )
