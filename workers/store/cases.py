"""Cases: open from the first day past due until nothing is past due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import Connection, text

# Closes the cases of cured loans and opens one for each loan past due that has none, at once.
_KEEP = text("""
WITH closed AS (
    UPDATE collection_case SET closed_at = :now, closed_because = 'cured'
     WHERE closed_at IS NULL AND loan_id = ANY(CAST(:cured AS bigint[]))
)
INSERT INTO collection_case (loan_id, opened_on)
SELECT * FROM unnest(CAST(:past_due AS bigint[]), CAST(:opened_on AS date[]))
ON CONFLICT (loan_id) WHERE closed_at IS NULL DO NOTHING
""")


def keep_cases(
    connection: Connection,
    *,
    cured: Sequence[int],
    past_due: Mapping[int, date] | None = None,
    now: datetime,
) -> None:
    """Close the open cases of `cured` loans; open one for each loan `past_due`, from its date."""
    opened = past_due or {}
    connection.execute(
        _KEEP,
        {
            "now": now,
            "cured": list(cured),
            "past_due": list(opened),
            "opened_on": list(opened.values()),
        },
    )
