"""Recoveries as rows: begun, their steps, finished."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

from sqlalchemy import Connection, exists, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.recovery import RecoveryStep, StepStatus
from workers.db.schema import recovery, recovery_step
from workers.db.typed_rows import columns_of, typed_row, typed_rows


class Recovery(NamedTuple):
    """One recovery of a database that was restored, or that somebody says was not."""

    id: int
    since: datetime
    """Everything after that may be missing."""
    restored: bool
    started_at: datetime
    started_by: str


class StoredStep(NamedTuple):
    """How far a step of a recovery has come. It has no personal data."""

    step: RecoveryStep
    subject: str
    status: StepStatus
    found: Mapping[str, Any] | None
    at: datetime
    actor: str
    why_id: UUID | None
    """What somebody typed who goes on without it."""


def open_recovery(connection: Connection) -> Recovery | None:
    """The recovery that was begun and is not finished, locked; None: there is none."""
    rows = connection.execute(
        select(*columns_of(Recovery, recovery))
        .where(recovery.c.finished_at.is_(None))
        .order_by(recovery.c.id.desc())
        .limit(1)
        .with_for_update(key_share=True)
    )
    return typed_row(Recovery, rows)


def begin_recovery(
    connection: Connection, since: datetime, now: datetime, actor: str, *, restored: bool
) -> Recovery:
    values = {"since": since, "restored": restored, "started_at": now, "started_by": actor}
    begun = insert(recovery).values(values).returning(*columns_of(Recovery, recovery))
    return Recovery(*connection.execute(begun).one())


def note_step(connection: Connection, of: Recovery, step: StoredStep) -> None:
    """Record how far a step has come, in the place of what was recorded of it before."""
    values = {**step._asdict(), "recovery_id": of.id}
    changed = {name: values[name] for name in ("status", "found", "at", "actor", "why_id")}
    connection.execute(
        upsert(recovery_step)
        .values(values)
        .on_conflict_do_update(
            index_elements=[
                recovery_step.c.recovery_id,
                recovery_step.c.step,
                recovery_step.c.subject,
            ],
            set_=changed,
        )
    )


def reference_of(of: Recovery) -> UUID:
    """The name of a recovery for others. Its id may come again, if another backup is restored."""
    return uuid5(NAMESPACE_OID, f"arrears recovery {of.id} {of.started_at.timestamp()}")


def recovery_called(connection: Connection, reference: str) -> Recovery | None:
    """The recovery with this reference; None if there is none."""
    rows = typed_rows(
        Recovery,
        connection.execute(select(*columns_of(Recovery, recovery)).order_by(recovery.c.id)),
    )
    return next((each for each in rows if str(reference_of(each)) == reference), None)


def read_steps(connection: Connection, recovery_id: int) -> list[StoredStep]:
    rows = connection.execute(
        select(*columns_of(StoredStep, recovery_step))
        .where(recovery_step.c.recovery_id == recovery_id)
        .order_by(recovery_step.c.id)
    )
    return typed_rows(StoredStep, rows)


def finish_recovery(connection: Connection, of: Recovery, now: datetime, actor: str) -> None:
    finished = update(recovery).where(recovery.c.id == of.id)
    connection.execute(finished.values(finished_at=now, finished_by=actor))


def is_recovered(connection: Connection, since: datetime) -> bool:
    """Whether a recovery has finished that was begun at or after a moment."""
    begun_since = recovery.c.finished_at.is_not(None) & (recovery.c.started_at >= since)
    return bool(connection.execute(select(exists().where(begun_since))).scalar())
