"""What is on record of a loan's promises, and which promise would be taken today."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from domain.permissions import Permission
from domain.promise_terms import Accepted, accepted, accepted_without_terms
from domain.promises import PromisePart, PromiseStatus, judge
from workers.access.may_handle import assert_may_read, of_loan_id
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.loans import loan_not_known
from workers.db.promises import payments_of, promises_of
from workers.db.schema import loan
from workers.hardship.promise_review import count_unkept, past_due_of, terms_of_loan


@dataclass(frozen=True, slots=True)
class PromiseOnRecord:
    """A promise, and what was paid of it."""

    promise: str
    """The id that `sender` gave it."""
    sender: str
    status: PromiseStatus
    amount: Decimal
    currency: str
    parts: tuple[PromisePart, ...]
    paid: Decimal
    """In time, as far as it is known today; never more than was promised."""
    made_at: datetime
    """In the lender's zone."""
    actor: str
    next_part: PromisePart | None
    """The first that is not paid yet, of an open promise."""


@dataclass(frozen=True, slots=True)
class PromisePolicy:
    """Which promise would be taken for a loan today."""

    currency: str
    past_due: Decimal
    terms: str | None
    """The name of the terms; None: the lender wrote none for this loan."""
    without_agreement: Accepted
    """What is taken without asking anybody."""
    with_agreement: Accepted
    """What is taken at most, once a supervisor agrees."""
    unkept: int
    """How many promises went unkept in the months that the terms count."""
    always_agreed: bool
    """Whether so many went unkept that a supervisor must agree to any other."""


@permitted(Permission.READ_LOANS)
def read_promises(
    connection: Connection, ctx: Context, external_id: str
) -> tuple[PromiseOnRecord, ...]:
    """All promises of a loan, the newest first.

    Raises:
        RefusedError: whoever reads must not handle the borrower.
        ArrearsError: the loan is not known.
    """
    owed = _loan(connection, external_id)
    assert_may_read(connection, ctx.actor, of_loan_id(owed.id))
    now = ctx.now()
    received = payments_of(connection, [owed.id])[owed.id]
    found = []
    for stored in reversed(promises_of(connection, [owed.id], list(PromiseStatus))):
        made = stored.as_made(now)
        judged = judge(made, received, now.date())
        is_open = stored.status is PromiseStatus.OPEN
        found.append(
            PromiseOnRecord(
                promise=stored.external_id,
                sender=stored.sender,
                status=stored.status,
                amount=stored.amount,
                currency=owed.currency,
                parts=made.parts,
                paid=judged.paid,
                made_at=made.made_at,
                actor=stored.actor,
                next_part=judged.next_part if is_open else None,
            )
        )
    return tuple(found)


@permitted(Permission.READ_LOANS)
def promise_policy_of(connection: Connection, ctx: Context, external_id: str) -> PromisePolicy:
    """Which promise would be taken for a loan today: the least amount, the last days, the parts.

    Raises:
        RefusedError: whoever reads must not handle the borrower.
        ArrearsError: the loan is not known.
    """
    owed = _loan(connection, external_id)
    assert_may_read(connection, ctx.actor, of_loan_id(owed.id))
    today = ctx.today()
    past_due = past_due_of(connection, owed.id, today)
    terms = terms_of_loan(ctx, owed, today)
    if terms is None:
        anything = accepted_without_terms(today)
        return PromisePolicy(owed.currency, past_due, None, anything, anything, 0, False)
    unkept = count_unkept(connection, owed.id, terms, ctx.now())
    return PromisePolicy(
        currency=owed.currency,
        past_due=past_due,
        terms=terms.name,
        without_agreement=accepted(terms.limits, past_due, owed.currency, today),
        with_agreement=accepted(terms.agreed, past_due, owed.currency, today),
        unkept=unkept,
        always_agreed=unkept > terms.unkept_at_most,
    )


@dataclass(frozen=True, slots=True)
class _Loan:
    id: int
    jurisdiction: str
    product: str
    currency: str


def _loan(connection: Connection, external_id: str) -> _Loan:
    columns = (loan.c.id, loan.c.jurisdiction, loan.c.product, loan.c.currency)
    row = connection.execute(
        select(*columns).where(loan.c.external_id == external_id)
    ).one_or_none()
    if row is None:
        raise loan_not_known(external_id)
    return _Loan(*row)
