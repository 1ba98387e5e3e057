"""Cases: open from the first day past due until nothing is past due or the loan is written off.

None is opened for a loan that has no ladder: nothing is done about it but to list the problem.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from domain.reasons import ReasonCode
from workers.db import outbox_messages
from workers.db.outbox import record_events
from workers.db.prepared_statements import prepared
from workers.db.typed_rows import typed_rows

# One statement closes cases and opens one for each loan past due that has none.
_KEEP = prepared(
    text("""
WITH closed AS (
    UPDATE collection_case
       SET closed_at = :now,
           closed_because = CASE WHEN loan_id = ANY(CAST(:written_off AS bigint[]))
                                 THEN :as_written_off ELSE :as_cured END
     WHERE closed_at IS NULL
       AND loan_id = ANY(CAST(:cured AS bigint[]) || CAST(:written_off AS bigint[]))
 RETURNING id, loan_id, opened_on, closed_because
), opened AS (
    INSERT INTO collection_case (loan_id, opened_on)
    SELECT * FROM unnest(CAST(:past_due AS bigint[]), CAST(:opened_on AS date[]))
    ON CONFLICT (loan_id) WHERE closed_at IS NULL DO NOTHING
)
SELECT id, loan_id, opened_on FROM closed WHERE closed_because = :as_cured ORDER BY id
""")
)

# A case can stay open although nothing is past due, if the records were restored or if somebody
# corrected a schedule by hand.
_PAID = text("""
SELECT l.id AS loan_id
  FROM collection_case c JOIN loan l ON l.id = c.loan_id
 WHERE c.closed_at IS NULL
   AND (l.quarantined_until IS NULL OR l.quarantined_until < :now)
   AND (CAST(:only AS bigint) IS NULL OR l.id = CAST(:only AS bigint))
   AND (l.written_off_on IS NOT NULL
        OR NOT EXISTS (
           SELECT FROM instalment i
            WHERE i.loan_id = l.id AND i.counts_from < :today
              AND i.paid_principal + i.paid_interest + i.paid_fees
                  < i.principal + i.interest + i.fees))
 ORDER BY l.id
 LIMIT :limit
   FOR NO KEY UPDATE OF l SKIP LOCKED
""")


def keep_cases(
    connection: Connection,
    *,
    cured: Sequence[int] = (),
    written_off: Sequence[int] = (),
    past_due: Mapping[int, date] | None = None,
    now: datetime,
) -> None:
    """Close the open cases of `cured` and `written_off` loans; open one for each loan `past_due`.

    A case opens on the date given for its loan. Cured cases are reported to the lender's systems.
    """
    past_due_since = past_due or {}
    if not (cured or written_off or past_due_since):
        return
    closed = connection.execute(
        _KEEP,
        {
            "now": now,
            "cured": list(cured),
            "written_off": list(written_off),
            "as_cured": ReasonCode.CURED,
            "as_written_off": ReasonCode.WRITTEN_OFF,
            "past_due": list(past_due_since),
            "opened_on": list(past_due_since.values()),
        },
    )
    cases = [outbox_messages.CuredCase(*row) for row in closed]
    record_events(connection, outbox_messages.of_cured_cases(cases), now)


class PaidCase(NamedTuple):
    """A case that is open although nothing is past due."""

    loan_id: int


def lock_paid_cases(
    connection: Connection, now: datetime, limit: int, loan_id: int | None = None
) -> list[PaidCase]:
    """Lock up to `limit` loans with an open case and nothing past due, or one of them only.

    Loans in quarantine are left out. `now` is in the lender's zone.
    """
    values = {"today": now.date(), "now": now, "limit": limit, "only": loan_id}
    return typed_rows(PaidCase, connection.execute(_PAID, values))
