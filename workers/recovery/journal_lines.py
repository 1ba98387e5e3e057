"""A line of the journal comes back: an opt-out, an erasure, a revocation.

It is passed over if the database has, or had, its row: the same fact with the same moment. So a
wish that has ended since then does not come back, and the step can be run again.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.actors import Actor, ActorKind
from domain.contact_points import NEW_NUMBER_NEEDED, NumberFact, PointKind
from workers.context import Context
from workers.db.closed_numbers import close_number
from workers.db.contact_points import lock_number
from workers.db.persons import lock_borrower, lock_loans_of_person, record_named
from workers.db.schema import (
    contact_point_fact,
    loan,
    machine,
    person_fact,
    staff,
    token,
)
from workers.escalation.reassess import reassess
from workers.inbox.store import store_event
from workers.privacy.erase_events import lock_pending_events
from workers.privacy.erasure import erase, lock_borrowers, note_erasure
from workers.privacy.retention import read_keeping

ERASED_AGAIN = "erased_again_after_restore"

Line = Mapping[str, Any]

KNOWN, DONE, WAITS = "known", "done", "waits"
"""What came of a line: the database has it; it was brought back; what it names is not on record."""


def _person_fact(connection: Connection, ctx: Context, line: Line) -> str:
    record = lock_borrower(connection, line["borrower"])
    debt = _loan_id(connection, line)
    if record is None or (line.get("loan") and debt is None):
        return _wait_for_record(connection, ctx, line)
    if record.erased_at is not None:
        return KNOWN
    loans = lock_loans_of_person(connection, record.id)
    point = _point(connection, line)
    same = (
        person_fact.c.borrower_id == record.id,
        person_fact.c.kind == line["fact"],
        person_fact.c.since == _moment(line, "since"),
        person_fact.c.channel.is_not_distinct_from(line.get("channel")),
        person_fact.c.loan_id.is_not_distinct_from(debt),
        person_fact.c.contact_point_id.is_not_distinct_from(point),
    )
    came = _merge(
        connection,
        person_fact,
        same,
        line,
        {
            "borrower_id": record.id,
            "kind": line["fact"],
            "channel": line.get("channel"),
            "loan_id": debt,
            "times": line.get("times"),
            "place": line.get("place"),
            "contact_point_id": point,
            "locale": line.get("locale"),
            "until": _moment(line, "until"),
        },
    )
    if came == DONE:
        reassess(connection, ctx, loans, ctx.now())
    return came


def _wait_for_record(connection: Connection, ctx: Context, line: Line) -> str:
    """Keep an opt-out as an event that waits for the record; other wishes wait in the journal."""
    if line["fact"] in ("ceased", "no_channel") and not line.get("ended_at"):
        payload = {
            "borrower": line["borrower"],
            "channel": line.get("channel"),
            "actor": line["source"],
            "received_at": line["since"],
        }
        payload |= {"loan": line["loan"]} if line.get("loan") else {}
        about = (line["borrower"], line.get("channel"), line.get("loan"), line["since"])
        id = "journal:" + ":".join(str(part) for part in about)
        store_event(connection, id, "opt_out", payload, ctx.now())
    return WAITS


def _number_fact(connection: Connection, ctx: Context, line: Line) -> str:
    blind_index = bytes.fromhex(line["point"])
    fact = NumberFact(line["fact"])
    since = cast(datetime, _moment(line, "since"))
    if fact in NEW_NUMBER_NEEDED and not line.get("ended_at"):
        # Where nobody has another number, that becomes a problem of theirs.
        actor = Actor(line["source"], ActorKind(line["source_kind"]))
        number = lock_number(connection, blind_index, PointKind(line["point_kind"]))
        known = select(contact_point_fact.c.id).where(
            contact_point_fact.c.contact_point_id == number,
            contact_point_fact.c.kind == fact,
            contact_point_fact.c.since >= since,
        )
        if connection.execute(known).first():
            return KNOWN
        return DONE if close_number(connection, blind_index, fact, actor, since) else KNOWN
    number = lock_number(connection, blind_index, PointKind(line["point_kind"]))
    same = (
        contact_point_fact.c.contact_point_id == number,
        contact_point_fact.c.kind == fact,
        contact_point_fact.c.since == since,
    )
    values = {"contact_point_id": number, "kind": fact}
    return _merge(connection, contact_point_fact, same, line, values)


def _merge(
    connection: Connection, table: Any, same: tuple[Any, ...], line: Line, values: dict[str, Any]
) -> str:
    """Bring a fact to where the line has it: recorded, said again, or ended."""
    ended = _moment(line, "ended_at")
    columns = (table.c.id, table.c.ended_at, table.c.said_last)
    known = connection.execute(select(*columns).where(*same)).first()
    if known is not None and known.ended_at is not None:
        return KNOWN
    if known is not None:
        again = _moment(line, "said_last")
        if ended is None:
            if again is None or (known.said_last is not None and known.said_last >= again):
                return KNOWN
            connection.execute(update(table).where(table.c.id == known.id).values(said_last=again))
            return DONE
        end = {"ended_at": ended, "ended_by": line["ended_by"]}
        connection.execute(update(table).where(table.c.id == known.id).values(end))
        return DONE
    if ended is not None and not str(line["fact"]).startswith("agreed_"):
        return KNOWN  # it came and went after the backup
    if ended is not None:
        return _end_consents(connection, values["borrower_id"], line, ended)
    row = {
        **values,
        "since": _moment(line, "since"),
        "said_last": _moment(line, "said_last"),
        "source": line["source"],
        "source_kind": line["source_kind"],
    }
    inserted = upsert(table).values(row).on_conflict_do_nothing().returning(table.c.id)
    return DONE if connection.execute(inserted).first() else KNOWN


def _end_consents(connection: Connection, record: int, line: Line, ended: datetime) -> str:
    """Whoever withdrew a consent has withdrawn every older consent too."""
    older = (
        update(person_fact)
        .where(
            person_fact.c.borrower_id == record,
            person_fact.c.kind == line["fact"],
            person_fact.c.ended_at.is_(None),
            person_fact.c.since <= ended,
        )
        .values(ended_at=ended, ended_by=line["ended_by"])
    )
    return DONE if connection.execute(older).rowcount else KNOWN


def _erasure(connection: Connection, ctx: Context, line: Line) -> str:
    """Erase again what was erased; what was decided then is not decided anew."""
    record = record_named(connection, line["borrower"])
    if record is None:
        return WAITS
    lock_pending_events(connection, [record])
    lock_borrowers(connection, [record], wait=True)
    kept = read_keeping(connection, ctx, [record])
    if not kept:
        return KNOWN
    erased_at = cast(datetime, _moment(line, "at"))
    erase(connection, [record], erased_at)
    actor = Actor(line["actor"], ActorKind(line["actor_kind"]))
    note_erasure(connection, record, actor, ERASED_AGAIN, ctx.now(), kept=kept[0].keeping)
    return DONE


def _token(connection: Connection, ctx: Context, line: Line) -> str:
    revoked = {"revoked_at": _moment(line, "revoked_at"), "revoked_by": line["revoked_by"]}
    of_digest = (token.c.digest == bytes.fromhex(line["digest"]), token.c.revoked_at.is_(None))
    return _changed(connection.execute(update(token).where(*of_digest).values(revoked)).rowcount)


def _machine(connection: Connection, ctx: Context, line: Line) -> str:
    """A machine that was allowed anew after it was revoked has a later line."""
    revoked_at = _moment(line, "revoked_at")
    if revoked_at is None:
        return KNOWN
    revoked = {"revoked_at": revoked_at, "revoked_by": line["revoked_by"]}
    of_name = (
        machine.c.name == line["name"],
        machine.c.revoked_at.is_(None),
        machine.c.created_at <= revoked_at,
    )
    return _changed(connection.execute(update(machine).where(*of_name).values(revoked)).rowcount)


def _staff(connection: Connection, ctx: Context, line: Line) -> str:
    if line.get("left_on") is None:
        return KNOWN
    left = date.fromisoformat(line["left_on"])
    still_here = (staff.c.external_id == line["staff"], staff.c.left_on.is_(None))
    return _changed(
        connection.execute(update(staff).where(*still_here).values(left_on=left)).rowcount
    )


def _changed(count: int) -> str:
    return DONE if count else KNOWN


def _loan_id(connection: Connection, line: Line) -> int | None:
    if not line.get("loan"):
        return None
    found = select(loan.c.id).where(loan.c.external_id == line["loan"])
    return connection.execute(found).scalar()


def _point(connection: Connection, line: Line) -> int | None:
    return lock_number(connection, bytes.fromhex(line["point"])) if line.get("point") else None


def _moment(line: Line, name: str) -> datetime | None:
    return datetime.fromisoformat(line[name]) if line.get(name) else None


REPLAY: dict[str, Callable[[Connection, Context, Line], str]] = {
    "person_fact": _person_fact,
    "contact_point_fact": _number_fact,
    "erasure": _erasure,
    "token": _token,
    "machine": _machine,
    "staff": _staff,
}
"""By kind, what brings a line back. It says what came of the line."""
