"""The outbox messages of what was written: ids, statuses and dates, and no personal data."""

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from domain.actions import ACTION_TYPES, ActionStatus
from domain.decision import Decision
from domain.messages import UNRESOLVED, MessageStatus
from domain.promises import PromiseStatus
from domain.reason_json import reasons_as_json
from domain.reasons import Reasons
from workers.db.outbox import OutboxEventKind, OutboxMessage


class MovedAction(NamedTuple):
    """An action that moved, as it was before: its id and its place on the ladder."""

    id: int
    loan_id: int
    type: str
    step: str
    item: str
    ladder_since: date
    status: str


class AdvancedText(NamedTuple):
    """A text whose status changed, as it was before, and its action."""

    id: UUID
    status: str
    action_id: int
    loan_id: int
    step: str
    item: str
    ladder_since: date


class CuredCase(NamedTuple):
    """A case that closed because everything past due was paid."""

    id: int
    loan_id: int
    opened_on: date


class MovedPromise(NamedTuple):
    """A promise whose status changed."""

    id: int
    loan_id: int
    external_id: str
    sender: str
    due_on: date


_EVENT_OF_PROMISE = {
    PromiseStatus.KEPT: OutboxEventKind.PROMISE_KEPT,
    PromiseStatus.PART_KEPT: OutboxEventKind.PROMISE_PART_KEPT,
    PromiseStatus.BROKEN: OutboxEventKind.PROMISE_BROKEN,
    PromiseStatus.OPEN: OutboxEventKind.PROMISE_REOPENED,
}

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
_EVENT_OF_TEXT = {
    MessageStatus.REFUSED: OutboxEventKind.TEXT_FAILED,
    MessageStatus.UNDELIVERED: OutboxEventKind.TEXT_FAILED,
    MessageStatus.SEND_FAILED: OutboxEventKind.TEXT_FAILED,
    MessageStatus.DELIVERED: OutboxEventKind.TEXT_DELIVERED,
}


def of_decisions(decisions: Iterable[Decision], ids: dict[int, int]) -> list[OutboxMessage]:
    """The messages of decisions that plan something; `ids` are the decisions' ids, by loan id."""
    return [
        OutboxMessage(
            OutboxEventKind.LOAN_ESCALATED,
            decision.loan_id,
            {
                "decision": ids[decision.loan_id],
                "business_date": decision.on,
                "past_due_since": decision.arrears.delinquent_since,
                "ladder_since": decision.ladder_since,
                "ladder": decision.ladder_id,
                "ladder_version": decision.ladder_version,
                "step": decision.step.id if decision.step else None,
                "items": list(dict.fromkeys(item.id for _, (_, item) in decision.plans)),
            },
        )
        for decision in decisions
        if decision.plans
    ]


def of_moved_actions(
    moved: Iterable[MovedAction], to: ActionStatus, reason: Reasons
) -> list[OutboxMessage]:
    """What the lender is told of actions that moved `to` a status. Of some statuses it is told
    nothing. Of an action that was given up it is told why."""
    is_dead = to is ActionStatus.DEAD
    why = {"reason": reasons_as_json(reason)} if is_dead else {}
    return [
        OutboxMessage(kind, action.loan_id, _action_data(action.id, action) | why)
        for action in moved
        if (kind := OutboxEventKind.ACTION_DEAD if is_dead else _EVENTS.get((action.type, to)))
    ]


def of_text(text: AdvancedText, to: MessageStatus) -> list[OutboxMessage]:
    """The messages of a text whose status changed `to` another.

    If the first thing that is known of a text is that it arrived, it was sent as well.
    """
    kinds = [OutboxEventKind.TEXT_SENT] if text.status in UNRESOLVED and to in _SENT else []
    if to in _EVENT_OF_TEXT:
        kinds.append(_EVENT_OF_TEXT[to])
    data = {"text": text.id, **_action_data(text.action_id, text)}
    return [OutboxMessage(kind, text.loan_id, data) for kind in kinds]


def of_cured_cases(cases: Iterable[CuredCase]) -> list[OutboxMessage]:
    """The messages of cases that closed because everything past due was paid."""
    return [
        OutboxMessage(
            OutboxEventKind.CASE_CURED, case.loan_id, {"case": case.id, "opened_on": case.opened_on}
        )
        for case in cases
    ]


def of_moved_promises(moved: Iterable[MovedPromise], to: PromiseStatus) -> list[OutboxMessage]:
    """The messages of promises that moved `to` a status; none of what somebody withdrew."""
    kind = _EVENT_OF_PROMISE.get(to)
    return [
        OutboxMessage(
            kind,
            each.loan_id,
            {"promise": each.external_id, "sender": each.sender, "due_on": each.due_on},
        )
        for each in moved
        if kind is not None
    ]


def _action_data(action_id: int, source: MovedAction | AdvancedText) -> dict[str, Any]:
    """The members that every message about an action has."""
    return {
        "action": action_id,
        "step": source.step,
        "item": source.item,
        "ladder_since": source.ladder_since,
    }
