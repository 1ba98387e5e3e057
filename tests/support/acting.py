"""Whoever acts in a story: known already, and permitted everything; the roster says the rest."""

from dataclasses import replace

from domain.actors import Actor, ActorKind, Role
from domain.permissions import Permission
from workers.context import Context


def acting(ctx: Context, actor: Actor) -> Context:
    """The context of an actor who has every role, or of a machine that has every scope. That they
    have is on record already."""
    everything = replace(actor, roles=frozenset(Role), scopes=frozenset(Permission))
    theirs = ctx.acting(everything)
    theirs.noted.update((permission, True) for permission in Permission)
    return theirs


def acting_alone(ctx: Context, actor: Actor) -> Context:
    """The same, where the story is not about the second person: nobody else need grant it."""
    return ctx.acting(replace(actor, kind=ActorKind.SYSTEM))
