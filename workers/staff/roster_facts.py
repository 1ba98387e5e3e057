"""What a roster says of its members beside the row of each: teams, certificates, leave, and whom
they must not handle."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, delete, func, not_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from config.readers.roster import StaffMember, Team
from domain.errors import ArrearsError
from workers.db.bulk import insert_rows
from workers.db.schema import absence, borrower, certificate, must_not_handle, team


def store_teams(connection: Connection, teams: Sequence[Team]) -> dict[str, int]:
    """Insert or update the teams; returns the ids of all that are on record."""
    if teams:
        given = insert(team).values(
            [{"external_id": t.id, "supervisor": t.supervisor} for t in teams]
        )
        connection.execute(
            given.on_conflict_do_update(
                index_elements=[team.c.external_id],
                set_={"supervisor": given.excluded.supervisor},
                where=team.c.supervisor.is_distinct_from(given.excluded.supervisor),
            )
        )
    known = connection.execute(select(team.c.external_id, team.c.id))
    return {row.external_id: row.id for row in known}


def store_certificates(
    connection: Connection, members: Sequence[StaffMember], ids: Mapping[str, int]
) -> None:
    """The certificates of the members, and no others. What stays the same is not written."""
    rows = [
        {"staff_id": ids[member.id], "kind": kind, "valid_until": until}
        for member in members
        for kind, until in member.certificates.items()
    ]
    key = tuple_(certificate.c.staff_id, certificate.c.kind)
    kept = [(row["staff_id"], row["kind"]) for row in rows]
    gone = certificate.c.staff_id.in_(list(ids.values()))
    connection.execute(delete(certificate).where(gone, not_(key.in_(kept)) if kept else gone))
    if rows:
        given = insert(certificate).values(rows)
        connection.execute(
            given.on_conflict_do_update(
                index_elements=[certificate.c.staff_id, certificate.c.kind],
                set_={"valid_until": given.excluded.valid_until},
                where=certificate.c.valid_until != given.excluded.valid_until,
            )
        )


def store_leave(
    connection: Connection,
    members: Sequence[StaffMember],
    ids: Mapping[str, int],
    by: str,
    now: datetime,
) -> None:
    """The leave of the members as the roster has it: what it has no longer ends now, or never was.

    What was noted during the day, such as an illness, stays.
    """
    wanted = {
        (ids[member.id], leave.kind, leave.starts_at, leave.ends_at)
        for member in members
        for leave in member.leave
    }
    known = connection.execute(
        select(absence).where(absence.c.staff_id.in_(list(ids.values())), absence.c.by_roster)
    ).all()
    on_record = {(row.staff_id, row.kind, row.starts_at, row.ends_at): row.id for row in known}
    ended = [
        id
        for key, id in on_record.items()
        if key not in wanted and key[3] > now and key[2] != key[3]
    ]
    if ended:
        connection.execute(
            update(absence)
            .where(absence.c.id.in_(ended))
            .values(ends_at=func.greatest(absence.c.starts_at, now))
        )
    rows = [
        {
            "staff_id": staff_id,
            "kind": kind,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "by_roster": True,
            "noted_by": by,
            "noted_at": now,
        }
        for staff_id, kind, starts_at, ends_at in sorted(wanted - set(on_record))
    ]
    if rows:
        insert_rows(connection, absence, rows)


def borrowers_named(connection: Connection, members: Sequence[StaffMember]) -> dict[str, int]:
    """Whom members must not handle: the ids of the records, by the lender's id.

    Raises:
        ArrearsError: a borrower is not on record.
    """
    records = {record for member in members for record in member.must_not_handle}
    found = connection.execute(
        select(borrower.c.external_id, borrower.c.id).where(borrower.c.external_id.in_(records))
    )
    borrowers = {row.external_id: row.id for row in found}
    if missing := sorted(records - set(borrowers)):
        raise ArrearsError(
            "No borrower has the id {ids}, which `must_not_handle` names. Import the tape first, "
            "or take the id out.",
            ids=", ".join(missing),
        )
    return borrowers


def store_barred(
    connection: Connection,
    members: Sequence[StaffMember],
    ids: Mapping[str, int],
    borrowers: Mapping[str, int],
    by: str,
    now: datetime,
) -> None:
    """Whom the members must not handle, as the roster has it. What a complaint added stays.
    `borrowers` are the ids of `borrowers_named`."""
    pairs = {
        (ids[member.id], borrowers[record])
        for member in members
        for record in member.must_not_handle
    }
    m = must_not_handle.c
    known = connection.execute(
        select(m.id, m.staff_id, m.borrower_id).where(
            and_(m.by_roster, m.ended_at.is_(None), m.staff_id.in_(list(ids.values())))
        )
    ).all()
    gone = [row.id for row in known if (row.staff_id, row.borrower_id) not in pairs]
    if gone:
        connection.execute(update(must_not_handle).where(m.id.in_(gone)).values(ended_at=now))
    new = sorted(pairs - {(row.staff_id, row.borrower_id) for row in known})
    rows = [
        {
            "staff_id": staff_id,
            "borrower_id": record,
            "by_roster": True,
            "noted_by": by,
            "noted_at": now,
        }
        for staff_id, record in new
    ]
    if rows:
        insert_rows(connection, must_not_handle, rows)
