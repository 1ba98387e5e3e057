"""What the lender's systems are told of what was written: ids, words and dates, nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from domain.actions import ACTION_TYPES, ActionStatus
from domain.decision import Decision
from domain.messages import UNSETTLED, MessageStatus
from workers.db.outbox import OutboxEventKind, OutboxMessage

_EVENTS = {
    (action_type.name, status): OutboxEventKind(event)
    for action_type in ACTION_TYPES.values()
    for status, event in action_type.events.items()
}

_SENT = frozenset(
    {
        MessageStatus.ACCEPTED,
        MessageStatus.SENT,
        MessageStatus.UNDELIVERED,
        MessageStatus.DELIVERED,
    }
)
_BECAME = {
    MessageStatus.REFUSED: OutboxEventKind.TEXT_FAILED,
    MessageStatus.UNDELIVERED: OutboxEventKind.TEXT_FAILED,
    MessageStatus.FAILED: OutboxEventKind.TEXT_FAILED,
    MessageStatus.DELIVERED: OutboxEventKind.TEXT_DELIVERED,
}


def of_decisions(decisions: Iterable[Decision], ids: dict[int, int]) -> list[OutboxMessage]:
    """Of decisions that plan something; `ids` are the decisions' own, by loan id."""
    return [
        OutboxMessage(
            OutboxEventKind.LOAN_ESCALATED,
            d.loan_id,
            {
                "decision": ids[d.loan_id],
                "business_date": d.on,
                "past_due_since": d.arrears.delinquent_since,
                "ladder": d.ladder_id,
                "ladder_version": d.ladder_version,
                "step": d.step.id if d.step else None,
                "items": [item.id for _, item in d.plan],
            },
        )
        for d in decisions
        if d.plan
    ]


def of_moved_actions(
    moved: Iterable[Row[*tuple[Any, ...]]], to: ActionStatus, reason: str
) -> list[OutboxMessage]:
    """Of actions that moved there; each with `id`, `loan_id`, `work`, `step`, `item`,
        `delinquent_since`.

    Only of work that is done and of what was given up, and of this also why.
    """
    if to is ActionStatus.DEAD:
        return [
            OutboxMessage(
                OutboxEventKind.ACTION_DEAD,
                action.loan_id,
                _action(action.id, action) | {"reason": reason},
            )
            for action in moved
        ]
    return [
        OutboxMessage(kind, action.loan_id, _action(action.id, action))
        for action in moved
        if (kind := _EVENTS.get((action.type, to)))
    ]


def of_text(text: Row[*tuple[Any, ...]], became: MessageStatus) -> list[OutboxMessage]:
    """Of a text of which more is known: its row with `status` as it was before, and its action's.

    A text whose first news is that it arrived was sent as well.
    """
    kinds = [OutboxEventKind.TEXT_SENT] if text.status in UNSETTLED and became in _SENT else []
    if became in _BECAME:
        kinds.append(_BECAME[became])
    data = {"text": text.id, **_action(text.action_id, text)}
    return [OutboxMessage(kind, text.loan_id, data) for kind in kinds]


def of_cured_cases(cases: Iterable[Row[*tuple[Any, ...]]]) -> list[OutboxMessage]:
    """Of cases that closed because everything past due was paid."""
    return [
        OutboxMessage(
            OutboxEventKind.CASE_CURED, case.loan_id, {"case": case.id, "opened_on": case.opened_on}
        )
        for case in cases
    ]


def _action(action_id: int, place: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    return {
        "action": action_id,
        "step": place.step,
        "item": place.item,
        "past_due_since": place.delinquent_since,
    }
