"""Disputes and complaints in a history: when each came in, who had it, and what was decided."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from domain.disputes import Matter, MatterField
from domain.filling import moment_shown
from domain.language.phrases import Phrase
from domain.language.render import Entry, Part, part
from workers.db.disputes import TABLES
from workers.db.schema import matter_change
from workers.db.typed_rows import columns_of, typed_rows
from workers.history.loan import ExplainedLoan, named, of_loan


class _Change(NamedTuple):
    of: int
    """The id of the dispute or the complaint."""
    field: str
    before: str | None
    after: str | None
    actor: str
    at: datetime


def matters(connection: Connection, subject: ExplainedLoan, zone: tzinfo) -> Iterator[Entry]:
    """Each dispute and each complaint: when it came in, its deadlines, and what was decided.

    Without whom a complaint is about, and without the words of the person: whoever may read them
    asks for the dispute or the complaint itself.
    """
    for matter, table in TABLES.items():
        changes = _changes(connection, subject, matter)
        for row in connection.execute(of_loan(table, subject)):
            name: dict[str, object] = {"matter": matter, "id": named(row.external_id, row.sender)}
            changed = changes.get(row.id, [])
            raised = part(
                Phrase.RAISED_MATTER,
                **name,
                raised_by=row.raised_by,
                matter_kind=_kind_then(row, changed),
                actor=row.actor,
            )
            due = [
                part(phrase, **{key: _by(at.astimezone(zone))})
                for phrase, key, at in (
                    (Phrase.TO_ACKNOWLEDGE, "acknowledge_at", row.acknowledge_by),
                    (Phrase.TO_ANSWER, "answer_at", row.answer_by),
                )
                if at is not None
            ]
            yield Entry(row.recorded_at, (raised, *due))
            if row.acknowledged_at is not None:
                told = part(Phrase.ACKNOWLEDGED_MATTER, **name, actor=row.acknowledged_by)
                yield Entry(row.acknowledged_at, (told,))
            handed = [each for each in changed if each.field == MatterField.HANDLER]
            if row.taken_at is not None and not handed:
                yield Entry(row.taken_at, (part(Phrase.TOOK_MATTER, **name, actor=row.handler),))
            for each in changed:
                yield Entry(each.at, (_as_changed(each, name),))
            if row.resolved_at is not None:
                yield Entry(row.resolved_at, tuple(_as_decided(row, name)))


def _by(deadline: datetime) -> str:
    """A deadline as people say it: of one at midnight, the day before, which is the last one."""
    if deadline.time() == time.min:
        return f"{deadline.date() - timedelta(days=1)}"
    return moment_shown(deadline)


def _kind_then(row: Any, changed: Sequence[_Change]) -> str:
    """The kind as which it came in."""
    kinds = (each.before for each in changed if each.field == MatterField.KIND)
    return str(next(kinds, row.kind))


def _changes(
    connection: Connection, subject: ExplainedLoan, matter: Matter
) -> Mapping[int, list[_Change]]:
    """What was changed of each dispute or complaint of the loan, in order."""
    table = TABLES[matter]
    of = matter_change.c[f"{matter}_id"]
    rows = (
        select(*columns_of(_Change, matter_change, of=of))
        .join(table, table.c.id == of)
        .where(table.c.loan_id == subject.id)
        .order_by(matter_change.c.id)
    )
    found = defaultdict[int, list[_Change]](list)
    for change in typed_rows(_Change, connection.execute(rows)):
        found[change.of].append(change)
    return found


def _as_changed(change: _Change, name: Mapping[str, object]) -> Part:
    match MatterField(change.field):
        case MatterField.KIND:
            return part(Phrase.MATTER_OF_KIND, **name, actor=change.actor, matter_kind=change.after)
        case MatterField.ABOUT_STAFF:
            return part(Phrase.MATTER_ABOUT, **name, actor=change.actor)
        case MatterField.HANDLER:
            handed = {"after": change.after, "actor": change.actor}
            if change.before is None:
                return part(Phrase.HANDED_UNTAKEN, **name, **handed)
            return part(Phrase.HANDED_MATTER, **name, before=change.before, **handed)


def _as_decided(row: Any, name: Mapping[str, object]) -> Iterator[Part]:
    if row.finding is None:
        yield part(Phrase.CLOSED_MATTER, **name)
        return
    decided = {"actor": row.resolved_by, "matter_status": row.status}
    yield part(Phrase.RESOLVED_MATTER, **name, **decided)
    yield part(Phrase.FOUND_IN_MATTER, finding=row.finding)
    if name["matter"] is Matter.DISPUTE and row.corrected_by is not None:
        yield part(Phrase.CORRECTED_BY, adjustment_id=row.corrected_by)
