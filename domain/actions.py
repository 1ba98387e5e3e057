"""Actions: what an item of a ladder asks for, every status of it, and every move between them."""

from __future__ import annotations

from enum import StrEnum


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


class ActionType(StrEnum):
    """What an item may ask for. Each has one queue and one task."""

    SEND_SMS = "send_sms"
    ASSIGN_CALL = "assign_call"
    SCHEDULE_VISIT = "schedule_visit"
    OPEN_LEGAL_FILE = "open_legal_file"
