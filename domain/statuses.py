"""Every status and every move between them, on one screen.

The store moves a row only with `UPDATE … WHERE status IN (sources(target))`, so a move that is not
drawn here cannot happen, whoever tries and however late.
"""

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


class MessageStatus(StrEnum):
    """What is known of one text. Receipts are best-effort and unordered: the rank only rises."""

    RESERVED = "reserved"  # written before the provider is called
    UNKNOWN = "unknown"  # the provider's answer was lost
    PARKED = "parked"  # nothing told what became of it in time: a person must find out
    NOT_SENT = "not_sent"  # it certainly never went out; another one may
    REFUSED = "refused"  # the provider said no, and nothing was sent
    ACCEPTED = "accepted"  # the provider has it and gave it its own id
    SENT = "sent"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    DELIVERED = "delivered"


UNSENT = frozenset({MessageStatus.NOT_SENT, MessageStatus.REFUSED})
UNSETTLED = frozenset({MessageStatus.RESERVED, MessageStatus.UNKNOWN, MessageStatus.PARKED})

MESSAGE_RANK: dict[MessageStatus, int] = {status: rank for rank, status in enumerate(MessageStatus)}


class PromiseStatus(StrEnum):
    """The life of one promise to pay."""

    OPEN = "open"
    KEPT = "kept"  # the amount had come by its date
    BROKEN = "broken"  # it had not, and the ladder goes on where it stood
    WITHDRAWN = "withdrawn"  # taken back, or replaced by another


P = PromiseStatus

PROMISE_MOVES: dict[PromiseStatus, frozenset[PromiseStatus]] = {
    P.OPEN: frozenset({P.KEPT, P.BROKEN, P.WITHDRAWN}),
    P.KEPT: frozenset(),  # even if the payment is reversed later: that re-opens the arrears
    P.BROKEN: frozenset(),
    P.WITHDRAWN: frozenset(),
}


class OutboxStatus(StrEnum):
    """The life of one event on its way to the lender's systems."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"  # refused or unanswered for days; an operator may send it again


def sources(target: ActionStatus) -> frozenset[ActionStatus]:
    """The statuses from which an action may move to `target`."""
    return frozenset(status for status, moves in ACTION_MOVES.items() if target in moves)


def earlier_than(target: MessageStatus) -> frozenset[MessageStatus]:
    """The statuses that `target` may replace. What never went out stays so."""
    return frozenset(
        s for s in MessageStatus if MESSAGE_RANK[s] < MESSAGE_RANK[target] and s not in UNSENT
    )
