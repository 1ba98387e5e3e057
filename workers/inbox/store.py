"""Events from outside are stored first, each of them once: what its sender said, and said last."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from domain.errors import (
    AppliedOtherwiseError,
    ArrearsError,
    text_of,
)
from domain.events import (
    STAFF,
)
from domain.permissions import Permission
from workers.access.permitted import permitted
from workers.context import Context
from workers.db import inbox
from workers.db.encryption import Cipher
from workers.db.engine import autocommit
from workers.db.free_text import sealed
from workers.inbox.kinds import EVENT_KINDS


def store_event(
    connection: Connection,
    external_id: str,
    kind: str,
    payload: Mapping[str, Any],
    now: datetime,
    *,
    sender: str = STAFF,
    wait: bool = True,
    cipher: Cipher | None = None,
) -> int:
    """Store an event under the id its sender gave it; returns the id of its row.

    The same event twice is stored once. Until it is applied, the same id with other contents
    corrects it, and what it said before is kept; its kind never changes. The payload must hold no
    personal data that is not encrypted. Without `wait`, a correction of an event that is being
    applied right now fails at once. With `cipher` it is compared with what an earlier release
    stored, too, which did not encrypt what people typed.

    Raises:
        AppliedOtherwiseError: it was applied already, with other contents.
        ArrearsError: it is of another kind.
        OperationalError: it is locked, and `wait` is False.
    """
    stored = _insert_new(connection, sender, external_id, kind, payload, now)
    if stored is not None:
        return stored
    # Whoever applies it has it locked, perhaps for long: the same event again does not wait.
    known = inbox.event_known_as(connection, sender, external_id)
    if known.kind != kind:
        raise ArrearsError(
            "{external_id} is on record as an event of the kind {kind}, and its kind never "
            "changes. Send this one under an id of its own.",
            external_id=external_id,
            kind=known.kind,
        )
    before = sealed(cipher, known.payload) if cipher else known.payload
    if _said(before) == _said(payload):
        return known.id
    known = inbox.lock_event_known_as(connection, sender, external_id, wait=wait)
    if not inbox.correct_event(connection, known, payload, EVENT_KINDS[kind].pending, now):
        named = known.payload.get("loan")
        raise AppliedOtherwiseError(
            "{external_id} is on record with other contents{of} and was applied. Send "
            "what is new under an id of its own.",
            external_id=external_id,
            of=text_of(", for loan {loan},", loan=named) if named else text_of(","),
        )
    return known.id


def permission_of_event(
    ctx: Context, external_id: str, kind: str, *_: Any, **__: Any
) -> Permission:
    """What whoever reports an event must be permitted."""
    return EVENT_KINDS[kind].permission


@permitted(permission_of_event)
def store_and_commit(
    ctx: Context,
    external_id: str,
    kind: str,
    payload: Mapping[str, Any],
    now: datetime,
    *,
    sender: str = STAFF,
    wait: bool = True,
) -> int:
    """`store_event` in a transaction of its own. A new event costs one round trip."""
    payload = sealed(ctx.cipher, payload)
    stored = _store_unless_known(ctx, sender, external_id, kind, payload, now)
    if stored is not None:
        return stored
    with ctx.engine.begin() as connection:
        return store_event(
            connection,
            external_id,
            kind,
            payload,
            now,
            sender=sender,
            wait=wait,
            cipher=ctx.cipher,
        )


@permitted(permission_of_event)
def store_unless_known(
    ctx: Context, external_id: str, kind: str, payload: Mapping[str, Any], *, sender: str
) -> int | None:
    """Store an event whose contents its id stands for; None if it is stored already. One round
    trip, which waits for nobody."""
    return _store_unless_known(ctx, sender, external_id, kind, payload, ctx.now())


def _store_unless_known(
    ctx: Context,
    sender: str,
    external_id: str,
    kind: str,
    payload: Mapping[str, Any],
    now: datetime,
) -> int | None:
    with autocommit(ctx.engine) as connection:
        return _insert_new(connection, sender, external_id, kind, payload, now)


def _insert_new(
    connection: Connection,
    sender: str,
    external_id: str,
    kind: str,
    payload: Mapping[str, Any],
    now: datetime,
) -> int | None:
    pending = EVENT_KINDS[kind].pending
    return inbox.insert_event(connection, sender, external_id, kind, payload, pending, now)


def _said(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a payload says, whoever reported it: the same event may be reported by two people."""
    return {name: value for name, value in inbox.comparable(payload).items() if name != "actor"}
