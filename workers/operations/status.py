"""The status: counts that show an operator what waits, for what, and since when."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Integer, exists, func, select
from sqlalchemy import cast as as_type

from domain.actions import CLAIMABLE, ActionStatus
from domain.events import COMPLETED, InboxStatus, OutboxStatus
from domain.reasons import Reasons
from domain.staffing import StaffingTerms
from workers.borrowers.reply_queue import count_replies
from workers.calls.pace import NumberAlarm, recent_alarms
from workers.daily.close_days import last_day_over, newest_closed
from workers.db.duties import count_duties
from workers.db.encryption import Cipher
from workers.db.messages import is_first_row
from workers.db.schema import action, inbox_event, loan, message, outbox_event, problem, scan_run
from workers.db.sending_holds import SendingHold, read_sending_holds
from workers.db.typed_rows import columns_of, typed_row
from workers.escalation.scan import announced_already
from workers.operations.standstill import Standstill, find_standstills
from workers.tapes.imports import UnfinishedImport, read_unfinished
from workers.workforce.training import SOON, find_training_due

BUCKETS: tuple[tuple[int, int | None], ...] = ((1, 3), (4, 29), (30, 59), (60, None))
"""Days past due, both ends included, as lenders report them; they follow no ladder."""

NEWEST_REASONS = 5
"""How many of the newest unapplied events are shown with their reason."""


@dataclass(frozen=True, slots=True)
class Loans:
    """The loans, and how many are due for review."""

    on_the_book: int
    past_due: dict[str, int]
    """By days past due, for the arrears at the last review of each loan."""
    due_for_review: int
    announced: int
    """Of those: published to the workers, and not reviewed yet."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Today's scans of the book: one starts every minute or so, and finds what is due by then."""

    started_at: datetime
    finished_at: datetime | None
    """When a scan had first published all loans that were due; None before."""
    loans: int
    """Published by all scans of today; likewise `envelopes`, the messages."""
    envelopes: int


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many there are for the same reason."""

    reason: Reasons
    count: int


@dataclass(frozen=True, slots=True)
class Actions:
    """The actions by type, status and reason."""

    by_type: dict[str, dict[str, int]]
    """By action type, the number of actions in each status, of all time."""
    deferred_by_rules: dict[str, int]
    waiting_by_reason: tuple[ReasonCount, ...]
    """Planned or to be retried, with a reason: nobody on shift, a provider that was busy."""
    dead_by_reason: tuple[ReasonCount, ...]
    lost_claims: int
    """Claimed by a worker whose lease has expired."""
    due: int
    """Due now, and not claimed yet."""
    oldest_due_at: datetime | None
    oldest_due_seconds: int | None
    """How long the oldest of them has been due."""

    def in_status(self, status: ActionStatus) -> int:
        return sum(counts.get(status, 0) for counts in self.by_type.values())


@dataclass(frozen=True, slots=True)
class Events:
    """Inbox events that are not applied."""

    waiting: dict[str, int]
    """By kind: not applied yet."""
    rejected: dict[str, int]
    """By kind: cannot be applied as they are."""
    newest: tuple[Reasons, ...]
    """The reasons of the newest of both."""


@dataclass(frozen=True, slots=True)
class EventsOut:
    """Outbox events for the lender's systems."""

    waiting: int
    oldest_seconds: int | None
    """The age of the oldest event that waits."""
    dead_by_reason: tuple[ReasonCount, ...]
    """Given up; a person may resend them."""


@dataclass(frozen=True, slots=True)
class Duties:
    """What somebody owes after a conversation."""

    open: int
    late: int
    """Of these."""


@dataclass(frozen=True, slots=True)
class Status:
    """What `arrears status` shows from the database. It has no personal data."""

    at: datetime
    """In the lender's zone."""
    business_date: date
    sending_holds: tuple[SendingHold, ...]
    """What stops contacts now, oldest first."""
    number_alarms: tuple[NumberAlarm, ...]
    """Who asked for more numbers than anybody dials within the last week, newest first."""
    loans: Loans
    scan: Scan | None
    """None before the first scan of today."""
    actions: Actions
    messages: dict[str, int]
    """Texts by status."""
    events: Events
    events_out: EventsOut
    replies: dict[str, int]
    """Open replies, by who has them."""
    duties: Duties
    problems: dict[str, int]
    """Open problems of loans, by kind."""
    imports: tuple[UnfinishedImport, ...]
    """The imports of tapes that are not finished, oldest first."""
    standstills: tuple[Standstill, ...] = ()
    """What stands still."""
    history_closed: date | None = None
    """The newest day that the daily history has closed; None: none yet."""
    history_days_open: int = 0
    """How many days are over and not closed. The last one is closed within the hour."""
    training_over: int = 0
    """Trainings and certificates that somebody needs for their work and does not have."""
    training_ends_soon: int = 0
    """Those that end within 30 days."""


def read_status(
    connection: Connection,
    now: datetime,
    depths: Mapping[str, int] | None = None,
    scan_seconds: int = 60,
    cipher: Cipher | None = None,
    staffing: Sequence[StaffingTerms] = (),
) -> Status:
    """The status at `now`, an aware moment in the lender's zone. Changes nothing.

    `depths` is how many messages each queue holds, if the broker could be asked. With `cipher`, and
    what was typed by who stopped sending. `staffing` says which certificates skills need.
    """
    closed = newest_closed(connection)
    training = find_training_due(connection, staffing, now.date(), SOON)
    training_over = sum(each.over for each in training)
    return Status(
        at=now,
        business_date=now.date(),
        sending_holds=tuple(read_sending_holds(connection, now.tzinfo or UTC, cipher=cipher)),
        number_alarms=tuple(recent_alarms(connection, now)),
        loans=_loans(connection, now),
        scan=_scan(connection, now.date()),
        actions=_actions(connection, now),
        messages=_counts(connection, message.c.status, is_first_row()),
        events=_events(connection),
        events_out=_events_out(connection, now),
        replies=count_replies(connection),
        duties=Duties(*count_duties(connection, now)),
        problems=_counts(connection, problem.c.kind, problem.c.resolved_at.is_(None)),
        imports=tuple(read_unfinished(connection, now.tzinfo or UTC)),
        standstills=tuple(find_standstills(connection, depths, scan_seconds)),
        history_closed=closed,
        history_days_open=(last_day_over(now) - closed).days if closed else 0,
        training_over=training_over,
        training_ends_soon=len(training) - training_over,
    )


def _loans(connection: Connection, now: datetime) -> Loans:
    today = now.date()
    due = loan.c.review_on <= today
    days = as_type(today - loan.c.delinquent_since, Integer)
    counted = connection.execute(
        select(
            func.count().label("on_the_book"),
            func.count().filter(due).label("due"),
            func.count().filter(due, exists().where(announced_already(now))).label("announced"),
            *(
                func.count().filter(days >= first, *([days <= last] if last else []))
                for first, last in BUCKETS
            ),
        )
    ).one()
    on_the_book, due_for_review, announced, *past_due = counted
    names = [f"{first}-{last}" if last else f"{first} and more" for first, last in BUCKETS]
    return Loans(on_the_book, dict(zip(names, past_due, strict=True)), due_for_review, announced)


def _scan(connection: Connection, today: date) -> Scan | None:
    scan = select(*columns_of(Scan, scan_run)).where(scan_run.c.business_date == today)
    return typed_row(Scan, connection.execute(scan))


def _actions(connection: Connection, now: datetime) -> Actions:
    due = action.c.due_at <= now
    groups = connection.execute(
        select(
            action.c.type,
            action.c.status,
            action.c.reason,
            action.c.rules,
            func.count().label("actions"),
            func.count().filter(action.c.claimed_until < now).label("lost"),
            func.count().filter(due).label("due"),
            func.min(action.c.due_at).filter(due).label("oldest"),
        ).group_by(action.c.type, action.c.status, action.c.reason, action.c.rules)
    ).all()
    by_type: dict[str, Counter[str]] = {}
    for group in groups:
        by_type.setdefault(group.type, Counter())[group.status] += group.actions
    claimable = [group for group in groups if group.status in CLAIMABLE]
    oldest = min((group.oldest for group in claimable if group.oldest), default=None)
    return Actions(
        by_type={
            action_type: dict(sorted(by_type[action_type].items()))
            for action_type in sorted(by_type)
        },
        deferred_by_rules=_sum(
            (", ".join(group.rules or (reason.code for reason in group.reason)), group.actions)
            for group in groups
            if group.status == ActionStatus.DEFERRED
        ),
        waiting_by_reason=_by_reason(
            (group.reason, group.actions)
            for group in groups
            if group.status in (ActionStatus.PLANNED, ActionStatus.FAILED) and group.reason
        ),
        dead_by_reason=_by_reason(
            (group.reason, group.actions) for group in groups if group.status == ActionStatus.DEAD
        ),
        lost_claims=sum(group.lost for group in groups),
        due=sum(group.due for group in claimable),
        oldest_due_at=oldest,
        oldest_due_seconds=(now - oldest) // timedelta(seconds=1) if oldest else None,
    )


def _events(connection: Connection) -> Events:
    unapplied = inbox_event.c.status.not_in(COMPLETED)
    rows = connection.execute(
        select(inbox_event.c.kind, inbox_event.c.status, func.count().label("events"))
        .where(unapplied)
        .group_by(inbox_event.c.kind, inbox_event.c.status)
    ).all()
    newest = connection.execute(
        select(inbox_event.c.reason)
        .where(unapplied, inbox_event.c.reason.is_not(None))
        .order_by(inbox_event.c.id.desc())
        .limit(NEWEST_REASONS)
    ).scalars()
    return Events(
        waiting=_sum((row.kind, row.events) for row in rows if row.status == InboxStatus.RECEIVED),
        rejected=_sum((row.kind, row.events) for row in rows if row.status == InboxStatus.REJECTED),
        newest=tuple(newest),
    )


def _events_out(connection: Connection, now: datetime) -> EventsOut:
    waiting, oldest = connection.execute(
        select(func.count(), func.min(outbox_event.c.happened_at)).where(
            outbox_event.c.status == OutboxStatus.WAITING
        )
    ).one()
    dead = connection.execute(
        select(outbox_event.c.reason, func.count())
        .where(outbox_event.c.status == OutboxStatus.DEAD)
        .group_by(outbox_event.c.reason)
    )
    return EventsOut(
        waiting=waiting,
        oldest_seconds=(now - oldest) // timedelta(seconds=1) if oldest else None,
        dead_by_reason=_by_reason((reason, number) for reason, number in dead),
    )


def _counts(
    connection: Connection, name: Column[Any], *which: ColumnElement[bool]
) -> dict[str, int]:
    counted = select(name, func.count()).where(*which).group_by(name)
    return _sum((key, number) for key, number in connection.execute(counted))


def _by_reason(counted: Iterable[tuple[Reasons, int]]) -> tuple[ReasonCount, ...]:
    """Add up by reason, the most frequent first."""
    total: Counter[Reasons] = Counter()
    for reason, number in counted:
        total[reason] += number
    in_order = sorted(total.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return tuple(ReasonCount(reason, number) for reason, number in in_order)


def _sum(counted: Iterable[tuple[Any, int]]) -> dict[str, int]:
    """Add up by name, the most frequent first."""
    total: Counter[str] = Counter()
    for name, number in counted:
        total[str(name)] += number
    return dict(sorted(total.items(), key=lambda pair: (-pair[1], pair[0])))
