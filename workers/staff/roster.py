"""Load the roster: staff by the lender's reference, and shifts with their dates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import (
    ARRAY,
    Connection,
    String,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from config.readers.roster import StaffMember, read_roster
from config.readers.roster_terms import RosterTerms
from domain.actions import ActionStatus, assigned_types
from domain.errors import Text
from domain.permissions import Permission
from domain.staffing import WAITS_FOR_STAFF
from workers.access.names import assert_free_for_staff
from workers.access.permitted import permitted
from workers.access.tokens import revoke_of_who_left
from workers.context import Context
from workers.db.bulk import as_rows, given_rows, insert_rows
from workers.db.pages import ALL, Asked, Listing, Page, assert_of, count_all, maker, read_page
from workers.db.schema import (
    absence,
    action,
    certificate,
    must_not_handle,
    roster_version,
    shift,
    staff,
    team,
)
from workers.db.typed_rows import columns_of
from workers.staff.roster_changes import as_json, changes_of, let_second_person_see
from workers.staff.roster_facts import (
    borrowers_named,
    store_barred,
    store_certificates,
    store_leave,
    store_teams,
)
from workers.workforce.hand_on import forget_plans, hand_on_what_must_be


@dataclass(frozen=True, slots=True)
class RosterLoaded:
    """The result of loading a roster."""

    staff: int
    shifts: int
    changes: Mapping[str, Mapping[str, Text]] = field(default_factory=dict)
    """By staff reference and field: what was on record, and what it becomes."""
    handed_on: int = 0
    """How many calls and visits go to others, because somebody left, is absent or must not."""


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """A member of staff on record."""

    staff: str
    """The lender's own id."""
    roles: Sequence[str]
    languages: Sequence[str]
    regions: Sequence[str]
    daily_capacity: int
    minutes_a_day: int | None
    team: str | None
    skills: Sequence[str]
    certificates: Sequence[str]
    """Each with its last day, such as `hardship 2026-12-31`."""
    trained_on: date | None
    absent_until: datetime | None
    """Of who is absent now, until when, in the lender's zone; None: at work, or one of what keeps
    them away has no end yet."""
    absent: bool
    must_not_handle: int
    """How many borrowers' records."""
    left_on: date | None
    next_shift_at: datetime | None
    """The start of their present or next shift, in the lender's zone."""


@permitted(Permission.READ_ROSTER)
def list_roster(connection: Connection, ctx: Context, asked: Asked = ALL) -> Page[RosterEntry]:
    """The staff on record, by the lender's id.

    Raises:
        ArrearsError: the page is not one of this list.
    """
    ahead = and_(shift.c.staff_id == staff.c.id, shift.c.ends_at > ctx.now())
    now = ctx.now()
    away = and_(
        absence.c.staff_id == staff.c.id,
        absence.c.starts_at <= now,
        or_(absence.c.ends_at.is_(None), absence.c.ends_at > now),
    )
    has_no_end = func.bool_or(absence.c.ends_at.is_(None))
    until_all_are_over = case((has_no_end, None), else_=func.max(absence.c.ends_at))
    valid = func.concat(certificate.c.kind, " ", certificate.c.valid_until)
    held = select(valid).where(certificate.c.staff_id == staff.c.id).order_by(certificate.c.kind)
    barred = and_(must_not_handle.c.staff_id == staff.c.id, must_not_handle.c.ended_at.is_(None))
    columns = columns_of(
        RosterEntry,
        staff,
        staff=staff.c.external_id,
        team=team.c.external_id,
        skills=func.coalesce(staff.c.skills, text("'{}'")),
        certificates=func.array(held.scalar_subquery()),
        absent_until=select(until_all_are_over).where(away).scalar_subquery(),
        absent=exists().where(away),
        must_not_handle=select(func.count())
        .select_from(must_not_handle)
        .where(barred)
        .scalar_subquery(),
        next_shift_at=func.min(shift.c.starts_at),
    )
    rows = (
        select(*columns)
        .join_from(staff, shift, ahead, isouter=True)
        .outerjoin(team, team.c.id == staff.c.team_id)
        .group_by(staff.c.id, team.c.external_id)
    )
    listing = Listing(
        "staff",
        rows,
        (staff.c.external_id,),
        maker(RosterEntry, ctx.settings.lender_zone),
        count_all("staff", staff),
    )
    return read_page(connection, listing, assert_of({"staff"}, asked))


@permitted(Permission.CHANGE_ROSTER)
def load_roster(
    ctx: Context, path: Path, starts_on: date, days: int, *, dry_run: bool = False
) -> RosterLoaded:
    """Load a roster, with the shifts of `days` days from `starts_on`.

    Known staff are updated, and all their shifts from that day on are replaced, so loading a roster
    twice changes nothing. Staff who are not in the file stay as they are: a person who has left has
    `left_on`, and their tokens are revoked. Actions that waited for staff are due immediately, and
    open work of those who cannot do it any more is given to others. A dry run says what would
    change, and changes nothing.

    Raises:
        SecondPersonNeededError: another person has not granted this roster yet. The first one needs
            no other, because nobody else is there.
        ArrearsError: the file cannot be used; nothing was changed.
    """
    roster = read_roster(path, RosterTerms.of(ctx.policy.staffing, ctx.today()))
    members = roster.staff
    now = ctx.now()
    with ctx.engine.begin() as connection:
        assert_free_for_staff(connection, [member.id for member in members])
        borrowers = borrowers_named(connection, members)
        shifts = [
            (member, span) for member in members for span in shifts_of(member, starts_on, days)
        ]
        changes = changes_of(connection, members)
        changed = {id: of_member for id, of_member in changes.items() if of_member}
        if dry_run:
            return RosterLoaded(len(members), len(shifts), changed)
        let_second_person_see(
            connection, ctx, changes, {"shifts from": starts_on, "days of shifts": days}
        )
        # Before: whoever comes back had left. What was noted today and is undone was a mistake.
        revoke_of_who_left(connection, ctx, ctx.today() - timedelta(days=1))
        teams = store_teams(connection, roster.teams)
        ids = _upsert(connection, members, teams)
        revoke_of_who_left(connection, ctx, ctx.today())
        connection.execute(
            insert(roster_version).values(
                loaded_at=now, loaded_by=ctx.actor.reference, members=as_json(members)
            )
        )
        first = datetime.combine(starts_on, time.min, ctx.settings.lender_zone)
        _delete_shifts(connection, members, ids, first)
        rows = [
            {"staff_id": ids[member.id], "starts_at": starts_at, "ends_at": ends_at}
            for member, (starts_at, ends_at) in shifts
        ]
        if rows:
            insert_rows(connection, shift, rows)
        store_certificates(connection, members, ids)
        store_leave(connection, members, ids, ctx.actor.reference, now)
        store_barred(connection, members, ids, borrowers, ctx.actor.reference, now)
        _make_waiting_due(connection, now)
        forget_plans(connection)
        handed = hand_on_what_must_be(connection, ctx, now)
    return RosterLoaded(len(members), len(shifts), changed, handed.calls + handed.visits)


def shifts_of(
    member: StaffMember, starts_on: date, days: int
) -> Iterator[tuple[datetime, datetime]]:
    """The start and the end of the member's shifts on `days` days from `starts_on`, in order.

    A break parts a shift in two: nobody is on shift during it.
    """
    for ahead in range(days):
        day = starts_on + timedelta(days=ahead)
        pauses = sorted(
            (pause.start, pause.end) for pause in member.breaks if day.weekday() in pause.weekdays
        )
        for hours in member.shifts:
            if day.weekday() not in hours.weekdays:
                continue
            start = hours.start
            for pause, until in pauses:
                if start < pause and until < hours.end:
                    yield _local(day, start, member), _local(day, pause, member)
                    start = until
            yield _local(day, start, member), _local(day, hours.end, member)


def _local(day: date, local_time: time, member: StaffMember) -> datetime:
    if local_time == time.max:  # the midnight that ends the day
        day, local_time = day + timedelta(days=1), time.min
    return datetime.combine(day, local_time, member.zone)


def _upsert(
    connection: Connection, members: Sequence[StaffMember], teams: Mapping[str, int]
) -> dict[str, int]:
    """Insert or update the members; returns their ids by the lender's reference."""
    rows = [
        {
            "external_id": member.id,
            "roles": member.roles,
            "languages": member.languages,
            "regions": member.regions,
            "daily_capacity": member.daily_capacity,
            "trained_on": member.trained_on,
            "left_on": member.left_on,
            "stands_in_for": member.stands_in_for,
            "stands_in_until": member.stands_in_until,
            "team_id": teams[member.team] if member.team else None,
            "skills": member.skills or None,
            "minutes_a_day": member.minutes_a_day,
        }
        for member in members
    ]
    given = insert(staff).values(rows)
    upserted = connection.execute(
        given.on_conflict_do_update(
            index_elements=[staff.c.external_id],
            set_={name: given.excluded[name] for name in rows[0] if name != "external_id"},
        ).returning(staff.c.external_id, staff.c.id)
    )
    return {row.external_id: row.id for row in upserted}


def _delete_shifts(
    connection: Connection, members: Sequence[StaffMember], ids: Mapping[str, int], first: datetime
) -> None:
    """Delete the shifts that start on the day of `first` or later, in the member's own zone."""
    rows = [
        {
            "staff_id": ids[member.id],
            "starts_at": first.replace(tzinfo=member.zone or first.tzinfo),
        }
        for member in members
    ]
    given = as_rows((shift.c.staff_id, shift.c.starts_at))
    connection.execute(
        delete(shift).where(
            shift.c.staff_id == given.c.staff_id, shift.c.starts_at >= given.c.starts_at
        ),
        given_rows(rows),
    )


def _make_waiting_due(connection: Connection, now: datetime) -> None:
    """Make calls and visits due now that were postponed because nobody was free. The next try of a
    call keeps its hour."""
    waits = text(
        "EXISTS (SELECT FROM jsonb_array_elements(action.reason) AS why WHERE why ?| :for_staff)"
    ).bindparams(bindparam("for_staff", sorted(WAITS_FOR_STAFF), ARRAY(String)))
    connection.execute(
        update(action)
        .where(
            action.c.status == ActionStatus.PLANNED,
            action.c.type.in_(assigned_types()),
            action.c.due_at > now,
            waits,
        )
        .values(due_at=now, dispatched_at=None)
    )
