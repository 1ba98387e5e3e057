"""What a tape changed: which loans it told news of, and what was past due before and after."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, text

from domain.delinquency import Arrears
from workers.db.copy import copy_rows


@dataclass(frozen=True, slots=True)
class Standing:
    """What was past due of a loan."""

    delinquent_since: date | None
    amount: Decimal


_STANDINGS = text("""
SELECT l.id, min(i.due_on) AS delinquent_since,
       coalesce(sum(i.principal + i.interest + i.fees
                    - i.paid_principal - i.paid_interest - i.paid_fees), 0) AS amount
  FROM loan l
  LEFT JOIN instalment i ON i.loan_id = l.id AND i.due_on < :today
   AND i.paid_principal + i.paid_interest + i.paid_fees < i.principal + i.interest + i.fees
 WHERE l.external_id = ANY(:loans)
 GROUP BY l.id
""")


def standings(
    connection: Connection, external_ids: Collection[str], today: date
) -> dict[int, Standing]:
    """What is past due of these loans on business date `today`, by loan id. One statement."""
    if not external_ids:
        return {}
    rows = connection.execute(_STANDINGS, {"loans": list(external_ids), "today": today})
    return {row.id: Standing(row.delinquent_since, row.amount) for row in rows}


def note_changes(
    connection: Connection,
    import_id: int,
    after: Mapping[int, Arrears],
    before: Mapping[int, Standing],
    new: Collection[int],
    now: datetime,
) -> None:
    """Put on record that a tape told news of the loans in `after`, where they stand now.

    One that is neither in `before` nor `new` stands where it stood: the tape told something else.
    """

    def stood(loan_id: int, now_at: Arrears) -> tuple[date | None, Decimal | None]:
        if loan_id in new:
            return None, None
        was = before.get(loan_id, Standing(now_at.delinquent_since, now_at.amount))
        return was.delinquent_since, was.amount

    copy_rows(
        connection,
        "tape_change",
        (
            *("tape_import_id", "loan_id", "at", "delinquent_since_before", "past_due_before"),
            *("delinquent_since_after", "past_due_after"),
        ),
        (
            (import_id, id, now, *stood(id, to), to.delinquent_since, to.amount)
            for id, to in after.items()
        ),
    )
