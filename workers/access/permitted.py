"""Use cases that ask for a permission before anything else: the only ones that a door may call.

A door (the command line, HTTP) says who acts, by `ctx.actor`. Whether they may is asked here, where
it is done, so that no door can forget it: `tests/workers/access/test_doors.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy import insert

from domain.actors import NOBODY, Actor, ActorKind
from domain.errors import AskedForError, NotPermittedError
from domain.permissions import Permission, assert_may
from workers.context import Context
from workers.db.engine import autocommit
from workers.db.schema import permission_use

P = ParamSpec("P")
R = TypeVar("R")

_permitted: ContextVar[Actor | None] = ContextVar("permitted", default=None)
"""Who runs a use case that asked already: what it calls is part of it."""


def permitted(
    asked: Permission | Callable[..., Permission],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only those run a use case who have a permission.

    `asked` is the permission, or a function that finds it from the arguments of the use case; one
    of these is the context. A use case that is called by another one asks nothing.

    The use case raises NotPermittedError when whoever acts lacks the permission. It is on record;
    so is each NotPermittedError of the use case itself, after its transaction has ended.
    """

    def decorate(use_case: Callable[P, R]) -> Callable[P, R]:
        @wraps(use_case)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            ctx = _context_among(args, kwargs)
            if _permitted.get() == ctx.actor:
                return use_case(*args, **kwargs)
            permission = asked if isinstance(asked, Permission) else asked(*args, **kwargs)
            ask(ctx, permission)
            noted = set(ctx.noted)
            try:
                with _as_part_of(ctx.actor):
                    return use_case(*args, **kwargs)
            except AskedForError:
                raise
            except NotPermittedError:
                if ctx.noted == noted:  # it has not said itself what is missing
                    note_use(ctx, permission, granted=False)
                raise

        run.permission = asked  # type: ignore[attr-defined]
        return run

    return decorate


def ask(ctx: Context, permission: Permission) -> None:
    """Go on if whoever acts has a permission. Granted or refused, it is on record.

    Raises:
        NotPermittedError: they lack it.
    """
    try:
        assert_may(ctx.actor, permission)
    except NotPermittedError:
        note_use(ctx, permission, granted=False)
        raise
    note_use(ctx, permission, granted=True)


def note_use(ctx: Context, permission: Permission, *, granted: bool) -> None:
    """Put on record that whoever acts asked for a permission.

    Of a command or a call each permission once. What a machine asks over HTTP is on record
    elsewhere: an event with its sender, a number with its machine, what was refused with its count.
    """
    actor = ctx.actor
    if actor.kind is ActorKind.MACHINE and ctx.is_noted_elsewhere:
        return
    if actor.kind not in (ActorKind.STAFF, ActorKind.MACHINE) or (permission, granted) in ctx.noted:
        return
    ctx.noted.add((permission, granted))
    known = None if actor is NOBODY else actor
    row = {
        "at": ctx.now(),
        "actor": known.reference if known else None,
        "permission": permission,
        "granted": granted,
    }
    if actor.kind is not ActorKind.MACHINE:  # the default, and all that a service may write
        row["actor_kind"] = known.kind if known else None
    with autocommit(ctx.engine) as connection:
        connection.execute(insert(permission_use).values(row))


def _context_among(args: tuple[object, ...], kwargs: dict[str, object]) -> Context:
    for argument in (*args, *kwargs.values()):
        if isinstance(argument, Context):
            return argument
    raise TypeError("a use case with a permission needs the context")


@contextmanager
def _as_part_of(actor: Actor) -> Iterator[None]:
    token = _permitted.set(actor)
    try:
        yield
    finally:
        _permitted.reset(token)
