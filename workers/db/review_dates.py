"""The position of each loan: since when it is delinquent, since when its ladder counts, and its
review date. With each change of its state a row of the daily history.

Only this module writes them, and `workers/tapes/merge.py` those of new loans. A bucket that changes
by the calendar alone is noted when the day is closed: `workers/daily/calendar_buckets.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, exists, func, select, text, update

from domain.actions import WAITING
from domain.loan_states import LoanState, Standing
from workers.db.bulk import given_rows
from workers.db.owed import UNPAID
from workers.db.prepared_statements import prepared
from workers.db.schema import action, loan


@dataclass(frozen=True, slots=True)
class Position:
    """The position of one loan, after the last change of its facts."""

    loan_id: int
    delinquent_since: date | None
    ladder_since: date | None
    review_on: date | None
    state: LoanState
    past_due: Decimal


# A loan without a row of its history was never past due. What a loan owes is only added up where
# its state changed.
_SET = prepared(
    text(f"""
WITH given AS MATERIALIZED (
    SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS g (
           id bigint, review_on date, delinquent_since date, ladder_since date,
           standing text, since date, bucket text, step text, hold text, past_due numeric)
), moved AS (
    UPDATE loan
       SET review_on = g.review_on, delinquent_since = g.delinquent_since,
           ladder_since = g.ladder_since, quarantined_until = NULL, updated_at = :now
      FROM given g
     WHERE loan.id = ANY(CAST(:of_loans AS bigint[])) AND loan.id = g.id
), changed AS MATERIALIZED (
    SELECT g.*
      FROM given g
      LEFT JOIN LATERAL (
           SELECT d.* FROM loan_day d WHERE d.loan_id = g.id
            ORDER BY d.day DESC, d.id DESC LIMIT 1) d ON true
     WHERE CASE WHEN d.id IS NULL THEN g.standing <> '{Standing.NOT_PAST_DUE}'
                ELSE (d.standing, d.delinquent_since, d.bucket, d.step, d.hold)
                     IS DISTINCT FROM (g.standing, g.since, g.bucket, g.step, g.hold) END
)
INSERT INTO loan_day (loan_id, day, recorded_at, standing, delinquent_since, bucket, step, hold,
                      past_due, principal, unpaid)
SELECT c.id, :today, :now, c.standing, c.since, c.bucket, c.step, c.hold, c.past_due,
       owed.principal, owed.unpaid
  FROM changed c
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(i.principal - i.paid_principal), 0) AS principal,
              coalesce(sum({UNPAID}), 0) AS unpaid
         FROM instalment i WHERE i.loan_id = c.id) owed
""")  # noqa: S608 put together from constants
)


_WAITS = action.alias("waits")


def review_what_waits(
    connection: Connection, action_ids: Sequence[int], on: date, now: datetime
) -> None:
    """Let the loans of these actions be reviewed on this day at the latest, if anything of theirs
    waits. One statement, which waits for nobody.

    What waits may rely on them. A loan that somebody has locked is passed over: the claim of what
    relies on them asks for its review too.
    """
    of_actions = select(action.c.loan_id).where(action.c.id.in_(action_ids))
    is_later = func.coalesce(loan.c.review_on, "infinity") > on
    waits = exists().where(_WAITS.c.loan_id == loan.c.id, _WAITS.c.status.in_(WAITING))
    unlocked = (
        select(loan.c.id)
        .where(loan.c.id.in_(of_actions), is_later, waits)
        .order_by(loan.c.id)
        .with_for_update(key_share=True, skip_locked=True)
    )
    connection.execute(
        update(loan).where(loan.c.id.in_(unlocked)).values(review_on=on, updated_at=now)
    )


def set_positions(connection: Connection, positions: Sequence[Position], now: datetime) -> None:
    """Write the positions of loans, the changes of their states, and end their quarantine. One
    statement. `now` is in the lender's zone: its date is the day of the changes."""
    rows = [
        {
            "id": p.loan_id,
            "review_on": p.review_on,
            "delinquent_since": p.delinquent_since,
            "ladder_since": p.ladder_since,
            "standing": p.state.standing,
            "since": p.state.delinquent_since,
            "bucket": p.state.bucket,
            "step": p.state.step,
            "hold": p.state.hold,
            "past_due": p.past_due,
        }
        for p in positions
    ]
    of_loans = [p.loan_id for p in positions]
    values = {"now": now, "today": now.date(), "of_loans": of_loans, **given_rows(rows)}
    connection.execute(_SET, values)
