"""Who holds a secret. What they may do is asked by the use case: `permitted.py`."""

import logging
from collections.abc import Callable
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, or_, select, update

from domain.actors import NOBODY, Actor, ActorKind
from domain.errors import NotSignedInError
from domain.permissions import Membership, Permission, scopes_in
from workers.access.permitted import note_use
from workers.access.secrets import digest_of
from workers.context import Context
from workers.db.schema import machine, staff, token
from workers.db.staff import is_name_of_staff
from workers.db.typed_rows import columns_of, typed_row

log = logging.getLogger(__name__)


def authenticate(
    ctx: Context,
    secret: str,
    permission: Permission,
    assert_works: Callable[[Context], None] = lambda ctx: None,
) -> Context:
    """The context of whoever holds the secret now, for one command or call.

    `permission` is what it will ask for: that is on record of somebody who is not known too.
    `assert_works` is asked once it is known who it is; if it raises, the token was not used.

    Raises:
        NotSignedInError: the secret is not known or no longer valid. The message is the same for
            a secret that never was one.
    """
    with ctx.engine.begin() as connection:
        actor = _holder(connection, secret, ctx.now())
        if actor is not None:
            assert_works(ctx)
    if actor is None:
        note_use(ctx.acting(NOBODY), permission, granted=False)
        log.info("refused: %s to somebody who is not known", permission)
        raise _not_known()
    return ctx.acting(actor)


def _not_known() -> NotSignedInError:
    return NotSignedInError(
        "The token is not known here, was revoked, or is over. `arrears token new` makes a new "
        "one, and an administrator enrols it."
    )


class _Holder(NamedTuple):
    token_id: int
    staff: str | None
    roles: list[str] | None
    trained_on: date | None
    left_on: date | None
    stands_in_for: list[str] | None
    stands_in_until: date | None
    machine: str | None
    scopes: list[str] | None


def _holder(connection: Connection, secret: str, now: datetime) -> Actor | None:
    """Whose secret it is; None if no token that is still valid has it. The last use of the token is
    noted."""
    columns = columns_of(
        _Holder,
        staff,
        machine,
        token_id=token.c.id,
        staff=staff.c.external_id,
        machine=machine.c.name,
    )
    valid = (
        select(*columns)
        .select_from(token)
        .outerjoin(staff, staff.c.id == token.c.staff_id)
        .outerjoin(machine, machine.c.id == token.c.machine_id)
        .where(
            token.c.digest == digest_of(secret),
            token.c.revoked_at.is_(None),
            token.c.expires_at > now,
            machine.c.revoked_at.is_(None),
            or_(machine.c.expires_at.is_(None), machine.c.expires_at > now),
            # Nobody could say of which of the two it is on record that they did something.
            or_(machine.c.name.is_(None), ~is_name_of_staff(machine.c.name)),
        )
    )
    found = typed_row(_Holder, connection.execute(valid))
    if found is None:
        return None
    connection.execute(update(token).where(token.c.id == found.token_id).values(last_used_at=now))
    if found.machine is not None:
        return Actor(found.machine, ActorKind.MACHINE, scopes=scopes_in(found.scopes or ()))
    member = Membership(
        found.roles or (),
        found.trained_on,
        found.left_on,
        found.stands_in_for or (),
        found.stands_in_until,
    )
    return Actor(str(found.staff), roles=member.roles_on(now.date()))
