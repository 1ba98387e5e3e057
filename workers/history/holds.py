"""What pauses the ladder of a loan and lets it go on: holds, disputes, promises, and the times when
sending was stopped."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, or_, select

from domain.actions import WAITING
from domain.currencies import decimal_string
from domain.holds import HoldKind
from domain.language.phrases import Phrase
from domain.language.render import Entry, Part, part
from domain.promises import PromiseStatus
from domain.sending import StoppedBecause
from workers.db.schema import (
    action,
    decision,
    hold,
    hold_of_loan,
    hold_release,
    promise,
    promise_event,
    promise_part,
    sending_hold,
)
from workers.db.sending_holds import SendingHold, stops_action
from workers.db.typed_rows import columns_of, typed_rows
from workers.history.loan import ExplainedLoan, by_whom_and_why, named, of_loan, said_by_other, why
from workers.history.words import typed_words


class _Hold(NamedTuple):
    id: int
    kind: str
    starts_on: date
    ends_on: date | None
    actor: str
    made_at: datetime
    why_id: UUID | None
    why: str | None


class _Release(NamedTuple):
    hold_id: int
    at: datetime
    ended_on: date | None
    ends_on: date


def holds(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each hold as it was made, and each release, under its own moment.

    Those of promises are said by these: a promise has another one after its money bounced.
    """
    releases: dict[int, list[_Release]] = defaultdict(list)
    released = connection.execute(
        select(*columns_of(_Release, hold_release))
        .join(hold_of_loan, hold_of_loan.c.id == hold_release.c.hold_id)
        .where(hold_of_loan.c.loan_id == subject.id)
        .order_by(hold_release.c.id)
    )
    for release in typed_rows(_Release, released):
        releases[release.hold_id].append(release)
    placed = (
        select(*columns_of(_Hold, hold))
        .join(hold_of_loan, hold_of_loan.c.id == hold.c.id)
        .where(hold_of_loan.c.loan_id == subject.id, hold.c.kind != HoldKind.PROMISE)
        .order_by(hold.c.id)
    )
    for row in typed_rows(_Hold, connection.execute(placed)):
        said = by_whom_and_why(None, typed_words(row))
        yield Entry(row.made_at, (_as_made(row, releases[row.id]), *said))
        for release in releases[row.id]:
            text = part(
                Phrase.HOLD_RELEASED,
                hold=row.kind,
                starts_on=row.starts_on,
                ends_on=release.ends_on,
            )
            yield Entry(release.at, (text,))


def sending_holds(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each time that sending was stopped while an action of the loan waited for it.

    Without the words of a person who stopped it: they may name a borrower.
    """
    waited = (
        select(action.c.id)
        .join(decision, decision.c.id == action.c.decision_id)
        .where(action.c.loan_id == subject.id, stops_action(subject.jurisdiction))
        .where(or_(action.c.status.in_(WAITING), action.c.changed_at >= sending_hold.c.set_at))
        .where(
            or_(
                sending_hold.c.resumed_at.is_(None),
                decision.c.decided_at <= sending_hold.c.resumed_at,
            )
        )
    )
    stopped = (
        select(*columns_of(SendingHold, sending_hold))
        .where(waited.exists())
        .order_by(sending_hold.c.id)
    )
    for row in typed_rows(SendingHold, connection.execute(stopped)):
        scope = {"sending_scope": row.scope, "subject": f" {row.subject}" if row.subject else ""}
        text = part(Phrase.STOPPED_SENDING, **scope, actor=row.set_by)
        is_persons = row.cause == StoppedBecause.PERSON
        yield Entry(row.set_at, (text,) if is_persons else (text, *why(row.why)))
        if row.resumed_at is not None:
            resumed = part(Phrase.RESUMED_SENDING, **scope, actor=row.resumed_by)
            yield Entry(row.resumed_at, (resumed,))


def promises(connection: Connection, subject: ExplainedLoan) -> Iterator[Entry]:
    """Each promise when it was made, and how it ended."""
    rows = connection.execute(of_loan(promise, subject)).all()
    names = {row.id: named(row.external_id, row.sender) for row in rows}
    moves_of, parts_of = _promise_moves(connection, subject), _promise_parts(connection, subject)
    for row in rows:
        text = part(
            Phrase.PROMISE,
            promise=names[row.id],
            amount=row.amount,
            currency=subject.currency,
            due_on=row.due_on,
            actor=row.actor,
        )
        by_other = said_by_other(connection, row.borrower_id)
        yield Entry(row.made_at, (text, *by_other, *_terms_of(row, parts_of[row.id], names)))
        ended = moves_of[row.id] or _ended(row)
        for move in ended:
            parts = [part(Phrase(f"promise_{move.to_status}"), promise=names[row.id])]
            if move.paid is not None and move.to_status != PromiseStatus.KEPT:
                parts.append(part(Phrase.PROMISE_PAID, paid=move.paid, currency=subject.currency))
            if row.was_made is not None and move is ended[-1]:
                made = Phrase.PROMISE_HAD_BEEN_MADE if row.was_made else Phrase.PROMISE_BY_MISTAKE
                parts.append(part(made))
            yield Entry(move.at, tuple(parts))


class _PromiseMove(NamedTuple):
    promise_id: int
    at: datetime
    to_status: str
    paid: Decimal | None


def _ended(row: Row[*tuple[Any, ...]]) -> list[_PromiseMove]:
    """How a promise of an earlier release ended, of which no move is on record."""
    if row.completed_at is None:
        return []
    return [_PromiseMove(row.id, row.completed_at, row.status, None)]


def _terms_of(
    row: Row[*tuple[Any, ...]], days: Sequence[str], names: Mapping[int, str]
) -> Iterator[Part]:
    if len(days) > 1:
        yield part(Phrase.PROMISE_PARTS, parts=tuple(days))
    if row.replaces_id is not None:
        yield part(Phrase.PROMISE_REPLACES, promise=names[row.replaces_id])
    if row.terms is not None:
        yield part(Phrase.PROMISE_TERMS, terms=row.terms)
    if row.agreed_by is not None:
        yield part(Phrase.PROMISE_AGREED_BY, actor=row.agreed_by)


def _promise_moves(
    connection: Connection, subject: ExplainedLoan
) -> Mapping[int, list[_PromiseMove]]:
    moved = (
        select(*columns_of(_PromiseMove, promise_event))
        .join(promise, promise.c.id == promise_event.c.promise_id)
        .where(promise.c.loan_id == subject.id)
        .order_by(promise_event.c.id)
    )
    moves = defaultdict[int, list[_PromiseMove]](list)
    for move in typed_rows(_PromiseMove, connection.execute(moved)):
        moves[move.promise_id].append(move)
    return moves


def _promise_parts(connection: Connection, subject: ExplainedLoan) -> Mapping[int, list[str]]:
    """The parts of each promise, as they are shown."""
    promised = (
        select(promise_part)
        .join(promise, promise.c.id == promise_part.c.promise_id)
        .where(promise.c.loan_id == subject.id)
        .order_by(promise_part.c.promise_id, promise_part.c.due_on)
    )
    parts = defaultdict[int, list[str]](list)
    for row in connection.execute(promised):
        amount = decimal_string(row.amount, subject.currency)
        parts[row.promise_id].append(f"{amount} ({row.due_on})")
    return parts


def _as_made(row: _Hold, releases: list[_Release]) -> Part:
    """With the end that it had before anybody released it."""
    ends_on = releases[0].ended_on if releases else row.ends_on
    hold, actor, starts_on = row.kind, row.actor, row.starts_on
    if ends_on is None:
        return part(Phrase.HOLD_UNTIL_RELEASED, hold=hold, actor=actor, starts_on=starts_on)
    return part(Phrase.HOLD, hold=hold, actor=actor, starts_on=starts_on, ends_on=ends_on)
