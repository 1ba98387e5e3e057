"""Visitors, locked while a visit is scheduled; and the roles of staff."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from typing import NamedTuple, TypeAlias

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    exists,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from domain.actions import ActionStatus
from domain.actors import Actor, ActorKind, Role
from domain.collectors import Span
from domain.contact_outcomes import CALLBACK_TAKES
from domain.errors import WithoutRoleError
from domain.events import person_of
from domain.permissions import Membership
from domain.visits import Visitor
from workers.db.kept_away import is_kept_away
from workers.db.schema import (
    absence,
    action,
    call,
    contact,
    contact_outcome,
    duty,
    shift,
    staff,
    visit_staff,
)
from workers.db.typed_rows import columns_of, typed_row, typed_rows
from workers.db.who_acted import person_in

Spans: TypeAlias = dict[int, tuple[Span, ...]]


def lock_visitors(
    connection: Connection, now: datetime, until: datetime, person_id: int | None = None
) -> list[Visitor]:
    """All visitors who may handle the person, with their shifts, absences, visits and callbacks
    from `now` up to `until`.

    They stay locked until the transaction ends.
    """
    people = _lock(connection, Role.VISITOR, now.date(), person_id)
    ids = [row.id for row in people]
    search = Span(now, until)
    shifts = _shifts(connection, ids, search)
    absences = select(
        absence.c.staff_id,
        absence.c.starts_at,
        func.coalesce(absence.c.ends_at, search.ends_at).label("ends_at"),
    ).where(
        absence.c.staff_id.in_(ids),
        absence.c.starts_at < search.ends_at,
        or_(absence.c.ends_at.is_(None), absence.c.ends_at > search.starts_at),
    )
    away = _spans(connection, union_all(absences, _callbacks(ids, search)))
    visits = _spans(
        connection,
        select(visit_staff.c.staff_id, visit_staff.c.starts_at, visit_staff.c.ends_at).where(
            visit_staff.c.staff_id.in_(ids),
            visit_staff.c.cancelled_at.is_(None),
            # The same expression as in the exclusion constraint, whose index is used.
            func.tstzrange(visit_staff.c.starts_at, visit_staff.c.ends_at).op("&&")(
                func.tstzrange(search.starts_at, search.ends_at)
            ),
        ),
    )
    return [
        Visitor(
            id=row.id,
            reference=row.external_id,
            languages=tuple(row.languages),
            regions=tuple(row.regions),
            trained_on=row.trained_on,
            daily_capacity=row.daily_capacity,
            shifts=shifts.get(row.id, ()) if row.rostered else None,
            visits=visits.get(row.id, ()),
            absences=away.get(row.id, ()),
            minutes_a_day=row.minutes_a_day,
        )
        for row in people
    ]


def _callbacks(
    ids: Collection[int], search: Span
) -> CompoundSelect[*tuple[int, datetime, datetime]]:
    """When these people have to call somebody back, who named the moment: in an open call of
    theirs, or in a conversation that no call of the ladder goes on from."""
    at = contact_outcome.c.callback_at
    ahead = (at > search.starts_at - CALLBACK_TAKES) & (at < search.ends_at)
    in_calls = (
        select(call.c.staff_id, at, at + CALLBACK_TAKES)
        .join(contact, contact.c.id == contact_outcome.c.contact_id)
        .join(call, call.c.action_id == contact.c.action_id)
        .join(action, action.c.id == call.c.action_id)
        .where(
            call.c.staff_id.in_(ids),
            call.c.cancelled_at.is_(None),
            call.c.ended_at.is_(None),
            action.c.status == ActionStatus.ASSIGNED,
            ahead,
        )
    )
    owed = (
        select(staff.c.id, at, at + CALLBACK_TAKES)
        .select_from(duty)
        .join(staff, staff.c.external_id == literal_column(person_in("duty.staff")))
        .join(contact_outcome, contact_outcome.c.contact_id == duty.c.contact_id)
        .where(staff.c.id.in_(ids), duty.c.ended_at.is_(None), ahead)
    )
    return union_all(in_calls, owed)


class _Person(NamedTuple):
    id: int
    external_id: str
    languages: list[str]
    regions: list[str]
    trained_on: date | None
    daily_capacity: int
    minutes_a_day: int | None
    rostered: bool
    """Whether any shift of theirs was ever named."""


def _lock(connection: Connection, role: Role, on: date, person_id: int | None) -> list[_Person]:
    rostered = exists().where(shift.c.staff_id == staff.c.id).correlate(staff)
    # Every process locks in the order of ids, so no deadlock is possible.
    people = (
        select(*columns_of(_Person, staff, rostered=rostered))
        .where(
            staff.c.roles.contains([role]),
            or_(staff.c.left_on.is_(None), staff.c.left_on > on),
            ~is_kept_away(staff.c.id, person_id),
        )
        .order_by(staff.c.id)
        .with_for_update()
    )
    return typed_rows(_Person, connection.execute(people))


def _shifts(connection: Connection, ids: Collection[int], search: Span) -> Spans:
    return _spans(
        connection,
        select(shift.c.staff_id, shift.c.starts_at, shift.c.ends_at).where(
            shift.c.staff_id.in_(ids),
            shift.c.starts_at < search.ends_at,
            shift.c.ends_at > search.starts_at,
        ),
    )


def _spans(
    connection: Connection,
    statement: Select[*tuple[int, datetime, datetime]]
    | CompoundSelect[*tuple[int, datetime, datetime]],
) -> Spans:
    spans: defaultdict[int, list[Span]] = defaultdict(list)
    for staff_id, starts_at, ends_at in connection.execute(statement):
        spans[staff_id].append(Span(starts_at, ends_at))
    return {
        staff_id: tuple(sorted(own, key=lambda s: s.starts_at)) for staff_id, own in spans.items()
    }


def is_name_of_staff(name: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether somebody on the roster has this reference, in small or capital letters."""
    return (
        exists().where(func.lower(staff.c.external_id) == func.lower(name)).correlate_except(staff)
    )


def makes_calls(actor: str, on: date) -> ColumnElement[bool]:
    """Whether somebody, as an act of theirs is on record, is a caller of the roster on a business
    date."""
    return exists().where(
        staff.c.external_id == person_of(actor),
        staff.c.roles.contains([Role.CALLER]),
        or_(staff.c.left_on.is_(None), staff.c.left_on > on),
    )


class _Member(NamedTuple):
    roles: list[str]
    trained_on: date | None
    left_on: date | None
    stands_in_for: list[str]
    stands_in_until: date | None


def roles_of(connection: Connection, actor: Actor, on: date) -> frozenset[Role]:
    """The roles of a member of staff that count on a business date, as the roster has them.

    Raises:
        WithoutRoleError: nobody on the roster has the reference, or they left; or it is a machine,
            whatever it is called.
    """
    if actor.kind is ActorKind.MACHINE:
        raise WithoutRoleError(
            "{actor} is a machine and not on the roster. A person does this.", actor=actor
        )
    known = select(*columns_of(_Member, staff)).where(
        staff.c.external_id == actor.reference,
        or_(staff.c.left_on.is_(None), staff.c.left_on > on),
    )
    member = typed_row(_Member, connection.execute(known))
    if member is None:
        raise WithoutRoleError("Nobody on the roster has the reference {actor}.", actor=actor)
    return Membership(*member).roles_on(on)


def roles_of_all(connection: Connection, on: date) -> dict[str, frozenset[Role]]:
    """By reference, the roles of everybody on the roster that count on a business date."""
    known = select(staff.c.external_id, *columns_of(_Member, staff))
    return {row[0]: Membership(*row[1:]).roles_on(on) for row in connection.execute(known)}
