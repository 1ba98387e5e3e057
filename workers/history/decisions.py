"""The reviews of a loan: the facts each rested on, and why something or nothing was done."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from domain.decision import Outcome
from domain.language.phrases import Phrase
from domain.language.render import Entry, Part, part
from domain.reasons import ReasonCode, because
from workers.db.schema import collection_case, decision
from workers.db.typed_rows import typed_rows
from workers.history.loan import ExplainedLoan, of_loan, why


class _Decision(NamedTuple):
    decided_at: datetime
    delinquent_since: date | None
    days_past_due: int | None
    past_due: Decimal | None
    ladder_id: str | None
    ladder_version: int | None
    ladder_since: date | None
    ladder_day: int | None
    step: str | None
    rule_packs: Sequence[str]
    outcome: str
    hold_kind: str | None
    waits_for: Sequence[str] | None
    review_on: date | None


def decisions(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Every review of the loan."""
    rows = connection.execute(of_loan(decision, subject, _Decision))
    for row in typed_rows(_Decision, rows):
        yield Entry(row.decided_at, tuple(_review(row, subject.currency)))


def cases_opened(connection: Connection, subject: ExplainedLoan, zone: tzinfo) -> Iterator[Entry]:
    """A case opens with the first review of its day that found the loan past due."""
    reviewed_at = (
        select(
            func.coalesce(
                func.min(decision.c.decided_at).filter(
                    decision.c.outcome != Outcome.NO_LADDER,
                ),
                func.min(decision.c.decided_at),  # a case that was opened before without a ladder
            )
        )
        .where(
            decision.c.loan_id == subject.id,
            decision.c.business_date == collection_case.c.opened_on,
            decision.c.delinquent_since.is_not(None),
        )
        .scalar_subquery()
    )
    opened = of_loan(collection_case, subject).add_columns(reviewed_at.label("at"))
    for row in connection.execute(opened):
        at = row.at or datetime.combine(row.opened_on, time.min, zone)
        yield Entry(at, (part(Phrase.CASE_OPENED),))


def cases_closed(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    closed = of_loan(collection_case, subject).where(collection_case.c.closed_at.is_not(None))
    for row in connection.execute(closed):
        reason = because(ReasonCode(row.closed_because))
        yield Entry(row.closed_at, (part(Phrase.CASE_CLOSED), *why(reason)))


def _review(row: _Decision, currency: str) -> Iterator[Part]:
    if row.delinquent_since is not None:
        yield part(
            Phrase.PAST_DUE,
            delinquent_since=row.delinquent_since,
            days_past_due=row.days_past_due,
            past_due=row.past_due,
            currency=currency,
        )
    if row.ladder_since not in (None, row.delinquent_since):
        yield part(Phrase.LADDER_SINCE, ladder_since=row.ladder_since)
    if row.ladder_id is not None:
        yield _on_ladder(row)
    if row.rule_packs:
        yield part(Phrase.PACKS, packs=tuple(row.rule_packs))
    else:
        yield part(Phrase.NO_PACKS)
    yield _outcome(row)
    if row.waits_for:
        yield part(Phrase.WAITS_FOR, steps=tuple(row.waits_for))
    if row.review_on is not None:
        yield part(Phrase.NEXT_REVIEW, review_on=row.review_on)
    else:
        yield part(Phrase.NO_NEXT_REVIEW)


def _on_ladder(row: _Decision) -> Part:
    ladder = {"ladder": row.ladder_id, "ladder_version": row.ladder_version}
    if row.ladder_day is None:
        return part(Phrase.BY_LADDER, **ladder)
    position = part(Phrase.IN_STEP, step=row.step) if row.step else part(Phrase.IN_NO_STEP)
    return part(Phrase.ON_LADDER_DAY, **ladder, ladder_day=row.ladder_day, position=position)


def _outcome(row: _Decision) -> Part:
    if row.outcome == Outcome.HELD:
        return part(Phrase.OUTCOME_HELD, hold=row.hold_kind)
    return part(Phrase(f"outcome_{row.outcome}"))
