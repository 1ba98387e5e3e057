"""Problems of loans: recorded while they last, and shown to operators."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    any_,
    cast,
    null,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from domain.reasons import Reasons
from workers.db.bulk import as_rows, given_rows
from workers.db.prepared_statements import prepared
from workers.db.schema import loan, loan_party, problem

NO_LADDER = "no_ladder"
TAPE_SHOWS_LESS = "tape_shows_less_paid"
TAPE_HAS_OLD_SCHEDULE = "tape_has_old_schedule"
PHONES_LEFT_OUT = "phones_left_out"
DUTY_LATE = "duty_late"
CALL_FAILED_REVIEW = "call_failed_review"
WORDS_HAVE_NUMBER = "words_have_number"
VISIT_UNREPORTED = "visit_unreported"
ARRANGEMENT_UNANSWERED = "arrangement_unanswered"
ARRANGEMENT_NOT_CONFIRMED = "arrangement_not_confirmed"
ARRANGEMENT_NOT_AWAITED = "arrangement_not_awaited"
ARRANGEMENT_DIFFERS = "arrangement_differs"
ARRANGEMENT_ENDED_WRONGLY = "arrangement_ended_wrongly"
ARRANGEMENT_PAID_BY_TAPE = "arrangement_paid_by_tape"
SCHEDULE_ABOVE_CAP = "schedule_above_cap"
DEFAULT_NOTICE_NOT_PRINTED = "default_notice_not_printed"
DEFAULT_NOTICE_WITHOUT_ADDRESS = "default_notice_without_address"

OF_AN_ARRANGEMENT = (
    *(ARRANGEMENT_UNANSWERED, ARRANGEMENT_NOT_CONFIRMED, ARRANGEMENT_DIFFERS),
    *(DEFAULT_NOTICE_NOT_PRINTED, DEFAULT_NOTICE_WITHOUT_ADDRESS),
)
"""Problems that end with the open arrangement of their loan."""

TAPE_PROBLEMS = (
    *("phone_missing", "phone_invalid", "address_missing", "zone_missing", "contacts_differ"),
    *(NO_LADDER, TAPE_SHOWS_LESS, TAPE_HAS_OLD_SCHEDULE, PHONES_LEFT_OUT),
)
"""Problems that the next tape resolves if it does not show them again."""


class Contacted(NamedTuple):
    """Somebody who is contacted about a loan."""

    loan_id: int
    party_id: int | None = None
    """The row of `loan_party`; None: the borrower."""


class FoundProblem(NamedTuple):
    """A problem of a loan, or of one party of it."""

    whose: Contacted
    kind: str
    detail: Reasons


_NAMES = ("loan_id", "party_id", "kind", "detail", "found_at")
_NOTE = prepared(
    insert(problem)
    .from_select(list(_NAMES), select(as_rows(problem.c[name] for name in _NAMES)))
    .on_conflict_do_nothing()
)


def note_problem(
    connection: Connection,
    loan_id: int,
    kind: str,
    detail: Reasons,
    now: datetime,
    *,
    party_id: int | None = None,
) -> None:
    """Record a problem; one of this kind that is open already stays as it is.

    `party_id` names another party than the borrower, if it is about one.
    """
    note_problems(connection, [FoundProblem(Contacted(loan_id, party_id), kind, detail)], now)


def note_problems(connection: Connection, found: Sequence[FoundProblem], now: datetime) -> None:
    """Record some problems, in their order. At most one statement."""
    if not found:
        return
    rows = [
        {**each.whose._asdict(), "kind": each.kind, "detail": each.detail, "found_at": now}
        for each in found
    ]
    connection.execute(_NOTE, given_rows(rows))


_ADD = insert(problem)
_ADD = _ADD.on_conflict_do_update(
    index_elements=["loan_id", "kind", "party_id"],
    index_where=problem.c.resolved_at.is_(None),
    set_={"detail": text("problem.detail || EXCLUDED.detail")},
)


def add_to_problem(
    connection: Connection, loan_id: int, kind: str, detail: Reasons, now: datetime
) -> None:
    """Record a problem of the borrower; one of this kind that is open already says this as well."""
    row = {"loan_id": loan_id, "kind": kind, "detail": detail, "found_at": now}
    connection.execute(_ADD, row)


def resolve_problems(
    connection: Connection, loan_ids: Sequence[int], kinds: tuple[str, ...], now: datetime
) -> None:
    """Close the open problems of these kinds of these loans, and none of another party."""
    if not loan_ids:
        return
    connection.execute(
        update(problem)
        .where(
            problem.c.loan_id == any_(cast(list(loan_ids), ARRAY(BigInteger))),
            problem.c.party_id.is_(None),
            problem.c.kind.in_(kinds),
            problem.c.resolved_at.is_(None),
        )
        .values(resolved_at=now)
    )


def resolve_problems_with(
    connection: Connection, records: Any, kinds: tuple[str, ...], now: datetime
) -> None:
    """Close the open problems of these kinds that are about these records, a list of ids or a query
    of them, on every loan of which they are borrower or party."""
    if not kinds:
        return
    connection.execute(
        update(problem)
        .where(
            is_about(records),
            problem.c.kind.in_(kinds),
            problem.c.resolved_at.is_(None),
        )
        .values(resolved_at=now)
    )


def is_about(records: Any) -> ColumnElement[bool]:
    """Whether a problem is about one of these records: a list of ids, or a query of them."""
    owed = select(loan.c.id).where(loan.c.borrower_id.in_(records))
    as_party = select(loan_party.c.id).where(loan_party.c.borrower_id.in_(records))
    # No index serves `IN (SELECT …) OR IN (SELECT …)`.
    other = problem.alias()
    of_borrower = select(other.c.id).where(other.c.party_id.is_(None), other.c.loan_id.in_(owed))
    of_party = select(other.c.id).where(other.c.party_id.in_(as_party))
    return problem.c.id.in_(union_all(of_borrower, of_party))


def contacted_as(connection: Connection, record_id: int) -> list[Contacted]:
    """About which loans a record is contacted, and as whom, by loan."""
    owed = select(loan.c.id.label("loan_id"), null().label("party_id")).where(
        loan.c.borrower_id == record_id
    )
    as_party = select(loan_party.c.loan_id, loan_party.c.id).where(
        loan_party.c.borrower_id == record_id, loan_party.c.ended_at.is_(None)
    )
    rows = connection.execute(union_all(owed, as_party).order_by("loan_id", "party_id"))
    return [Contacted(*row) for row in rows]
