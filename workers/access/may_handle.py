"""Who may work for a person: asked of the staff before they do anything about that person, and
before they read of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, or_, select

from domain.actors import Actor, ActorKind
from domain.errors import RefusedError
from domain.language.speak import speak
from domain.permissions import Permission, may
from domain.reasons import ReasonCode, because
from workers.db.kept_away import is_among, is_kept_away_from, records_kept_from
from workers.db.schema import (
    adjustment,
    arrangement,
    borrower,
    complaint,
    dispute,
    hold,
    loan,
    payment,
    promise,
    reply,
)


def must_not_handle(connection: Connection, actor: Actor, whose: ColumnElement[bool]) -> bool:
    """Whether whoever acts must not work for one of the people whose records these are. It is asked
    of the staff only: Arrears itself and the lender's systems are nobody whom a person complains
    of."""
    if actor.kind is not ActorKind.STAFF:
        return False
    kept = is_among(borrower.c.id, records_kept_from(actor.reference))
    one_of_them = select(borrower.c.id).where(whose, kept).limit(1)
    return connection.execute(one_of_them).scalar() is not None


def assert_may_handle(connection: Connection, actor: Actor, whose: ColumnElement[bool]) -> None:
    """Check that whoever acts may work for the people whose records these are.

    Raises:
        RefusedError: they must not handle one of them.
    """
    if must_not_handle(connection, actor, whose):
        raise _refused(actor)


def _refused(actor: Actor) -> RefusedError:
    reason = because(ReasonCode.STAFF_MUST_NOT_HANDLE, staff=actor.reference)
    return RefusedError(speak(reason), reason)


def assert_may_read(connection: Connection, actor: Actor, whose: ColumnElement[bool]) -> None:
    """Check that whoever acts may read what is on record of these people: whom they must not
    handle, they do not read of either. Who oversees the work (`loans:oversee`) reads on.

    Words, names, numbers and letters are not asked about here: they stay closed to everybody who
    must not handle the person, by `assert_may_handle`.

    Raises:
        RefusedError: they must not handle one of them, and oversee nothing.
    """
    if not may(actor, Permission.OVERSEE):
        assert_may_handle(connection, actor, whose)


def readable(actor: Actor, *borrower_ids: Any) -> list[ColumnElement[bool]]:
    """The same for a list, which leaves these people out: conditions on the columns, or the
    queries, that name the records of whom a row is about."""
    if actor.kind is not ActorKind.STAFF or may(actor, Permission.OVERSEE):
        return []
    return [~is_kept_away_from(actor.reference, each) for each in borrower_ids]


_NAMED: Mapping[str, Table] = {
    "adjustment": adjustment,
    "arrangement": arrangement,
    "complaint": complaint,
    "dispute": dispute,
    "hold": hold,
    "payment": payment,
    "promise": promise,
}
"""What a report may name by the lender's id, each of a loan or of a record."""


def must_not_report(connection: Connection, actor: Actor, said: Mapping[str, Any]) -> bool:
    """Whether whoever acts must not handle one of the people whom a report is about: it names a
    loan, somebody's record, a text, or what is on record of a loan."""
    named = [borrower.c.id.in_(records) for records in _records_named(said)]
    return bool(named) and must_not_handle(connection, actor, or_(*named))


def assert_may_report(connection: Connection, actor: Actor, said: Mapping[str, Any]) -> None:
    """Check the same.

    Raises:
        RefusedError: whoever reports must not handle one of them.
    """
    if must_not_report(connection, actor, said):
        raise _refused(actor)


def _records_named(said: Mapping[str, Any]) -> Iterator[Select[Any]]:
    for name in ("borrower", "other"):
        if said.get(name):
            yield select(borrower.c.id).where(borrower.c.external_id == said[name])
    of_loan = select(loan.c.borrower_id)
    if loans := [each for each in (said.get("loan"), *(said.get("also_about") or ())) if each]:
        yield of_loan.where(loan.c.external_id.in_(loans))
    if said.get("reply"):
        yield select(reply.c.borrower_id).where(reply.c.id == said["reply"])
    for name, table in _NAMED.items():
        if said.get(name):
            it = table.c.external_id == said[name]
            yield of_loan.join(table, table.c.loan_id == loan.c.id).where(it)
            if "borrower_id" in table.c:
                yield select(table.c.borrower_id).where(it)


def of_loan_id(loan_id: int) -> ColumnElement[bool]:
    """The record of the borrower of a loan, for `assert_may_handle`. It stands for all who are, or
    were, on the loan: whoever must not handle one of them must not handle any."""
    return borrower.c.id.in_(select(loan.c.borrower_id).where(loan.c.id == loan_id))


def of_loan(external_id: str) -> ColumnElement[bool]:
    """The same by the lender's id of the loan."""
    return borrower.c.id.in_(select(loan.c.borrower_id).where(loan.c.external_id == external_id))


def of_record(external_id: str) -> ColumnElement[bool]:
    """The same by the lender's id of a record."""
    return borrower.c.external_id == external_id
