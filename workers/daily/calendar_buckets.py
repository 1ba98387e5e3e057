"""Loans that came into another bucket by the calendar alone: no review finds them on that day."""

from datetime import date, datetime, timedelta

from sqlalchemy import Connection, text

from domain.buckets import BucketScheme
from workers.db.owed import owed_on_day

# What holds at the end of the day is the last row up to it. Only such a row is repeated, with its
# new bucket, whose days past due begin on that day.
_INTO_NEXT_BUCKET = text(f"""
INSERT INTO loan_day (loan_id, day, recorded_at, standing, delinquent_since, bucket, step, hold,
                      past_due, principal, unpaid)
SELECT d.loan_id, :day, :now, d.standing, d.delinquent_since, b.name, d.step, d.hold,
       owed.past_due, owed.principal, owed.unpaid
  FROM unnest(CAST(:since AS date[]), CAST(:names AS text[])) AS b (since, name)
  JOIN loan_day d ON d.delinquent_since = b.since AND d.day <= :day
                 AND d.bucket IS DISTINCT FROM b.name
 {owed_on_day("d.loan_id")}
 WHERE NOT EXISTS (SELECT FROM loan_day n
                    WHERE n.loan_id = d.loan_id AND n.day <= :day
                      AND (n.day, n.id) > (d.day, d.id))
""")  # noqa: S608 put together from constants


def note_calendar_buckets(
    connection: Connection, day: date, scheme: BucketScheme, now: datetime
) -> int:
    """Add a row for each loan that came into another bucket on `day`, and for which no review did.
    One statement. Returns how many."""
    values = {
        "day": day,
        "now": now,
        "since": [day - timedelta(bucket.days.first) for bucket in scheme.buckets],
        "names": [bucket.name for bucket in scheme.buckets],
    }
    return connection.execute(_INTO_NEXT_BUCKET, values).rowcount
