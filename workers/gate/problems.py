"""Problems of a loan that the gate finds: what stops a contact until people do something."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from domain.reasons import Reason, ReasonCode, Reasons
from workers.db.problems import note_problem, resolve_problems

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


def resolve_gate_problems(connection: Connection, loan_ids: Sequence[int], now: datetime) -> None:
    """Resolve them after what they rest on has changed. The gate finds again what is left."""
    resolve_problems(connection, loan_ids, tuple(PROBLEMS.values()), now)
