"""What a rehearsal came to: every figure counted in the store or in the stand-in's own log."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, FromClause, Integer, cast, func, select, union_all

from domain.actions import ActionStatus
from domain.reasons import Reasons
from workers.context import Context
from workers.db.schema import (
    action,
    action_event,
    call,
    contact,
    decision,
    inbox_event,
    legal_file,
    loan,
    message,
    problem,
    receipt,
    visit,
)
from workers.escalation.escalate import ESCALATION_FAILED
from workers.operations.integrity import count_duplicates, count_unexplained

FAILED = (ActionStatus.FAILED, ActionStatus.UNKNOWN, ActionStatus.DEAD)
WAITING = (ActionStatus.PLANNED, ActionStatus.AWAITING_APPROVAL, ActionStatus.CLAIMED)


@dataclass(frozen=True, slots=True)
class Tally:
    """The figures of a rehearsal."""

    loans: int
    due: int
    """Loans whose review date had come when the day began."""
    decisions: int
    sms_sent: int
    """Texts that the provider took, by its own log."""
    receipts: int
    calls_assigned: int
    visits_scheduled: int
    legal_files_opened: int
    deferred: int
    """Actions that had to wait at least once for a lawful hour or a missing fact."""
    barred: int
    skipped: int
    cancelled: int
    waiting: int
    """Actions that wait for people or for another hour, those still deferred among them."""
    failed: int
    """Actions that failed or whose effect is unknown, loans that could not be decided, and events
    that could not be applied."""
    unexplained: int
    duplicates: int
    """In the store and in the provider's log."""
    agreement: float
    """The part of the tape's loans, 0 to 1, whose days past due agree with the lender's status."""
    seconds: float

    @property
    def well(self) -> bool:
        """Whether the house did something, and kept what it promises."""
        acted = (
            self.sms_sent + self.calls_assigned + self.visits_scheduled + self.legal_files_opened
        )
        return bool(acted) and not (self.failed or self.unexplained or self.duplicates)


@dataclass(frozen=True, slots=True)
class StepTally:
    """What became of one kind of work in one step of a ladder."""

    step: str
    action_type: str
    statuses: dict[str, int]

    def count(self, *statuses: ActionStatus) -> int:
        return sum(self.statuses.get(status, 0) for status in statuses)


@dataclass(frozen=True, slots=True)
class NotDone:
    """Why some of the work was not done, or not yet."""

    action_type: str
    status: str
    reason: Reasons
    actions: int


def count_due(connection: Connection, now: datetime) -> int:
    """Loans whose review date has come by `now`, a moment in the lender's zone."""
    due = select(func.count()).where(loan.c.review_on <= now.date())
    return connection.execute(due).scalar_one()


def read_tally(
    connection: Connection,
    ctx: Context,
    sent_texts: Path,
    *,
    due: int,
    agreement: float,
    seconds: float,
) -> Tally:
    """Count everything; `due`, `agreement` and `seconds` are the caller's own measurements."""
    statuses: Counter[str] = Counter()
    for step in read_steps(connection, ctx):
        statuses.update(step.statuses)
    texts = _lines(sent_texts)
    return Tally(
        loans=_count(connection, loan),
        due=due,
        decisions=_count(connection, decision),
        sms_sent=len(texts),
        receipts=_count(connection, receipt),
        calls_assigned=_count(connection, call),
        visits_scheduled=_count(connection, visit),
        legal_files_opened=_count(connection, legal_file),
        deferred=_ever_deferred(connection),
        barred=statuses[ActionStatus.BARRED],
        skipped=statuses[ActionStatus.SKIPPED],
        cancelled=statuses[ActionStatus.CANCELLED],
        waiting=sum(statuses[status] for status in (*WAITING, ActionStatus.DEFERRED)),
        failed=sum(statuses[status] for status in FAILED) + _failures_beside(connection),
        unexplained=count_unexplained(connection, ctx),
        duplicates=count_duplicates(connection) + _sent_twice(texts),
        agreement=agreement,
        seconds=seconds,
    )


def read_steps(connection: Connection, ctx: Context) -> list[StepTally]:
    """Actions by step and kind of work, in the order of the ladders."""
    rows = connection.execute(
        select(action.c.step, action.c.type, action.c.status, func.count()).group_by(
            action.c.step, action.c.type, action.c.status
        )
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    for step, action_type, status, number in rows:
        found.setdefault((step, action_type), {})[status] = number
    by_ladder = [(s.id, str(i.do)) for ladder in ctx.policy.ladders for s, i in ladder.items]
    places = {key: place for place, key in reversed(list(enumerate(by_ladder)))}
    in_order = sorted(found, key=lambda key: (places.get(key, len(by_ladder)), key))
    return [StepTally(*key, found[key]) for key in in_order]


def read_not_done(connection: Connection) -> list[NotDone]:
    """Why what was not done was not, the most frequent reasons first."""
    number = func.count().label("number")
    rows = connection.execute(
        select(action.c.type, action.c.status, action.c.reason, number)
        .where(action.c.status.not_in((ActionStatus.ASSIGNED, ActionStatus.DONE)))
        .group_by(action.c.type, action.c.status, action.c.reason)
        .order_by(number.desc(), action.c.type, action.c.status)
    )
    return [NotDone(*row) for row in rows]


def richest_story(connection: Connection) -> str | None:
    """The loan that most happened to: the lender's own id. None while nothing happened at all."""
    happened = union_all(
        select(action.c.loan_id).join(action_event, action_event.c.action_id == action.c.id),
        select(action.c.loan_id).join(message).join(receipt),
        select(contact.c.loan_id),
    ).subquery()
    return connection.execute(
        select(loan.c.external_id)
        .join(happened, happened.c.loan_id == loan.c.id)
        .group_by(loan.c.id)
        .order_by(func.count().desc(), loan.c.id)
        .limit(1)
    ).scalar()


def _count(connection: Connection, table: FromClause) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _ever_deferred(connection: Connection) -> int:
    deferred = action_event.c.to_status == ActionStatus.DEFERRED
    return connection.execute(
        select(func.count(action_event.c.action_id.distinct())).where(deferred)
    ).scalar_one()


def _failures_beside(connection: Connection) -> int:
    undecided = select(func.count()).where(
        problem.c.kind == ESCALATION_FAILED, problem.c.resolved_at.is_(None)
    )
    rejected = select(func.count()).where(inbox_event.c.status == "rejected")
    both = cast(undecided.scalar_subquery() + rejected.scalar_subquery(), Integer)
    return connection.execute(select(both)).scalar_one()


def _lines(sent_texts: Path) -> list[dict[str, str]]:
    with sent_texts.open(encoding="utf-8") as log:
        return [json.loads(line) for line in log]


def _sent_twice(texts: list[dict[str, str]]) -> int:
    """Texts like an earlier one: the same words to the same number, or the same reference."""
    words: set[tuple[str, str]] = set()
    references: set[str] = set()
    twice = 0
    for text in texts:
        said, reference = (text["to"], text["body"]), text["reference"]
        twice += said in words or reference in references
        words.add(said)
        references.add(reference)
    return twice
