"""`arrears may-contact`: what the contact gate would answer. Nothing is written or sent."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from config.readers.rule_packs import describe_source
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.gate import Permission, Verdict
from domain.compliance.gate import may_contact as ask_gate
from domain.compliance.vocabulary import Channel, Party, Purpose
from domain.language.speak import speak
from domain.reasons import reasons_as_json
from workers.cli.common import AsJson, Loan
from workers.cli.context import open_context
from workers.cli.dates import parse_moment
from workers.cli.render import print_json, print_lines
from workers.cli.rules import describe_rule
from workers.context import Context
from workers.gate.facts import read_contact_facts


def may_contact(
    loan: Loan,
    channel: Annotated[Channel, typer.Argument(help="sms, call, visit or legal.")],
    at: Annotated[
        str | None,
        typer.Option(metavar="MOMENT", help='The lender\'s time, as "2026-03-01 21:30"; or now.'),
    ] = None,
    party: Annotated[Party, typer.Option(help="Who would be reached.")] = Party.BORROWER,
    purpose: Annotated[
        Purpose, typer.Option(help="Why: some laws permit an answer or a notice during a hold.")
    ] = Purpose.COLLECT,
    as_json: AsJson = False,
) -> None:
    """Ask the contact gate whether a borrower may be contacted, when, and by which rules.

    The facts are those of now; only the moment differs. Exit code 1: not at that moment.
    """
    ctx = open_context()
    moment = parse_moment(at, ctx.settings.lender_zone) if at else ctx.now()
    with ctx.engine.connect() as connection:
        facts = read_contact_facts(connection, ctx, loan, moment, party=party)
    facts = replace(facts, purpose=purpose)
    verdict = ask_gate(facts, channel, moment)
    if as_json:
        print_json(_plain(loan, channel, moment, verdict, ctx))
    else:
        print_lines(*_lines(loan, channel, moment, facts, verdict, ctx))
    if verdict.permission is not Permission.ALLOWED:
        raise typer.Exit(1)


def _lines(
    loan: str,
    channel: Channel,
    at: datetime,
    facts: ContactFacts,
    verdict: Verdict,
    ctx: Context,
) -> list[str]:
    lender = ctx.settings.lender_zone
    lines = [
        f"Loan {loan}, {channel}, on {_in(at, lender)}: {verdict.permission}. "
        f"{speak(verdict.reason)}",
        *(f"For the borrower that is {_in(at, ZoneInfo(zone))}." for zone in facts.zones),
    ]
    if verdict.until:
        lines.append(f"First lawful: {_in(verdict.until, lender)}.")
        lines += [
            f"For the borrower that is {_in(verdict.until, ZoneInfo(zone))}."
            for zone in facts.zones
        ]
    elif verdict.permission is Permission.DEFERRED:
        lines.append("No moment will do until a fact changes.")
    packs = ", ".join(pack.name for pack in facts.packs) or "none"
    lines.append(f"Rule packs: {packs}.")
    asked = "Asked" if verdict.permission is Permission.ALLOWED else "Against it"
    lines += [f"{asked}: {_rule(id, ctx)}" for id in verdict.rules]
    lines += [f"Warns: {_rule(id, ctx)}" for id in verdict.warnings]
    return lines


def _in(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M} ({zone})"


def _rule(id: str, ctx: Context) -> str:
    known = {rule.id: rule for pack in ctx.policy.rule_packs for rule in pack.rules}
    if (rule := known.get(id)) is None:
        return f"{id}, a rule of the lender."
    return f"{id}: {describe_rule(rule)} {describe_source(rule.source)}."


def _plain(
    loan: str, channel: Channel, at: datetime, verdict: Verdict, ctx: Context
) -> dict[str, object]:
    return {
        "loan": loan,
        "channel": channel,
        "at": at.isoformat(),
        "permission": verdict.permission,
        "reason": reasons_as_json(verdict.reason),
        "sentence": speak(verdict.reason),
        "until": verdict.until.isoformat() if verdict.until else None,
        "rules": [_rule(id, ctx) for id in verdict.rules],
        "warnings": [_rule(id, ctx) for id in verdict.warnings],
    }
