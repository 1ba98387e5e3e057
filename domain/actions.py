"""Actions: what an item of a ladder asks for, every status of it, and every move between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from typing import Self

from domain.collectors import Role
from domain.compliance.vocabulary import Channel


class ActionStatus(StrEnum):
    """The life of one ladder item for one loan at one anchor."""

    PLANNED = "planned"  # may be claimed once its due time has come
    AWAITING_APPROVAL = "awaiting_approval"  # a named role must say yes first
    DEFERRED = "deferred"  # the gate said later; kept with its reason and its moment
    CLAIMED = "claimed"  # one worker holds it by token and is acting
    FAILED = "failed"  # certainly had no effect; tried again later
    UNKNOWN = "unknown"  # may have had its effect; never repeated blindly
    DEAD = "dead"  # given up after bounded tries; an operator may resume or drop it
    DROPPED = "dropped"  # a person gave it up for good
    SKIPPED = "skipped"  # its days passed before it could act
    ASSIGNED = "assigned"  # people have the call or the visit; tried once they report an attempt
    DONE = "done"
    CANCELLED = "cancelled"  # cured, superseded or called off before it had an effect
    BARRED = "barred"  # a rule forbids it


S = ActionStatus


FIRST = frozenset({S.PLANNED, S.AWAITING_APPROVAL, S.DEFERRED, S.BARRED})
"""Where an action begins: the gate is asked when it is planned."""


ACTION_MOVES: dict[ActionStatus, frozenset[ActionStatus]] = {
    S.PLANNED: frozenset({S.CLAIMED, S.SKIPPED, S.CANCELLED}),
    S.AWAITING_APPROVAL: frozenset({S.PLANNED, S.SKIPPED, S.CANCELLED, S.DROPPED}),
    S.DEFERRED: frozenset({S.CLAIMED, S.SKIPPED, S.CANCELLED}),
    S.FAILED: frozenset({S.CLAIMED, S.DEAD, S.SKIPPED, S.CANCELLED}),
    S.CLAIMED: frozenset(
        {
            S.DONE,
            S.ASSIGNED,
            S.PLANNED,
            S.DEFERRED,
            S.BARRED,
            S.FAILED,
            S.UNKNOWN,
            S.DEAD,
            S.CANCELLED,
        }
    ),
    S.ASSIGNED: frozenset({S.DONE, S.PLANNED, S.CANCELLED}),  # made, to be arranged anew, or off
    S.UNKNOWN: frozenset({S.DONE, S.FAILED, S.DEAD, S.DROPPED}),
    S.DEAD: frozenset({S.PLANNED, S.CANCELLED, S.DROPPED}),
    S.DROPPED: frozenset(),
    S.SKIPPED: FIRST,  # a later step requires it after all
    S.DONE: frozenset(),
    S.CANCELLED: FIRST | {S.SKIPPED},  # its arrears came back, or what it was called off for ended
    S.BARRED: frozenset(),
}


CLAIMABLE = frozenset({S.PLANNED, S.DEFERRED, S.FAILED})


WAITING = CLAIMABLE | {S.AWAITING_APPROVAL}


TRIED = frozenset({S.DONE, S.ASSIGNED, S.BARRED})  # a dead one was given up, not tried


TERMINAL = frozenset(status for status, moves in ACTION_MOVES.items() if not moves)


def sources(target: ActionStatus) -> frozenset[ActionStatus]:
    """The statuses from which an action may move to `target`."""
    return frozenset(status for status, moves in ACTION_MOVES.items() if target in moves)


@dataclass(frozen=True, eq=False, repr=False)
class ActionType(str):
    """What an item of a ladder may ask for, such as a text or a call.

    It is a string, so that SQL and JSON take it as its name. One declaration is all that a new type
    needs, besides its use case: the queues and tasks, the ladder's reader, the contact gate, the
    tables' constraints, the lists of work and the languages read what they need from here.
    """

    name: str
    """The word that ladders write after `do:`; it is also the name of the task."""
    _: KW_ONLY
    channel: Channel
    """The channel about which the contact gate is asked."""
    queue: str
    """The queue of its tasks."""
    use_case: str
    """The function that carries out one action: `package.module:function`. It takes the context and
    the action's id, and returns what happened as one short text."""
    effect: str
    """The table that has a row for each action of this type that had its effect."""
    words: Mapping[str, str]
    """What people call it, by language: `en` and `zh`."""
    needs_template: bool = False
    """Whether the item must name a template: of its text, or of the notice that goes with it."""
    assigned_to: Role | None = None
    """The people who do it, where people do: the action is assigned to them, and it is done once
    they report an attempt. None: the use case itself does it."""
    events: Mapping[ActionStatus, str] = field(default_factory=dict)
    """By the status that an action reaches, the event that the lender's systems get."""

    def __new__(cls, name: str, **_: object) -> Self:
        return super().__new__(cls, name)


SEND_SMS = ActionType(
    "send_sms",
    channel=Channel.SMS,
    queue="sms",
    use_case="workers.sms.send:send_sms",
    effect="message",
    words={"en": "a text", "zh": "短信"},
    needs_template=True,
    # Its events follow what becomes of the text itself.
)
ASSIGN_CALL = ActionType(
    "assign_call",
    channel=Channel.CALL,
    queue="calls",
    use_case="workers.calls.assign:assign_call",
    effect="call",
    words={"en": "a call", "zh": "电话"},
    assigned_to=Role.CALLER,
    events={S.ASSIGNED: "call.assigned", S.DONE: "call.made"},
)
SCHEDULE_VISIT = ActionType(
    "schedule_visit",
    channel=Channel.VISIT,
    queue="visits",
    use_case="workers.visits.schedule:schedule_visit",
    effect="visit",
    words={"en": "a visit", "zh": "上门"},
    needs_template=True,
    assigned_to=Role.VISITOR,
    events={S.ASSIGNED: "visit.scheduled", S.DONE: "visit.made"},
)
OPEN_LEGAL_FILE = ActionType(
    "open_legal_file",
    channel=Channel.LEGAL,
    queue="legal",
    use_case="workers.legal.legal_files:open_legal_file",
    effect="legal_file",
    words={"en": "a legal file", "zh": "诉讼卷宗"},
    events={S.DONE: "legal_file.opened"},
)

ACTION_TYPES: dict[str, ActionType] = {
    action_type.name: action_type
    for action_type in (SEND_SMS, ASSIGN_CALL, SCHEDULE_VISIT, OPEN_LEGAL_FILE)
}
"""Every type, by its name."""


def assigned_types() -> list[ActionType]:
    """The types that are assigned to people."""
    return [action_type for action_type in ACTION_TYPES.values() if action_type.assigned_to]
