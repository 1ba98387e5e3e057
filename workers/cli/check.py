"""The command that checks an installation before it works: `check`."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

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
from workers.db.grants import owns_tables
from workers.db.role_check import MoreThanItsRights, find_more_than_rights
from workers.db.sender_ids import has_ids
from workers.db.sending_holds import read_sending_holds
from workers.db.signs_of_life import assert_writes_and_reads
from workers.evidence.findings import Defect
from workers.evidence.recent import verify_recent
from workers.evidence.verify import find_set_aside
from workers.messaging.broker import assert_broker_takes_messages
from workers.operations.calendars import ending_calendars
from workers.operations.policy_register import assert_policy_unchanged
from workers.operations.standstill import find_standstills
from workers.privacy.plain_words import count_plain_words
from workers.privacy.verify_values import find_broken_among_newest
from workers.sms.route_check import Spoken, check_routes, read_spoken
from workers.tapes.imports import read_unfinished

Warn = Callable[[str], None]
"""Takes what somebody has to see to, in the reader's language."""


def check() -> None:
    """Check settings, policy, templates, routes, database and broker, and change nothing."""
    ctx = load_context()
    to_see = 0

    def warn(detail: str) -> None:
        nonlocal to_see
        to_see += 1
        print_lines(say("Warning: {detail}", detail=detail))

    services = _check_services(ctx, warn)
    routes = check_routes(ctx, services.spoken)
    wrong = [*_weak(ctx, warn), *map(said_error, routes.errors), *services.unusable]
    for warning in routes.warnings:
        warn(said_error(warning))
    for calendar in ending_calendars(ctx.policy, ctx.today()):
        warn(speak(calendar.detail, language_of_environment()))
    if wrong:
        raise ArrearsError("\n".join(wrong))
    _show_senders(ctx, services.machines, warn)
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


class _Services(NamedTuple):
    """The database and the broker, and what the database says of the installation."""

    unusable: list[str]
    """What is wrong with them."""
    spoken: Spoken | None
    """The languages of the borrowers; None: the database cannot be used."""
    machines: Mapping[str, Actor]


def _check_services(ctx: Context, warn: Warn) -> _Services:
    unusable: list[str] = []
    spoken, machines = None, dict[str, Actor]()
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
    return _Services(unusable, spoken, machines)


def _weak(ctx: Context, warn: Warn) -> list[str]:
    """The settings that are not safe in production; on one's own machine they are only warnings."""
    weak = [said_text(text) for text in weak_settings(ctx.settings)]
    if not is_on_own_machine(ctx.settings):
        return weak
    for text in weak:
        warn(text)
    print_lines(
        say(
            "ARREARS_PUBLIC_URL is on this machine: secrets and addresses need not be as in "
            "production, and what would be refused there is only a warning here."
        )
    )
    return []


def _show_senders(ctx: Context, machines: Mapping[str, Actor], warn: Warn) -> None:
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
