"""The days on which instalments really fall due, where they were not known when they came in."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, update

from domain.ladder import Ladder
from domain.loans import Instalment
from domain.reasons import ReasonCode, Reasons, because
from workers.db.bulk import as_rows, given_rows, is_among
from workers.db.loan_facts import LoanFacts
from workers.db.prepared_statements import prepared
from workers.db.schema import instalment

DUE_DAY_NOT_KNOWN = "due_day_not_known"
"""The kind of problem of a loan that waits for its ladder's calendar."""


class _DueDay(NamedTuple):
    loan_id: int
    due_on: date
    counts_from: date


_DUE_DAYS = as_rows(instalment.c[name] for name in _DueDay._fields)
_SET = prepared(
    update(instalment)
    .where(
        is_among(instalment.c.loan_id, "of_loans"),
        instalment.c.loan_id == _DUE_DAYS.c.loan_id,
        instalment.c.due_on == _DUE_DAYS.c.due_on,
        instalment.c.counts_from.is_(None),
    )
    .values(counts_from=_DUE_DAYS.c.counts_from)
)


def find_due_days(
    connection: Connection, facts: Mapping[int, LoanFacts], ladders: Mapping[int, Ladder | None]
) -> dict[int, LoanFacts]:
    """The facts of locked loans, with the days that their ladders' calendars know by now.

    They are stored, so that they stay as they are. One statement if there are any, otherwise none.
    """
    found = [
        _DueDay(loan_id, due.due_on, counts_from)
        for loan_id, fact in facts.items()
        for due in fact.instalments
        if due.counts_from is None and (counts_from := _falls_due(ladders[loan_id], due))
    ]
    if not found:
        return dict(facts)
    of_loans = {day.loan_id for day in found}
    rows = [day._asdict() for day in found]
    connection.execute(_SET, {"of_loans": list(of_loans), **given_rows(rows)})
    days = {(day.loan_id, day.due_on): day.counts_from for day in found}
    return {
        loan_id: replace(
            fact,
            instalments=tuple(
                replace(due, counts_from=days.get((loan_id, due.due_on), due.counts_from))
                for due in fact.instalments
            ),
        )
        for loan_id, fact in facts.items()
    }


def unknown_due_day(facts: LoanFacts, ladder: Ladder | None, on: date) -> Reasons:
    """Why an instalment is not counted as past due on `on`, if its day is not known yet."""
    for due in facts.instalments:
        if ladder and due.counts_from is None and due.due_on < on:
            return because(
                ReasonCode.DUE_DAY_NOT_KNOWN,
                due_on=due.due_on,
                country=ladder.calendar.country,
                known_until=ladder.calendar.known_until,
            )
    return ()


def _falls_due(ladder: Ladder | None, due: Instalment) -> date | None:
    return ladder.falls_due(due.due_on) if ladder else due.due_on
