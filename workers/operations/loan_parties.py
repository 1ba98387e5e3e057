"""Who is party to a loan besides its borrower."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from domain.compliance.vocabulary import Party
from domain.permissions import Permission
from workers.access.may_handle import assert_may_read, of_loan
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.loans import known_loan_id
from workers.db.schema import borrower, loan, loan_party, loan_party_change
from workers.db.typed_rows import typed_rows


@dataclass(frozen=True, slots=True)
class PartyOfLoan:
    """Who is party to a loan besides its borrower."""

    borrower: str
    role: Party
    since: datetime
    source: str


@permitted(Permission.READ_LOANS)
def read_parties(connection: Connection, loan_id: str, ctx: Context) -> tuple[PartyOfLoan, ...]:
    """The parties of a loan now, oldest first; moments are in the lender's zone.

    Raises:
        RefusedError: whoever reads must not handle the borrower.
        ArrearsError: the loan is not known.
    """
    known_loan_id(connection, loan_id)
    assert_may_read(connection, ctx.actor, of_loan(loan_id))
    change = loan_party_change
    last = (
        select(func.max(change.c.id))
        .where(change.c.loan_party_id == loan_party.c.id)
        .correlate(loan_party)
        .scalar_subquery()
    )
    found = (
        select(
            borrower.c.external_id.label("borrower"),
            loan_party.c.role,
            change.c.at.label("since"),
            change.c.source,
        )
        .join(loan, loan.c.id == loan_party.c.loan_id)
        .join(borrower, borrower.c.id == loan_party.c.borrower_id)
        .join(change, change.c.id == last)
        .where(loan.c.external_id == loan_id, loan_party.c.ended_at.is_(None))
        .order_by(loan_party.c.id)
    )
    return tuple(typed_rows(PartyOfLoan, connection.execute(found), ctx.settings.lender_zone))
