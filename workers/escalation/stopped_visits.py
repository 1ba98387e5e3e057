"""Scheduled visits that a fact of the person has stopped since."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from domain.actions import ActionStatus, Move
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact, stopped_by
from domain.inconvenient import locations_of_address
from domain.persons import PersonFact
from domain.reasons import ReasonCode, Reasons, because
from workers.db.actions import move_actions
from workers.db.loan_facts import LoanFacts, load_facts, load_party_facts
from workers.db.schema import action, visit, visit_staff
from workers.db.typed_rows import columns_of, typed_rows

QUARTER = timedelta(minutes=15)


class _Visit(NamedTuple):
    id: int
    loan_id: int
    action_id: int
    party_id: int | None
    """Whom it is for; None: the borrower."""
    starts_at: datetime
    ends_at: datetime


def call_off_stopped_visits(connection: Connection, assigned: Sequence[int], now: datetime) -> None:
    """Cancel future visits that a fact of whoever is visited has stopped since.

    Somebody acts for that person by now, or the person wants no visit, or not at this time or
    place. `assigned` are locked loans that have an assigned action. The
    visitors are free, and the visit is due to be scheduled again: the claim defers or bars it as
    long as the fact lasts. No statement if there are no visits.
    """
    if not assigned:
        return
    found = connection.execute(
        select(*columns_of(_Visit, visit, party_id=action.c.party_id))
        .join(action, action.c.id == visit.c.action_id)
        .where(
            action.c.loan_id.in_(assigned),
            visit.c.cancelled_at.is_(None),
            visit.c.started_at.is_(None),
            visit.c.starts_at > now,
            action.c.status == ActionStatus.ASSIGNED,
        )
        .order_by(visit.c.id)
    )
    scheduled = list(typed_rows(_Visit, found))
    if not scheduled:
        return
    of_borrowers = {planned.loan_id for planned in scheduled if planned.party_id is None}
    of_parties = {planned.party_id for planned in scheduled if planned.party_id is not None}
    facts = load_facts(connection, sorted(of_borrowers), now) if of_borrowers else {}
    party_facts = load_party_facts(connection, sorted(of_parties), now) if of_parties else {}
    moves = defaultdict[Move, list[int]](list)
    called_off = list[int]()
    for planned in scheduled:
        visited = (
            facts[planned.loan_id] if planned.party_id is None else party_facts[planned.party_id]
        )
        if why := _why_stopped(visited, planned):
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


def _why_stopped(facts: LoanFacts, planned: _Visit) -> Reasons:
    """What is known against the visit, whoever it is for; empty if nothing."""
    reach = facts.reach
    if PersonFact.REPRESENTED in reach.person_facts:
        return because(ReasonCode.REPRESENTED)
    if Channel.VISIT in reach.refused_channels:
        return because(ReasonCode.OPTED_OUT_OF, channel=Channel.VISIT)
    if closed := stopped_by(reach.address_facts, Channel.VISIT):
        return because(ReasonCode.ADDRESS_CLOSED, number_fact=closed, channel=Channel.VISIT)
    at_work = NumberFact.AT_WORK in reach.address_facts
    if at_work and PersonFact.EMPLOYER_FORBIDS in reach.person_facts:
        return because(ReasonCode.EMPLOYER_FORBIDS)
    return _why_inconvenient(facts, planned)


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
