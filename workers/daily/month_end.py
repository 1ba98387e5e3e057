"""The book at the end of a month: one row for each loan on it."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

from domain.daily_totals import first_moment
from workers.db.owed import owed_on_day

LOANS_AT_ONCE = 2_000

# On the book is what has something unpaid, or had at the end of the month and is paid, or reduced
# to nothing, since. What was written off by then is not. Bucket, step and hold are those of the
# month's end; amounts are those of the moment when the row is written.
_TAKE = text(f"""
WITH batch AS MATERIALIZED (
    SELECT l.id, b.person_id, l.written_off_on, l.disbursed_on
      FROM loan l JOIN borrower b ON b.id = l.borrower_id
     WHERE l.id > :after ORDER BY l.id LIMIT :at_once
), taken AS (
    INSERT INTO loan_month (loan_id, month_end, person_id, taken_at, standing, delinquent_since,
                            bucket, step, hold, past_due, principal, unpaid)
    SELECT l.id, :day, l.person_id, :now, coalesce(d.standing, 'not_past_due'), d.delinquent_since,
           CASE WHEN d.id IS NULL THEN :current ELSE d.bucket END, d.step, d.hold,
           owed.past_due, owed.principal, owed.unpaid
      FROM batch l
      LEFT JOIN LATERAL (
           SELECT d.* FROM loan_day d WHERE d.loan_id = l.id AND d.day <= :day
            ORDER BY d.day DESC, d.id DESC LIMIT 1) d ON true
     {owed_on_day("l.id")}
     WHERE (owed.unpaid > 0 OR d.delinquent_since IS NOT NULL
            OR EXISTS (SELECT FROM payment p WHERE p.loan_id = l.id
                          AND p.recorded_at >= :ends AND p.unallocated < p.amount)
            OR EXISTS (SELECT FROM adjustment j WHERE j.loan_id = l.id
                          AND j.recorded_at >= :ends AND j.taken_back_at IS NULL))
       AND coalesce(d.standing, '') <> 'written_off'
       AND (l.written_off_on IS NULL OR l.written_off_on > :day)
       AND (l.disbursed_on IS NULL OR l.disbursed_on <= :day)
    ON CONFLICT DO NOTHING
)
SELECT max(id) AS last, count(*) AS loans FROM batch
""")  # noqa: S608 put together from constants


class Taken(NamedTuple):
    """How far the loans of a month's end are written."""

    last: int | None
    """The loan with the highest id of this batch; None: there was none."""
    loans: int


def take_batch(
    connection: Connection, day: date, current: str | None, now: datetime, after: int
) -> Taken:
    """Write the rows of the next loans after this id, of a month that ends with `day`. `current` is
    the bucket of loans that were never past due; `now` is in the lender's zone. One statement; a
    loan has one row, ever."""
    values = {
        "day": day,
        "ends": first_moment(day + timedelta(1), now.tzinfo),
        "now": now,
        "current": current,
        "after": after,
        "at_once": LOANS_AT_ONCE,
    }
    return Taken(*connection.execute(_TAKE, values).one())


def written_up_to(connection: Connection, day: date) -> int:
    """The highest id of a loan that has its row of this month's end; 0: none."""
    found = text("SELECT coalesce(max(loan_id), 0) FROM loan_month WHERE month_end = :day")
    return int(connection.execute(found, {"day": day}).scalar_one())
