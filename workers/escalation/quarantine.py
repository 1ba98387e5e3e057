"""Loans that make a transaction fail: each is put aside with its reason, and the others go on."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, or_, update

from domain.reasons import ReasonCode
from workers.context import Context
from workers.db.problems import note_problem, resolve_problems
from workers.db.schema import loan
from workers.failures import TRANSIENT_ERRORS, log_summary, reason_of_failure

log = logging.getLogger(__name__)

ESCALATION_FAILED = "escalation_failed"
REVIEW_AGAIN_AFTER = timedelta(hours=1)


class OfLoan(Protocol):
    """Something that belongs to a loan."""

    @property
    def loan_id(self) -> int: ...


Found = TypeVar("Found", bound=OfLoan)


def quarantine(ctx: Context, loan_id: int, error: Exception) -> None:
    """Note why a loan failed, and leave it alone for an hour, so that other loans come first."""
    with ctx.engine.begin() as connection:
        quarantine_within(connection, loan_id, error, ctx.now())


def quarantine_within(
    connection: Connection, loan_id: int, error: Exception, now: datetime
) -> None:
    """The same, in the caller's transaction."""
    log.error("loan %s cannot be decided: %s", loan_id, log_summary(error))
    reason = reason_of_failure(error, ReasonCode.REVIEW_FAILED)
    note_problem(connection, loan_id, ESCALATION_FAILED, reason, now)
    until = now + REVIEW_AGAIN_AFTER
    connection.execute(update(loan).where(loan.c.id == loan_id).values(quarantined_until=until))


def is_not_quarantined(now: datetime) -> ColumnElement[bool]:
    """For a query of `loan`."""
    return or_(loan.c.quarantined_until.is_(None), loan.c.quarantined_until < now)


def for_each_loan(
    ctx: Context,
    find: Callable[[Connection, int | None], Sequence[Found]],
    work: Callable[[Connection, Sequence[Found]], int],
) -> int:
    """Do some work for the loans that `find` finds, in one transaction; returns how many it did.

    If it fails, it is done for each loan by itself, and only the loan at fault is quarantined.
    `find` locks the loans and leaves out those in quarantine; it may be asked for one loan only.

    Raises:
        Exception: one of `TRANSIENT_ERRORS`, which are no loan's fault.
    """
    found: Sequence[Found] = ()
    try:
        with ctx.engine.begin() as connection:
            found = find(connection, None)
            return work(connection, found) if found else 0
    except TRANSIENT_ERRORS:
        raise
    except Exception:
        if not found:
            raise
    loan_ids = dict.fromkeys(each.loan_id for each in found)
    return sum(_for_one(ctx, find, work, loan_id) for loan_id in loan_ids)


def _for_one(
    ctx: Context,
    find: Callable[[Connection, int | None], Sequence[Found]],
    work: Callable[[Connection, Sequence[Found]], int],
    loan_id: int,
) -> int:
    try:
        with ctx.engine.begin() as connection:
            found = find(connection, loan_id)
            done = work(connection, found) if found else 0
            resolve_problems(connection, [loan_id], (ESCALATION_FAILED,), ctx.now())
            return done
    except TRANSIENT_ERRORS:
        raise
    except Exception as error:
        quarantine(ctx, loan_id, error)
        return 0
