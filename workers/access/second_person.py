"""What needs two persons: asked for by one, granted by another, carried out once by the first.

Whoever asks sees what it will do, and repeats the same command once it is granted. What the second
person saw is on record, and it is granted to the letter: other arguments are another request.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, insert, select, update

from domain.actors import Actor
from domain.errors import AskedForError, NotOnRosterError, Text, text_of
from domain.permissions import Permission, may, needs_second_person
from domain.plain_text import assert_says_something
from domain.reasons import Reasons
from domain.second_person import BREAK_GLASS, VALID_FOR, RequestStatus
from domain.second_person_text import Fact, in_english, lines_of, stored_lines
from workers.access.may_handle import must_not_report
from workers.access.requests import is_in_time
from workers.context import Context
from workers.db.free_text import keep_words
from workers.db.schema import second_person_request as request
from workers.db.staff import roles_of


class SecondPersonNeededError(AskedForError):
    """It was asked for, and waits until another person grants it."""


@dataclass(frozen=True, slots=True)
class ToGrant:
    """What a second person sees, and grants to the letter. Nothing else is shown or granted."""

    permission: Permission
    """Both must have it: whoever asks, and whoever grants."""
    what: Text | Reasons
    """What will be done."""
    facts: Mapping[str, Fact]
    """All that decide what it does, by what each is called (see `FACTS`); of a file, what its
    contents change. A fact called `loan` or `borrower` is the lender's id of what it is about: its
    history names both persons."""
    words: Mapping[str, str | None] = field(default_factory=dict)
    """What whoever asks typed, by what each is for. They go with the erasure of the borrower."""

    @property
    def said(self) -> Sequence[Any]:
        return stored_lines(lines_of(self.what, self.facts))

    @property
    def typed(self) -> str:
        """The words, each with its name and in quotation marks: no words can look like others.

        Raises:
            ArrearsError: some say nothing.
        """
        for name, given in self.words.items():
            assert_says_something(name, given)
        return "\n".join(
            f"{name}: {json.dumps(given, ensure_ascii=False)}"
            for name, given in self.words.items()
            if given is not None
        )

    def digest(self, ctx: Context) -> bytes:
        """The same for exactly the same, and for nothing else."""
        typed = self.typed
        asked = [self.permission, self.said, ctx.cipher.blind_index(typed).hex() if typed else ""]
        return sha256(json.dumps(asked, sort_keys=True).encode()).digest()


def with_second_person(
    connection: Connection, ctx: Context, asked: ToGrant, *, borrower_id: int | None = None
) -> str | None:
    """Go on if another person has granted exactly this to whoever acts. The grant is used up with
    the caller's transaction: if that fails, it can be tried again.

    Returns the reference of that person; None: nobody is needed.

    Raises:
        SecondPersonNeededError: nobody has granted it yet. It is asked for, and on record.
        ArrearsError: of the words some say nothing.
    """
    if not needs_second_person(ctx.actor, asked.permission):
        return None
    now, digest = ctx.now(), asked.digest(ctx)
    if granted_by := _use(connection, ctx.actor, digest, now):
        return granted_by
    lines = lines_of(asked.what, asked.facts)
    # It stays when the caller's transaction is rolled back.
    with ctx.engine.begin() as own:
        id = _waiting(own, ctx.actor, digest, now)
        if id is None:
            why_id = None
            if typed := asked.typed:
                why_id = keep_words(own, ctx.cipher, typed, now, borrower_id=borrower_id)
            about = {name: asked.facts.get(name) for name in ("loan", "borrower")}
            shown = {"shown": in_english(lines), "said": asked.said, "why_id": why_id, **about}
            id = _ask(own, ctx.actor, asked.permission, digest, shown, now)
    needed = text_of(
        "This needs a second person. It is asked for as request {id}: somebody else with the "
        "permission {permission} grants it, at the desk or with `arrears request grant {id}`. Then "
        "repeat the same within {hours} hours.",
        id=id,
        permission=asked.permission,
        hours=int(VALID_FOR.total_seconds() // 3600),
    )
    raise SecondPersonNeededError(needed, *lines)


def was_done(connection: Connection, ctx: Context, asked: ToGrant) -> bool:
    """Whether exactly this was granted to whoever acts, and they have done it. They say it again,
    because the answer was lost."""
    done = select(request.c.id).where(
        request.c.digest == asked.digest(ctx),
        request.c.asked_by == ctx.actor.reference,
        request.c.status == RequestStatus.DONE,
        is_in_time(ctx.now()),
    )
    return connection.execute(done).first() is not None


def _use(connection: Connection, actor: Actor, digest: bytes, now: datetime) -> str | None:
    """Use up a grant of somebody who could still grant it today; returns who granted it."""
    granted = (
        select(
            request.c.id,
            request.c.decided_by,
            request.c.permission,
            request.c.loan,
            request.c.borrower,
        )
        .where(
            request.c.digest == digest,
            request.c.asked_by == actor.reference,
            request.c.status == RequestStatus.GRANTED,
            is_in_time(now),
        )
        .order_by(request.c.id)
        .with_for_update(key_share=True)
    )
    for found in connection.execute(granted).all():
        about = {"loan": found.loan, "borrower": found.borrower}
        if _may_still(connection, found.decided_by, Permission(found.permission), about, now):
            done = {"status": RequestStatus.DONE, "done_at": now}
            connection.execute(update(request).where(request.c.id == found.id).values(**done))
            return str(found.decided_by)
    return None


def _may_still(
    connection: Connection,
    granted_by: str,
    permission: Permission,
    about: Mapping[str, str | None],
    now: datetime,
) -> bool:
    """Whether whoever granted something has the permission for it today, and may handle whom it is
    about."""
    if granted_by.startswith(BREAK_GLASS):
        return True
    grantor = Actor(granted_by)
    try:
        roles = roles_of(connection, grantor, now.date())
    except NotOnRosterError:
        return False
    if not may(replace(grantor, roles=roles), permission):
        return False
    return not must_not_report(connection, grantor, about)


def _waiting(connection: Connection, actor: Actor, digest: bytes, now: datetime) -> int | None:
    """The request that waits already: it is not asked for again."""
    known = select(request.c.id).where(
        request.c.digest == digest,
        request.c.asked_by == actor.reference,
        request.c.status == RequestStatus.ASKED,
        is_in_time(now),
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
