"""Problems of a loan that the gate finds: what stops a contact until people do something."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from domain.actions import ActionStatus, Move
from domain.compliance.inconvenient_times import INCONVENIENT_TIME
from domain.persons import PersonFact
from domain.reasons import Reason, ReasonCode, Reasons, because
from workers.db.actions import move_actions
from workers.db.problems import note_problem
from workers.db.schema import action, borrower, loan, problem

PROBLEMS: Mapping[ReasonCode, str] = {
    code: str(code)
    for code in (
        ReasonCode.NO_CONVENIENT_TIME,
        ReasonCode.INCONVENIENT_PLACE,
        ReasonCode.LANGUAGE_WITHOUT_TEMPLATES,
        ReasonCode.REPRESENTATIVE_UNREACHABLE,
    )
}
"""By the reason that names the remedy, the kind of problem."""

ANSWERED_BY: Mapping[PersonFact, str] = {
    PersonFact.INCONVENIENT_TIME: PROBLEMS[ReasonCode.NO_CONVENIENT_TIME],
    PersonFact.AGREED_OTHER_HOURS: PROBLEMS[ReasonCode.NO_CONVENIENT_TIME],
    PersonFact.INCONVENIENT_PLACE: PROBLEMS[ReasonCode.INCONVENIENT_PLACE],
    PersonFact.REPRESENTED: PROBLEMS[ReasonCode.REPRESENTATIVE_UNREACHABLE],
    PersonFact.LANGUAGE: PROBLEMS[ReasonCode.LANGUAGE_WITHOUT_TEMPLATES],
}
"""By the fact of a person, the kind of problem that may be over when it begins or ends."""


def note_gate_problems(
    connection: Connection, loan_id: int, reasons: Reasons, now: datetime
) -> None:
    """Record what the gate found about a contact of a loan; no statement if it is no problem."""
    for reason in _problematic(reasons):
        note_problem(connection, loan_id, PROBLEMS[reason.code], (reason,), now)


def _problematic(reasons: Reasons) -> Iterable[Reason]:
    return (reason for reason in reasons if reason.code in PROBLEMS)


def resolve_gate_problems(
    connection: Connection, records: Sequence[int], changed: Iterable[PersonFact], now: datetime
) -> None:
    """Resolve them after these facts of the persons behind records have changed. The gate finds
    again what is left. No statement for facts that answer none.

    Only on the loans that these persons borrowed: on one to which they are another party, the
    problem is about its borrower.
    """
    kinds = {ANSWERED_BY[fact] for fact in changed if fact in ANSWERED_BY}
    if not kinds:
        return
    persons = select(borrower.c.person_id).where(borrower.c.id.in_(records))
    owed = select(loan.c.id).join(borrower).where(borrower.c.person_id.in_(persons))
    connection.execute(
        update(problem)
        .where(
            problem.c.loan_id.in_(owed),
            problem.c.kind.in_(sorted(kinds)),
            problem.c.resolved_at.is_(None),
        )
        .values(resolved_at=now)
    )


def reopen_barred(connection: Connection, loan_ids: Sequence[int], now: datetime) -> None:
    """Let what was barred because no time was convenient be looked at again; the loans are locked.

    The person's wishes, or who the person is, have changed. The review of today makes it due, or
    skips it if the ladder went on. So call this after `reassess`, which would make it due at once.
    """
    barred = (
        select(action.c.id)
        .where(
            action.c.loan_id.in_(loan_ids),
            action.c.status == ActionStatus.BARRED,
            action.c.rules.contains([INCONVENIENT_TIME]),
        )
        .order_by(action.c.id)
    )
    if ids := connection.execute(barred).scalars().all():
        again = because(ReasonCode.WISHES_CHANGED)
        move = Move(ActionStatus.DEFERRED, again, (INCONVENIENT_TIME,))
        move_actions(connection, ids, move, now)
