"""Commands that prepare an installation: `migrate`, `check`."""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from config.settings import read_setting_file
from config.weak_settings import is_on_own_machine, weak_settings
from domain.actors import Actor
from domain.errors import ArrearsError
from domain.events import LENDER
from domain.language.speak import speak
from workers.access.administrators import BreakGlass, recent_uses
from workers.access.machines import allowed_machines
from workers.calls.pace import recent_alarms
from workers.cli.alarms import too_many_numbers
from workers.cli.context import assert_usable, load_context
from workers.cli.import_sentences import import_is_unfinished
from workers.cli.language import language_of_environment, said_error, said_text, say
from workers.cli.render import print_lines
from workers.cli.sending import hold_lines
from workers.cli.status import standstill_lines
from workers.context import Context
from workers.db.encryption_keys import store_index_key
from workers.db.engine import assert_reachable
from workers.db.grants import grant_roles, grant_to_role, owns_tables
from workers.db.migrate import assert_nobody_in_the_way, upgrade
from workers.db.numbers import hash_addresses
from workers.db.role_check import MoreThanItsRights, find_more_than_rights
from workers.db.roles import Role
from workers.db.sender_ids import has_ids
from workers.db.sending_holds import read_sending_holds
from workers.db.signs_of_life import assert_writes_and_reads
from workers.evidence.findings import Defect
from workers.evidence.recent import verify_recent
from workers.evidence.verify import find_set_aside
from workers.messaging.broker import assert_broker_takes_messages
from workers.operations.calendars import ending_calendars
from workers.operations.policy_register import assert_policy_unchanged, register_policy
from workers.operations.standstill import find_standstills
from workers.privacy.key_rotation import end_old_rotation
from workers.privacy.plain_evidence import encrypt_plain_evidence
from workers.privacy.plain_words import count_plain_words
from workers.privacy.verify_values import find_broken_among_newest
from workers.sms.route_check import check_routes, read_spoken
from workers.tapes.imports import read_unfinished


def migrate(
    grant_to: Annotated[
        str | None,
        typer.Option(
            help="A database role of your own that gets the rights of workers and of commands."
        ),
    ] = None,
    passwords: Annotated[
        Path | None,
        typer.Option(
            help="A folder with the passwords of roles: a file worker_password, and so on."
        ),
    ] = None,
) -> None:
    """Bring the database to this release's version, and make its roles. Safe to run twice."""
    ctx = load_context()
    of_roles = _passwords_in(passwords) if passwords else {}
    assert_reachable(ctx.engine)
    assert_nobody_in_the_way(ctx.engine)
    upgrade(ctx.settings.database_url)
    missing = grant_roles(ctx.engine, of_roles)
    if passwords and not missing:
        print_lines(*_about_passwords(of_roles))
    if missing:
        print_lines(say("Warning: {detail}", detail=_roles_missing(missing)))
    if grant_to:
        grant_to_role(ctx.engine, grant_to)
    store_index_key(ctx.engine, ctx.cipher, ctx.now())
    end_old_rotation(ctx)
    encrypt_plain_evidence(ctx)
    hash_addresses(ctx.engine, ctx.cipher)
    register_policy(ctx)
    print_lines(say("The database is at this release's version."))


def _passwords_in(folder: Path) -> dict[Role, str]:
    """The password of each role that has a file in the folder.

    Raises:
        ArrearsError: it has none, or one is empty or cannot be read.
    """
    files = {role: folder / f"{role}_password" for role in Role}
    found = {
        role: read_setting_file(file.name, str(file))
        for role, file in files.items()
        if file.exists()
    }
    if not found:
        raise ArrearsError(
            "{folder} has no password of a role. Write one into a file there, such as "
            "worker_password; the roles are {roles}.",
            folder=str(folder),
            roles=", ".join(Role),
        )
    for role, password in found.items():
        if not password:
            raise ArrearsError(
                "The file {file} is empty. Write a password into it, or remove it.",
                file=str(files[role]),
            )
    return found


def _about_passwords(of_roles: Collection[Role]) -> Iterator[str]:
    yield say("These roles have the passwords of their files: {roles}.", roles=", ".join(of_roles))
    if others := [role for role in Role if role not in of_roles]:
        yield say(
            "These have no file, and stay as they were: {roles}. A new one cannot log in.",
            roles=", ".join(others),
        )


def _roles_missing(names: list[str]) -> str:
    return say(
        "The database has no roles {names}, and whoever migrates may make none: services can only "
        "connect as the owner of the tables. Let a superuser run ALTER ROLE … CREATEROLE for the "
        "owner, and migrate again.",
        names=", ".join(names),
    )


Warn = Callable[[str], None]
"""Takes what somebody has to see to, in the reader's language."""


def check() -> None:
    """Check settings, policy, templates, routes, database and broker, and change nothing."""
    ctx = load_context()
    unusable, spoken = [], None
    to_see = 0

    def warn(detail: str) -> None:
        nonlocal to_see
        to_see += 1
        print_lines(say("Warning: {detail}", detail=detail))

    machines = dict[str, Actor]()
    for check_service in (_database, _broker):
        try:
            check_service(ctx, warn)
        except ArrearsError as error:
            unusable.append(said_error(error))
        else:
            if check_service is _database:
                with ctx.engine.connect() as connection:
                    spoken = read_spoken(connection)
                    machines = allowed_machines(connection, ctx.now())
    routes = check_routes(ctx, spoken)
    weak = weak_settings(ctx.settings)
    if is_on_own_machine(ctx.settings):
        for text in weak:
            warn(said_text(text))
        print_lines(
            say(
                "ARREARS_PUBLIC_URL is on this machine: secrets and addresses need not be as in "
                "production, and what would be refused there is only a warning here."
            )
        )
        weak = []
    wrong = [*map(said_text, weak), *map(said_error, routes.errors), *unusable]
    for warning in routes.warnings:
        warn(said_error(warning))
    for calendar in ending_calendars(ctx.policy, ctx.today()):
        warn(speak(calendar.detail, language_of_environment()))
    if wrong:
        raise ArrearsError("\n".join(wrong))
    for sender, secrets in (ctx.settings.events_in_secrets or {}).items():
        if sender not in machines:
            warn(_no_machine(sender))
            continue
        print_lines(
            say(
                "Calls of {sender} are accepted, signed with any of its {count} secret(s): "
                "{scopes}.",
                sender=sender,
                count=len(secrets),
                scopes=", ".join(sorted(machines[sender].scopes)),
            )
        )
    checked = {
        "ladders": len(ctx.policy.ladders),
        "rule_packs": len(ctx.policy.rule_packs),
        "names": len(ctx.templates.names()),
    }
    if to_see:
        print_lines(
            say(
                "It can run, and {count} warning(s) above need somebody: {ladders} ladders, "
                "{rule_packs} rule packs, {names} templates, database and broker reachable.",
                count=to_see,
                **checked,
            )
        )
        return
    print_lines(
        say(
            "All well: {ladders} ladders, {rule_packs} rule packs, {names} templates, "
            "database and broker reachable.",
            **checked,
        )
    )


def _database(ctx: Context, warn: Warn) -> None:
    assert_usable(ctx)
    with ctx.engine.connect() as connection:
        holds = read_sending_holds(connection, ctx.settings.lender_zone, cipher=ctx.cipher)
        print_lines(*hold_lines(holds), style="bold red")
        if holds:
            warn(say("sending is on hold, as the lines above say."))
        if ctx.settings.sending_counter_file is None and ctx.settings.clock_file is None:
            warn(say(NO_COUNTER_FILE))
        if ctx.settings.journal_file is None and ctx.settings.clock_file is None:
            warn(say(NO_JOURNAL_FILE))
        if owns_tables(connection):
            warn(_is_owner())
        for each in find_more_than_rights(connection):
            warn(_has_more(each))
        for left in read_unfinished(connection, ctx.settings.lender_zone):
            warn(import_is_unfinished(left))
        if plain := count_plain_words(connection):
            warn(_not_encrypted(plain))
        for use in recent_uses(connection, ctx):
            warn(_without_token(use))
        for alarm in recent_alarms(connection, ctx.now()):
            warn(too_many_numbers(alarm, ctx.settings.lender_zone))
        if LENDER not in (ctx.settings.events_in_secrets or {}) and has_ids(connection, LENDER):
            warn(_no_secret(LENDER))
    _evidence(ctx, warn)
    assert_policy_unchanged(ctx)
    if ctx.cipher.can_decrypt and (broken := find_broken_among_newest(ctx)):
        raise ArrearsError(
            "{count} encrypted value(s) do not open where they are stored, the first one in row "
            "{id} of {table}. `arrears keys verify` lists all.",
            count=len(broken),
            id=broken[0].id,
            table=broken[0].table,
        )
    assert_writes_and_reads(ctx.engine)
    with ctx.engine.connect() as connection:
        standing = find_standstills(connection, None, ctx.settings.scan_seconds)
    for line in standstill_lines(standing, ctx.settings.lender_zone):
        warn(line)


def _evidence(ctx: Context, warn: Warn) -> None:
    """Warn where heads are written to no file, and of what was set aside.

    Raises:
        ArrearsError: evidence is not chained, or its newest part is not as it was written.
    """
    if ctx.settings.evidence_file is None and ctx.settings.clock_file is None:
        warn(_no_evidence_file())
    engine = ctx.engine.execution_options(isolation_level="REPEATABLE READ")
    with engine.begin() as connection:
        aside = len(list(find_set_aside(connection)))
        found = list(verify_recent(connection, ctx))
    if aside:
        warn(
            say(
                "Entries for the chain of evidence that are at fault were set aside: {count}. "
                "`arrears evidence verify` names them.",
                count=aside,
            )
        )
    for finding in found[:1]:
        if finding.defect is Defect.WAITS:
            raise ArrearsError(
                "Row {row_id} of {kind} has waited for its link in the chain of evidence for more "
                "than five minutes. Start a worker that serves the queue `maintenance`, and beat.",
                row_id=finding.row_id,
                kind=finding.kind,
            )
        raise ArrearsError(
            "The evidence is not what it was: {defect} (row {row_id} of {kind}), and {others} "
            "more. `arrears evidence verify` names them all.",
            defect=say(finding.defect),
            row_id=finding.row_id,
            kind=finding.kind,
            others=len(found) - 1,
        )


def _no_evidence_file() -> str:
    return say(
        "ARREARS_EVIDENCE_FILE is not set, so the heads of the evidence are only in the database: "
        "whoever administers it can cut off the end of the chain (docs/evidence.md)."
    )


NO_JOURNAL_FILE = (
    "ARREARS_JOURNAL_FILE is not set, so opt-outs and erasures are only in the database: restored "
    "from a backup, it has lost them (docs/recovery.md). Name a file outside the database."
)
NO_COUNTER_FILE = (
    "ARREARS_SENDING_COUNTER_FILE is not set, so nothing notices that the database is older than "
    "what was sent: restored from a backup, it would send again. Name a file outside the database."
)


def _without_token(use: BreakGlass) -> str:
    return say(
        "{os_user} acted on the server without a token at {at:%Y-%m-%d %H:%M %Z}: {what} ({why})",
        os_user=use.os_user,
        at=use.at,
        what="; ".join(map(said_text, use.lines())),
        why=use.why,
    )


def _not_encrypted(plain: Mapping[str, int]) -> str:
    return say(
        "{count} text(s) that people typed are not encrypted yet ({tables}). The worker of "
        "`maintenance` encrypts them within the hour. Where rows are only ever added, `arrears "
        "keys rotate` does, as the owner of the tables.",
        count=sum(plain.values()),
        tables=", ".join(f"{table}: {count}" for table, count in plain.items()),
    )


def _is_owner() -> str:
    return say(
        "DATABASE_URL is that of the owner of the tables, who may change evidence and remove keys. "
        "Only `arrears migrate` needs it: let each service connect with its own role "
        "(docs/operations.md)."
    )


def _has_more(found: MoreThanItsRights) -> str:
    return say(
        "The database role {role} has what nobody gave it: {has}. `arrears migrate` takes back "
        "rights and settings; the rest is for a superuser.",
        role=found.role,
        has=found.has,
    )


def _no_machine(sender: str) -> str:
    return say(
        "the sender {sender} has secrets, and no machine of that name is allowed anything: all "
        "that it sends is refused. `arrears machine allow {sender} SCOPES` lets it send what the "
        "scopes say, such as events:payment.",
        sender=sender,
    )


def _no_secret(sender: str) -> str:
    return say(
        "payments or other things are on record under ids of the sender {sender}, which has no "
        "secret. Events of another sender name them only with `sender: {sender}`; without it they "
        "wait, or count twice. If that system has another name now, let its events say so; or give "
        "its secrets to {sender} in ARREARS_EVENTS_IN_SECRETS, as {sender}: whsec_…",
        sender=sender,
    )


def _broker(ctx: Context, _: Warn) -> None:
    assert_broker_takes_messages(ctx.settings.redis_url)
