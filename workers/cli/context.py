"""The context of a command: wired from the environment, and checked before it is used."""

import os
import shlex
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import typer
from sqlalchemy import Connection

from config.environment import load_settings
from config.settings import Settings
from domain.actors import ARREARS
from domain.errors import AppliedOtherwiseError, ArrearsError, RefusedError
from domain.events import STAFF, InboxStatus, sender_of
from domain.hidden_amounts import without_amounts
from domain.language.speak import speak
from domain.reasons import Reasons, changed_nothing
from workers.access.administrators import naming_the_first_step
from workers.access.authenticate import authenticate
from workers.access.secrets import read_secret, token_file
from workers.bootstrap import build_context
from workers.calls.amounts import commands_show_amounts
from workers.cli.common import KNOWN_ALREADY, NOT_KNOWN_YET, parse_id
from workers.cli.language import language_of_environment, say
from workers.cli.permission_of import ON_THE_SERVER, PERMISSION_OF
from workers.cli.render import UNCHANGED, console, errors, print_lines
from workers.cli.running import running_command
from workers.context import Context
from workers.db.encryption_keys import assert_keys_open
from workers.db.engine import assert_reachable
from workers.db.migrate import assert_current
from workers.inbox.kinds import EVENT_KINDS
from workers.inbox.submit import submit as submit_event
from workers.sending.clock_check import assert_clock_right

T = TypeVar("T")


def load_context(
    load: Callable[[Mapping[str, str]], Settings] = load_settings,
) -> Context:
    """The context as settings and policy define it. Nothing is connected yet.

    `load` reads the settings: some commands do not need all of them.

    Raises:
        ArrearsError: settings or policy cannot be used.
    """
    return build_context(load(os.environ))


def open_context(
    load: Callable[[Mapping[str, str]], Settings] = load_settings,
) -> Context:
    """The context, after `assert_usable`, of whoever holds the token. What they may do is asked by
    the use case.

    `load` reads the settings.

    Raises:
        NotPermittedError: nobody is signed in.
        WrongClockError: the clock of this machine is wrong.
        ArrearsError: it cannot be used; the message says what to do.
    """
    command = running_command()
    if command in ON_THE_SERVER:
        ctx = load_context(load)
        assert_usable(ctx)
        return ctx.acting(ARREARS)
    # What is not in the table nobody may do.
    permission = PERMISSION_OF[command]
    ctx = load_context(load)
    assert_usable(ctx)
    with naming_the_first_step(ctx):
        secret = read_secret(token_file(os.environ))
        clock = partial(assert_clock_right, stops_sending=False)
        return authenticate(ctx, secret, permission, clock)


def read(query: Callable[[Connection, Context], T]) -> T:
    """What a query finds."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        return query(connection, ctx)


def assert_usable(ctx: Context) -> None:
    """The database is reachable, at this release's version, and encrypted with these keys.

    Raises:
        ArrearsError: it is not; the message says what to do.
    """
    assert_reachable(ctx.engine)
    assert_current(ctx.engine)
    assert_keys_open(ctx.engine, ctx.cipher)


_IDS = {
    *("loan", "borrower", "payment", "external_id", "promise", "hold", "dispute", "attempt"),
    *("complaint", "about_staff", "about_attempt", "corrected_by"),
    *("contact", "other", "also_about", "adjustment", "restructuring", "reversal", "refund"),
}
"""The members of an event that are ids of the lender."""


def _with_ids(key: str, value: Any) -> Any:
    if key not in _IDS or value is None:
        return value
    if isinstance(value, str):
        return parse_id(value)
    return [parse_id(each) for each in value]


def event_of(id: str, sender: str | None) -> str:
    """The id of an event that names something by the id which a sender gave it, if one is named."""
    return f"{id}@{sender}" if sender else id


def whose(sender: str | None) -> dict[str, str]:
    """What an event says of the sender whose id it names; nothing where none is given."""
    return {"sender": sender} if sender else {}


def submit(
    ctx: Context,
    kind: str,
    id: str,
    payload: Mapping[str, Any],
    *,
    dry_run: bool = False,
    if_unknown: str = "",
) -> None:
    """Store an event of `kind` under its own id, apply it, and print what it did.

    What can never be applied is refused and not stored.

    Exits with `KNOWN_ALREADY` where it changed nothing: it was on record, or there was nothing to
    end. Exits with `NOT_KNOWN_YET` where it names something unknown: the event is stored and waits,
    and the exit code shows that it may be a typing mistake. What happens next and how to take it
    back is said; `if_unknown` is what else can be done, as an English text.

    Raises:
        ArrearsError: it can never be applied, or was applied before with other contents.
    """
    language = language_of_environment()
    payload = {key: _with_ids(key, value) for key, value in payload.items()}
    payload["actor"] = ctx.actor.reference
    event = f"{kind}:{unicodedata.normalize('NFC', id)}"
    try:
        result = submit_event(ctx, event, kind, payload, dry_run=dry_run)
    except AppliedOtherwiseError as error:
        raise _applied_otherwise(event, kind, error.values["of"]) from None
    except RefusedError as refused:
        hidden = _seen_by(ctx, payload, refused.reason)
        if hidden == refused.reason:
            raise
        raise type(refused)(speak(hidden), hidden) from None
    result = replace(result, reason=_seen_by(ctx, payload, result.reason))
    if dry_run:
        print_lines(
            say("Without --dry-run: {reason}", reason=speak(result.reason, language)),
            *_as_of(ctx, payload),
            say(UNCHANGED),
        )
        if result.status is InboxStatus.RECEIVED:
            raise typer.Exit(NOT_KNOWN_YET)
        if changed_nothing(result.reason):
            raise typer.Exit(KNOWN_ALREADY)
        return
    if result.status is InboxStatus.RECEIVED:
        lines = (speak(result.reason, language), *_while_it_waits(kind, if_unknown))
        sender = sender_of(ctx.actor)
        shown = event if sender == STAFF else f"{sender}:{event}"
        command = f"    arrears events discard {shlex.quote(shown)} --why WHY"
        errors.print("\n".join((*lines, command)), markup=False)
        raise typer.Exit(NOT_KNOWN_YET)
    console.print(speak(result.reason, language), markup=False)
    if changed_nothing(result.reason):
        raise typer.Exit(KNOWN_ALREADY)
    print_lines(*_as_of(ctx, payload))


def _seen_by(ctx: Context, payload: Mapping[str, Any], reason: Reasons) -> Reasons:
    """What came of it, without amounts for who may not see what the loan owes."""
    hidden = without_amounts(reason)
    if hidden == reason:
        return reason
    with ctx.engine.connect() as connection:
        named = payload.get("loan"), payload.get("attempt")
        return reason if commands_show_amounts(connection, ctx, *named) else hidden


def _applied_otherwise(event: str, kind: str, of: object) -> ArrearsError:
    """What to do about an event that was applied with other contents, `of` a loan."""
    values = {"event": event, "of": of, "command": f"arrears events show {shlex.quote(event)}"}
    if EVENT_KINDS[kind].id_field:
        return ArrearsError(
            "{event} is on record with other contents{of} and they stay: `{command}` shows them. "
            "Record something new with another --id.",
            **values,
        )
    return ArrearsError(
        "{event} is on record with other contents{of} and they stay: `{command}` shows them.",
        **values,
    )


def _as_of(ctx: Context, payload: Mapping[str, Any]) -> Iterator[str]:
    """Which day the event counts from, if that is today: the date may not have been typed, and
    today is the lender's date, which is not everywhere that of the person who types."""
    today = ctx.today()
    if today.isoformat() in payload.values():
        yield say("It counts as of business date {today}.", today=today)


def _while_it_waits(kind: str, if_unknown: str) -> Iterator[str]:
    yield say(
        "It is stored and not applied yet: exit code {code}. It is applied by itself once what it "
        "names is known.",
        code=NOT_KNOWN_YET,
    )
    if EVENT_KINDS[kind].holds_back:
        yield say("Until then nobody is contacted about what else it names.")
    if if_unknown:
        yield say(if_unknown)
    if EVENT_KINDS[kind].id_field:
        yield say("If it is a mistake, repeat the command with the same --id, or discard it:")
    else:
        yield say("If it is a mistake, discard it, and repeat the command as it should be:")
