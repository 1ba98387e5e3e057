"""`arrears rules`: what the law asks of contacts, as it is loaded, rule by rule."""

from typing import Annotated

import typer

from domain.compliance.rules import Rule, RulePack, packs_for
from domain.errors import ArrearsError
from domain.language.rules import allocation_line, describe_rule, meanings, pack_heading, rule_lines
from workers.cli.common import AsJson
from workers.cli.language import Language, language_of_environment, say
from workers.cli.policy import read_policy
from workers.cli.render import print_json, print_lines

Jurisdiction = Annotated[
    str | None, typer.Argument(help="Such as CN or US-MA; every pack if left out.")
]


def rules(
    jurisdiction: Jurisdiction = None, language: Language = None, as_json: AsJson = False
) -> None:
    """Show every rule that is loaded: what it requires, how strongly, and its article.

    It is an input for engineers and not legal advice: a lawyer must review what is marked so.
    """
    _, policy = read_policy()
    packs = policy.rule_packs
    shown = packs_for(packs, jurisdiction.upper()) if jurisdiction else packs
    if not any(pack.is_law for pack in shown):
        known = ", ".join(sorted(pack.jurisdiction for pack in packs if pack.is_law))
        raise ArrearsError(
            say(
                "No rule pack is known for {jurisdiction}, so nobody there is contacted. "
                "Known: {known}.",
                jurisdiction=jurisdiction,
                known=known,
            )
        )
    if as_json:
        print_json([_plain(pack, rule) for pack in shown for rule in pack.rules])
        return
    language = language or language_of_environment()
    for pack in shown:
        print_lines(pack_heading(pack, language), style="bold")
        if pack.allocation:
            print_lines(f"  {allocation_line(pack, language)}")
        for rule in pack.rules:
            print_lines(*rule_lines(rule, language))
    if not any(pack.allocation for pack in shown):
        print_lines(
            say(
                "No pack says what a payment pays first: ARREARS_ALLOCATION_COMPONENTS and "
                "ARREARS_ALLOCATION_BY do."
            )
        )
    print_lines(*meanings(language))


def _plain(pack: RulePack, rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "pack": pack.name,
        "jurisdiction": pack.jurisdiction,
        "asks": describe_rule(rule),
        "channels": sorted(rule.channels),
        "place": rule.place,
        "products": sorted(rule.products),
        "replaces": sorted(rule.replaces),
        "applies_to": sorted(rule.applies_to),
        "modality": rule.modality,
        "status": rule.status,
        "effective_from": rule.effective_from.isoformat(),
        "effective_to": rule.effective_to.isoformat() if rule.effective_to else None,
        "allocation": list(pack.allocation),
        "citation": rule.source.citation,
        "confidence": rule.source.confidence,
        "review_needed": rule.source.needs_review,
    }
