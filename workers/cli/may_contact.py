"""`arrears may-contact`: what the contact gate would answer. Nothing is written or sent."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from config.readers.rule_packs import describe_source
from domain.compliance.contact_facts import ContactFacts
from domain.compliance.rules import Modality, Rule
from domain.compliance.verdict import Permission, Verdict
from domain.compliance.vocabulary import Channel, Party, Purpose
from domain.language.phrases import Phrase
from domain.language.render import Entry, Value, part, render
from domain.language.rules import describe_rule
from domain.language.speak import LANGUAGES, speak
from domain.reason_json import reasons_as_json
from workers.cli.common import AsJson, Loan, OfLender
from workers.cli.context import open_context
from workers.cli.dates import parse_moment
from workers.cli.language import Language, language_of_environment
from workers.cli.render import print_json, print_lines
from workers.context import Context
from workers.gate.question import ask_contact
from workers.history.citations import Citations

TIME = "%Y-%m-%d %H:%M"


class Reached(StrEnum):
    """Whom the gate decides about. Who acts for a person is contacted by nobody's ladder."""

    BORROWER = Party.BORROWER.value
    CO_BORROWER = Party.CO_BORROWER.value
    GUARANTOR = Party.GUARANTOR.value
    THIRD_PARTY = Party.THIRD_PARTY.value


def may_contact(
    loan: Loan,
    channel: Annotated[OfLender, typer.Argument(help="sms, call, visit or legal.")],
    at: Annotated[
        str | None,
        typer.Option(metavar="MOMENT", help='The lender\'s time, as "2026-03-01 21:30"; or now.'),
    ] = None,
    party: Annotated[Reached, typer.Option(help="Who would be reached.")] = Reached.BORROWER,
    borrower: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The lender's id of the party, if the loan has several."),
    ] = None,
    purpose: Annotated[
        Purpose, typer.Option(help="Why: some laws permit an answer or a notice during a hold.")
    ] = Purpose.COLLECT,
    language: Language = None,
    as_json: AsJson = False,
) -> None:
    """Ask the contact gate whether a borrower may be contacted, when, and by which rules.

    The facts are those of now; only the moment differs. Exit code 1: not at that moment.
    """
    language = language or language_of_environment()
    ctx = open_context()
    by = Channel(channel)
    asked = parse_moment(at, ctx.settings.lender_zone) if at else None
    facts, verdict = ask_contact(
        ctx, loan, by, asked, party=Party(party), borrower=borrower, purpose=purpose
    )
    moment = asked or ctx.now()
    if as_json:
        print_json(_plain(loan, by, moment, verdict, ctx))
    else:
        print_lines(*_lines(loan, by, moment, facts, verdict, ctx, language))
    if verdict.permission is not Permission.ALLOWED:
        raise typer.Exit(1)


def _lines(
    loan: str,
    channel: Channel,
    at: datetime,
    facts: ContactFacts,
    verdict: Verdict,
    ctx: Context,
    language: str,
) -> list[str]:
    def said(phrase: Phrase, **values: Value) -> str:
        return render([Entry(None, (part(phrase, **values),))], LANGUAGES[language], UTC)[0].text

    def times(moment: datetime) -> list[str]:
        return [
            said(Phrase.LOCAL_TIME, local=f"{moment.astimezone(ZoneInfo(zone)):{TIME}}", zone=zone)
            for zone in facts.zones
        ]

    lender = ctx.settings.lender_zone
    answer = {"permission": verdict.permission, "why": verdict.reason}
    lines = [
        said(Phrase.GATE_ANSWER, loan=loan, channel=channel, **_in(at, lender), **answer),
        *times(at),
    ]
    if verdict.until:
        lines.append(said(Phrase.GATE_FIRST_LAWFUL, **_in(verdict.until, lender)))
        lines += times(verdict.until)
    elif verdict.permission is Permission.DEFERRED:
        lines.append(said(Phrase.GATE_NO_MOMENT))
    packs = tuple(pack.name for pack in facts.packs)
    lines.append(said(Phrase.PACKS, packs=packs) if packs else said(Phrase.NO_PACKS))
    allowed = verdict.permission is Permission.ALLOWED
    asked = Phrase.GATE_ASKED if allowed else Phrase.GATE_AGAINST
    rules = {rule.id: rule for pack in ctx.policy.rule_packs for rule in pack.rules}
    citations = Citations(ctx.policy.rule_packs)
    for phrase, ids in ((asked, verdict.rules), (Phrase.GATE_WARNS, verdict.warnings)):
        for id in ids:
            modality = rules[id].modality if id in rules else Modality.MUST_NOT
            cited = _rule(id, rules) if language == "en" else citations.cite([id], at.date())[0]
            line = said(phrase, modality=modality, asked_rule=cited)
            if language != "en" and id in rules:
                line += describe_rule(rules[id], language)
            lines.append(line)
    return lines


def _in(at: datetime, zone: ZoneInfo) -> dict[str, Value]:
    return {"moment": f"{at.astimezone(zone):{TIME}}", "zone": str(zone)}


def _rule(id: str, rules: Mapping[str, Rule]) -> str:
    if (rule := rules.get(id)) is None:
        return f"{id}, a rule of the lender"
    return f"{id}: {describe_rule(rule)} {describe_source(rule.source)}"


def _plain(
    loan: str, channel: Channel, at: datetime, verdict: Verdict, ctx: Context
) -> dict[str, object]:
    rules = {rule.id: rule for pack in ctx.policy.rule_packs for rule in pack.rules}
    return {
        "loan": loan,
        "channel": channel,
        "at": at.isoformat(),
        "permission": verdict.permission,
        "reason": reasons_as_json(verdict.reason),
        "sentence": speak(verdict.reason),
        "until": verdict.until.isoformat() if verdict.until else None,
        "rules": [_rule(id, rules) for id in verdict.rules],
        "warnings": [_rule(id, rules) for id in verdict.warnings],
    }
