"""What changes during a day: who falls ill, leaves or comes back, and whom somebody must not
handle. Their open work is handed on in the same transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from domain.actors import Actor
from domain.errors import NotOnRosterError
from domain.events import RejectedError
from domain.permissions import Permission
from domain.reasons import ReasonCode, Reasons, because
from domain.staffing import AbsenceKind, HandOn
from workers.access.permitted import permitted
from workers.context import Context
from workers.db.bulk import insert_rows
from workers.db.free_text import keep_words
from workers.db.schema import absence, borrower, staff
from workers.db.schema import must_not_handle as barred
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
    """That somebody who was absent works again."""

    staff: str
    actor: str


def note_absence(connection: Connection, ctx: Context, new: NewAbsence) -> Reasons:
    """Record an absence, and hand on what its time leaves undone, in the caller's transaction.

    A later word counts: an absence that is on record and not over ends when this one begins.
    Whoever left has no access from that day on.

    Raises:
        RejectedError: nobody has the reference, it ends before it begins or is over already, or it
            begins more than a year ahead.
    """
    now = ctx.now()
    staff_id = _staff_id(connection, new.staff)
    if new.until is not None and new.until <= max(new.at, now):
        ends_at = new.until.astimezone(now.tzinfo)
        raise RejectedError(ReasonCode.ABSENCE_OVER, staff=new.staff, ends_at=ends_at)
    if new.at > now + FARTHEST:
        at = new.at.astimezone(now.tzinfo)
        raise RejectedError(ReasonCode.ABSENCE_TOO_FAR, staff=new.staff, at=at)
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
    connection.execute(insert(absence).values(row))
    left_on = None
    if new.kind is AbsenceKind.LEFT:
        left_on = new.at.astimezone(ctx.settings.lender_zone).date()
        connection.execute(update(staff).where(staff.c.id == staff_id).values(left_on=left_on))
    forget_plans(connection)
    done = hand_on_what_must_be(connection, ctx, now, staff_id)
    handed = {"calls": done.calls, "visits": done.visits}
    if left_on is not None:
        return because(ReasonCode.DEPARTURE_NOTED, staff=new.staff, on=left_on, **handed)
    return because(ReasonCode.ABSENCE_NOTED, staff=new.staff, **handed)


def note_left(connection: Connection, ctx: Context, left: StaffLeft) -> Reasons:
    """Somebody works here no longer: no access, no work from that day on, and theirs is handed on.

    Raises:
        RejectedError: nobody has the reference, or it is more than a year ahead.
    """
    gone = NewAbsence(
        staff=left.staff, kind=AbsenceKind.LEFT, at=left.at, until=None, actor=left.actor
    )
    return note_absence(connection, ctx, gone)


def note_back(connection: Connection, ctx: Context, back: StaffBack) -> Reasons:
    """Somebody who was absent works again from now on. Leave that is still to come stays.

    Raises:
        RejectedError: nobody has the reference.
    """
    now = ctx.now()
    staff_id = _staff_id(connection, back.staff)
    _end(connection, staff_id, now, by_roster=True)
    forget_plans(connection)
    return because(ReasonCode.STAFF_BACK, staff=back.staff)


@permitted(Permission.NOTE_ABSENCES)
def hand_on_all(ctx: Context, reference: str) -> HandedOn:
    """Give all open calls of somebody to others, whatever the roster says.

    Raises:
        NotOnRosterError: nobody has the reference.
    """
    with ctx.engine.begin() as connection:
        try:
            staff_id = _staff_id(connection, reference)
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


def _end(connection: Connection, staff_id: int, at: datetime, *, by_roster: bool) -> None:
    """End the absences that are on at a moment, and those noted for later; with `by_roster`, the
    leave of the roster that is on as well."""
    started = absence.c.starts_at <= at
    connection.execute(
        update(absence)
        .where(
            absence.c.staff_id == staff_id,
            absence.c.kind != AbsenceKind.LEFT,
            or_(absence.c.ends_at.is_(None), absence.c.ends_at > at),
            or_(~absence.c.by_roster, started) if by_roster else ~absence.c.by_roster,
        )
        .values(ends_at=func.greatest(absence.c.starts_at, at))
    )


def _staff_id(connection: Connection, reference: str) -> int:
    found: int | None = connection.execute(
        select(staff.c.id).where(staff.c.external_id == reference)
    ).scalar()
    if found is None:
        raise RejectedError(ReasonCode.STAFF_NOT_KNOWN, staff=reference)
    return found
