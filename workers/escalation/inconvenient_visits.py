"""Scheduled visits at a time, or to a place, that the person has called inconvenient since."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from domain.actions import ActionStatus, Move
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact
from domain.inconvenient import locations_of_address
from domain.reasons import ReasonCode, Reasons, because
from workers.db.actions import move_actions
from workers.db.loan_facts import LoanFacts, load_facts
from workers.db.schema import action, visit, visit_staff
from workers.db.typed_rows import columns_of, typed_rows

QUARTER = timedelta(minutes=15)


class _Visit(NamedTuple):
    id: int
    loan_id: int
    action_id: int
    starts_at: datetime
    ends_at: datetime


def call_off_inconvenient_visits(
    connection: Connection, assigned: Sequence[int], now: datetime
) -> None:
    """Cancel future visits to borrowers at times or places that they called inconvenient since.

    `assigned` are locked loans that have an assigned action. The visitors are free, and the visit
    is due to be scheduled again. No statement if there are none.
    """
    if not assigned:
        return
    found = connection.execute(
        select(*columns_of(_Visit, visit))
        .join(action, action.c.id == visit.c.action_id)
        .where(
            action.c.loan_id.in_(assigned),
            visit.c.cancelled_at.is_(None),
            visit.c.started_at.is_(None),
            visit.c.starts_at > now,
            action.c.status == ActionStatus.ASSIGNED,
            action.c.party_id.is_(None),
        )
        .order_by(visit.c.id)
    )
    scheduled = list(typed_rows(_Visit, found))
    if not scheduled:
        return
    facts = load_facts(connection, list({planned.loan_id for planned in scheduled}), now)
    moves = defaultdict[Move, list[int]](list)
    called_off = list[int]()
    for planned in scheduled:
        if why := _why_inconvenient(facts[planned.loan_id], planned):
            called_off.append(planned.id)
            moves[Move(ActionStatus.PLANNED, why, due_at=now)].append(planned.action_id)
    if not called_off:
        return
    cancelled = {"cancelled_at": now}
    connection.execute(update(visit).where(visit.c.id.in_(called_off)).values(cancelled))
    staffed = visit_staff.c.visit_id.in_(called_off)
    connection.execute(update(visit_staff).where(staffed).values(cancelled))
    for move, actions in moves.items():
        move_actions(connection, actions, move, now)


def _why_inconvenient(facts: LoanFacts, planned: _Visit) -> Reasons:
    """What the person said against the visit; empty if nothing."""
    reach = facts.reach
    reached = locations_of_address(at_work=NumberFact.AT_WORK in reach.address_facts)
    for place in reach.inconvenient_places:
        if place.place in reached and place.stops(Channel.VISIT, planned.starts_at):
            named = {"location": place.place, "channel": Channel.VISIT}
            return because(ReasonCode.INCONVENIENT_PLACE, **named)
    for time in reach.inconvenient_times:
        if time.stops(Channel.VISIT) and any(
            time.over_at(at, zone) for at in _quarters(planned) for zone in reach.zones
        ):
            starts, ends = time.written_hours
            hours = {"weekdays": time.written_days, "starts": starts, "ends": ends}
            return because(ReasonCode.INCONVENIENT_TIME, **hours)
    return ()


def _quarters(planned: _Visit) -> Iterator[datetime]:
    at = planned.starts_at
    while at < planned.ends_at:
        yield at
        at += QUARTER
