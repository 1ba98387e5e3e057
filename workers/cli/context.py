"""The context of a command: wired from the environment, and checked before it is used."""

import os
from collections.abc import Callable, Mapping
from typing import TypeVar
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Connection

from config.settings import load_settings
from domain.events import InboxStatus
from domain.language.speak import speak
from workers.bootstrap import build_context
from workers.cli.common import NOT_KNOWN_YET
from workers.cli.render import console, errors
from workers.context import Context
from workers.db.encryption_keys import assert_keys_open
from workers.db.engine import assert_reachable
from workers.db.migrate import assert_current
from workers.inbox import process

T = TypeVar("T")


def load_context() -> Context:
    """The context as settings and policy define it. Nothing is connected yet.

    Raises:
        ArrearsError: settings or policy cannot be used.
    """
    return build_context(load_settings(os.environ))


def open_context() -> Context:
    """The context, after `assert_usable`.

    Raises:
        ArrearsError: it cannot be used; the message says what to do.
    """
    ctx = load_context()
    assert_usable(ctx)
    return ctx


def read(query: Callable[[Connection, ZoneInfo], T]) -> T:
    """What a query finds, with its moments in the lender's zone."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        return query(connection, ctx.settings.lender_zone)


def assert_usable(ctx: Context) -> None:
    """The database is reachable, at this release's version, and encrypted with these keys.

    Raises:
        ArrearsError: it is not; the message says what to do.
    """
    assert_reachable(ctx.engine)
    assert_current(ctx.engine)
    assert_keys_open(ctx.engine, ctx.cipher)


def submit(ctx: Context, kind: str, id: str, payload: Mapping[str, str | list[str] | None]) -> None:
    """Store an event of `kind` under its own id, apply it, and print what it did.

    Exits with `NOT_KNOWN_YET` where it names something unknown: the event is stored and waits, and
    the exit code shows that it may be a typing mistake.

    Raises:
        ArrearsError: it can never be applied, or was applied before with other contents.
    """
    result = process.submit(ctx, f"{kind}:{id}", kind, payload)
    if result.status is InboxStatus.RECEIVED:
        errors.print(speak(result.reason), markup=False)
        raise typer.Exit(NOT_KNOWN_YET)
    console.print(speak(result.reason), markup=False)
