"""The looks at a loan: the facts each rested on, and why something or nothing was done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, tzinfo
from typing import Any

from sqlalchemy import Connection, Row, func, select

from domain.decision import Outcome
from domain.holds import HoldKind
from domain.language.phrases import Entry, Part, Phrase, say
from workers.db.schema import collection_case, decision
from workers.history.loan import LoanTold
from workers.history.reasons import why


def decisions(connection: Connection, told: LoanTold) -> Iterator[Entry]:
    """Every look at the loan."""
    rows = connection.execute(
        select(decision).where(decision.c.loan_id == told.id).order_by(decision.c.id)
    )
    for row in rows:
        yield Entry(row.decided_at, tuple(_look(row, told.currency)))


def cases_opened(connection: Connection, told: LoanTold, zone: tzinfo) -> Iterator[Entry]:
    """A case opens with the first look of its day that found the loan past due."""
    looked_at = (
        select(func.min(decision.c.decided_at))
        .where(
            decision.c.loan_id == told.id,
            decision.c.business_date == collection_case.c.opened_on,
            decision.c.delinquent_since.is_not(None),
        )
        .scalar_subquery()
    )
    rows = connection.execute(
        select(collection_case.c.opened_on, looked_at.label("at"))
        .where(collection_case.c.loan_id == told.id)
        .order_by(collection_case.c.id)
    )
    for row in rows:
        at = row.at or datetime.combine(row.opened_on, time.min, zone)
        yield Entry(at, (say(Phrase.CASE_OPENED),))


def cases_closed(connection: Connection, told: LoanTold) -> Iterator[Entry]:
    rows = connection.execute(
        select(collection_case)
        .where(collection_case.c.loan_id == told.id, collection_case.c.closed_at.is_not(None))
        .order_by(collection_case.c.id)
    )
    for row in rows:
        yield Entry(row.closed_at, (say(Phrase.CASE_CLOSED), *why(row.closed_because)))


def _look(row: Row[*tuple[Any, ...]], currency: str) -> Iterator[Part]:
    if row.delinquent_since is not None:
        yield say(
            Phrase.PAST_DUE,
            delinquent_since=row.delinquent_since,
            days_past_due=row.days_past_due,
            past_due=row.past_due,
            currency=currency,
        )
    if row.ladder_id is not None:
        yield _on_ladder(row)
    if row.rule_packs:
        yield say(Phrase.PACKS, packs=tuple(row.rule_packs))
    else:
        yield say(Phrase.NO_PACKS)
    yield _outcome(row)
    if row.waits_for:
        yield say(Phrase.WAITS_FOR, steps=tuple(row.waits_for))
    if row.review_on is not None:
        yield say(Phrase.NEXT_LOOK, review_on=row.review_on)
    else:
        yield say(Phrase.NO_NEXT_LOOK)


def _on_ladder(row: Row[*tuple[Any, ...]]) -> Part:
    ladder = f"{row.ladder_id} v{row.ladder_version}"
    if row.ladder_day is None:
        return say(Phrase.BY_LADDER, ladder=ladder)
    position = say(Phrase.IN_STEP, step=row.step) if row.step else say(Phrase.IN_NO_STEP)
    return say(Phrase.ON_LADDER_DAY, ladder=ladder, ladder_day=row.ladder_day, position=position)


def _outcome(row: Row[*tuple[Any, ...]]) -> Part:
    if row.outcome == Outcome.HELD:
        return say(Phrase.OUTCOME_HELD, hold=HoldKind(row.hold_kind))
    return say(Phrase(f"outcome_{row.outcome}"))
