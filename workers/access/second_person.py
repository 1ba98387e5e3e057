"""What needs two persons: asked for by one, granted by another, carried out once by the first.

Whoever asks sees what it will do, and repeats the same command once it is granted. What the second
person saw is on record, and it is granted to the letter: other arguments are another request.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, insert, select, update

from domain.actors import Actor
from domain.errors import ArrearsError, AskedForError, NotOnRosterError, NotPermittedError
from domain.moves import sources
from domain.permissions import PERMISSIONS, Permission, may, needs_second_person
from domain.second_person import BREAK_GLASS, MOVES, VALID_FOR, RequestStatus, may_see
from workers.access.permitted import ask, note_use, permitted
from workers.context import Context
from workers.db.free_text import keep_words, open_words
from workers.db.schema import second_person_request as request
from workers.db.staff import roles_of
from workers.db.typed_rows import columns_of, typed_row, typed_rows


class SecondPersonNeededError(AskedForError):
    """It was asked for, and waits until another person grants it."""


class Request(NamedTuple):
    """A request for a second person."""

    id: int
    permission: Permission
    shown: str
    """What it will do, in English, as both persons saw it. No personal data."""
    status: RequestStatus
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    done_at: datetime | None
    why_id: UUID | None
    """What whoever asks typed."""


def with_second_person(
    connection: Connection,
    ctx: Context,
    permission: Permission,
    what: str,
    facts: Mapping[str, object],
    *,
    words: Mapping[str, str | None] | None = None,
    borrower_id: int | None = None,
) -> None:
    """Go on if another person has granted exactly this to whoever acts. The grant is used up with
    the caller's transaction: if that fails, it can be tried again.

    `what` says in English what will be done. `facts` are all that decide what it does, by what each
    is called; of a file, what its contents change. `words` are what whoever asks typed, by what
    each is for: they go with the erasure of the borrower. All of them, and nothing else, are what
    the second person sees and what is granted.

    Raises:
        SecondPersonNeededError: nobody has granted it yet. It is asked for, and on record.
        ArrearsError: of the words some say nothing.
    """
    if not needs_second_person(ctx.actor, permission):
        return
    now = ctx.now()
    shown = "\n".join((what, *(f"{name}: {_shown(value)}" for name, value in facts.items())))
    typed = _typed(words or {})
    digest = _digest(permission, what, facts, ctx.cipher.blind_index(typed) if typed else b"")
    if _use(connection, ctx.actor, digest, now):
        return
    # It stays when the caller's transaction is rolled back.
    with ctx.engine.begin() as own:
        id = _waiting(own, ctx.actor, digest, now)
        if id is None:
            why_id = None
            if typed:
                why_id = keep_words(own, ctx.cipher, typed, now, borrower_id=borrower_id)
            id = _ask(own, ctx.actor, permission, digest, shown, why_id, now)
    raise SecondPersonNeededError(
        "This needs a second person. It is asked for as request {id}: somebody else with the "
        "permission {permission} grants it with `arrears request grant {id}`. Then repeat the same "
        "command within {hours} hours.",
        id=id,
        permission=permission,
        hours=int(VALID_FOR.total_seconds() // 3600),
    )


def assert_says_something(name: str, words: str | None) -> None:
    """Check that what somebody typed, if they did, has a letter or a digit.

    Raises:
        ArrearsError: it has none.
    """
    if words is not None and not any(character.isalnum() for character in words):
        raise ArrearsError("What is written for {name} says nothing. Write it out.", name=name)


def _typed(words: Mapping[str, str | None]) -> str:
    """What was typed, each with its name and in quotation marks: no words can look like others."""
    for name, given in words.items():
        assert_says_something(name, given)
    return "\n".join(
        f"{name}: {json.dumps(given, ensure_ascii=False)}"
        for name, given in words.items()
        if given is not None
    )


def _shown(value: object) -> str:
    """A fact as the second person reads it, in one line."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value)) or "none"
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_exact)
    text = str(value) if isinstance(value, str | int) else _exact(value)
    return text if text.isprintable() else json.dumps(text)


@permitted(Permission.SEE_REQUESTS)
def decide(ctx: Context, id: int, status: RequestStatus) -> Request:
    """Grant or refuse a request of somebody else, or take back one's own by refusing it. Returns
    it as it was decided.

    Raises:
        NotPermittedError: whoever decides asked for it, or lacks the permission that it is about.
        ArrearsError: no such request waits, its time is over, or whoever acts may not know of it.
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
        moved = move_request(connection, id, status, ctx.actor.reference, now)
        return _with_their_words(connection, ctx, [moved])[0]


def move_request(
    connection: Connection, id: int, status: RequestStatus, decided_by: str, now: datetime
) -> Request:
    """Record the decision about a request that waits.

    Raises:
        ArrearsError: it does not wait, or its time is over.
    """
    moved = (
        update(request)
        .where(
            request.c.id == id,
            request.c.status.in_(sources(MOVES, status)),
            _is_in_time(now),
        )
        .values(status=status, decided_by=decided_by, decided_at=now)
        .returning(*columns_of(Request, request))
    )
    decided = typed_row(Request, connection.execute(moved))
    if decided is None:
        raise ArrearsError(
            "Request {id} does not wait for a decision any more. `arrears request list` shows "
            "those that do.",
            id=id,
        )
    return decided


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


def no_request(id: int) -> ArrearsError:
    """The answer to who asks for a request that is not there, or of which they may not know."""
    return ArrearsError(
        "There is no request {id}. `arrears request list` shows those that wait.", id=id
    )


@permitted(Permission.SEE_REQUESTS)
def waiting_requests(connection: Connection, ctx: Context) -> list[Request]:
    """The requests that wait for a decision and that whoever acts may know of, the oldest first, in
    the lender's zone."""
    now = ctx.now()
    waiting = (
        select(*columns_of(Request, request))
        .where(request.c.status == RequestStatus.ASKED, _is_in_time(now))
        .order_by(request.c.id)
    )
    requests = typed_rows(Request, connection.execute(waiting), now.tzinfo)
    seen = [
        asked
        for asked in requests
        if asked.permission in PERMISSIONS
        and may_see(ctx.actor, Permission(asked.permission), asked.asked_by)
    ]
    return _with_their_words(connection, ctx, seen)


def _with_their_words(
    connection: Connection, ctx: Context, requests: Sequence[Request]
) -> list[Request]:
    """The requests, and in what is shown of each what whoever asks typed, if whoever acts may
    decide about it."""
    ids = {asked.why_id for asked in requests if asked.why_id and may(ctx.actor, asked.permission)}
    opened = open_words(connection, ctx.cipher, ids)
    return [
        asked._replace(shown=f"{asked.shown}\n{opened[asked.why_id]}")
        if asked.why_id and opened.get(asked.why_id)
        else asked
        for asked in requests
    ]


def _is_in_time(now: datetime) -> ColumnElement[bool]:
    """Whether a request can still be granted, or carried out."""
    return request.c.asked_at > now - VALID_FOR


def _digest(permission: Permission, what: str, facts: Mapping[str, object], typed: bytes) -> bytes:
    """The same in every process: what has no order of its own, such as a set, is refused."""
    asked = [permission, what, facts, typed.hex()]
    return sha256(json.dumps(asked, sort_keys=True, default=_exact).encode()).digest()


def _exact(value: object) -> str:
    if isinstance(value, date | datetime | Decimal | UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no exact text of its own.")


def _use(connection: Connection, actor: Actor, digest: bytes, now: datetime) -> bool:
    """Use up a grant of somebody who could still grant it today."""
    granted = (
        select(request.c.id, request.c.decided_by, request.c.permission)
        .where(
            request.c.digest == digest,
            request.c.asked_by == actor.reference,
            request.c.status == RequestStatus.GRANTED,
            _is_in_time(now),
        )
        .order_by(request.c.id)
        .with_for_update(key_share=True)
    )
    for found in connection.execute(granted).all():
        if _may_still(connection, found.decided_by, Permission(found.permission), now):
            done = {"status": RequestStatus.DONE, "done_at": now}
            connection.execute(update(request).where(request.c.id == found.id).values(**done))
            return True
    return False


def _may_still(
    connection: Connection, granted_by: str, permission: Permission, now: datetime
) -> bool:
    """Whether whoever granted something has the permission for it today."""
    if granted_by.startswith(BREAK_GLASS):
        return True
    grantor = Actor(granted_by)
    try:
        roles = roles_of(connection, grantor, now.date())
    except NotOnRosterError:
        return False
    return may(replace(grantor, roles=roles), permission)


def withdraw_grants(connection: Connection, references: Collection[str]) -> None:
    """What these people have granted and is not carried out yet counts no longer."""
    connection.execute(
        update(request)
        .where(request.c.decided_by.in_(references), request.c.status == RequestStatus.GRANTED)
        .values(status=RequestStatus.REFUSED)
    )


def _waiting(connection: Connection, actor: Actor, digest: bytes, now: datetime) -> int | None:
    """The request that waits already: it is not asked for again."""
    known = select(request.c.id).where(
        request.c.digest == digest,
        request.c.asked_by == actor.reference,
        request.c.status == RequestStatus.ASKED,
        _is_in_time(now),
    )
    id: int | None = connection.execute(known).scalar()
    return id


def _ask(
    connection: Connection,
    actor: Actor,
    permission: Permission,
    digest: bytes,
    shown: str,
    why_id: UUID | None,
    now: datetime,
) -> int:
    """Ask for it; returns the id of the request."""
    asked = (
        insert(request)
        .values(
            permission=permission,
            digest=digest,
            shown=shown,
            why_id=why_id,
            status=RequestStatus.ASKED,
            asked_by=actor.reference,
            asked_at=now,
        )
        .returning(request.c.id)
    )
    return int(connection.execute(asked).scalar_one())
