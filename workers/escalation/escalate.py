"""Escalation: look at loans that are due, decide, and put the decisions on record."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from domain.compliance.gate import Verdict
from domain.compliance.rules import packs_for
from domain.decision import Decision, Outcome, Snapshot, decide
from domain.ladder import Ladder
from workers.context import Context
from workers.db.bulk import is_among
from workers.db.loan_facts import LoanFacts, load_facts
from workers.db.prepared_statements import prepared
from workers.db.problems import NO_LADDER, no_ladder_detail, note_problem, resolve_problems
from workers.db.schema import loan
from workers.escalation.record import write_decisions
from workers.failures import TRANSIENT_ERRORS, log_summary, user_message
from workers.gate.facts import contact_facts, precheck

log = logging.getLogger(__name__)

FAILED_LOOK = "escalation_failed"
LOOK_AGAIN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Escalated:
    """What became of an envelope of loans."""

    looked_at: int = 0
    planned: int = 0
    failed: int = 0


def escalate_loans(ctx: Context, loan_ids: Sequence[int]) -> Escalated:
    """Decide each loan that is due for a look and write it all in one transaction.

    Loans that are not due, or that another worker holds, are left alone: a late or repeated
    message does nothing. If a loan makes the envelope fail, the loans are taken one by one, and
    only the loan at fault is put aside, with its problem on record.
    """
    try:
        with ctx.engine.begin() as connection:
            return _escalate(connection, ctx, loan_ids)
    except TRANSIENT_ERRORS:
        raise  # not a loan's fault: the announcement lapses, and the scan makes it again
    except Exception as error:
        if len(loan_ids) == 1:
            return _quarantine(ctx, loan_ids[0], error)
        each = [escalate_loans(ctx, [loan_id]) for loan_id in loan_ids]
        return Escalated(
            sum(e.looked_at for e in each),
            sum(e.planned for e in each),
            sum(e.failed for e in each),
        )


_LOCK_DUE = prepared(
    select(
        loan.c.id,
        loan.c.jurisdiction,
        loan.c.product,
        loan.c.currency,
        loan.c.steps_tried,
        loan.c.steps_tried_at,
    )
    .where(is_among(loan.c.id, "of_loans"), loan.c.review_on <= bindparam("today"))
    .with_for_update(skip_locked=True)
)


def _escalate(connection: Connection, ctx: Context, loan_ids: Sequence[int]) -> Escalated:
    now = ctx.now()
    due = connection.execute(_LOCK_DUE, {"of_loans": list(loan_ids), "today": now.date()}).all()
    # Read only after the locks are held: what others committed before that is seen.
    facts = load_facts(connection, [row.id for row in due], now) if due else {}
    ladders = _ladders(ctx, due, now)
    decisions = [_decide(row, facts[row.id], ladders[row.id], now) for row in due]
    planned = write_decisions(
        connection,
        decisions,
        not_yet=_not_yet(ctx, due, facts, ladders, decisions, now),
        facts=facts,
        rule_packs=_rule_packs(ctx, due),
        now=now,
    )
    _keep_problems(connection, due, facts, decisions, now)
    return Escalated(looked_at=len(decisions), planned=planned)


def _decide(
    row: Row[*tuple[Any, ...]], facts: LoanFacts, ladder: Ladder | None, now: datetime
) -> Decision:
    snapshot = Snapshot(
        loan_id=row.id,
        instalments=facts.instalments,
        holds=facts.holds,
        actions=tuple(stored.past for stored in facts.actions),
        steps_tried=frozenset(row.steps_tried),
        steps_tried_at=row.steps_tried_at,
        written_off=facts.written_off,
    )
    return decide(snapshot, ladder, now)


def _ladders(
    ctx: Context, due: Sequence[Row[*tuple[Any, ...]]], now: datetime
) -> dict[int, Ladder | None]:
    """By loan. The loans of an envelope are of a few kinds, and each kind is looked up once."""
    of_kind = {
        kind: ctx.ladder_of(one, now.date()) for kind, one in {_kind(r): r for r in due}.items()
    }
    return {row.id: of_kind[_kind(row)] for row in due}


def _kind(row: Row[*tuple[Any, ...]]) -> tuple[str, str, str]:
    return row.jurisdiction, row.product, row.currency


def _rule_packs(ctx: Context, due: Sequence[Row[*tuple[Any, ...]]]) -> dict[int, list[str]]:
    """By loan, the names and versions of the packs that bind it."""
    names = {
        jurisdiction: [pack.name for pack in packs_for(ctx.policy.rule_packs, jurisdiction)]
        for jurisdiction in {row.jurisdiction for row in due}
    }
    return {row.id: names[row.jurisdiction] for row in due}


def _not_yet(
    ctx: Context,
    due: Sequence[Row[*tuple[Any, ...]]],
    facts: Mapping[int, LoanFacts],
    ladders: Mapping[int, Ladder | None],
    decisions: Sequence[Decision],
    now: datetime,
) -> dict[tuple[int, str], Verdict]:
    """The contact gate, asked when work is planned: by loan and item, what may not be done now.

    It is asked again when the work is claimed; what is known ahead need not be tried in vain.
    """
    verdicts: dict[tuple[int, str], Verdict] = {}
    for row, d in zip(due, decisions, strict=True):
        for _, item in d.plan:
            asked = contact_facts(
                ctx,
                row.id,
                row.jurisdiction,
                facts[row.id],
                d.arrears,
                ladders[row.id],
                item,
                now,
            )
            if verdict := precheck(asked, item.do, now):
                verdicts[row.id, item.id] = verdict
    return verdicts


def _keep_problems(
    connection: Connection,
    looked_at: Sequence[Row[*tuple[Any, ...]]],
    facts: Mapping[int, LoanFacts],
    decisions: Sequence[Decision],
    now: datetime,
) -> None:
    """What could be decided has no failed look any more, and a ladder or none."""
    open_ones = [d for d in decisions if facts[d.loan_id].has_problem]
    with_ladder = [d.loan_id for d in open_ones if d.ladder_id is not None]
    without = [d.loan_id for d in open_ones if d.ladder_id is None]
    resolve_problems(connection, with_ladder, (FAILED_LOOK, NO_LADDER), now)
    resolve_problems(connection, without, (FAILED_LOOK,), now)
    lacking = {d.loan_id for d in decisions if d.outcome is Outcome.NO_LADDER}
    for row in looked_at:
        if row.id in lacking:
            detail = no_ladder_detail(row.jurisdiction, row.product, row.currency)
            note_problem(connection, row.id, NO_LADDER, detail, now)


def _quarantine(ctx: Context, loan_id: int, error: Exception) -> Escalated:
    """Keep the loan due, say why it failed, and let the other loans of the day go first."""
    now = ctx.now()
    log.error("loan %s cannot be decided: %s", loan_id, log_summary(error))
    with ctx.engine.begin() as connection:
        note_problem(
            connection,
            loan_id,
            FAILED_LOOK,
            user_message(error, "The loan could not be decided"),
            now,
        )
        connection.execute(
            update(loan)
            .where(loan.c.id == loan_id)
            .values(quarantined_until=now + LOOK_AGAIN_AFTER)
        )
    return Escalated(failed=1)
