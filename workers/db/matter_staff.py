"""Who handles a dispute or a complaint: who may, who has it, and what was changed of it by whom."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, insert, select, union, update

from domain.actors import ARREARS
from domain.disputes import (
    OPEN,
    Matter,
    MatterField,
    MatterStatus,
    RaisedBy,
    Unfit,
    unfit_to_handle,
)
from domain.events import person_of
from workers.db.duties import end_duties_of_matter
from workers.db.kept_away import kept_away_from
from workers.db.parties import loans_of
from workers.db.persons import records_of_person
from workers.db.schema import (
    complaint,
    contact,
    contact_outcome,
    dispute,
    matter_change,
    staff,
    team,
    visit,
    visit_staff,
)

IN_PERSON = (RaisedBy.CALL, RaisedBy.VISIT)


def took_part(connection: Connection, contact_id: int | None) -> frozenset[str]:
    """The staff references of whoever had a contact, or reported what came of it."""
    if contact_id is None:
        return frozenset()
    reported = select(contact_outcome.c.actor).where(contact_outcome.c.contact_id == contact_id)
    reporters = {person_of(each) for each in connection.execute(reported).scalars()}
    return had_contact(connection, contact_id) | reporters


def had_contact(connection: Connection, contact_id: int | None) -> frozenset[str]:
    """The staff references of whoever had a contact: of a visit everybody who went."""
    if contact_id is None:
        return frozenset()
    of_contact = contact.c.id == contact_id
    made = select(contact.c.actor).where(of_contact, contact.c.actor.is_not(None))
    visitors = (
        select(staff.c.external_id)
        .join(visit_staff, visit_staff.c.staff_id == staff.c.id)
        .join(visit, visit.c.id == visit_staff.c.visit_id)
        .where(visit.c.contact_id == contact_id, visit_staff.c.cancelled_at.is_(None))
    )
    return frozenset(map(person_of, connection.execute(union(made, visitors)).scalars()))


def why_unfit(connection: Connection, row: Any, person: str) -> Unfit | None:
    """Why somebody may not handle one, a row of either table. Who wrote it down in a call or at a
    visit had a part."""
    part = took_part(connection, row.contact_id)
    if row.raised_by in IN_PERSON:
        part |= {person_of(row.actor)}
    return unfit_to_handle(
        person_of(person),
        about_staff=_about(row),
        took_part=part,
        kept_away=kept_away_from(connection, row.borrower_id),
    )


def _about(row: Any) -> str | None:
    about: str | None = getattr(row, "about_staff", None)
    return about


def note_change(
    connection: Connection,
    matter: Matter,
    row: Any,
    field: MatterField,
    after: str | None,
    actor: str,
    now: datetime,
    why_id: UUID | None = None,
) -> None:
    """Put on record what was changed of a dispute or a complaint, a row of its table as it was."""
    connection.execute(
        insert(matter_change).values(
            dispute_id=row.id if matter is Matter.DISPUTE else None,
            complaint_id=row.id if matter is Matter.COMPLAINT else None,
            borrower_id=row.borrower_id,
            field=field,
            before=getattr(row, field),
            after=after,
            actor=actor,
            at=now,
            why_id=why_id,
        )
    )


def hand_to_supervisor(connection: Connection, matter: Matter, row: Any, now: datetime) -> None:
    """Hand a dispute or a complaint, a locked row of its table, to a supervisor: it is late, or its
    handler must not handle it any more.

    It goes to the supervisor of its handler, else of whom it is about, else of who wrote it down. A
    supervisor who handles it already, and may, keeps it. If no team names a supervisor who may
    handle it, it stays where it is: others may take it, and what is late is a problem of the loan.
    Once it is handed on, nobody owes it to take it.
    """
    named = (row.handler, _about(row), row.actor)
    people = [person_of(each) for each in named if each is not None]
    supervisors = _supervisors(connection, people, now)
    supervised = row.handler in supervisors.values() or _supervises(connection, row.handler)
    if supervised and why_unfit(connection, row, row.handler) is None:
        return
    fit = (
        supervisor
        for supervisor in (supervisors.get(person) for person in people)
        if supervisor is not None and why_unfit(connection, row, supervisor) is None
    )
    if (supervisor := next(fit, None)) is None:
        return
    table: Table = dispute if matter is Matter.DISPUTE else complaint
    taken = {"handler": supervisor, "taken_at": now, "status": MatterStatus.INVESTIGATING}
    connection.execute(update(table).where(table.c.id == row.id).values(**taken))
    note_change(connection, matter, row, MatterField.HANDLER, supervisor, ARREARS.reference, now)
    end_duties_of_matter(connection, matter, row.id, row.loan_id, ARREARS.reference, now)


def take_from_handler(
    connection: Connection, reference: str, borrower_id: int, now: datetime
) -> None:
    """Hand to a supervisor what somebody handles for a person whom they must not handle by now, or
    for others about a loan of that person. The person and the loans are locked."""
    records = records_of_person(borrower_id)
    for matter, table in ((Matter.DISPUTE, dispute), (Matter.COMPLAINT, complaint)):
        theirs = (
            (table.c.handler == reference)
            & table.c.status.in_(OPEN)
            & (table.c.borrower_id.in_(records) | table.c.loan_id.in_(loans_of(records)))
        )
        rows = select(table).where(theirs).order_by(table.c.id).with_for_update()
        for row in connection.execute(rows).all():
            hand_to_supervisor(connection, matter, row, now)


def _supervisors(connection: Connection, people: Iterable[str], now: datetime) -> dict[str, str]:
    """By member of staff, the supervisor of their team who still works here."""
    own = staff.alias("own")
    found = connection.execute(
        select(own.c.external_id, team.c.supervisor)
        .join(team, team.c.id == own.c.team_id)
        .join(staff, staff.c.external_id == team.c.supervisor)
        .where(
            own.c.external_id.in_(people),
            staff.c.left_on.is_(None) | (staff.c.left_on > now.date()),
        )
    )
    return {row.external_id: row.supervisor for row in found}


def _supervises(connection: Connection, person: str | None) -> bool:
    named = select(team.c.id).where(team.c.supervisor == person)
    return person is not None and connection.execute(named.limit(1)).scalar() is not None
