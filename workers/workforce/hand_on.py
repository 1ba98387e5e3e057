"""Work that somebody cannot do any more is taken from them, and is planned again at once.

Whoever spoke with the person last gets it first: the assignment sees to that. What is being done at
the moment stays with who does it.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, text, update

from domain.actions import ASSIGN_CALL, SCHEDULE_VISIT, ActionStatus, ActionType, Move
from domain.collectors import Span, business_day
from domain.reasons import because
from domain.staffing import HANDED_ON, HandOn, Member, why_hand_on, why_not_visit
from workers.context import Context
from workers.db.actions import move_actions
from workers.db.barred_staff import free_texts_and_duties
from workers.db.schema import call, call_plan, visit, visit_staff
from workers.db.who_acted import person_in
from workers.db.work_leases import end_of_taken
from workers.gate.locked_action import lock_actions
from workers.workforce.open_work import (
    OpenCall,
    OpenVisit,
    read_members,
    read_open_calls,
    read_open_visits,
)


@dataclass(frozen=True, slots=True)
class HandedOn:
    """What was taken from somebody and is planned again."""

    calls: int = 0
    """Rows of calls: a call about two loans counts twice."""
    visits: int = 0

    def __add__(self, other: "HandedOn") -> "HandedOn":
        return HandedOn(self.calls + other.calls, self.visits + other.visits)


def hand_on(
    connection: Connection, ctx: Context, staff_id: int, why: HandOn, now: datetime
) -> HandedOn:
    """Take all open calls of a member of staff, and the visits that they cannot make.

    The actions are planned again, and due now; each has the reason on record. A supervisor who
    hands on takes the calls alone: a visit is called off for what is true of its visitors.
    `now` is in the lender's zone.
    """
    until = business_day(now).ends_at
    member = read_members(connection, [staff_id], now, until)[staff_id]
    calls = read_open_calls(connection, now, staff_id)
    visits = read_open_visits(connection, now, staff_id)
    taken = _take_calls(connection, calls, member, why, now, ctx.settings.lender_zone)
    return HandedOn(taken, _take_visits(connection, ctx, visits, {staff_id: member}, now))


def hand_on_work(ctx: Context) -> HandedOn:
    """Take the open work of everybody who cannot do it any more, in a transaction of its own."""
    with ctx.engine.begin() as connection:
        return hand_on_what_must_be(connection, ctx, ctx.now())


def hand_on_what_must_be(
    connection: Connection, ctx: Context, now: datetime, staff_id: int | None = None
) -> HandedOn:
    """Take the open work of everybody, or of one, who cannot do it any more.

    - Whoever left, is absent, makes no calls or is not certified loses all of it, also unread texts
      and open duties.
    - Whoever must not handle a person loses what is about that person.
    - Whose shift is over loses it too, except for calls that a person asked of them.

    What somebody owes who is on no roster is any collector's. `now` is in the lender's zone.
    """
    until = business_day(now).ends_at
    if staff_id is None:
        connection.execute(_FREE_DUTIES_OF_NOBODY)
    calls = read_open_calls(connection, now, staff_id)
    visits = read_open_visits(connection, now, staff_id)
    others = set(connection.execute(_HAVE_TEXTS_OR_DUTIES, {"staff": staff_id}).scalars())
    ids = {call.staff_id for call in calls} | {visit.staff_id for visit in visits} | others
    if not ids:
        return HandedOn()
    members = read_members(connection, ids, now, until)
    _give_to_team(connection, members, now, until)
    if others:
        free_texts_and_duties(connection, others, now)
    taken = defaultdict[tuple[int, HandOn], list[OpenCall]](list)
    for open_call in calls:
        if why := _why(open_call, members[open_call.staff_id], now, until):
            taken[open_call.staff_id, why].append(open_call)
    zone = ctx.settings.lender_zone
    count = sum(
        _take_calls(connection, of_one, members[id], why, now, zone)
        for (id, why), of_one in sorted(taken.items())
    )
    return HandedOn(count, _take_visits(connection, ctx, visits, members, now))


_HAVE_TEXTS_OR_DUTIES = text(f"""
SELECT r.staff_id FROM reply r
 WHERE r.to_read AND r.handled_at IS NULL AND r.staff_id IS NOT NULL
   AND (CAST(:staff AS bigint) IS NULL OR r.staff_id = :staff)
 UNION
SELECT s.id FROM duty d JOIN staff s ON s.external_id = {person_in("d.staff")}
 WHERE d.ended_at IS NULL AND (CAST(:staff AS bigint) IS NULL OR s.id = :staff)
""")  # noqa: S608 the parts are constants
_FREE_TEXTS = text("""
UPDATE reply SET staff_id = NULL, assigned_at = NULL
 WHERE to_read AND handled_at IS NULL AND staff_id = ANY(:ids)
RETURNING id
""")
_FREE_DUTIES = text(f"""
UPDATE duty SET staff = NULL, owner = CASE owner WHEN 'collector' THEN 'team' ELSE owner END
 WHERE ended_at IS NULL AND {person_in("staff")} = ANY(:staff)
""")  # noqa: S608 the part is a constant

_FREE_DUTIES_OF_NOBODY = text(f"""
UPDATE duty d SET staff = NULL, owner = 'team'
 WHERE d.ended_at IS NULL AND d.owner = 'collector'
   AND NOT EXISTS (SELECT FROM staff s WHERE s.external_id = {person_in("d.staff")})
""")  # noqa: S608 the part is a constant


def _give_to_team(
    connection: Connection, members: dict[int, Member], now: datetime, until: datetime
) -> None:
    """Unread texts and open duties of who cannot work any more are anybody's: the next free
    collector gets the texts, and any owner may end the duties."""
    gone = {
        id: member.staff
        for id, member in members.items()
        if why_hand_on(member, now, until) not in (None, HandOn.SHIFT_OVER)
    }
    if gone:
        freed = connection.execute(_FREE_TEXTS, {"ids": sorted(gone)}).scalars().all()
        end_of_taken(connection, [], freed, now)
        connection.execute(_FREE_DUTIES, {"staff": sorted(gone.values())})


def _why(open_call: OpenCall, member: Member, now: datetime, until: datetime) -> HandOn | None:
    why = why_hand_on(member, now, until)
    if why is HandOn.SHIFT_OVER and open_call.callback_at is not None:
        why = None  # theirs on another day; when it is late, it is the team's
    if why is None and open_call.barred:
        return HandOn.MUST_NOT_HANDLE
    return why


_GIVE_BACK = text("""
UPDATE collector_day d
   SET pieces = greatest(0, d.pieces - x.pieces), minutes = greatest(0, d.minutes - x.minutes),
       share = greatest(0, d.share - x.share)
  FROM (SELECT c.staff_id, CAST(c.assigned_at AT TIME ZONE :zone AS date) AS day,
               count(*) AS pieces, sum(c.minutes) AS minutes, sum(c.share) AS share
          FROM call c
         WHERE c.id = ANY(:calls) AND c.part_of IS NULL AND c.minutes IS NOT NULL
         GROUP BY 1, 2) x
 WHERE d.staff_id = x.staff_id AND d.day = x.day
""")


def _take_calls(
    connection: Connection,
    calls: Sequence[OpenCall],
    member: Member,
    why: HandOn,
    now: datetime,
    zone: ZoneInfo,
) -> int:
    """Take these calls of one member; how many rows. Nobody can begin one meanwhile."""
    locked = _lock_assigned(connection, [each.action_id for each in calls], ASSIGN_CALL)
    ids = {each.action_id for each in calls} & locked
    # A call that was begun since it was read is not among them any more.
    if not ids:
        return 0
    still = {each.call_id for each in read_open_calls(connection, now, calls[0].staff_id)}
    taken = [each for each in calls if each.action_id in ids and each.call_id in still]
    if not taken:
        return 0
    call_ids = [each.call_id for each in taken]
    connection.execute(update(call).where(call.c.id.in_(call_ids)).values(cancelled_at=now))
    connection.execute(_GIVE_BACK, {"calls": call_ids, "zone": str(zone)})
    end_of_taken(connection, call_ids, [], now)
    reason = because(HANDED_ON[why], staff=member.staff)
    move = Move(ActionStatus.PLANNED, reason, due_at=now)
    return move_actions(connection, [each.action_id for each in taken], move, now)


def _take_visits(
    connection: Connection,
    ctx: Context,
    visits: Sequence[OpenVisit],
    members: dict[int, Member],
    now: datetime,
) -> int:
    """Call off the visits that one of their visitors cannot make, and plan them again."""
    zone = ctx.settings.lender_zone
    whys: dict[int, tuple[OpenVisit, HandOn]] = {}
    for each in visits:
        member = replace(members[each.staff_id], must_not_handle=each.barred)
        on = each.starts_at.astimezone(zone).date()
        if why := why_not_visit(member, Span(each.starts_at, each.ends_at), on):
            whys.setdefault(each.visit_id, (each, why))
    if not whys:
        return 0
    locked = _lock_assigned(
        connection, [each.action_id for each, _ in whys.values()], SCHEDULE_VISIT
    )
    taken = {id: each for id, each in whys.items() if each[0].action_id in locked}
    begun = visit.c.id.in_(list(taken)) & visit.c.started_at.is_(None)
    cancelled = {"cancelled_at": now}
    ids = set(
        connection.execute(update(visit).where(begun).values(cancelled).returning(visit.c.id))
        .scalars()
        .all()
    )
    connection.execute(update(visit_staff).where(visit_staff.c.visit_id.in_(ids)).values(cancelled))
    moves = defaultdict[Move, list[int]](list)
    for id in sorted(ids):
        each, why = taken[id]
        reason = because(HANDED_ON[why], staff=members[each.staff_id].staff)
        moves[Move(ActionStatus.PLANNED, reason, due_at=now)].append(each.action_id)
    return sum(move_actions(connection, actions, move, now) for move, actions in moves.items())


def _lock_assigned(
    connection: Connection, action_ids: Sequence[int], action_type: ActionType
) -> set[int]:
    """Lock what these contacts rest on, as their start does; which of them are still assigned."""
    if not action_ids:
        return set()
    rows = lock_actions(connection, sorted(action_ids), action_type)
    return {row.id for row in rows if row.status == ActionStatus.ASSIGNED}


def forget_plans(connection: Connection) -> None:
    """Plan all due calls again: who works today has changed."""
    connection.execute(delete(call_plan))
