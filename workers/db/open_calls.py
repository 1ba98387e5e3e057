"""The open calls to one person: all that one collector has to speak about with them is one call."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from domain.call_order import FOLLOW_UPS_FIRST, ItemOfCall, place_in_call
from domain.follow_ups import Trigger
from workers.db.prepared_statements import prepared
from workers.db.spoken_language import confirmed_with
from workers.db.typed_rows import typed_row, typed_rows

# The assigned calls to the person behind the record `b`, who is to their loans what `b` is to that
# of the action `a`, by its party `q`. Who is only presumed to be the person may be somebody else.
_TO_PERSON = f"""
({confirmed_with("b")}) sure (id) CROSS JOIN LATERAL (
    SELECT o.id FROM loan x JOIN action o ON o.loan_id = x.id AND o.party_id IS NULL
     WHERE a.party_id IS NULL AND x.borrower_id = sure.id
       AND o.type = 'assign_call' AND o.status = 'assigned'
     UNION ALL
    SELECT o.id FROM loan_party x JOIN action o ON o.party_id = x.id
     WHERE x.borrower_id = sure.id AND x.role = q.role
       AND o.type = 'assign_call' AND o.status = 'assigned') other
  JOIN call k ON k.action_id = other.id AND k.cancelled_at IS NULL"""  # noqa: S608 put together from constants

CALL_TO_JOIN = f"""
LEFT JOIN LATERAL (
    SELECT f.id, k.staff_id, coalesce(f.minutes, 0) AS minutes, f.assigned_at
      FROM {_TO_PERSON}
      JOIN call f ON f.id = coalesce(k.part_of, k.id)
     WHERE other.id <> a.id
       AND NOT EXISTS (SELECT FROM call p JOIN contact y ON y.action_id = p.action_id
                         LEFT JOIN contact_outcome yo ON yo.contact_id = y.id
                        WHERE (p.id = f.id OR p.part_of = f.id) AND p.cancelled_at IS NULL
                          AND yo.contact_id IS NULL)
     ORDER BY f.id LIMIT 1) joins ON true"""  # noqa: S608 put together from constants
"""Joined to an action `a`, its party `q` and the record `b` of whom it is for: the open call to the
same person, if nobody is making it now."""


class CallToJoin(NamedTuple):
    """An open call to a person, which somebody has and nobody is making."""

    id: int
    """The id of its first row."""
    staff_id: int
    minutes: int
    assigned_at: datetime


_JOINS = prepared(
    text(f"""
SELECT joins.id, joins.staff_id, joins.minutes, joins.assigned_at
  FROM action a JOIN loan l ON l.id = a.loan_id
       LEFT JOIN loan_party q ON q.id = a.party_id
       JOIN borrower b ON b.id = coalesce(q.borrower_id, l.borrower_id)
       {CALL_TO_JOIN}
 WHERE a.id = :of_action AND joins.id IS NOT NULL
""")  # noqa: S608 put together from constants
)


def call_to_join(connection: Connection, action_id: int) -> CallToJoin | None:
    """The open call to the person of an action, which that belongs to. The person is locked."""
    found = connection.execute(_JOINS, {"of_action": action_id})
    return typed_row(CallToJoin, found)


_COUNT_MORE = text("""
WITH longer AS (
    UPDATE call SET minutes = minutes + :minutes, share = coalesce(share, 0) + :share
     WHERE id = :of_call AND minutes IS NOT NULL
)
INSERT INTO collector_day AS d (staff_id, day, pieces, minutes, share)
VALUES (:staff, :day, 0, :minutes, :share)
    ON CONFLICT (staff_id, day) DO UPDATE
   SET minutes = d.minutes + EXCLUDED.minutes, share = d.share + EXCLUDED.share
""")


def count_longer(
    connection: Connection, joined: CallToJoin, minutes: int, share: int, now: datetime
) -> None:
    """Count on the day of its collector by how much a call grew: no piece of work is added."""
    if minutes or share:
        grown = {"of_call": joined.id, "staff": joined.staff_id, "day": now.date()}
        connection.execute(_COUNT_MORE, grown | {"minutes": minutes, "share": share})


class ItemToCall(NamedTuple):
    """An item that a collector has to call a person about."""

    action_id: int
    call_id: int
    first_id: int
    """The call whose part this row is, or its own id."""
    staff: str
    """Who has it."""
    step: str
    item: str
    purpose: str
    must_learn: list[str]
    may_offer: list[str]
    follows: Trigger | None
    caused_at: datetime | None
    callback_at: datetime | None
    """When the person asked to be called again about it, if nobody has called since."""
    of_loan: bool
    """Whether it is of the loan that was asked about …"""
    is_newest: bool
    """… and its newest call."""
    owes_another: bool
    """Whether who has it was served something that is owed to somebody else."""

    @property
    def as_item(self) -> ItemOfCall:
        return ItemOfCall(
            action_id=self.action_id,
            callback_at=self.callback_at,
            follows=self.follows,
            caused_at=self.caused_at,
        )


_ITEMS = prepared(
    text(f"""
WITH asked AS (
    SELECT a.id AS action_id, a.loan_id, k.staff_id
      FROM loan l JOIN action a ON a.loan_id = l.id
           JOIN call k ON k.action_id = a.id AND k.cancelled_at IS NULL
           JOIN staff s ON s.id = k.staff_id
     WHERE l.external_id = :loan AND a.status = 'assigned'
       AND (CAST(:item AS text) IS NULL OR a.item = :item)
       AND (CAST(:of_staff AS text) IS NULL OR s.external_id = :of_staff)
     ORDER BY k.id DESC LIMIT 1
)
SELECT o.id AS action_id, k.id AS call_id, coalesce(k.part_of, k.id) AS first_id,
       s.external_id AS staff, o.step, o.item, k.purpose, k.must_learn, k.may_offer, o.follows,
       o.caused_at,
       (SELECT yo.callback_at FROM contact y
          LEFT JOIN contact_outcome yo ON yo.contact_id = y.id
         WHERE y.action_id = o.id ORDER BY y.id DESC LIMIT 1) AS callback_at,
       o.loan_id = asked.loan_id AS of_loan, o.id = asked.action_id AS is_newest,
       EXISTS (SELECT FROM work_lease w
                WHERE w.staff_id = asked.staff_id AND w.ended_at IS NULL
                  AND w.duty_id IS NOT NULL AND w.person_id <> b.person_id) AS owes_another
  FROM asked JOIN action a ON a.id = asked.action_id
       JOIN loan l ON l.id = a.loan_id
       LEFT JOIN loan_party q ON q.id = a.party_id
       JOIN borrower b ON b.id = coalesce(q.borrower_id, l.borrower_id)
       JOIN staff s ON s.id = asked.staff_id
       CROSS JOIN LATERAL {_TO_PERSON} AND k.staff_id = asked.staff_id
       JOIN action o ON o.id = other.id
""")  # noqa: S608 put together from constants
)


def items_to_call_about(
    connection: Connection,
    loan: str,
    item: str | None,
    of_staff: str | None,
) -> list[ItemToCall]:
    """What a call about a loan is about, in the order of `domain/call_order.py`.

    The call is the newest one of the loan, or that of its ladder `item`; only of `of_staff`, if
    that is given. It is about all that its collector has to call the person about. The item that
    was named comes first, then those of the loan. Empty: there is no such call.
    """
    asked = {"loan": loan, "item": item, "of_staff": of_staff}
    rows = typed_rows(ItemToCall, connection.execute(_ITEMS, asked))
    return sorted(
        rows,
        key=lambda row: (
            not (item is not None and row.is_newest),
            not row.of_loan,
            place_in_call(row.as_item),
        ),
    )


_MAKE_ONE = prepared(
    text("""
UPDATE call SET part_of = :first
 WHERE (id = ANY(:others) OR part_of = ANY(:others)) AND id <> :first
""")
)


def make_one(connection: Connection, first_id: int, others: Collection[int]) -> None:
    """Make calls, each given by the id of its first row, parts of one call. The person is locked.

    One statement. What each counts for on the day of its collector stays counted.
    """
    if apart := sorted(set(others) - {first_id}):
        connection.execute(_MAKE_ONE, {"first": first_id, "others": apart})


def place_of(action: str) -> str:
    """The place of an action in its call, as SQL for the alias of its row: as `place_in_call`, but
    for callbacks, which are of the whole call."""
    triggers = ", ".join(f"'{trigger}'" for trigger in FOLLOW_UPS_FIRST)
    what = f"coalesce(array_position(ARRAY[{triggers}], {action}.follows), 100)"
    return f"({what}, coalesce({action}.caused_at, 'infinity'), {action}.id)"


def union_of(lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """All words of these lists, each once, in their order."""
    return tuple(dict.fromkeys(word for words in lists for word in words))
