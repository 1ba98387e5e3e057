"""Who may not work for whom: whom a person complained of does nothing about that person.

While a complaint is open, and for good after it was upheld.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, insert, select, text, update

from domain.actions import ActionStatus, Move
from domain.reasons import ReasonCode, because
from workers.db.actions import move_actions
from workers.db.appointments import is_begun
from workers.db.kept_away import is_kept_away_sql
from workers.db.parties import loans_of
from workers.db.persons import records_of_person
from workers.db.schema import (
    action,
    call,
    staff,
    visit,
    visit_staff,
)
from workers.db.schema import must_not_handle as barred
from workers.db.who_acted import person_in
from workers.db.work_leases import end_of_taken


def bar_staff(
    connection: Connection,
    reference: str,
    borrower_id: int,
    why_id: UUID,
    noted_by: str,
    now: datetime,
) -> None:
    """Keep a member of staff from the person behind a record. The person is locked.

    `why_id` is the id of what the complaint says, by which `end_bar` finds it again.
    """
    who = select(staff.c.id).where(staff.c.external_id == reference)
    connection.execute(
        insert(barred).values(
            staff_id=who.scalar_subquery(),
            borrower_id=borrower_id,
            by_roster=False,
            why_id=why_id,
            noted_by=noted_by,
            noted_at=now,
        )
    )


def kept_away_by(connection: Connection, why_id: UUID | None) -> frozenset[str]:
    """The staff whom a complaint keeps away, as references. `why_id` is the id of its words."""
    mine = (barred.c.why_id == why_id) & barred.c.ended_at.is_(None)
    found = select(staff.c.external_id).join(barred, barred.c.staff_id == staff.c.id).where(mine)
    return frozenset(connection.execute(found).scalars())


def end_bar(
    connection: Connection,
    why_id: UUID,
    now: datetime,
    references: Collection[str] | None = None,
) -> None:
    """A complaint keeps nobody away any more; or of those whom it keeps away, not these."""
    mine = (barred.c.why_id == why_id) & barred.c.ended_at.is_(None)
    if references is not None:
        named = select(staff.c.id).where(staff.c.external_id.in_(references))
        mine &= barred.c.staff_id.in_(named)
    connection.execute(update(barred).where(mine).values(ended_at=now))


def take_back_work(connection: Connection, reference: str, borrower_id: int, now: datetime) -> int:
    """Plan again the open calls and the visits to come that somebody has about the loans of a
    person, whoever is called or visited, and free the texts that they are to read. What was served
    to them of it ends.

    They are kept away from the person by now, and from whoever is on a loan with that person. The
    person and the loans are locked. What they have with the others about other loans is handed on
    in the evening: nobody serves or starts it. A call that was started and has no outcome yet stays
    until its outcome is reported. Returns how many actions are planned again.
    """
    known = select(staff.c.id).where(staff.c.external_id == reference)
    free_texts_and_duties(connection, connection.execute(known).scalars().all(), now)
    whose = action.c.loan_id.in_(loans_of(records_of_person(borrower_id)))
    return _take_back(connection, staff.c.external_id == reference, whose, now)


def _take_back(
    connection: Connection, who: ColumnElement[bool], whose: ColumnElement[bool], now: datetime
) -> int:
    calls = connection.execute(
        select(call.c.id, call.c.action_id)
        .join(action, action.c.id == call.c.action_id)
        .join(staff, staff.c.id == call.c.staff_id)
        .where(
            who,
            whose,
            call.c.cancelled_at.is_(None),
            action.c.status == ActionStatus.ASSIGNED,
            ~is_begun(),
        )
    ).all()
    visits = connection.execute(
        select(visit.c.id, visit.c.action_id)
        .join(action, action.c.id == visit.c.action_id)
        .join(visit_staff, visit_staff.c.visit_id == visit.c.id)
        .join(staff, staff.c.id == visit_staff.c.staff_id)
        .where(
            who,
            whose,
            visit.c.cancelled_at.is_(None),
            visit.c.started_at.is_(None),
            action.c.status == ActionStatus.ASSIGNED,
        )
    ).all()
    end_of_taken(connection, [row.id for row in calls], [], now)
    if not calls and not visits:
        return 0
    _cancel(connection, call, call.c.id, [row.id for row in calls], now)
    _cancel(connection, visit, visit.c.id, [row.id for row in visits], now)
    _cancel(connection, visit_staff, visit_staff.c.visit_id, [row.id for row in visits], now)
    again = Move(ActionStatus.PLANNED, because(ReasonCode.COLLECTOR_BARRED), due_at=now)
    actions = {row.action_id for row in (*calls, *visits)}
    return move_actions(connection, sorted(actions), again, now)


_FREE_TEXTS = text(f"""
UPDATE reply r SET staff_id = NULL, assigned_at = NULL
  FROM borrower b
 WHERE b.id = r.borrower_id AND r.to_read AND r.handled_at IS NULL AND r.staff_id = ANY(:ids)
   AND {is_kept_away_sql("r.staff_id", "b.person_id")}
RETURNING r.id
""")  # noqa: S608 put together from constants
_FREE_DUTIES = text(f"""
UPDATE duty d SET staff = NULL, owner = CASE d.owner WHEN 'collector' THEN 'team' ELSE d.owner END
  FROM staff s, contact c, borrower b
 WHERE d.ended_at IS NULL AND {person_in("d.staff")} = s.external_id AND s.id = ANY(:ids)
   AND c.id = d.contact_id AND b.id = c.borrower_id
   AND {is_kept_away_sql("s.id", "b.person_id")}
""")  # noqa: S608 put together from constants


def free_texts_and_duties(
    connection: Connection, staff_ids: Collection[int], now: datetime
) -> None:
    """Unread texts of persons whom these members of staff must not handle are anybody's, and so is
    what they owe after a conversation with them. What was served to them of it ends."""
    ids = {"ids": sorted(staff_ids)}
    freed = connection.execute(_FREE_TEXTS, ids).scalars().all()
    connection.execute(_FREE_DUTIES, ids)
    end_of_taken(connection, [], freed, now)


def _cancel(
    connection: Connection, table: Any, key: Any, ids: Collection[int], now: datetime
) -> None:
    if ids:
        connection.execute(update(table).where(key.in_(ids)).values(cancelled_at=now))
