"""The first administrator, and the ways in when nobody else is there. They are for who operates
the server, need no token, and each use is on record and shown by `arrears check` for a week."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.actors import Role
from domain.errors import ArrearsError, NotSignedInError, Text, text_of
from domain.second_person import BREAK_GLASS, RequestStatus
from domain.second_person_text import in_english, lines_from_store, stored_lines
from workers.access.names import assert_free_for_staff
from workers.access.os_account import os_account
from workers.access.requests import Request, move_request, read_request
from workers.access.secrets import write_new_secret
from workers.access.tokens import store_token
from workers.context import Context
from workers.db.free_text import TYPED, keep_words, open_words
from workers.db.schema import break_glass, staff
from workers.db.staff import roles_of_all
from workers.db.typed_rows import columns_of, typed_rows

log = logging.getLogger(__name__)

SHOWN_FOR = timedelta(days=7)
FIRST_TOKEN_DAYS = 90
BREAK_GLASS_DAYS = 1


class BreakGlass(NamedTuple):
    """One use of a way in that needs no token."""

    at: datetime
    os_user: str
    """The account of the operating system."""
    what: str
    """In English."""
    said: Any
    """The same as `stored_lines` has it; of an earlier release None."""
    why: str
    why_id: UUID | None

    def lines(self) -> tuple[Text, ...]:
        """What was done, to be said in any language."""
        return lines_from_store(self.said) or (Text("{what}", {"what": self.what}),)


def make_first_administrator(ctx: Context, reference: str, file: Path) -> None:
    """Put the first administrator on the roster, with a token in a file that does not exist yet.

    Who has left, and who stood in for a time that is over, is no administrator any more: where no
    other is left, this makes the next one.

    Raises:
        ArrearsError: there is an administrator, the reference is of somebody who left or of a
            machine, or the file exists.
    """
    with ctx.engine.begin() as connection:
        connection.execute(text("LOCK TABLE staff IN SHARE ROW EXCLUSIVE MODE"))
        if administrators := _administrators(connection, ctx):
            raise ArrearsError(
                "There is an administrator, {administrator}, so there is no first one to make. If "
                "their token is lost, `arrears administrator break-glass` makes another.",
                administrator=administrators[0],
            )
        left = select(staff.c.left_on).where(
            staff.c.external_id == reference, staff.c.left_on <= ctx.today()
        )
        if (left_on := connection.execute(left).scalar()) is not None:
            raise ArrearsError(
                "{reference} has left on {day}. Name somebody who has not.",
                reference=reference,
                day=left_on,
            )
        assert_free_for_staff(connection, [reference])
        row = {"external_id": reference, "roles": [Role.ADMINISTRATOR], "daily_capacity": 0}
        connection.execute(
            upsert(staff)
            .values(**row)
            .on_conflict_do_update(
                index_elements=[staff.c.external_id],
                set_={"roles": func.array_append(staff.c.roles, Role.ADMINISTRATOR)},
            )
        )
        _note(
            connection,
            ctx,
            text_of("first administrator {reference}", reference=reference),
            "installation",
        )
        digest = write_new_secret(file)
        store_token(connection, ctx, reference, digest, of_machine=False, days=FIRST_TOKEN_DAYS)


@contextmanager
def naming_the_first_step(ctx: Context) -> Iterator[None]:
    """Say to whoever is not signed in how the first administrator is made, while there is none:
    nobody could enrol a token for them.

    Raises:
        NotSignedInError: as the body raises it, or with that.
    """
    try:
        yield
    except NotSignedInError:
        with ctx.engine.connect() as connection:
            if _administrators(connection, ctx):
                raise
        raise NotSignedInError(
            "Nobody is signed in, and there is no administrator yet who could enrol a token. "
            "`arrears administrator first REFERENCE`, on the server, makes the first one, with a "
            "token for whoever runs it."
        ) from None


def break_glass_token(ctx: Context, reference: str, file: Path, why: str) -> None:
    """Make a token of one day for an administrator who has none any more.

    Raises:
        ArrearsError: the reference is not that of an administrator today, or the file exists.
    """
    with ctx.engine.begin() as connection:
        if reference not in _administrators(connection, ctx):
            raise ArrearsError("{reference} is no administrator now.", reference=reference)
        _note(
            connection, ctx, text_of("token for {reference}", reference=reference), TYPED, typed=why
        )
        digest = write_new_secret(file)
        store_token(connection, ctx, reference, digest, of_machine=False, days=BREAK_GLASS_DAYS)


def break_glass_grant(ctx: Context, id: int, why: str, *, language: str = "en") -> Request:
    """Grant a request because no second person is there. `language` is the one in which whoever
    grants it sees it.

    Raises:
        ArrearsError: no such request waits.
    """
    with ctx.engine.begin() as connection:
        found = read_request(connection, id)
        first, *others = found.lines()
        what = text_of("request {id}: {what}", id=str(id), what=first)
        os_user = _note(connection, ctx, what, TYPED, others=others, typed=why)
        granted_by = f"{BREAK_GLASS}{os_user}"
        return move_request(connection, id, RequestStatus.GRANTED, granted_by, ctx.now(), language)


def recent_uses(connection: Connection, ctx: Context) -> Sequence[BreakGlass]:
    """The uses of the last week, the newest first, with what was typed, in the lender's zone."""
    recent = (
        select(*columns_of(BreakGlass, break_glass))
        .where(break_glass.c.at > ctx.now() - SHOWN_FOR)
        .order_by(break_glass.c.id.desc())
    )
    uses = typed_rows(BreakGlass, connection.execute(recent), ctx.settings.lender_zone)
    ids = {use.why_id for use in uses if use.why_id}
    opened = open_words(connection, ctx.cipher, ids)
    return [
        use._replace(why=opened.get(use.why_id) or use.why) if use.why_id else use for use in uses
    ]


def _administrators(connection: Connection, ctx: Context) -> list[str]:
    """Those who are administrators today, by reference."""
    members = roles_of_all(connection, ctx.today())
    return sorted(who for who, roles in members.items() if Role.ADMINISTRATOR in roles)


def _note(
    connection: Connection,
    ctx: Context,
    what: Text,
    code: str,
    *,
    others: Sequence[Text] = (),
    typed: str | None = None,
) -> str:
    """Record what was done, and why: a code of ours, or what a person typed, which no log has."""
    os_user, now = os_account(), ctx.now()
    said = (what, *others)
    in_words = in_english(said)
    log.critical("without a token, by %s on the server: %s", os_user, in_words)
    why_id = keep_words(connection, ctx.cipher, typed, now) if typed else None
    connection.execute(
        insert(break_glass).values(
            at=now,
            os_user=os_user,
            what=in_words,
            said=stored_lines(said),
            why=code,
            why_id=why_id,
        )
    )
    return os_user
