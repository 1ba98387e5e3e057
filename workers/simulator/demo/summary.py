"""The summary of the simulated days, counted in the database and in the log of the provider."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, FromClause, Integer, Table, cast, func, select, union_all

from domain.actions import ActionStatus
from domain.arrangements import ArrangementStatus
from domain.promises import PromiseStatus
from domain.reasons import Reasons
from workers.context import Context
from workers.db.schema import (
    action,
    action_event,
    arrangement,
    call,
    contact,
    contact_outcome,
    decision,
    inbox_event,
    legal_file,
    loan,
    message,
    problem,
    promise,
    receipt,
    visit,
)
from workers.escalation.quarantine import ESCALATION_FAILED
from workers.simulator.demo.integrity import count_duplicates, count_unexplained

FAILED = (ActionStatus.FAILED, ActionStatus.UNKNOWN, ActionStatus.DEAD)
WAITING = (ActionStatus.PLANNED, ActionStatus.AWAITING_APPROVAL, ActionStatus.CLAIMED)


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of all the days."""

    loans: int
    due: int
    """Loans whose review date had come when the first day began."""
    decisions: int
    sms_sent: int
    """Texts that the provider accepted, by its own log."""
    undelivered: int
    """Texts that the provider accepted and that did not arrive: nothing failed here."""
    receipts: int
    calls_assigned: int
    visits_scheduled: int
    legal_files_opened: int
    promises_kept: int
    promises_broken: int
    """Promises that were not kept, not even in part."""
    plans_active: int
    """Deferrals and instalment plans that the lender's ledger has confirmed and that are kept."""
    reasons_learnt: int
    """Loans whose borrower has said why they are overdue."""
    deferred: int
    """Actions that were deferred at least once, to a lawful hour or until a fact is known."""
    barred: int
    skipped: int
    cancelled: int
    waiting: int
    """Actions that wait for a person or a later hour, including those still deferred."""
    failed: int
    """Actions that failed or whose effect is unknown, loans without a decision because of an error,
    and rejected events."""
    unexplained: int
    duplicates: int
    """Duplicate effects in the database, and duplicate texts in the provider's log."""
    agreement: float
    """The share of the loans, 0 to 1, whose days past due agree with the lender's own status."""
    seconds: float

    @property
    def succeeded(self) -> bool:
        """Whether something was done, and nothing failed, is unexplained or was done twice."""
        actions = (
            self.sms_sent + self.calls_assigned + self.visits_scheduled + self.legal_files_opened
        )
        return bool(actions) and not (self.failed or self.unexplained or self.duplicates)


@dataclass(frozen=True, slots=True)
class StepSummary:
    """How many actions of one type in one step of a ladder have which status."""

    step: str
    action_type: str
    statuses: dict[str, int]

    def count(self, *statuses: ActionStatus) -> int:
        return sum(self.statuses.get(status, 0) for status in statuses)


@dataclass(frozen=True, slots=True)
class NotDone:
    """How many actions of one type were not done, or not yet, for one reason."""

    action_type: str
    status: str
    reason: Reasons
    actions: int


def count_due(connection: Connection, now: datetime) -> int:
    """Loans whose review date has come by `now`, a moment in the lender's zone."""
    due = select(func.count()).where(loan.c.review_on <= now.date())
    return connection.execute(due).scalar_one()


def read_summary(
    connection: Connection,
    ctx: Context,
    accepted_texts_log: Path,
    *,
    due: int,
    agreement: float,
    seconds: float,
) -> Summary:
    """Count everything; the caller has measured `due`, `agreement` and `seconds`."""
    statuses: Counter[str] = Counter()
    for step in read_steps(connection, ctx):
        statuses.update(step.statuses)
    texts = _read_log(accepted_texts_log)
    return Summary(
        loans=_count(connection, loan),
        due=due,
        decisions=_count(connection, decision),
        sms_sent=len(texts),
        undelivered=statuses[ActionStatus.UNDELIVERED],
        receipts=_count(connection, receipt),
        calls_assigned=_count(connection, call),
        visits_scheduled=_count(connection, visit),
        legal_files_opened=_count(connection, legal_file),
        promises_kept=_with_status(connection, promise, PromiseStatus.KEPT),
        promises_broken=_with_status(connection, promise, PromiseStatus.BROKEN),
        plans_active=_with_status(connection, arrangement, ArrangementStatus.ACTIVE),
        reasons_learnt=_reasons_learnt(connection),
        deferred=_ever_deferred(connection),
        barred=statuses[ActionStatus.BARRED],
        skipped=statuses[ActionStatus.SKIPPED],
        cancelled=statuses[ActionStatus.CANCELLED],
        waiting=sum(statuses[status] for status in (*WAITING, ActionStatus.DEFERRED)),
        failed=sum(statuses[status] for status in FAILED) + _other_failures(connection),
        unexplained=count_unexplained(connection, ctx),
        duplicates=count_duplicates(connection) + _count_duplicate_texts(texts),
        agreement=agreement,
        seconds=seconds,
    )


def read_steps(connection: Connection, ctx: Context) -> list[StepSummary]:
    """Actions by step and type, in the order of the ladders."""
    rows = connection.execute(
        select(action.c.step, action.c.type, action.c.status, func.count()).group_by(
            action.c.step, action.c.type, action.c.status
        )
    )
    statuses: dict[tuple[str, str], dict[str, int]] = {}
    for step, action_type, status, number in rows:
        statuses.setdefault((step, action_type), {})[status] = number
    in_ladders = [(s.id, str(i.do)) for ladder in ctx.policy.ladders for s, i in ladder.items]
    positions = {key: n for n, key in reversed(list(enumerate(in_ladders)))}
    ordered = sorted(statuses, key=lambda key: (positions.get(key, len(in_ladders)), key))
    return [StepSummary(*key, statuses[key]) for key in ordered]


def read_not_done(connection: Connection) -> list[NotDone]:
    """The reasons why actions were not done, the most frequent first."""
    number = func.count().label("number")
    rows = connection.execute(
        select(action.c.type, action.c.status, action.c.reason, number)
        .where(action.c.status.not_in((ActionStatus.ASSIGNED, ActionStatus.DONE)))
        .group_by(action.c.type, action.c.status, action.c.reason)
        .order_by(number.desc(), action.c.type, action.c.status)
    )
    return [NotDone(*row) for row in rows]


def most_eventful_loan(connection: Connection) -> str | None:
    """The lender's own id of the loan with the most events. None if there are no events."""
    events = union_all(
        select(action.c.loan_id).join(action_event, action_event.c.action_id == action.c.id),
        select(action.c.loan_id).join(message).join(receipt),
        select(contact.c.loan_id),
    ).subquery()
    return connection.execute(
        select(loan.c.external_id)
        .join(events, events.c.loan_id == loan.c.id)
        .group_by(loan.c.id)
        .order_by(func.count().desc(), loan.c.id)
        .limit(1)
    ).scalar()


def _count(connection: Connection, table: FromClause) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _with_status(connection: Connection, table: Table, status: StrEnum) -> int:
    counted = select(func.count()).where(table.c.status == status)
    return connection.execute(counted).scalar_one()


def _reasons_learnt(connection: Connection) -> int:
    of_loans = func.count(contact.c.loan_id.distinct())
    told = select(of_loans).join(contact_outcome, contact_outcome.c.contact_id == contact.c.id)
    return connection.execute(told.where(contact_outcome.c.reason.is_not(None))).scalar_one()


def _ever_deferred(connection: Connection) -> int:
    deferred = action_event.c.to_status == ActionStatus.DEFERRED
    return connection.execute(
        select(func.count(action_event.c.action_id.distinct())).where(deferred)
    ).scalar_one()


def _other_failures(connection: Connection) -> int:
    undecided = select(func.count()).where(
        problem.c.kind == ESCALATION_FAILED, problem.c.resolved_at.is_(None)
    )
    rejected = select(func.count()).where(inbox_event.c.status == "rejected")
    total = cast(undecided.scalar_subquery() + rejected.scalar_subquery(), Integer)
    return connection.execute(select(total)).scalar_one()


def _read_log(accepted_texts_log: Path) -> list[dict[str, str]]:
    with accepted_texts_log.open(encoding="utf-8") as log:
        return [json.loads(line) for line in log]


def _count_duplicate_texts(texts: list[dict[str, str]]) -> int:
    """Texts with the number and body of an earlier one, or with its reference."""
    contents: set[tuple[str, str]] = set()
    references: set[str] = set()
    duplicates = 0
    for text in texts:
        content, reference = (text["to"], text["body"]), text["reference"]
        duplicates += content in contents or reference in references
        contents.add(content)
        references.add(reference)
    return duplicates
