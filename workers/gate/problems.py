"""Problems of a loan that the gate finds: what stops a contact until people do something."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from domain.reasons import Reason, ReasonCode, Reasons
from workers.db.problems import note_problem
from workers.db.schema import borrower, loan, problem

PROBLEMS: Mapping[ReasonCode, str] = {
    code: str(code)
    for code in (
        ReasonCode.NO_CONVENIENT_TIME,
        ReasonCode.INCONVENIENT_PLACE,
        ReasonCode.LANGUAGE_WITHOUT_TEMPLATES,
    )
}
"""By the reason that names the remedy, the kind of problem."""


def note_gate_problems(
    connection: Connection, loan_id: int, reasons: Reasons, now: datetime
) -> None:
    """Record what the gate found about a contact of a loan; no statement if it is no problem."""
    for reason in _problematic(reasons):
        note_problem(connection, loan_id, PROBLEMS[reason.code], (reason,), now)


def _problematic(reasons: Reasons) -> Iterable[Reason]:
    return (reason for reason in reasons if reason.code in PROBLEMS)


def resolve_gate_problems(connection: Connection, records: Sequence[int], now: datetime) -> None:
    """Resolve them after a fact of the persons behind these records has changed. The gate finds
    again what is left.

    Only on the loans that these persons borrowed: on one to which they are another party, the
    problem is about its borrower.
    """
    persons = select(borrower.c.person_id).where(borrower.c.id.in_(records))
    owed = select(loan.c.id).join(borrower).where(borrower.c.person_id.in_(persons))
    connection.execute(
        update(problem)
        .where(
            problem.c.loan_id.in_(owed),
            problem.c.kind.in_(PROBLEMS.values()),
            problem.c.resolved_at.is_(None),
        )
        .values(resolved_at=now)
    )
