"""Calls that are heard again: a sample of a period, how each was judged, what they came to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, text

from domain.collectors import years_after
from domain.compliance.conduct import Conduct
from domain.contact_outcomes import ContactOutcome
from domain.daily_totals import first_moment
from domain.errors import ArrearsError, NotPermittedError
from domain.permissions import NEED_TRAINING, Permission
from domain.quality import (
    Judgement,
    Mark,
    RecordedCall,
    Result,
    Risk,
    ScoreSheet,
    draw,
    judge,
    result_of,
    seed_of,
    sheet_on,
)
from domain.reasons import ReasonCode, because
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.bulk import insert_rows
from workers.db.outbox import OutboxEventKind, OutboxMessage, record_events
from workers.db.problems import CALL_FAILED_REVIEW, note_problem
from workers.db.schema import (
    contact,
    contact_outcome,
    loan,
    quality_pick,
    quality_review,
    quality_sample,
    staff,
)
from workers.db.typed_rows import typed_rows

_RISK_OF_OUTCOME = {
    ContactOutcome.COMPLAINS: Risk.COMPLAINT,
    ContactOutcome.HUNG_UP: Risk.HUNG_UP,
    ContactOutcome.HUNG_UP_AFTER: Risk.HUNG_UP,
    ContactOutcome.DISPUTES: Risk.DISPUTE,
    ContactOutcome.HARDSHIP: Risk.VULNERABILITY,
    ContactOutcome.ASKS_SETTLEMENT: Risk.SETTLEMENT,
}


class _Call(NamedTuple):
    """A call that somebody made, with what makes it worth hearing."""

    id: int
    recording: str | None
    actor: str
    at: datetime
    outcome: str
    jurisdiction: str
    first_call_at: datetime
    vulnerable: bool
    broke: bool


_CALLS = text("""
SELECT c.id, o.recording, c.actor, c.at, o.outcome, l.jurisdiction,
       (SELECT min(f.at) FROM contact f WHERE f.actor = c.actor AND f.attempt IS NOT NULL)
           AS first_call_at,
       EXISTS (SELECT FROM hold_of_loan h
                WHERE h.loan_id = c.loan_id AND h.kind = 'vulnerability' AND h.made_at < :ends)
           AS vulnerable,
       EXISTS (SELECT FROM promise p
                WHERE p.loan_id = c.loan_id AND p.actor = c.actor
                  AND p.status IN ('broken', 'part_kept')
                  AND p.made_at >= c.at - interval '1 hour') AS broke
  FROM contact c JOIN contact_outcome o ON o.contact_id = c.id JOIN loan l ON l.id = c.loan_id
 WHERE c.at >= :starts AND c.at < :ends AND c.channel = 'call' AND c.inbound IS NOT TRUE
   AND c.part_of IS NULL AND c.actor IS NOT NULL AND o.connected
""")


@dataclass(frozen=True, slots=True)
class Pick:
    """A call to be heard."""

    attempt: str
    recording: str
    """The dialer's reference of the recording."""
    collector: str
    at: datetime
    """In the lender's zone."""
    because: Sequence[str]
    reviews: int
    """How many have judged it already."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The calls of a period that are to be heard."""

    first: date
    last: date
    sheet: str
    sheet_version: int
    seed: str
    calls: int
    """From which it was drawn."""
    without_recording: int
    picks: Sequence[Pick]


@dataclass(frozen=True, slots=True)
class FailedItem:
    """An item that a call failed, with the rules that it checks."""

    item: str
    critical: bool
    text: str
    text_zh: str
    rules: Sequence[str]
    citations: Sequence[str]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What came of a review."""

    attempt: str
    collector: str
    score: int | None
    passed: bool
    failed: Sequence[FailedItem]


@dataclass(frozen=True, slots=True)
class TrainingDue:
    """Somebody whose training ends soon, or has ended."""

    staff: str
    roles: Sequence[str]
    trained_on: date | None
    """None: never, as far as is known."""
    last_day: date | None
    """The last day on which they may contact borrowers."""


@permitted(Permission.REVIEW_CALLS)
def draw_sample(ctx: Context, first: date, last: date, sheet_id: str) -> Sample:
    """The sample of a period, both days included: drawn now, or as it was drawn before.

    Raises:
        ArrearsError: there is no such sheet, or the period is not over.
    """
    sheet = _sheet(ctx, sheet_id, last)
    if not first <= last < ctx.today():
        raise ArrearsError(
            "The period from {first} to {last} is not over, or runs backwards. Name days up to "
            "yesterday.",
            first=first,
            last=last,
        )
    with ctx.engine.begin() as connection:
        sample_id = _known(connection, first, last, sheet) or _draw(
            connection, ctx, first, last, sheet
        )
        return _read_sample(connection, ctx, sample_id)


def _known(connection: Connection, first: date, last: date, sheet: ScoreSheet) -> int | None:
    of = quality_sample.c
    found = select(of.id).where(
        of.first_day == first,
        of.last_day == last,
        of.team.is_(None),
        of.sheet == sheet.id,
        of.sheet_version == sheet.version,
    )
    sample_id: int | None = connection.execute(found).scalar()
    return sample_id


def _draw(connection: Connection, ctx: Context, first: date, last: date, sheet: ScoreSheet) -> int:
    zone = ctx.now().tzinfo
    starts, ends = first_moment(first, zone), first_moment(last + timedelta(1), zone)
    calls = typed_rows(_Call, connection.execute(_CALLS, {"starts": starts, "ends": ends}), zone)
    calls = [call for call in calls if sheet.is_for(call.jurisdiction)]
    recorded = [
        RecordedCall(call.id, call.recording, call.actor, _risks(call, sheet))
        for call in calls
        if call.recording
    ]
    seed = seed_of(first, last, None, sheet)
    values = {
        "first_day": first,
        "last_day": last,
        "sheet": sheet.id,
        "sheet_version": sheet.version,
        "seed": seed,
        "calls": len(recorded),
        "without_recording": len(calls) - len(recorded),
        "drawn_at": ctx.now(),
        "drawn_by": ctx.actor.reference,
    }
    sample_id: int = connection.execute(
        insert(quality_sample).values(values).returning(quality_sample.c.id)
    ).scalar_one()
    picks = [
        {
            "quality_sample_id": sample_id,
            "contact_id": drawn.call.contact_id,
            "because": list(drawn.because),
        }
        for drawn in draw(recorded, sheet.sampling, seed)
    ]
    if picks:
        insert_rows(connection, quality_pick, picks)
    return sample_id


def _risks(call: _Call, sheet: ScoreSheet) -> frozenset[Risk]:
    risks = set()
    if risk := _RISK_OF_OUTCOME.get(ContactOutcome(call.outcome)):
        risks.add(risk)
    if call.vulnerable:
        risks.add(Risk.VULNERABILITY)
    if call.broke:
        risks.add(Risk.BROKEN_PROMISE)
    if call.at.time() >= sheet.sampling.late_from:
        risks.add(Risk.LATE_HOUR)
    if call.at < call.first_call_at + timedelta(sheet.sampling.first_days):
        risks.add(Risk.FIRST_MONTH)
    return frozenset(risks)


_PICKS = text("""
SELECT c.attempt, o.recording, c.actor AS collector, c.at, p.because,
       (SELECT count(*) FROM quality_review r WHERE r.contact_id = c.id) AS reviews
  FROM quality_pick p JOIN contact c ON c.id = p.contact_id
       JOIN contact_outcome o ON o.contact_id = c.id
 WHERE p.quality_sample_id = :sample
 ORDER BY c.actor, c.at, c.id
""")


def _read_sample(connection: Connection, ctx: Context, sample_id: int) -> Sample:
    drawn = connection.execute(select(quality_sample).where(quality_sample.c.id == sample_id)).one()
    rows = connection.execute(_PICKS, {"sample": sample_id})
    return Sample(
        first=drawn.first_day,
        last=drawn.last_day,
        sheet=drawn.sheet,
        sheet_version=drawn.sheet_version,
        seed=drawn.seed,
        calls=drawn.calls,
        without_recording=drawn.without_recording,
        picks=typed_rows(Pick, rows, ctx.now().tzinfo),
    )


@permitted(Permission.REVIEW_CALLS)
def record_review(ctx: Context, attempt: str, sheet_id: str, marks: Mapping[str, Mark]) -> Reviewed:
    """Record how whoever acts judged a call, by the marks of all items of the sheet.

    A call that fails in something critical becomes a problem for the supervisors, and an event for
    the lender's systems.

    Raises:
        ArrearsError: there is no such call or sheet, an item has no mark, or they judged it before.
        NotPermittedError: the call is their own.
    """
    now = ctx.now()
    sheet = _sheet(ctx, sheet_id, now.date())
    _assert_complete(sheet, marks)
    with ctx.engine.begin() as connection:
        call = _call_of(connection, attempt)
        if call.actor == ctx.actor.reference:
            raise NotPermittedError(
                "The call {attempt} is your own. Somebody else has to judge it.", attempt=attempt
            )
        if not sheet.is_for(call.jurisdiction):
            raise ArrearsError(
                "The sheet {sheet} is not for calls in {jurisdiction}. Name the sheet of that "
                "jurisdiction.",
                sheet=sheet.id,
                jurisdiction=call.jurisdiction,
            )
        judged = judge(sheet, marks)
        _insert(connection, ctx, call, sheet, marks, judged)
        if judged.failed_critical:
            _report(connection, call, attempt, sheet, judged, now)
    return Reviewed(attempt, call.actor, judged.score, judged.passed, _failed(ctx, judged))


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


def _call_of(connection: Connection, attempt: str) -> Any:
    """Locks the call, so that reviews of one call come one after the other."""
    found = connection.execute(
        select(contact.c.id, contact.c.loan_id, contact.c.actor, loan.c.jurisdiction)
        .join(loan, loan.c.id == contact.c.loan_id)
        .join(contact_outcome, contact_outcome.c.contact_id == contact.c.id)
        .where(contact.c.attempt == attempt, contact.c.channel == "call")
        .where(contact.c.actor.is_not(None), contact.c.part_of.is_(None))
    ).first()
    if found is None:
        raise ArrearsError(
            "No call {attempt} with an outcome is on record. `arrears quality sample` lists calls.",
            attempt=attempt,
        )
    return found


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
    note_problem(connection, call.loan_id, CALL_FAILED_REVIEW, why, now)
    payload = {
        "attempt": attempt,
        "collector": call.actor,
        "sheet": f"{sheet.id}@{sheet.version}",
        "items": items,
        "rules": list(dict.fromkeys(r for item in judged.failed_critical for r in item.rules)),
    }
    message = OutboxMessage(OutboxEventKind.CALL_FAILED_REVIEW, call.loan_id, payload)
    record_events(connection, [message], now)


def _failed(ctx: Context, judged: Judgement) -> list[FailedItem]:
    cited = {
        rule.id: rule.source.citation
        for pack in ctx.policy.rule_packs
        for rule in pack.rules
        if isinstance(rule, Conduct)
    }
    return [
        FailedItem(
            item.id,
            item.critical,
            item.text,
            item.text_zh,
            item.rules,
            [cited[rule] for rule in item.rules],
        )
        for item in judged.failed
    ]


_RESULTS = text("""
SELECT c.actor, r.passed, r.failed_critical
  FROM quality_review r JOIN contact c ON c.id = r.contact_id
 WHERE c.at >= :starts AND c.at < :ends
""")
_MADE = text("""
SELECT c.actor, count(*) AS calls
  FROM contact c
 WHERE c.at >= :starts AND c.at < :ends AND c.channel = 'call' AND c.inbound IS NOT TRUE
   AND c.part_of IS NULL AND c.actor IS NOT NULL
 GROUP BY c.actor
""")


@permitted(Permission.READ_QUALITY)
def read_results(connection: Connection, ctx: Context, first: date, last: date) -> list[Result]:
    """What the calls of a period came to, by collector, in the order of their references.

    Whoever made calls of which none was judged is in it, with an interval from 0 to 100.
    """
    zone = ctx.now().tzinfo
    period = {"starts": first_moment(first, zone), "ends": first_moment(last + timedelta(1), zone)}
    made = {row.actor: row.calls for row in connection.execute(_MADE, period)}
    reviews: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for row in connection.execute(_RESULTS, period):
        reviews[row.actor].append((row.passed, row.failed_critical))
    return [result_of(name, calls, reviews[name]) for name, calls in sorted(made.items())]


@permitted(Permission.READ_QUALITY)
def training_due(connection: Connection, ctx: Context, days: int) -> list[TrainingDue]:
    """Who contacts borrowers and runs out of training within so many days, the soonest first."""
    today = ctx.today()
    here = select(staff.c.external_id, staff.c.roles, staff.c.trained_on).where(
        (staff.c.left_on.is_(None)) | (staff.c.left_on > today)
    )
    due = [
        TrainingDue(row.external_id, row.roles, row.trained_on, last_day)
        for row in connection.execute(here)
        if NEED_TRAINING & set(row.roles)
        for last_day in (years_after(row.trained_on, 1) if row.trained_on else None,)
        if last_day is None or last_day < today + timedelta(days)
    ]
    return sorted(due, key=lambda each: (each.last_day or date.min, each.staff))


def _sheet(ctx: Context, sheet_id: str, on: date) -> ScoreSheet:
    if sheet := sheet_on(ctx.policy.score_sheets, sheet_id, on):
        return sheet
    raise ArrearsError(
        "There is no score sheet {sheet} for {day}. There are: {known}.",
        sheet=sheet_id,
        day=on,
        known=", ".join(sorted({sheet.id for sheet in ctx.policy.score_sheets})) or "-",
    )
