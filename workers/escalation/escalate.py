"""Escalation: review the loans that are due, decide, and record the decisions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from domain.actions import ActionStatus
from domain.buckets import scheme_on
from domain.compliance.rules import packs_for
from domain.compliance.verdict import Verdict
from domain.decision import Decision, Outcome, Snapshot, decide
from domain.ladder import Ladder
from domain.reasons import ReasonCode, Reasons, because
from workers.context import Context
from workers.db.bulk import is_among
from workers.db.loan_facts import LoanFacts, load_facts, load_party_facts
from workers.db.prepared_statements import prepared
from workers.db.problems import NO_LADDER, Contacted, note_problem, resolve_problems
from workers.db.schema import loan
from workers.db.typed_rows import columns_of, typed_rows
from workers.escalation.due_days import DUE_DAY_NOT_KNOWN, find_due_days, unknown_due_day
from workers.escalation.quarantine import ESCALATION_FAILED, quarantine
from workers.escalation.record import Planned, write_decisions
from workers.failures import TRANSIENT_ERRORS
from workers.gate.facts import all_holds, contact_facts, parties_with_holds, precheck
from workers.gate.problems import note_gate_problems

STEP_DISCARDED = "step_discarded"


@dataclass(frozen=True, slots=True)
class Escalated:
    """What came of the loans of one message."""

    reviewed: int = 0
    planned: int = 0
    failed: int = 0


def escalate_loans(ctx: Context, loan_ids: Sequence[int]) -> Escalated:
    """Decide every loan that is due for review, and write all decisions in one transaction.

    Loans that are not due, or that another worker has locked, are skipped: a late or repeated
    message changes nothing. If a loan makes the transaction fail, the loans are decided one by
    one, and only the loan at fault is quarantined, with its problem on record.
    """
    try:
        with ctx.engine.begin() as connection:
            return _escalate(connection, ctx, loan_ids)
    except TRANSIENT_ERRORS:
        raise  # not a loan's fault: the announcement lapses, and the scan repeats it
    except Exception as error:
        if len(loan_ids) == 1:
            # It stays due: its next review comes after those of other loans.
            quarantine(ctx, loan_ids[0], error)
            return Escalated(failed=1)
        each = [escalate_loans(ctx, [loan_id]) for loan_id in loan_ids]
        return Escalated(
            sum(e.reviewed for e in each),
            sum(e.planned for e in each),
            sum(e.failed for e in each),
        )


class _DueLoan(NamedTuple):
    id: int
    jurisdiction: str
    product: str
    currency: str
    steps_tried: list[str]
    steps_tried_at: date | None


_LOCK_DUE = prepared(
    select(*columns_of(_DueLoan, loan))
    .where(is_among(loan.c.id, "of_loans"), loan.c.review_on <= bindparam("today"))
    .with_for_update(key_share=True, skip_locked=True)
)


def _escalate(connection: Connection, ctx: Context, loan_ids: Sequence[int]) -> Escalated:
    now = ctx.now()
    values = {"of_loans": list(loan_ids), "today": now.date()}
    due = typed_rows(_DueLoan, connection.execute(_LOCK_DUE, values))
    # Read after the locks are held, so that what others committed before is seen.
    facts = load_facts(connection, [row.id for row in due], now) if due else {}
    ladders = {row.id: ctx.ladder_of(row, now.date()) for row in due}
    facts = find_due_days(connection, facts, ladders)
    reviews = [_review(ctx, row, facts[row.id], ladders[row.id], now) for row in due]
    packs = {row.id: packs_for(ctx.policy.rule_packs, row.jurisdiction) for row in due}
    prechecks = _precheck(connection, ctx, reviews, now)
    planned = write_decisions(
        connection,
        [review.decision for review in reviews],
        prechecks=prechecks,
        facts=facts,
        rule_packs={id: [pack.name for pack in found] for id, found in packs.items()},
        scheme=scheme_on(ctx.policy.buckets, now.date()),
        now=now,
    )
    _keep_problems(connection, ctx, reviews, now)
    stopped = defaultdict[Contacted, list[Reasons]](list)
    for (loan_id, _, party_id), verdict in prechecks.items():
        stopped[Contacted(loan_id, party_id)].append(verdict.reason)
    note_gate_problems(connection, stopped, now)
    return Escalated(reviewed=len(reviews), planned=planned)


class _Review(NamedTuple):
    """One loan, and what was decided about it."""

    loan: _DueLoan
    facts: LoanFacts
    ladder: Ladder | None
    decision: Decision


def _review(
    ctx: Context, row: _DueLoan, facts: LoanFacts, ladder: Ladder | None, now: datetime
) -> _Review:
    packs = packs_for(ctx.policy.rule_packs, row.jurisdiction)
    snapshot = Snapshot(
        loan_id=row.id,
        instalments=facts.instalments,
        holds=all_holds(packs, facts, now.date()),
        actions=tuple(stored.past for stored in facts.actions),
        steps_tried=frozenset(row.steps_tried),
        steps_tried_at=row.steps_tried_at,
        written_off=facts.written_off,
        parties=parties_with_holds(ctx, facts, now.date()),
    )
    return _Review(row, facts, ladder, decide(snapshot, ladder, now))


def _precheck(
    connection: Connection, ctx: Context, reviews: Sequence[_Review], now: datetime
) -> dict[Planned, Verdict]:
    """Ask the contact gate about planned actions: those it does not allow now.

    The gate is asked again when an action is claimed. Asking it now avoids needless claims. Only
    for what is planned for other parties than the borrower, a statement more is needed.
    """
    parties = {party.id for review in reviews for party, _ in review.decision.plans if party}
    of_parties = load_party_facts(connection, sorted(parties), now) if parties else {}
    verdicts: dict[Planned, Verdict] = {}
    for row, facts, ladder, decision in reviews:
        for party, (_, item) in decision.plans:
            known = of_parties[party.id] if party else facts
            arrears = decision.arrears
            asked = contact_facts(ctx, row.id, row.jurisdiction, known, arrears, ladder, item, now)
            if verdict := precheck(asked, item.do, now):
                verdicts[row.id, item.id, party.id if party else None] = verdict
    return verdicts


def _keep_problems(
    connection: Connection, ctx: Context, reviews: Sequence[_Review], now: datetime
) -> None:
    """Resolve the problems of loans that could be decided now; note what keeps others from it.

    Either a ladder is missing, or a calendar ends before a due date. It is also noted if something
    due waits for a step that somebody discarded.
    """
    on = now.date()
    unknown = {
        review.loan.id: why
        for review in reviews
        if (why := unknown_due_day(review.facts, review.ladder, on))
    }
    known = [r.loan.id for r in reviews if r.facts.has_problem and r.loan.id not in unknown]
    resolve_problems(connection, known, (DUE_DAY_NOT_KNOWN,), now)
    for loan_id, why in unknown.items():
        note_problem(connection, loan_id, DUE_DAY_NOT_KNOWN, why, now)
    had_problem = [review.decision for review in reviews if review.facts.has_problem]
    discarded = {r.loan.id: found for r in reviews if (found := _discarded_step(r))}
    for loan_id, found in discarded.items():
        note_problem(connection, loan_id, STEP_DISCARDED, found, now)
    waiting = [d.loan_id for d in had_problem if d.loan_id in discarded]
    resolve_problems(connection, waiting, (ESCALATION_FAILED, NO_LADDER), now)
    had_problem = [d for d in had_problem if d.loan_id not in discarded]
    with_ladder = [d.loan_id for d in had_problem if d.ladder_id is not None]
    without = [d.loan_id for d in had_problem if d.ladder_id is None]
    resolve_problems(connection, with_ladder, (ESCALATION_FAILED, NO_LADDER, STEP_DISCARDED), now)
    resolve_problems(connection, without, (ESCALATION_FAILED, STEP_DISCARDED), now)
    for row, _, _, decision in reviews:
        if decision.outcome is Outcome.NO_LADDER:
            note_problem(connection, row.id, NO_LADDER, ctx.why_no_ladder(row, on), now)


def _discarded_step(review: _Review) -> Reasons:
    """The step that something due waits for, and whose last item was discarded; none: ()."""
    ladder, decision = review.ladder, review.decision
    if ladder is None or not decision.waits_for:
        return ()
    discarded = {
        stored.past.item
        for stored in review.facts.actions
        if stored.past.status is ActionStatus.DISCARDED
        and stored.past.ladder_since == decision.ladder_since
        and stored.past.person is None
    }
    for step in ladder.steps:
        if step.id in decision.waits_for and step.last and step.last.id in discarded:
            return because(ReasonCode.STEP_DISCARDED, item=step.last.id, step=step.id)
    return ()
