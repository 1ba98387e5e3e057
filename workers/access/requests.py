"""Requests for a second person: who may see them, and how they are granted, refused or taken back.

They are asked for and used up in `second_person.py`.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, and_, false, or_, select, true, update

from domain.actors import ARREARS, Actor, ActorKind
from domain.errors import ArrearsError, NotKnownError, NotPermittedError, Text
from domain.moves import sources
from domain.permissions import PERMISSIONS, Permission, may
from domain.second_person import MOVES, VALID_FOR, RequestStatus, may_see
from domain.second_person_text import (
    in_english,
    lines_from_store,
    lines_of_words,
    stored_lines,
)
from workers.access.may_handle import assert_may_report, readable
from workers.access.permitted import ask, note_use, permitted
from workers.access.still_possible import AskedFor, why_no_longer
from workers.context import Context
from workers.db.free_text import open_words
from workers.db.kept_away import is_kept_away_from
from workers.db.pages import ALL, Asked, Listing, Page, assert_of, count_rows, read_page
from workers.db.schema import borrower, loan
from workers.db.schema import second_person_request as request
from workers.db.typed_rows import columns_of, typed_row, typed_rows


class Request(NamedTuple):
    """A request for a second person."""

    id: int
    permission: Permission
    shown: str
    """What it will do, in English. No personal data."""
    said: Any
    """The same as `stored_lines` has it; of an earlier release None."""
    status: RequestStatus
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    done_at: datetime | None
    why_id: UUID | None
    """What whoever asks typed."""
    loan: str | None
    """The lender's id of the loan that it is about."""
    decided_in: str | None
    """The language in which whoever decided saw it."""

    def lines(self) -> tuple[Text, ...]:
        """What it will do, to be said in any language."""
        return lines_from_store(self.said) or (Text("{what}", {"what": self.shown}),)


@permitted(Permission.SEE_REQUESTS)
def decide(ctx: Context, id: int, status: RequestStatus, *, language: str = "en") -> Request:
    """Grant or refuse a request of somebody else, or take back one's own by refusing it. Returns
    it as it was decided. `language` is the one in which whoever decides sees it.

    Raises:
        NotPermittedError: whoever decides asked for it, or lacks the permission that it is about.
        RefusedError: they must not handle the person whom it is about.
        ArrearsError: no such request waits, its time is over, what it asks for is not possible any
            more, or whoever acts may not know of it.
    """
    now = ctx.now()
    with ctx.engine.begin() as connection:
        found = read_request(connection, id)
        is_own = found.asked_by == ctx.actor.reference
        if not may_see(ctx.actor, found.permission, found.asked_by):
            note_use(ctx, found.permission, granted=False)
            raise no_request(id)
        if not is_own:
            ask(ctx, found.permission)
            of = connection.execute(
                select(request.c.loan, request.c.borrower).where(request.c.id == id)
            ).one()
            assert_may_report(connection, ctx.actor, of._asdict())
        elif status is RequestStatus.GRANTED:
            note_use(ctx, found.permission, granted=False)
            raise NotPermittedError(
                "Request {id} is your own. Ask somebody else with the permission {permission} to "
                "grant it; with `arrears request refuse {id}` you take it back.",
                id=id,
                permission=found.permission,
            )
        if is_own:
            status = RequestStatus.WITHDRAWN
        moved = move_request(connection, id, status, ctx.actor.reference, now, language)
        return _with_their_words(connection, ctx, [moved])[0]


def move_request(
    connection: Connection,
    id: int,
    status: RequestStatus,
    decided_by: str,
    now: datetime,
    language: str,
) -> Request:
    """Record the decision about a request that waits. Returns it, in the zone of `now`.

    Raises:
        ArrearsError: it does not wait, its time is over, or what would be granted is done already,
            or not possible any more.
    """
    moved = (
        update(request)
        .where(
            request.c.id == id,
            request.c.status.in_(sources(MOVES, status)),
            is_in_time(now),
        )
        .values(status=status, decided_by=decided_by, decided_at=now, decided_in=language)
        .returning(*columns_of(Request, request))
    )
    decided = typed_row(Request, connection.execute(moved), now.tzinfo)
    if decided is None:
        raise ArrearsError(
            "Request {id} does not wait for a decision any more. `arrears request list` shows "
            "those that do.",
            id=id,
        )
    if status is RequestStatus.GRANTED:
        _assert_still_possible(connection, decided, now)
    return decided


def _assert_still_possible(connection: Connection, granted: Request, now: datetime) -> None:
    """
    Raises:
        ArrearsError: what would be granted is done already, or not possible any more.
    """
    if (why := why_no_longer(connection, _as_asked(granted), now)) is not None:
        raise ArrearsError(
            "{why} Request {id} cannot be granted any more: refuse it, or `arrears request refuse "
            "{id}`. If it is still wanted, {asked_by} does the same again: what is possible by "
            "then is asked for anew.",
            why=why,
            id=granted.id,
            asked_by=granted.asked_by,
        )


def _as_asked(of: Request) -> AskedFor:
    return AskedFor(Permission(of.permission), of.lines(), of.asked_by, of.asked_at)


def read_request(connection: Connection, id: int) -> Request:
    """One request.

    Raises:
        ArrearsError: there is none with this id.
    """
    asked = select(*columns_of(Request, request)).where(request.c.id == id)
    found = typed_row(Request, connection.execute(asked))
    if found is None:
        raise no_request(id)
    return found._replace(permission=Permission(found.permission))


def no_request(id: int) -> NotKnownError:
    """The answer to who asks for a request that is not there, or of which they may not know."""
    return NotKnownError(
        "There is no request {id}. The list of requests shows those that wait.", id=id
    )


@permitted(Permission.SEE_REQUESTS)
def waiting_requests(ctx: Context, asked: Asked = ALL) -> Page[Request]:
    """What whoever acts may do something about: requests that they may decide, and their own that
    wait, or were granted or refused and are in time. The oldest first, in the lender's zone;
    counted by their status. What was overtaken meanwhile Arrears refuses first.

    Raises:
        ArrearsError: the page is of another list.
    """
    assert_of((_LIST,), asked)
    waits = request.c.status == RequestStatus.ASKED
    listed = request.c.status.in_(_LISTED_TO_WHO_ASKED)
    which = is_in_time(ctx.now()) & (waits | (_is_own(ctx.actor) & listed))
    decided_by_them = [each for each in PERMISSIONS if may(ctx.actor, each)]
    with ctx.engine.begin() as connection:
        _refuse_overtaken(connection, ctx.now())
        return _read(connection, ctx, which, decided_by_them, asked)


@permitted(Permission.SEE_REQUESTS)
def all_requests(connection: Connection, ctx: Context) -> Page[Request]:
    """Every request on record that whoever acts may know of, with what became of it."""
    seen = [each for each in PERMISSIONS if may_see(ctx.actor, each, asked_by="")]
    return _read(connection, ctx, true(), seen, ALL)


_LIST = "requests"
_LISTED_TO_WHO_ASKED = (RequestStatus.ASKED, RequestStatus.GRANTED, RequestStatus.REFUSED)
_LOOKED_AT = 200
"""How many that wait are looked at each time that a list is read, the oldest first."""


def _refuse_overtaken(connection: Connection, now: datetime) -> None:
    """Refuse what nobody can grant any more: it is done already, or not possible now. Whoever asked
    sees it, and does the same again if it is still wanted."""
    waiting = (
        select(*columns_of(Request, request))
        .where(
            request.c.status == RequestStatus.ASKED,
            request.c.permission.in_(tuple(PERMISSIONS)),
            is_in_time(now),
        )
        .order_by(request.c.id)
        .limit(_LOOKED_AT)
    )
    overtaken = [
        each.id
        for each in typed_rows(Request, connection.execute(waiting), now.tzinfo)
        if why_no_longer(connection, _as_asked(each), now) is not None
    ]
    if overtaken:
        open_ones = request.c.status.in_(sources(MOVES, RequestStatus.REFUSED))
        refused = {"status": RequestStatus.REFUSED, "decided_by": ARREARS.reference}
        connection.execute(
            update(request)
            .where(request.c.id.in_(overtaken), open_ones)
            .values(**refused, decided_at=now)
        )


def _is_own(actor: Actor) -> ColumnElement[bool]:
    if actor.kind is not ActorKind.STAFF:
        return false()
    return request.c.asked_by == actor.reference


def _read(
    connection: Connection,
    ctx: Context,
    which: ColumnElement[bool],
    permissions: Collection[Permission],
    asked: Asked,
) -> Page[Request]:
    """Those of them that are one's own, or about these permissions: not what is about people whom
    whoever acts must not handle, unless they asked for it themselves."""
    own, zone = _is_own(ctx.actor), ctx.now().tzinfo
    rows = select(*columns_of(Request, request)).where(
        which,
        request.c.permission.in_(tuple(PERMISSIONS)),
        own | request.c.permission.in_(permissions),
        own | and_(true(), *readable(ctx.actor, *_whose())),
    )

    def make(row: Row[Any]) -> Request:
        values: dict[str, Any] = {
            name: value.astimezone(zone) if isinstance(value, datetime) else value
            for name, value in row._mapping.items()
            if name in Request._fields
        }
        made = Request(**values)
        return made._replace(permission=Permission(made.permission))

    counts = count_rows(rows, request.c.status)
    found = read_page(connection, Listing(_LIST, rows, (request.c.id,), make, counts), asked)
    return replace(found, rows=tuple(_with_their_words(connection, ctx, found.rows)))


def _whose() -> list[Any]:
    """The records that a request is about, by the loan and by the record that it names."""
    of_loan = select(loan.c.borrower_id).where(loan.c.external_id == request.c.loan)
    named = select(borrower.c.id).where(borrower.c.external_id == request.c.borrower)
    return [each.correlate(request).scalar_subquery() for each in (of_loan, named)]


def _with_their_words(
    connection: Connection, ctx: Context, requests: Sequence[Request]
) -> list[Request]:
    """The requests, with the words of those who asked, where whoever acts may decide about it: not
    what was said of people whom they must not handle."""
    ids = {asked.why_id for asked in requests if asked.why_id and may(ctx.actor, asked.permission)}
    if ids and ctx.actor.kind is ActorKind.STAFF:
        kept_away = or_(*(is_kept_away_from(ctx.actor.reference, each) for each in _whose()))
        of_others = request.c.asked_by != ctx.actor.reference
        closed = select(request.c.why_id).where(request.c.why_id.in_(ids), of_others, kept_away)
        ids -= set(connection.execute(closed).scalars())
    opened = open_words(connection, ctx.cipher, ids)
    return [
        _with_words(asked, opened.get(asked.why_id) if asked.why_id else None) for asked in requests
    ]


def _with_words(asked: Request, typed: str | None) -> Request:
    if not typed:
        return asked
    words = tuple(lines_of_words(typed))
    return asked._replace(
        shown=f"{asked.shown}\n{in_english(words)}",
        said=stored_lines((*asked.lines(), *words)),
    )


def is_in_time(now: datetime) -> ColumnElement[bool]:
    """Whether a request can still be granted, or carried out."""
    return request.c.asked_at > now - VALID_FOR


def withdraw_grants(connection: Connection, references: Collection[str]) -> None:
    """What these people have granted and is not carried out yet counts no longer."""
    connection.execute(
        update(request)
        .where(request.c.decided_by.in_(references), request.c.status == RequestStatus.GRANTED)
        .values(status=RequestStatus.REFUSED)
    )
