"""What needs two persons: asked for by one, granted by another, carried out once by the first.

Whoever asks sees what it will do, and repeats the same command once it is granted. What the second
person saw is on record, and it is granted to the letter: other arguments are another request.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, insert, select, true, update

from domain.actors import Actor
from domain.errors import (
    ArrearsError,
    AskedForError,
    NotOnRosterError,
    NotPermittedError,
    Text,
    text_of,
)
from domain.moves import sources
from domain.permissions import PERMISSIONS, Permission, may, needs_second_person
from domain.reasons import ReasonCode, Reasons
from domain.second_person import BREAK_GLASS, MOVES, VALID_FOR, RequestStatus, may_see
from domain.second_person_text import (
    Fact,
    Spoken,
    in_english,
    lines_from_store,
    lines_of,
    lines_of_words,
    stored_lines,
)
from workers.access.permitted import ask, note_use, permitted
from workers.context import Context
from workers.db.free_text import keep_words, open_words
from workers.db.schema import loan
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


def with_second_person(
    connection: Connection,
    ctx: Context,
    permission: Permission,
    what: Text | Reasons,
    facts: Mapping[str, Fact],
    *,
    words: Mapping[str, str | None] | None = None,
    borrower_id: int | None = None,
) -> None:
    """Go on if another person has granted exactly this to whoever acts. The grant is used up with
    the caller's transaction: if that fails, it can be tried again.

    `what` says what will be done. `facts` are all that decide what it does, by what each is called
    (see `FACTS`); of a file, what its contents change. `words` are what whoever asks typed, by what
    each is for: they go with the erasure of the borrower. All of them, and nothing else, are what
    the second person sees and what is granted. A fact called `loan` or `borrower` is the lender's
    id of what it is about: its history names both persons.

    Raises:
        SecondPersonNeededError: nobody has granted it yet. It is asked for, and on record.
        ArrearsError: of the words some say nothing.
    """
    if not needs_second_person(ctx.actor, permission):
        return
    now = ctx.now()
    lines = lines_of(what, facts)
    typed = _typed(words or {})
    said = stored_lines(lines)
    digest = _digest(permission, said, ctx.cipher.blind_index(typed) if typed else b"")
    if _use(connection, ctx.actor, digest, now):
        return
    # It stays when the caller's transaction is rolled back.
    with ctx.engine.begin() as own:
        id = _waiting(own, ctx.actor, digest, now)
        if id is None:
            why_id = None
            if typed:
                why_id = keep_words(own, ctx.cipher, typed, now, borrower_id=borrower_id)
            about = {name: facts.get(name) for name in ("loan", "borrower")}
            shown = {"shown": in_english(lines), "said": said, "why_id": why_id, **about}
            id = _ask(own, ctx.actor, permission, digest, shown, now)
    needed = text_of(
        "This needs a second person. It is asked for as request {id}: somebody else with the "
        "permission {permission} grants it with `arrears request grant {id}`. Then repeat the same "
        "command within {hours} hours.",
        id=id,
        permission=permission,
        hours=int(VALID_FOR.total_seconds() // 3600),
    )
    raise SecondPersonNeededError(needed, *lines)


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


@permitted(Permission.SEE_REQUESTS)
def decide(ctx: Context, id: int, status: RequestStatus, *, language: str = "en") -> Request:
    """Grant or refuse a request of somebody else, or take back one's own by refusing it. Returns
    it as it was decided. `language` is the one in which whoever decides sees it.

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
    """Record the decision about a request that waits.

    Raises:
        ArrearsError: it does not wait, its time is over, or what would be granted is done already.
    """
    moved = (
        update(request)
        .where(
            request.c.id == id,
            request.c.status.in_(sources(MOVES, status)),
            _is_in_time(now),
        )
        .values(status=status, decided_by=decided_by, decided_at=now, decided_in=language)
        .returning(*columns_of(Request, request))
    )
    decided = typed_row(Request, connection.execute(moved))
    if decided is None:
        raise ArrearsError(
            "Request {id} does not wait for a decision any more. `arrears request list` shows "
            "those that do.",
            id=id,
        )
    if status is RequestStatus.GRANTED and _is_done(connection, decided):
        raise ArrearsError(
            "What request {id} asks for is done already. `arrears request refuse {id}` refuses it.",
            id=id,
        )
    return decided


def _is_done(connection: Connection, asked: Request) -> bool:
    """Whether a loan was written off meanwhile, or its write-off taken back."""
    if asked.permission != Permission.WRITE_OFF:
        return False
    what = asked.lines()[0].values["what"]
    written_off = connection.execute(
        select(loan.c.written_off_on.is_not(None)).where(loan.c.external_id == asked.loan)
    ).scalar()
    becomes = {ReasonCode.WRITE_OFF_RECORDED: True, ReasonCode.WRITE_OFF_TAKEN_BACK: False}
    return isinstance(what, Spoken) and becomes.get(what.reasons[0].code) is written_off


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
    """What whoever acts may do something about: requests that they may decide, and their own that
    wait, or were granted or refused and are in time. The oldest first, in the lender's zone."""
    mine, waits = request.c.asked_by == ctx.actor.reference, request.c.status == RequestStatus.ASKED
    listed = request.c.status.in_(_LISTED_TO_WHO_ASKED)
    found = _requests(connection, ctx, _is_in_time(ctx.now()) & (waits | (mine & listed)))
    return _with_their_words(
        connection,
        ctx,
        [
            asked
            for asked in found
            if asked.asked_by == ctx.actor.reference or may(ctx.actor, asked.permission)
        ],
    )


@permitted(Permission.SEE_REQUESTS)
def all_requests(connection: Connection, ctx: Context) -> list[Request]:
    """Every request on record that whoever acts may know of, with what became of it."""
    return _with_their_words(connection, ctx, _requests(connection, ctx, true()))


_LISTED_TO_WHO_ASKED = (RequestStatus.ASKED, RequestStatus.GRANTED, RequestStatus.REFUSED)


def _requests(connection: Connection, ctx: Context, which: ColumnElement[bool]) -> list[Request]:
    """Those of them that whoever acts may know of."""
    asked = select(*columns_of(Request, request)).where(which).order_by(request.c.id)
    return [
        each._replace(permission=Permission(each.permission))
        for each in typed_rows(Request, connection.execute(asked), ctx.now().tzinfo)
        if each.permission in PERMISSIONS
        and may_see(ctx.actor, Permission(each.permission), each.asked_by)
    ]


def _with_their_words(
    connection: Connection, ctx: Context, requests: Sequence[Request]
) -> list[Request]:
    """The requests, and in what is shown of each what whoever asks typed, if whoever acts may
    decide about it."""
    ids = {asked.why_id for asked in requests if asked.why_id and may(ctx.actor, asked.permission)}
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


def _is_in_time(now: datetime) -> ColumnElement[bool]:
    """Whether a request can still be granted, or carried out."""
    return request.c.asked_at > now - VALID_FOR


def _digest(permission: Permission, said: Sequence[Any], typed: bytes) -> bytes:
    asked = [permission, said, typed.hex()]
    return sha256(json.dumps(asked, sort_keys=True).encode()).digest()


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
    shown: Mapping[str, object],
    now: datetime,
) -> int:
    """Ask for it; returns the id of the request."""
    asked = (
        insert(request)
        .values(
            permission=permission,
            digest=digest,
            status=RequestStatus.ASKED,
            asked_by=actor.reference,
            asked_at=now,
            **shown,
        )
        .returning(request.c.id)
    )
    return int(connection.execute(asked).scalar_one())
