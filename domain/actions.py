"""Actions: what items of a ladder ask for, their statuses and moves, and where a waiting one goes.

An action carries out one item of a ladder for one loan, once each time that the ladder starts for
the loan; a follow-up once for each cause.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Self

from domain.actors import Role
from domain.compliance.verdict import BELOW_MINIMUM, NOTHING_PAST_DUE, Permission, Verdict
from domain.compliance.vocabulary import Channel
from domain.reasons import ReasonCode, Reasons, because


class ActionStatus(StrEnum):
    """The statuses of one ladder item for one loan and one start of its ladder."""

    PLANNED = "planned"  # may be claimed once its due time has come
    AWAITING_APPROVAL = "awaiting_approval"  # a person with a named role must approve it first
    DEFERRED = "deferred"  # the contact gate allows it later, or once a fact changes
    CLAIMED = "claimed"  # one worker has it by token and carries it out
    FAILED = "failed"  # it certainly had no effect; it is tried again later
    UNKNOWN = "unknown"  # it may have had its effect: it is never simply repeated
    DEAD = "dead"  # given up after too many failures; a person may retry or discard it
    DISCARDED = "discarded"  # a person decided that it is never done
    SKIPPED = "skipped"  # the ladder went on before it could act
    ASSIGNED = "assigned"  # a person has the call or the visit; tried once an attempt is reported
    DONE = "done"  # a text is tried once it arrived, or is presumed to have
    UNDELIVERED = "undelivered"  # the provider took its text, which did not arrive: not tried
    CANCELLED = "cancelled"  # not needed any more before it had an effect
    BARRED = "barred"  # a rule forbids it


S = ActionStatus


INITIAL = frozenset({S.PLANNED, S.AWAITING_APPROVAL, S.DEFERRED, S.BARRED})
"""The statuses that a planned action may get first: the gate is asked when it is planned."""


ACTION_MOVES: dict[ActionStatus, frozenset[ActionStatus]] = {
    # UNDELIVERED, of what waits: it was to be a next try, and the text before it arrived after all.
    # DEFERRED, BARRED: by the gate, which is asked when it is planned
    S.PLANNED: frozenset({S.CLAIMED, S.DEFERRED, S.BARRED, S.SKIPPED, S.CANCELLED, S.UNDELIVERED}),
    S.AWAITING_APPROVAL: frozenset({S.PLANNED, S.SKIPPED, S.CANCELLED, S.DISCARDED, S.UNDELIVERED}),
    S.DEFERRED: frozenset({S.CLAIMED, S.SKIPPED, S.CANCELLED, S.UNDELIVERED}),
    S.FAILED: frozenset({S.CLAIMED, S.DEAD, S.SKIPPED, S.CANCELLED, S.UNDELIVERED}),
    S.CLAIMED: frozenset(
        {
            S.DONE,
            S.UNDELIVERED,
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
    # PLANNED: to be assigned again, or for its next try. SKIPPED: a call ends with its step
    S.ASSIGNED: frozenset({S.DONE, S.PLANNED, S.CANCELLED, S.SKIPPED}),
    S.UNKNOWN: frozenset({S.DONE, S.UNDELIVERED, S.FAILED, S.DEAD, S.DISCARDED}),
    S.DEAD: frozenset({S.PLANNED, S.CANCELLED, S.DISCARDED, S.UNDELIVERED}),
    S.DISCARDED: frozenset(),
    S.SKIPPED: INITIAL | {S.UNDELIVERED},  # INITIAL: a later step requires it after all
    S.DONE: frozenset({S.UNDELIVERED, S.DEAD}),  # by a receipt; DEAD: it was the last try
    # INITIAL: a later step requires it, which is its next try. DONE: it arrived after all.
    S.UNDELIVERED: INITIAL | {S.DONE},
    S.CANCELLED: INITIAL | {S.SKIPPED, S.UNDELIVERED},  # its reason has ended
    S.BARRED: frozenset({S.DEFERRED}),  # the person wishes otherwise by now
}


CLAIMABLE = frozenset({S.PLANNED, S.DEFERRED, S.FAILED})


WAITING = CLAIMABLE | {S.AWAITING_APPROVAL}


TRIED = frozenset({S.DONE, S.ASSIGNED, S.BARRED})  # a dead action was given up, not tried


PLANNED_AGAIN = frozenset({S.SKIPPED, S.CANCELLED, S.UNDELIVERED})
"""What a decision may plan again: none of them had an effect that still counts."""


MOST_TRIES = 3
"""How many texts of one action may not arrive, before it is left to a person."""


EVENT_PENDING = "lender.event_pending"
STEPS_NOT_TRIED = "lender.steps_not_tried"
SENDING_HOLD = "lender.sending_hold"
SENT_BEFORE_RESTORE = "lender.sent_before_restore"
RETRY_AFTER_PENDING_EVENT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Move:
    """The status that an action gets, and why."""

    to: ActionStatus
    reason: Reasons
    rules: tuple[str, ...] = ()
    due_at: datetime | None = None
    """When it may be claimed next; None: never, or not before a fact changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFacts:
    """The facts about a loan, its ladder and its events that decide where an action goes."""

    past_due: bool
    """Whether anything is past due."""
    ladder_since: date | None
    """When the ladder started; None: less than the ladder's minimum is past due, or no ladder."""
    written_off: bool = False
    off_the_ladder: bool = False
    """Whether no ladder, or not this version of it, has the action's item any more."""
    party_left: bool = False
    """Whether the one whom the action is for is party to the loan no longer."""
    days_passed: bool = False
    """Whether the item's days were over before it was planned, or the ladder went on without it."""
    follow_up: bool = False
    """Whether something that happened asks for it, and no day of the ladder: it does not end when
    the ladder starts anew."""
    too_late: bool = False
    """Whether it is a follow-up, and its last day has passed."""
    event_pending: bool = False
    """Whether an event that may stop the action is stored and not applied yet."""
    steps_not_tried: tuple[str, ...] = ()
    """The steps that its item requires and that do not count as tried any more: a text that was
    presumed to have arrived may turn out not to have."""
    approver: Role | None = None
    """The role that must approve the action and has not done so yet."""

    def following(self, cause: str | None, act_until: date | None, today: date) -> Self:
        """The same facts of an action with this cause, which may act until that business date;
        a day of the ladder asks for one without a cause."""
        if cause is None:
            return self
        return replace(self, follow_up=True, too_late=act_until is not None and act_until < today)


def next_status(
    ladder_since: date | None, facts: ActionFacts, verdict: Verdict | None, now: datetime
) -> Move | None:
    """Where an action goes that has had no effect yet; None if it may run, or may go on waiting.

    `ladder_since` is the start of the ladder on which the action was planned.
    Without a `verdict` the contact gate was not asked.

    No verdict skips an action. What the gate does not allow now is deferred, also beyond the days
    of its item: only the ladder skips, when it goes on without it.
    """
    if facts.written_off:
        return Move(S.CANCELLED, because(ReasonCode.WRITTEN_OFF))
    if not facts.past_due or (verdict and NOTHING_PAST_DUE in verdict.rules):
        return Move(S.CANCELLED, because(ReasonCode.CURED))
    if facts.party_left:
        return Move(S.CANCELLED, because(ReasonCode.PARTY_LEFT))
    if facts.off_the_ladder:
        return Move(S.CANCELLED, because(ReasonCode.REMOVED_BY_POLICY))
    if facts.ladder_since is None:
        return Move(S.CANCELLED, because(ReasonCode.BELOW_MINIMUM), (BELOW_MINIMUM,))
    if ladder_since != facts.ladder_since and not facts.follow_up:
        return Move(S.CANCELLED, because(ReasonCode.SUPERSEDED))
    if facts.too_late:
        return Move(S.SKIPPED, because(ReasonCode.FOLLOW_UP_TOO_LATE))
    if facts.days_passed:
        return Move(S.SKIPPED, because(ReasonCode.DAYS_PASSED))
    if facts.event_pending:
        reason = because(ReasonCode.EVENT_PENDING)
        return Move(S.DEFERRED, reason, (EVENT_PENDING,), now + RETRY_AFTER_PENDING_EVENT)
    if verdict and verdict.permission is Permission.BARRED:
        return Move(S.BARRED, verdict.reason, verdict.rules)
    if facts.steps_not_tried:
        reason = because(ReasonCode.STEPS_NOT_TRIED, steps=facts.steps_not_tried)
        return Move(S.DEFERRED, reason, (STEPS_NOT_TRIED,))
    if facts.approver:
        return Move(S.AWAITING_APPROVAL, because(ReasonCode.AWAITS_APPROVAL, role=facts.approver))
    if verdict and verdict.permission is Permission.DEFERRED:
        return Move(S.DEFERRED, verdict.reason, verdict.rules, verdict.until)
    return None


@dataclass(frozen=True, eq=False, repr=False)
class ActionType(str):
    """What an item of a ladder may ask for, such as a text or a call.

    It is a string, so that SQL and JSON take it as its name. A new type needs one declaration and
    its use case: the tasks, the ladder's reader, the contact gate, the tables' constraints, the
    outbox, the integrity check and the languages read what they need from here.
    """

    name: str
    """The word that ladders write after `do:`; it is also the name of the task."""
    _: KW_ONLY
    channel: Channel
    """The channel about which the contact gate is asked."""
    queue: str
    """The queue of its tasks. If no other type has it, a worker must be started that serves it."""
    use_case: str
    """The function that carries out one action: `package.module:function`. It takes the context and
    the action's id, and returns what happened as one short text."""
    effect_table: str
    """The table that has a row for each action of this type that had its effect."""
    words: Mapping[str, str]
    """What people call it, by language: `en` and `zh`."""
    needs_template: bool = False
    """Whether the item must name a template: of its text, or of the notice that goes with it."""
    shared: bool = False
    """Whether what is due on one day for several loans of a person is one contact."""
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
    effect_table="message",
    words={"en": "a text", "zh": "短信"},
    needs_template=True,
    shared=True,
    # Its events follow what becomes of the text itself.
)
ASSIGN_CALL = ActionType(
    "assign_call",
    channel=Channel.CALL,
    queue="calls",
    use_case="workers.calls.assign:assign_call",
    effect_table="call",
    shared=True,
    words={"en": "a call", "zh": "电话"},
    assigned_to=Role.CALLER,
    events={S.ASSIGNED: "call.assigned", S.DONE: "call.made"},
)
SCHEDULE_VISIT = ActionType(
    "schedule_visit",
    channel=Channel.VISIT,
    queue="visits",
    use_case="workers.visits.schedule:schedule_visit",
    effect_table="visit",
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
    effect_table="legal_file",
    words={"en": "a legal file", "zh": "诉讼材料"},
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
