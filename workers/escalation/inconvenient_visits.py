"""Scheduled visits at a time, or to a place, that the person has called inconvenient since."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from domain.actions import ActionStatus, Move
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact
from domain.inconvenient import locations_of_address
from domain.reasons import ReasonCode, Reasons, because
from workers.db.actions import move_actions
from workers.db.loan_facts import LoanFacts
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
    connection: Connection, facts: Mapping[int, LoanFacts], now: datetime
) -> None:
    """Cancel future visits to borrowers at times or places that they called inconvenient since.

    The loans are locked. The visitors are free, and the visit is due to be scheduled again. No
    statement, if nobody who has an assigned action called anything inconvenient.
    """
    wishing = [
        id
        for id, fact in facts.items()
        if fact.has(ActionStatus.ASSIGNED)
        and (fact.reach.inconvenient_times or fact.reach.inconvenient_places)
    ]
    if not wishing:
        return
    scheduled = connection.execute(
        select(*columns_of(_Visit, visit))
        .join(action, action.c.id == visit.c.action_id)
        .where(
            visit.c.loan_id.in_(wishing),
            visit.c.cancelled_at.is_(None),
            visit.c.started_at.is_(None),
            visit.c.starts_at > now,
            action.c.status == ActionStatus.ASSIGNED,
            action.c.party_id.is_(None),
        )
        .order_by(visit.c.id)
    )
    moves = defaultdict[Move, list[int]](list)
    called_off = list[int]()
    for planned in typed_rows(_Visit, scheduled):
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
