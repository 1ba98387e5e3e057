"""Problems that the gate finds: what stops a contact until people do something."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from domain.actions import ActionStatus, Move
from domain.compliance.inconvenient_times import INCONVENIENT_TIME
from domain.contact_points import BY_NUMBER, NEW_NUMBER_NEEDED
from domain.persons import PersonFact
from domain.reasons import ReasonCode, Reasons, because
from workers.db.actions import move_actions
from workers.db.closed_numbers import ADDRESS_CLOSED, NUMBER_CLOSED
from workers.db.problems import (
    Contacted,
    FoundProblem,
    note_problems,
    resolve_problems_with,
)
from workers.db.schema import action, borrower

CLOSED = {
    ReasonCode.NUMBER_CLOSED: NUMBER_CLOSED,
    ReasonCode.NO_NUMBER_LEFT: NUMBER_CLOSED,
    ReasonCode.ADDRESS_CLOSED: ADDRESS_CLOSED,
}
"""The kind of problem, if only another number or address lets the contact go on."""

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
    connection: Connection, found: Mapping[Contacted, Iterable[Reasons]], now: datetime
) -> None:
    """Record what the gate found about contacts, by who was to be contacted; no statement if none
    of it is a problem."""
    problems = [
        problem
        for whose, verdicts in found.items()
        for reasons in verdicts
        for problem in _problems_in(whose, reasons)
    ]
    note_problems(connection, problems, now)


def _problems_in(whose: Contacted, reasons: Reasons) -> Iterator[FoundProblem]:
    for reason in reasons:
        if reason.code in PROBLEMS:
            yield FoundProblem(whose, PROBLEMS[reason.code], (reason,))
    if kind := _closed(reasons):
        yield FoundProblem(whose, kind, reasons)
    # What the borrower lacks, the tape has shown.
    if whose.party_id is not None and (kind := _missing(reasons)):
        yield FoundProblem(whose, kind, reasons)


def _closed(reasons: Reasons) -> str | None:
    """The problem, if another number or another address is needed."""
    facts = {reason.params.get("number_fact") for reason in reasons} - {None}
    kinds = [CLOSED[reason.code] for reason in reasons if reason.code in CLOSED]
    return kinds[0] if kinds and facts <= NEW_NUMBER_NEEDED else None


def _missing(reasons: Reasons) -> str | None:
    """The problem, if there is no number, no address or no zone on record."""
    for reason in reasons:
        if reason.code is ReasonCode.NO_ZONE:
            return "zone_missing"
        if reason.code is ReasonCode.NO_ADDRESS:
            by_number = reason.params["channel"] in BY_NUMBER
            return "phone_missing" if by_number else "address_missing"
    return None


def resolve_gate_problems(
    connection: Connection, records: Sequence[int], changed: Iterable[PersonFact], now: datetime
) -> None:
    """Resolve them after these facts of the persons behind records have changed. The gate finds
    again what is left. No statement for facts that answer none.

    Only what is about these persons: on a loan to which they are another party than its borrower,
    the problem of the borrower stays.
    """
    kinds = {ANSWERED_BY[fact] for fact in changed if fact in ANSWERED_BY}
    if not kinds:
        return
    persons = select(borrower.c.person_id).where(borrower.c.id.in_(records))
    of_person = select(borrower.c.id).where(borrower.c.person_id.in_(persons))
    resolve_problems_with(connection, of_person, tuple(sorted(kinds)), now)


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
