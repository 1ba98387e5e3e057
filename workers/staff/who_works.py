"""Who works at the desk: whoever asks, or the collector whom a machine names."""

from datetime import datetime

from sqlalchemy import Connection

from domain.actors import Actor, ActorKind, Role
from domain.collectors import business_day
from domain.errors import ArrearsError, NotOnRosterError
from workers.attempts.attempts import check_role
from workers.calls.pace import LOOKED_BACK
from workers.context import Context
from workers.db.working_collectors import WorkingCollector, read_collector


def who_asks(ctx: Context, named: str | None) -> Actor:
    """The collector for whom work is asked: whoever acts, or whom a machine names.

    Raises:
        ArrearsError: a machine names nobody.
    """
    if ctx.actor.kind is not ActorKind.MACHINE:
        return ctx.actor
    if not named:
        raise ArrearsError("Say for which collector: their reference on the roster.")
    return Actor(named)


def read_working(connection: Connection, actor: Actor, now: datetime) -> WorkingCollector:
    """What a collector is at now.

    Raises:
        NotOnRosterError: nobody has that reference.
        WrongRoleError: they are neither a caller nor a supervisor.
    """
    day = business_day(now)
    found = read_collector(connection, actor, now, day, now - LOOKED_BACK)
    if found is None:
        raise NotOnRosterError("Nobody on the roster has the reference {actor}.", actor=actor)
    if found.membership.roles_on(now.date()).isdisjoint({Role.CALLER, Role.SUPERVISOR}):
        check_role(connection, actor, Role.CALLER, now.date())
    return found
