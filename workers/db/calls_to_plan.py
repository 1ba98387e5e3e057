"""What the plan of calls is made from: the calls that are due, and who has or had their persons."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import Connection, text

from domain.collectors import business_day
from workers.db.callers import WORKS_ON
from workers.db.open_calls import CALL_TO_JOIN
from workers.db.spoken_language import spoken_language_of
from workers.db.typed_rows import typed_rows
from workers.db.who_acted import person_in

_SPOKEN = spoken_language_of(
    "b",
    "ARRAY(SELECT x.id FROM borrower x WHERE x.person_id = b.person_id)",
    "ARRAY[b.id]",
)
_DUE = text(f"""
WITH due AS (
    (SELECT id FROM action
      WHERE type = 'assign_call' AND status IN ('planned', 'deferred', 'failed')
        AND due_at <= :now
      ORDER BY due_at, id LIMIT :most)
    UNION SELECT id FROM action WHERE id = :asked AND status IN ('planned', 'deferred', 'failed')
)
SELECT a.id, a.step, a.item, b.person_id, l.jurisdiction, l.product, l.currency,
       b.zones,
       {_SPOKEN} AS language, coalesce(d.past_due, 0) AS past_due, joins.id AS joins,
       joins.staff_id AS joins_of, joins.minutes AS joins_minutes
  FROM due JOIN action a ON a.id = due.id
      LEFT JOIN decision d ON d.id = coalesce(
           a.decision_id, (SELECT max(n.id) FROM decision n WHERE n.loan_id = a.loan_id))
      JOIN loan l ON l.id = a.loan_id
      LEFT JOIN loan_party q ON q.id = a.party_id
      JOIN borrower b ON b.id = coalesce(q.borrower_id, l.borrower_id)
      {CALL_TO_JOIN}
 ORDER BY a.due_at, a.id
""")  # noqa: S608 the part is a constant

# A callback was taken from the collector after its moment, and they have not called since.
_LATE = """
EXISTS (SELECT FROM borrower y
          JOIN contact r ON r.borrower_id = y.id AND r.actor = s.external_id AND r.at >= {since}
          JOIN contact_outcome ro ON ro.contact_id = r.id
          JOIN call rc ON rc.action_id = r.action_id AND rc.staff_id = s.id
               AND rc.cancelled_at > ro.callback_at
         WHERE y.person_id = {person})"""

_SPOKE_LAST = text(f"""
SELECT DISTINCT ON (b.person_id) b.person_id, s.id AS staff_id,
       {_LATE.format(since="k.at", person="b.person_id")} AS late
  FROM borrower b
      JOIN contact k ON k.borrower_id = b.id AND k.channel = 'call'
      JOIN contact_outcome o ON o.contact_id = coalesce(k.part_of, k.id) AND o.connected
      JOIN staff s ON s.external_id = {person_in("k.actor")}
 WHERE b.person_id = ANY(:persons)
 ORDER BY b.person_id, k.at DESC, k.id DESC
""")  # noqa: S608 put together from constants

# A collector has the person today by an open call, or by a call that was given or made today; the
# latter counts only while the collector works and is not late with a callback.
_HOLDERS = text(f"""
SELECT DISTINCT held.person_id, held.staff_id
  FROM (
SELECT b.person_id, c.staff_id, a.status = 'assigned' AS open, c.assigned_at AS at
  FROM borrower b
      JOIN loan l ON l.borrower_id = b.id
      JOIN action a ON a.loan_id = l.id AND a.party_id IS NULL
      JOIN call c ON c.action_id = a.id AND c.cancelled_at IS NULL
 WHERE b.person_id = ANY(:persons) AND (a.status = 'assigned' OR c.assigned_at >= :today)
 UNION ALL
SELECT b.person_id, c.staff_id, a.status = 'assigned', c.assigned_at
  FROM borrower b
      JOIN loan_party q ON q.borrower_id = b.id
      JOIN action a ON a.party_id = q.id
      JOIN call c ON c.action_id = a.id AND c.cancelled_at IS NULL
 WHERE b.person_id = ANY(:persons) AND (a.status = 'assigned' OR c.assigned_at >= :today)
 UNION ALL
SELECT b.person_id, s.id, false, k.at
  FROM borrower b
      JOIN contact k ON k.borrower_id = b.id AND k.channel = 'call' AND k.at >= :today
       AND k.inbound IS NOT TRUE
      JOIN staff s ON s.external_id = k.actor
 WHERE b.person_id = ANY(:persons)
       ) held JOIN staff s ON s.id = held.staff_id
 WHERE held.open
    OR {WORKS_ON} AND NOT {_LATE.format(since="held.at", person="held.person_id")}
""")  # noqa: S608 put together from constants


class DueCall(NamedTuple):
    """A call that is due and nobody has."""

    id: int
    step: str
    item: str
    person_id: int
    jurisdiction: str
    product: str
    currency: str
    zones: list[str]
    language: str
    past_due: Decimal
    joins: int | None
    """The open call to the person; this one becomes part of it if its collector can make both."""
    joins_of: int | None
    """The collector who has that open call."""
    joins_minutes: int | None
    """How long that open call is expected to take."""


class SpokeLast(NamedTuple):
    """Who spoke with a person last."""

    staff_id: int
    late: bool
    """Whether the callback that they owed was taken from them."""


def due_calls(connection: Connection, asked: int, at_most: int, now: datetime) -> list[DueCall]:
    """The calls that are due, at most so many, and that of the action asked for in any case."""
    values = {"now": now, "asked": asked, "most": at_most}
    return typed_rows(DueCall, connection.execute(_DUE, values))


def spoke_last(connection: Connection, persons: Sequence[int]) -> dict[int, SpokeLast]:
    """Who spoke with each of these persons last, in a call that was answered."""
    return {
        row.person_id: SpokeLast(row.staff_id, row.late)
        for row in connection.execute(_SPOKE_LAST, {"persons": persons})
    }


def holders_of(
    connection: Connection, persons: Sequence[int], now: datetime
) -> list[tuple[int, int]]:
    """Which collectors have these persons today, as pairs of a person and a collector."""
    today = business_day(now)
    values = {
        "persons": list(persons),
        "today": today.starts_at,
        "day": now.date(),
        "now": now,
        "until": today.ends_at,
    }
    return [(row.person_id, row.staff_id) for row in connection.execute(_HOLDERS, values)]


def others_have(connection: Connection, person_id: int, staff_id: int, now: datetime) -> bool:
    """Whether another collector has the person today already. The person is locked."""
    return any(id != staff_id for _, id in holders_of(connection, [person_id], now))
