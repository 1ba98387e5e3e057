"""Commands that prepare an installation: `migrate`, `check`."""

from typing import Annotated

import typer

from domain.errors import ArrearsError
from domain.events import LENDER
from domain.language.speak import speak
from workers.access.administrators import BreakGlass, recent_uses
from workers.cli.context import assert_usable, load_context
from workers.cli.import_sentences import import_is_unfinished
from workers.cli.language import language_of_environment, said_error, say
from workers.cli.render import print_lines
from workers.context import Context
from workers.db.encryption_keys import store_index_key
from workers.db.grants import grant_to_role
from workers.db.migrate import upgrade
from workers.db.numbers import hash_addresses
from workers.db.sender_ids import has_ids
from workers.messaging.broker import assert_broker_reachable
from workers.operations.calendars import ending_calendars
from workers.operations.policy_register import assert_policy_unchanged, register_policy
from workers.sms.route_check import check_routes, read_spoken
from workers.tapes.imports import read_unfinished


def migrate(
    grant_to: Annotated[
        str | None,
        typer.Option(help="The workers' database role: it may add evidence, but not change it."),
    ] = None,
) -> None:
    """Bring the database to this release's version. Safe to run twice and at the same time."""
    ctx = load_context()
    upgrade(ctx.settings.database_url)
    if grant_to:
        grant_to_role(ctx.engine, grant_to)
    store_index_key(ctx.engine, ctx.cipher, ctx.now())
    hash_addresses(ctx.engine, ctx.cipher)
    register_policy(ctx)
    print_lines(say("The database is at this release's version."))


def check() -> None:
    """Check settings, policy, templates, routes, database and broker, and change nothing."""
    ctx = load_context()
    unusable, spoken = [], None
    for check_service in (_database, _broker):
        try:
            check_service(ctx)
        except ArrearsError as error:
            unusable.append(said_error(error))
        else:
            if check_service is _database:
                with ctx.engine.connect() as connection:
                    spoken = read_spoken(connection)
    routes = check_routes(ctx, spoken)
    wrong = [*map(said_error, routes.errors), *unusable]
    for warning in routes.warnings:
        print_lines(say("Warning: {detail}", detail=said_error(warning)))
    for calendar in ending_calendars(ctx.policy, ctx.today()):
        print_lines(
            say("Warning: {detail}", detail=speak(calendar.detail, language_of_environment()))
        )
    if wrong:
        raise ArrearsError("\n".join(wrong))
    for sender, secrets in (ctx.settings.events_in_secrets or {}).items():
        print_lines(
            say(
                "Events of {sender} are accepted, signed with any of its {count} secrets.",
                sender=sender,
                count=len(secrets),
            )
        )
    print_lines(
        say(
            "All well: {ladders} ladders, {rule_packs} rule packs, {names} templates, "
            "database and broker reachable.",
            ladders=len(ctx.policy.ladders),
            rule_packs=len(ctx.policy.rule_packs),
            names=len(ctx.templates.names()),
        )
    )


def _database(ctx: Context) -> None:
    assert_usable(ctx)
    with ctx.engine.connect() as connection:
        for left in read_unfinished(connection, ctx.settings.lender_zone):
            print_lines(say("Warning: {detail}", detail=import_is_unfinished(left)))
        for use in recent_uses(connection, ctx.now()):
            print_lines(say("Warning: {detail}", detail=_without_token(use)))
        if LENDER not in (ctx.settings.events_in_secrets or {}) and has_ids(connection, LENDER):
            print_lines(say("Warning: {detail}", detail=_no_secret(LENDER)))
    assert_policy_unchanged(ctx)


def _without_token(use: BreakGlass) -> str:
    return say(
        "{os_user} acted on the server without a token at {at:%Y-%m-%d %H:%M %Z}: {what} ({why})",
        os_user=use.os_user,
        at=use.at,
        what=use.what,
        why=use.why,
    )


def _no_secret(sender: str) -> str:
    return say(
        "payments or other things are on record under ids of the sender {sender}, which has no "
        "secret. Events of another sender name them only with `sender: {sender}`; without it they "
        "wait, or count twice. If that system has another name now, let its events say so; or give "
        "its secrets to {sender} in ARREARS_EVENTS_IN_SECRETS, as {sender}: whsec_…",
        sender=sender,
    )


def _broker(ctx: Context) -> None:
    assert_broker_reachable(ctx.settings.redis_url)
