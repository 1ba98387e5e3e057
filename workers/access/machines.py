"""Machines of the lender's: what each may do, how often, and until when."""

from collections.abc import Collection
from datetime import datetime, tzinfo
from typing import NamedTuple

from sqlalchemy import Connection, ScalarSelect, select, update
from sqlalchemy.dialects.postgresql import insert

from domain.actors import Actor, ActorKind
from domain.errors import ArrearsError, text_of
from domain.permissions import PERMISSIONS, Permission, scopes_in
from workers.access.names import assert_free_for_machine
from workers.access.permitted import permitted
from workers.access.second_person import ToGrant, with_second_person
from workers.access.tokens import revoke_of
from workers.context import Context
from workers.db.schema import machine, token
from workers.db.staff import is_name_of_staff
from workers.db.typed_rows import columns_of, typed_rows

CALLS_A_MINUTE = 600
"""What a machine may call over HTTP where nothing else was said."""


class Machine(NamedTuple):
    """A machine on record."""

    name: str
    """The name under which it sends events."""
    scopes: list[str]
    calls_a_minute: int
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def said(self) -> list[object]:
        """What it may do, or might until it was revoked."""
        said: list[object] = [
            *self.scopes,
            text_of("{calls} calls a minute", calls=self.calls_a_minute),
        ]
        if self.expires_at:
            said.append(text_of("until {moment}", moment=self.expires_at))
        if self.revoked_at:
            said.append(text_of("revoked {moment}", moment=self.revoked_at))
        return said

    def actor_at(self, now: datetime) -> Actor | None:
        """It as an actor; None if it was revoked, or its time is over."""
        if self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now):
            return None
        return Actor(self.name, ActorKind.MACHINE, scopes=scopes_in(self.scopes))


@permitted(Permission.READ_ACCESS)
def read_machines(connection: Connection, ctx: Context) -> list[Machine]:
    """All machines, by name, with their moments in the lender's zone."""
    return _machines(connection, ctx.settings.lender_zone)


def _machines(connection: Connection, zone: tzinfo | None = None) -> list[Machine]:
    machines = select(*columns_of(Machine, machine)).order_by(machine.c.name)
    return typed_rows(Machine, connection.execute(machines), zone)


def _machine_called(connection: Connection, name: str, zone: tzinfo | None) -> Machine | None:
    """The machine of this name, locked."""
    known = select(*columns_of(Machine, machine)).where(machine.c.name == name)
    locked = known.with_for_update(key_share=True)
    return next(iter(typed_rows(Machine, connection.execute(locked), zone)), None)


def allowed_machines(connection: Connection, now: datetime) -> dict[str, Actor]:
    """The machines that may do something now, by name."""
    found = {each.name: each.actor_at(now) for each in _machines(connection)}
    borrowed = set(
        connection.execute(select(machine.c.name).where(is_name_of_staff(machine.c.name))).scalars()
    )
    return {
        name: actor for name, actor in found.items() if actor is not None and name not in borrowed
    }


@permitted(Permission.CHANGE_ACCESS)
def allow_machine(
    ctx: Context,
    name: str,
    scopes: Collection[Permission],
    *,
    calls_a_minute: int = CALLS_A_MINUTE,
    expires_at: datetime | None = None,
) -> None:
    """Let a machine do what the scopes say, and nothing else.

    One that was revoked, or whose time was over, may again; the tokens that it had then are taken
    no longer.

    Raises:
        SecondPersonNeededError: another person has not granted it yet.
        ArrearsError: no machine may have one of the scopes, or be called so, or its time would be
            over already.
    """
    if of_people := sorted(scope for scope in scopes if not PERMISSIONS[scope].machines):
        raise ArrearsError(
            "No machine may have {scopes}: that is for people.", scopes=", ".join(of_people)
        )
    now = ctx.now()
    if expires_at is not None and expires_at <= now:
        raise ArrearsError("{day:%Y-%m-%d} has passed. Name a day to come.", day=expires_at)
    allowed = {
        "scopes": sorted(scopes),
        "calls_a_minute": calls_a_minute,
        "expires_at": expires_at,
        "created_at": now,
        "created_by": ctx.actor.reference,
    }
    with ctx.engine.begin() as connection:
        assert_free_for_machine(connection, name)
        before = _machine_called(connection, name, now.tzinfo)
        facts = {
            "machine": name,
            "scopes": sorted(scopes),
            "calls a minute": calls_a_minute,
            "until": expires_at,
            "before": before.said() if before else None,
        }
        asked = ToGrant(Permission.CHANGE_ACCESS, text_of("Let a machine act."), facts)
        with_second_person(connection, ctx, asked)
        if before is not None and before.actor_at(now) is None:
            revoke_of(connection, ctx, token.c.machine_id == _id_of(name))
        connection.execute(
            insert(machine)
            .values(name=name, **allowed)
            .on_conflict_do_update(
                index_elements=[machine.c.name],
                set_={**allowed, "revoked_at": None, "revoked_by": None},
            )
        )


@permitted(Permission.CHANGE_ACCESS)
def revoke_machine(ctx: Context, name: str) -> None:
    """Let a machine do nothing any more. Its tokens are revoked: if it is allowed again, it needs
    new ones.

    Raises:
        ArrearsError: there is none of this name, or it was revoked before.
    """
    revoked = (
        update(machine)
        .where(machine.c.name == name, machine.c.revoked_at.is_(None))
        .values(revoked_at=ctx.now(), revoked_by=ctx.actor.reference)
    )
    with ctx.engine.begin() as connection:
        if not connection.execute(revoked).rowcount:
            raise ArrearsError(
                "No machine {name} is allowed anything. `arrears machine list` shows those that "
                "are.",
                name=name,
            )
        revoke_of(connection, ctx, token.c.machine_id == _id_of(name))


def _id_of(name: str) -> ScalarSelect[int]:
    return select(machine.c.id).where(machine.c.name == name).scalar_subquery()
