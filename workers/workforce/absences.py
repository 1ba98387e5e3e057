"""What changes during a day: who falls ill, leaves or comes back, and whom somebody must not
handle. Their open work is handed on in the same transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, true, update

from domain.actors import Actor
from domain.errors import NotOnRosterError
from domain.events import RejectedError
from domain.permissions import Permission, grants
from domain.reasons import ReasonCode, Reasons, because
from domain.staffing import AbsenceKind, HandOn
from workers.access.permitted import permitted
from workers.access.second_person import ToGrant, with_second_person
from workers.context import Context
from workers.db.bulk import insert_rows
from workers.db.free_text import keep_words
from workers.db.schema import absence, borrower, staff
from workers.db.schema import must_not_handle as barred
from workers.db.staff import roles_of
from workers.db.typed_rows import columns_of, typed_row
from workers.workforce.hand_on import HandedOn, forget_plans, hand_on, hand_on_what_must_be

FARTHEST = timedelta(days=366)
"""How far ahead an absence may begin. A year that is mistyped would be kept for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAbsence:
    """That somebody does not work, as the lender's systems or a supervisor say."""

    staff: str
    """The lender's reference."""
    kind: AbsenceKind
    at: datetime
    until: datetime | None
    """None: it is not known yet."""
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffLeft:
    """That somebody works here no longer."""

    staff: str
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffBack:
    """That somebody who was absent works again, or will not be absent or leave."""

    staff: str
    actor: str
    starts_at: datetime | None = None
    """The beginning of what is to come and is taken back; None: they work again from now on."""


def note_absence(connection: Connection, ctx: Context, new: NewAbsence) -> Reasons:
    """Record an absence, and hand on what its time leaves undone, in the caller's transaction.

    A later word counts: an absence that is on when this one begins ends then. One that is noted for
    later stays as it is: a day's illness leaves the holidays alone. But one of the same kind and
    end is the same absence, with another beginning. Whoever left has no access from that day on.

    Raises:
        RejectedError: nobody has the reference, or whoever has it has left; it ends before it
            begins, is over already, or begins more than a year ahead.
    """
    now = ctx.now()
    member = _member(connection, new.staff)
    staff_id = member.id
    is_known = _is_known(connection, staff_id, new, now)
    has_left = new.kind is AbsenceKind.LEFT
    if is_known and has_left and member.left_on is not None:
        return because(ReasonCode.DEPARTURE_KNOWN, staff=new.staff, on=member.left_on)
    if member.left_on is not None and member.left_on <= now.date():
        raise RejectedError(ReasonCode.STAFF_HAS_LEFT, staff=new.staff, on=member.left_on)
    if new.until is not None and new.until <= max(new.at, now):
        ends_at = new.until.astimezone(now.tzinfo)
        raise RejectedError(ReasonCode.ABSENCE_OVER, staff=new.staff, ends_at=ends_at)
    if new.at > now + FARTHEST:
        at = new.at.astimezone(now.tzinfo)
        raise RejectedError(ReasonCode.ABSENCE_TOO_FAR, staff=new.staff, at=at)
    if is_known and not has_left:
        return because(ReasonCode.ABSENCE_KNOWN, staff=new.staff)
    if has_left:
        _let_second_person_see(connection, ctx, new)
    _take_back(connection, staff_id, _is_moved(new), now)
    _end(connection, staff_id, new.at, by_roster=False)
    row = {
        "staff_id": staff_id,
        "kind": new.kind,
        "starts_at": new.at,
        "ends_at": new.until,
        "by_roster": False,
        "noted_by": new.actor,
        "noted_at": now,
    }
    noted = connection.execute(insert(absence).values(row).returning(absence.c.id))
    entered: int = noted.scalar_one()
    left_on = None
    if has_left:
        _forget_departures(connection, staff_id, but=entered)
        left_on = new.at.astimezone(ctx.settings.lender_zone).date()
        connection.execute(update(staff).where(staff.c.id == staff_id).values(left_on=left_on))
    forget_plans(connection)
    done = hand_on_what_must_be(connection, ctx, now, staff_id)
    handed = {"calls": done.calls, "visits": done.visits}
    if left_on is not None:
        return because(ReasonCode.DEPARTURE_NOTED, staff=new.staff, on=left_on, **handed)
    if new.at > now:
        at = new.at.astimezone(now.tzinfo)
        return because(ReasonCode.ABSENCE_TO_COME_NOTED, staff=new.staff, at=at, **handed)
    return because(ReasonCode.ABSENCE_NOTED, staff=new.staff, **handed)


def note_left(connection: Connection, ctx: Context, left: StaffLeft) -> Reasons:
    """Somebody works here no longer: no access, no work from that day on, and theirs is handed on.

    Where they may grant what others ask for, or report it of themselves, an administrator grants
    it: nobody makes a second person impossible alone.

    Raises:
        RejectedError: nobody has the reference, they have left already, or it is more than a year
            ahead.
        SecondPersonNeededError: an administrator must grant it, and has not done so yet.
    """
    gone = NewAbsence(
        staff=left.staff, kind=AbsenceKind.LEFT, at=left.at, until=None, actor=left.actor
    )
    return note_absence(connection, ctx, gone)


def note_back(connection: Connection, ctx: Context, back: StaffBack) -> Reasons:
    """Somebody who was absent works again from now on. Leave that is still to come stays.

    What is to come is taken back by its beginning, also a departure; what the roster says, in the
    roster. Whoever has left is back once the roster says so, too: it must not have `left_on` any
    more.

    Raises:
        RejectedError: nobody has the reference, they have left, or they are not absent; or nothing
            that is to come begins at the moment that is named.
    """
    now = ctx.now()
    member = _member(connection, back.staff)
    if member.left_on is not None and member.left_on <= now.date():
        raise RejectedError(ReasonCode.STAFF_HAS_LEFT, staff=back.staff, on=member.left_on)
    if back.starts_at is not None:
        return _take_back_named(connection, ctx, back, back.starts_at, member, now)
    ended = _end(connection, member.id, now, by_roster=True)
    if member.left_on is None:
        ended += _forget_departures(connection, member.id)
    if not ended:
        raise RejectedError(ReasonCode.STAFF_NOT_ABSENT, staff=back.staff)
    forget_plans(connection)
    return because(ReasonCode.STAFF_BACK, staff=back.staff)


def _take_back_named(
    connection: Connection,
    ctx: Context,
    back: StaffBack,
    starts_at: datetime,
    member: "_Member",
    now: datetime,
) -> Reasons:
    at = starts_at.astimezone(now.tzinfo)
    named = (absence.c.starts_at == starts_at, absence.c.kind != AbsenceKind.LEFT)
    departs = (absence.c.starts_at == starts_at, absence.c.kind == AbsenceKind.LEFT)
    taken_back = _take_back(connection, member.id, named, now)
    if _take_back(connection, member.id, departs, now):
        taken_back += 1
        day = starts_at.astimezone(ctx.settings.lender_zone).date()
        is_of_it = (staff.c.id == member.id, staff.c.left_on == day)
        connection.execute(update(staff).where(*is_of_it).values(left_on=None))
    if not taken_back:
        raise RejectedError(ReasonCode.NOTHING_TO_COME, staff=back.staff, at=at)
    forget_plans(connection)
    return because(ReasonCode.ABSENCE_CALLED_OFF, staff=back.staff, at=at)


@permitted(Permission.NOTE_ABSENCES)
def hand_on_all(ctx: Context, reference: str) -> HandedOn:
    """Give all open calls of somebody to others, whatever the roster says.

    Raises:
        NotOnRosterError: nobody has the reference.
    """
    with ctx.engine.begin() as connection:
        try:
            staff_id = _member(connection, reference).id
        except RejectedError:
            raise NotOnRosterError(
                "Nobody on the roster has the reference {reference}.", reference=reference
            ) from None
        forget_plans(connection)
        return hand_on(connection, ctx, staff_id, HandOn.SUPERVISOR, ctx.now())


def must_not_handle(
    connection: Connection,
    ctx: Context,
    staff_id: int,
    person_id: int,
    why: str,
    actor: Actor,
    now: datetime,
) -> HandedOn:
    """Keep a collector or visitor from a person for good, by all records of that person.

    Their open calls and visits with the person go to others at once. `why` is kept as words that a
    person typed. A second time changes nothing.
    """
    records = connection.execute(
        select(borrower.c.id).where(borrower.c.person_id == person_id).order_by(borrower.c.id)
    ).scalars()
    known = set(
        connection.execute(
            select(barred.c.borrower_id).where(
                and_(barred.c.staff_id == staff_id, barred.c.ended_at.is_(None))
            )
        ).scalars()
    )
    rows = [
        {
            "staff_id": staff_id,
            "borrower_id": record,
            "by_roster": False,
            "why_id": keep_words(connection, ctx.cipher, why, now, borrower_id=record),
            "noted_by": actor.reference,
            "noted_at": now,
        }
        for record in records
        if record not in known
    ]
    if rows:
        insert_rows(connection, barred, rows)
    forget_plans(connection)
    return hand_on_what_must_be(connection, ctx, now, staff_id)


def _let_second_person_see(connection: Connection, ctx: Context, new: NewAbsence) -> None:
    day = new.at.astimezone(ctx.settings.lender_zone).date()
    theirs = roles_of(connection, Actor(new.staff), ctx.today())
    if new.staff == ctx.actor.reference or grants(theirs):
        why = because(ReasonCode.DEPARTURE_NEEDS_ADMINISTRATOR, staff=new.staff)
        asked = ToGrant(Permission.CHANGE_ROSTER, why, {"staff": new.staff, "left_on": day})
        with_second_person(connection, ctx, asked)


def _end(connection: Connection, staff_id: int, at: datetime, *, by_roster: bool) -> int:
    """End the absences that are on at a moment, with `by_roster` also the leave of the roster.
    What is noted for later stays. Returns how many."""
    ended = connection.execute(
        update(absence)
        .where(
            absence.c.staff_id == staff_id,
            absence.c.kind != AbsenceKind.LEFT,
            absence.c.starts_at <= at,
            or_(absence.c.ends_at.is_(None), absence.c.ends_at > at),
            true() if by_roster else ~absence.c.by_roster,
        )
        .values(ends_at=at)
    )
    return ended.rowcount


def _take_back(
    connection: Connection,
    staff_id: int,
    which: Iterable[ColumnElement[bool]],
    now: datetime,
) -> int:
    """End absences that are to come where they begin, those of the roster excepted. Returns how
    many."""
    to_come = update(absence).where(
        absence.c.staff_id == staff_id,
        absence.c.starts_at > now,
        or_(absence.c.ends_at.is_(None), absence.c.ends_at > absence.c.starts_at),
        ~absence.c.by_roster,
        *which,
    )
    return connection.execute(to_come.values(ends_at=absence.c.starts_at)).rowcount


def _is_moved(new: NewAbsence) -> tuple[ColumnElement[bool], ...]:
    """Whether an absence that is to come is this one, with another beginning."""
    return (
        absence.c.kind == new.kind,
        absence.c.kind != AbsenceKind.LEFT,
        absence.c.ends_at.is_not_distinct_from(new.until),
    )


def _is_known(connection: Connection, staff_id: int, new: NewAbsence, now: datetime) -> bool:
    """Whether an absence of this kind is on record that begins and ends with it, or is on already.
    Of a departure another beginning is another day."""
    began = absence.c.starts_at
    is_on = (began <= now) & (began <= new.at) & (absence.c.kind != AbsenceKind.LEFT)
    same = select(absence.c.id).where(
        absence.c.staff_id == staff_id,
        absence.c.kind == new.kind,
        (began == new.at) | is_on,
        absence.c.ends_at.is_not_distinct_from(new.until),
    )
    return connection.execute(same.limit(1)).first() is not None


def _forget_departures(connection: Connection, staff_id: int, but: int | None = None) -> int:
    """End departures on record where they began: another day was named, or they are back. Returns
    how many."""
    gone = absence.c.kind == AbsenceKind.LEFT
    others = update(absence).where(
        absence.c.staff_id == staff_id, gone, absence.c.ends_at.is_(None)
    )
    if but is not None:
        others = others.where(absence.c.id != but)
    return connection.execute(others.values(ends_at=absence.c.starts_at)).rowcount


class _Member(NamedTuple):
    id: int
    left_on: date | None


def _member(connection: Connection, reference: str) -> _Member:
    found = select(*columns_of(_Member, staff)).where(staff.c.external_id == reference)
    if (member := typed_row(_Member, connection.execute(found))) is None:
        raise RejectedError(ReasonCode.STAFF_NOT_KNOWN, staff=reference)
    return member
