"""The states of loans at the end of a day, as they were known on that day or found out later."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import distinct_on

from domain.holds import HoldKind
from domain.loan_states import LoanState, Standing
from workers.db.bulk import is_one_of
from workers.db.schema import loan_day


def states_on(
    connection: Connection, day: date, loan_ids: Sequence[int] | None = None
) -> dict[int, LoanState]:
    """The states of these loans, or of all, at the end of `day`. A loan that is not in it was never
    past due up to then. One statement.

    A bucket that changes by the calendar alone is known when the day is closed.
    """
    rows = (
        select(loan_day)
        .where(loan_day.c.day <= day)
        .ext(distinct_on(loan_day.c.loan_id))
        .order_by(loan_day.c.loan_id, loan_day.c.day.desc(), loan_day.c.id.desc())
    )
    if loan_ids is not None:
        rows = rows.where(is_one_of(loan_day.c.loan_id, loan_ids))
    return {
        row.loan_id: LoanState(
            Standing(row.standing),
            row.delinquent_since,
            row.bucket,
            row.step,
            HoldKind(row.hold) if row.hold else None,
        )
        for row in connection.execute(rows)
    }
