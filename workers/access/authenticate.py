"""Who holds a secret, and whether they have a permission: one question, on record."""

import logging
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, or_, select, update

from domain.actors import Actor, ActorKind
from domain.errors import NotPermittedError
from domain.permissions import Membership, Permission, assert_may, scopes_in
from workers.access.secrets import digest_of
from workers.context import Context
from workers.db.schema import machine, permission_use, staff, token
from workers.db.typed_rows import columns_of, typed_row

log = logging.getLogger(__name__)


def authenticate(ctx: Context, secret: str, permission: Permission) -> Actor:
    """Whoever holds the secret, if they have the permission now. Granted or refused, it is on
    record.

    Raises:
        NotPermittedError: the secret is not known or no longer valid, or its holder lacks the
            permission. The message is the same for a secret that never was one.
    """
    now = ctx.now()
    actor, refusal = None, None
    with ctx.engine.begin() as connection:
        try:
            actor = _holder(connection, secret, now)
            assert_may(actor, permission)
        except NotPermittedError as error:
            refusal = error
        _note_use(connection, actor, permission, now, granted=refusal is None)
    if actor is None or refusal is not None:
        log.info("refused: %s to %s", permission, actor or "somebody who is not known")
        raise refusal or _not_known()
    return actor


def _not_known() -> NotPermittedError:
    return NotPermittedError(
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


def _holder(connection: Connection, secret: str, now: datetime) -> Actor:
    """Whose secret it is. The last use of the token is noted.

    Raises:
        NotPermittedError: no token that is still valid has this secret.
    """
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
        )
    )
    found = typed_row(_Holder, connection.execute(valid))
    if found is None:
        raise _not_known()
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


def _note_use(
    connection: Connection,
    actor: Actor | None,
    permission: Permission,
    now: datetime,
    *,
    granted: bool,
) -> None:
    connection.execute(
        insert(permission_use).values(
            at=now,
            actor=actor.reference if actor else None,
            actor_kind=actor.kind if actor else None,
            permission=permission,
            granted=granted,
        )
    )
