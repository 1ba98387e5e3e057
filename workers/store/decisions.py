"""Writing what was decided: a fixed number of statements for an envelope of any size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import CTE, Connection, literal, select
from sqlalchemy.dialects.postgresql import insert

from domain.decision import Decision, Outcome, PastAction
from domain.gate import Answer, Verdict
from domain.ladder import Item, Step
from domain.statuses import WAITING, ActionStatus
from workers.store import news
from workers.store.actions import Move, ask_again, move_actions
from workers.store.cases import WRITTEN_OFF, keep_cases
from workers.store.facts import StoredAction
from workers.store.outbox import tell
from workers.store.positions import Position, set_positions
from workers.store.rows import as_rows, insert_rows
from workers.store.schema import action, action_event, decision

DAYS_PASSED = "its days had passed"

NotYet: TypeAlias = Mapping[tuple[int, str], Verdict]
"""By loan and item, what the contact gate said of work that may not be done now."""


def write_decisions(
    connection: Connection,
    decisions: Sequence[Decision],
    not_yet: NotYet,
    on_record: Mapping[int, tuple[StoredAction, ...]],
    rule_packs: Mapping[int, Sequence[str]],
    now: datetime,
) -> int:
    """Write decisions, what they plan, skip and call off, cases and review dates.

    Returns how many actions were planned. `on_record` and `rule_packs` are by loan id.
    """
    if not decisions:
        return 0
    ids = _insert_decisions(connection, decisions, rule_packs)
    # Before anything is planned: what the gate defers today was asked today.
    climbing = (Outcome.ACT, Outcome.WAIT)
    ask_again(connection, [d.loan_id for d in decisions if d.outcome in climbing], now)
    planned = _insert_actions(connection, decisions, ids, not_yet, now)
    tell(connection, news.of_decisions(decisions, ids), now)
    _call_off(connection, decisions, on_record, now)
    collected = [d for d in decisions if d.outcome is not Outcome.WRITTEN_OFF]
    keep_cases(
        connection,
        cured=[d.loan_id for d in collected if not d.arrears.past_due],
        written_off=[d.loan_id for d in decisions if d.outcome is Outcome.WRITTEN_OFF],
        past_due={d.loan_id: d.on for d in collected if d.arrears.past_due},
        now=now,
    )
    positions = [
        Position(
            d.loan_id,
            anchor_on=None if d.outcome is Outcome.WRITTEN_OFF else d.arrears.anchor,
            review_on=d.review_on,
        )
        for d in decisions
    ]
    set_positions(connection, positions, now)
    return planned


def _insert_decisions(
    connection: Connection, decisions: Sequence[Decision], rule_packs: Mapping[int, Sequence[str]]
) -> dict[int, int]:
    rows = [
        {
            "loan_id": d.loan_id,
            "decided_at": d.decided_at,
            "business_date": d.on,
            "outcome": d.outcome,
            "anchor_on": d.arrears.anchor,
            "days_past_due": d.arrears.days_past_due,
            "past_due": d.arrears.amount,
            "ladder_id": d.ladder_id,
            "ladder_version": d.ladder_version,
            "ladder_day": d.ladder_day,
            "step": d.step.id if d.step else None,
            "hold_kind": d.hold.kind if d.hold else None,
            "waits_for": d.waits_for,
            "rule_packs": rule_packs[d.loan_id],
            "review_on": d.review_on,
        }
        for d in decisions
    ]
    written = connection.execute(
        insert_rows(decision, rows).returning(decision.c.loan_id, decision.c.id)
    )
    return {row.loan_id: row.id for row in written}


def _insert_actions(
    connection: Connection,
    decisions: Sequence[Decision],
    decision_ids: Mapping[int, int],
    not_yet: NotYet,
    now: datetime,
) -> int:
    rows = [
        _action_row(d, decision_ids[d.loan_id], step, item, move)
        for d in decisions
        for chosen, missed in ((d.plan, False), (d.skip, True))
        for step, item in chosen
        for move in (MISSED if missed else _first(item, not_yet.get((d.loan_id, item.id)), now),)
    ]
    for row in rows:
        row["changed_at"] = now
    if not rows:
        return 0
    columns = [action.c[name] for name in rows[0]]
    given = as_rows(columns, rows)
    statement = insert(action).from_select([c.name for c in columns], select(given))
    # A skipped item comes back to life when a later step requires it after all, a cancelled one
    # when the arrears it was called off for are back. Neither ever had an effect.
    sources_of_revival = (ActionStatus.SKIPPED, ActionStatus.CANCELLED)
    revived = statement.on_conflict_do_update(
        constraint="action_once",
        set_={
            name: statement.excluded[name]
            for name in rows[0]
            if name not in ("loan_id", "anchor_on", "item")
        },
        where=action.c.status.in_(sources_of_revival)
        & (action.c.status != statement.excluded.status),
    )
    written = revived.returning(
        action.c.id, action.c.status, action.c.due_at, action.c.reason, action.c.rules
    ).cte("written")
    noted = _note_what_waits(written, now)
    statuses = connection.execute(select(written.c.status).add_cte(noted)).scalars()
    return sum(status != ActionStatus.SKIPPED for status in statuses)


def _note_what_waits(written: CTE, now: datetime) -> CTE:
    """What the gate put off or barred when it was planned has made its first move already."""
    of_event = ("action_id", "at", "from_status", "to_status", "due_at", "reason", "rules")
    return (
        insert(action_event)
        .from_select(
            of_event,
            select(
                written.c.id,
                literal(now, action_event.c.at.type),
                literal(str(ActionStatus.PLANNED)),
                written.c.status,
                written.c.due_at,
                written.c.reason,
                written.c.rules,
            ).where(written.c.status.in_((ActionStatus.DEFERRED, ActionStatus.BARRED))),
        )
        .cte("noted")
    )


MISSED = Move(ActionStatus.SKIPPED, DAYS_PASSED)


def _first(item: Item, verdict: Verdict | None, now: datetime) -> Move:
    """Where an action begins: due now, unless a person or the contact gate says otherwise."""
    if verdict and verdict.answer is Answer.BARRED:
        return Move(ActionStatus.BARRED, verdict.reason, verdict.rules)
    if item.approval:
        return Move(ActionStatus.AWAITING_APPROVAL, f"waits for approval by a {item.approval}")
    if verdict:
        return Move(ActionStatus.DEFERRED, verdict.reason, verdict.rules, verdict.until)
    return Move(ActionStatus.PLANNED, "", due_at=now)


def _action_row(
    d: Decision, decision_id: int, step: Step, item: Item, move: Move
) -> dict[str, Any]:
    return {
        "loan_id": d.loan_id,
        "decision_id": decision_id,
        "anchor_on": d.arrears.anchor,
        "step": step.id,
        "item": item.id,
        "work": item.do,
        "ladder_id": d.ladder_id,
        "ladder_version": d.ladder_version,
        "status": move.to,
        "due_at": move.due_at,
        "reason": move.reason or None,
        "rules": move.rules,
    }


def _call_off(
    connection: Connection,
    decisions: Sequence[Decision],
    on_record: Mapping[int, tuple[StoredAction, ...]],
    now: datetime,
) -> None:
    moves: dict[Move, list[int]] = defaultdict(list)
    for d in decisions:
        for stored in on_record[d.loan_id]:
            if stored.past.status in WAITING and (move := _off_the_ladder(d, stored.past)):
                moves[move].append(stored.id)
    for move, action_ids in moves.items():
        move_actions(connection, action_ids, move, now)


def _off_the_ladder(d: Decision, waiting: PastAction) -> Move | None:
    """Where an action that waits goes after this decision; None if it goes on waiting."""
    if d.outcome is Outcome.WRITTEN_OFF:
        return Move(ActionStatus.CANCELLED, WRITTEN_OFF)
    if d.outcome is Outcome.NOT_PAST_DUE:
        return Move(ActionStatus.CANCELLED, "cured")
    if waiting.anchor != d.arrears.anchor:
        return Move(ActionStatus.CANCELLED, "superseded")
    if d.outcome is Outcome.NO_LADDER or waiting.item in d.withdrawn:
        return Move(ActionStatus.CANCELLED, "policy")
    if waiting.item in d.overtaken:
        return Move(ActionStatus.SKIPPED, DAYS_PASSED)
    return None
