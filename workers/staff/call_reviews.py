"""How somebody judges a call of somebody else, by a score sheet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, exists, select

from domain.errors import ArrearsError, NotKnownError, NotPermittedError
from domain.permissions import Permission
from domain.quality import Judgement, Mark, ScoreSheet, judge
from domain.reasons import ReasonCode, because
from workers.access.may_handle import assert_may_handle
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.bulk import insert_rows
from workers.db.outbox import OutboxEventKind, OutboxMessage, record_events
from workers.db.problems import CALL_FAILED_REVIEW, add_to_problem
from workers.db.schema import (
    borrower,
    contact,
    contact_outcome,
    loan,
    quality_pick,
    quality_review,
    quality_sample,
)
from workers.staff.score_sheets import SheetLine, lines, sheet_in_force


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What came of a review."""

    attempt: str
    collector: str
    score: int | None
    passed: bool
    failed: Sequence[SheetLine]
    """The items that it failed."""


@permitted(Permission.REVIEW_CALLS)
def record_review(
    ctx: Context, attempt: str, sheet_id: str, marks: Mapping[str, Mark], language: str = "en"
) -> Reviewed:
    """Record how whoever acts judged a call that was drawn, by the marks of all items of the sheet.

    A call that fails in something critical becomes a problem for the supervisors, and an event for
    the lender's systems.

    Raises:
        ArrearsError: there is no such call or sheet, no sample of the sheet has the call, an item
            has no mark, or they judged it before.
        NotPermittedError: the call is their own.
        RefusedError: they must not handle the person who was called.
    """
    now = ctx.now()
    sheet = sheet_in_force(ctx, sheet_id, now.date())
    _assert_complete(sheet, marks)
    with ctx.engine.begin() as connection:
        call = _call_of(connection, attempt)
        if call.actor == ctx.actor.reference:
            raise NotPermittedError(
                "The call {attempt} is your own. Somebody else has to judge it.", attempt=attempt
            )
        assert_may_handle(connection, ctx.actor, borrower.c.id == call.borrower_id)
        if not sheet.is_for(call.jurisdiction):
            raise ArrearsError(
                "The sheet {sheet} is not for calls in {jurisdiction}. Name the sheet of that "
                "jurisdiction.",
                sheet=sheet.id,
                jurisdiction=call.jurisdiction,
            )
        _assert_drawn(connection, call.id, attempt, sheet)
        judged = judge(sheet, marks)
        _insert(connection, ctx, call, sheet, marks, judged)
        if judged.failed_critical:
            _report(connection, call, attempt, sheet, judged, now)
    failed = lines(ctx, judged.failed, language)
    return Reviewed(attempt, call.actor, judged.score, judged.passed, failed)


def _assert_complete(sheet: ScoreSheet, marks: Mapping[str, Mark]) -> None:
    known = {item.id for item in sheet.items}
    if missing := [item.id for item in sheet.items if item.id not in marks]:
        raise ArrearsError(
            "These items have no mark: {items}. Mark each one: pass, part, fail or not_applicable.",
            items=", ".join(missing),
        )
    if unknown := sorted(set(marks) - known):
        raise ArrearsError(
            "The sheet {sheet} has no item {item}. Its items are: {known}.",
            sheet=sheet.id,
            item=unknown[0],
            known=", ".join(item.id for item in sheet.items),
        )
    for item in sheet.items:
        if item.critical and marks[item.id] is Mark.PART:
            raise ArrearsError(
                "{item} is critical: it is met or not. Mark it pass, fail or not_applicable.",
                item=item.id,
            )
    if all(mark is Mark.NOT_APPLICABLE for mark in marks.values()):
        raise ArrearsError(
            "Nothing of the sheet {sheet} applies to this call, so nothing is judged. Mark what "
            "was heard.",
            sheet=sheet.id,
        )


def _call_of(connection: Connection, attempt: str) -> Any:
    """The call, locked, so that no two reviews of it are written at the same time."""
    found = connection.execute(
        select(
            *(contact.c.id, contact.c.loan_id, contact.c.borrower_id, contact.c.actor),
            loan.c.jurisdiction,
        )
        .join(loan, loan.c.id == contact.c.loan_id)
        .join(contact_outcome, contact_outcome.c.contact_id == contact.c.id)
        .where(contact.c.attempt == attempt, contact.c.channel == "call")
        .where(contact.c.actor.is_not(None), contact.c.part_of.is_(None))
        .where(contact.c.inbound.is_not(True))
    ).first()
    if found is None:
        raise NotKnownError(
            "No call {attempt} with an outcome is on record. Take the id of a call of the sample.",
            attempt=attempt,
        )
    return found


def _assert_drawn(connection: Connection, contact_id: int, attempt: str, sheet: ScoreSheet) -> None:
    """Whoever judges has not chosen the call: results of chosen calls say nothing of the others."""
    drawn = exists().where(
        quality_pick.c.contact_id == contact_id,
        quality_pick.c.quality_sample_id == quality_sample.c.id,
        quality_sample.c.sheet == sheet.id,
    )
    if not connection.execute(select(drawn)).scalar_one():
        raise ArrearsError(
            "No sample of the sheet {sheet} has the call {attempt}, and only what was drawn is "
            "judged. Draw the sample of its days, and judge a call of it.",
            sheet=sheet.id,
            attempt=attempt,
        )


def _insert(
    connection: Connection,
    ctx: Context,
    call: Any,
    sheet: ScoreSheet,
    marks: Mapping[str, Mark],
    judged: Judgement,
) -> None:
    row = {
        "contact_id": call.id,
        "sheet": sheet.id,
        "sheet_version": sheet.version,
        "reviewer": ctx.actor.reference,
        "reviewed_at": ctx.now(),
        "marks": {item: str(mark) for item, mark in sorted(marks.items())},
        "score": judged.score,
        "failed": [item.id for item in judged.failed],
        "rules": _rules_of(judged),
        "failed_critical": bool(judged.failed_critical),
        "passed": judged.passed,
    }
    known_by = ("contact_id", "reviewer")
    done = insert_rows(connection, quality_review, [row], returning=("id",), known_by=known_by)
    if done.first() is None:
        raise ArrearsError(
            "{reviewer} has judged this call already. A review stays as it is; somebody else may "
            "judge the call as well.",
            reviewer=ctx.actor.reference,
        )


def _rules_of(judged: Judgement) -> list[str]:
    return list(dict.fromkeys(rule for item in judged.failed for rule in item.rules))


def _report(
    connection: Connection,
    call: Any,
    attempt: str,
    sheet: ScoreSheet,
    judged: Judgement,
    now: datetime,
) -> None:
    items = [item.id for item in judged.failed_critical]
    why = because(
        ReasonCode.CALL_FAILED_REVIEW, attempt=attempt, collector=call.actor, items=", ".join(items)
    )
    add_to_problem(connection, call.loan_id, CALL_FAILED_REVIEW, why, now)
    payload = {
        "attempt": attempt,
        "collector": call.actor,
        "sheet": f"{sheet.id}@{sheet.version}",
        "items": items,
        "rules": list(dict.fromkeys(r for item in judged.failed_critical for r in item.rules)),
    }
    message = OutboxMessage(OutboxEventKind.CALL_FAILED_REVIEW, call.loan_id, payload)
    record_events(connection, [message], now)
