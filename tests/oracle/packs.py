"""The rule packs as they are written, and which of their rules bind whom. No code of Arrears."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import holidays
from ruamel.yaml import YAML

from tests.oracle.log import Life, Reached

PACKS = Path(__file__).parents[2] / "config" / "rule_packs"


class Bound(NamedTuple):
    """A rule, and the calendar of the pack that it is from."""

    rule: dict[str, Any]
    calendar: str | None


@cache
def packs() -> dict[str, dict[str, Any]]:
    """By jurisdiction, each file as it is written."""
    read = [YAML(typ="safe").load(path) for path in sorted(PACKS.glob("*.yaml"))]
    return {pack["jurisdiction"]: pack for pack in read}


@cache
def public_holidays(country: str) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, years=range(2019, 2034)))


@cache
def rules_of(jurisdiction: str) -> tuple[Bound, ...]:
    """Every rule that is law there, now or at some time, without those that another replaces."""
    named = dict.fromkeys(("*", jurisdiction[:2], jurisdiction))
    bound = [packs()[name] for name in named if name in packs()]
    rules = [
        Bound(rule, pack.get("calendar"))
        for pack in bound
        for rule in pack["rules"]
        if rule.get("status", "in_force") == "in_force"
    ]
    replaced = {id for rule, _ in rules for id in rule.get("replaces", ())}
    return tuple(each for each in rules if each.rule["id"] not in replaced)


@cache
def rules_for(jurisdiction: str, channel: str, product: str, collects_as: str) -> tuple[Bound, ...]:
    """Those that forbid something by this channel to such a lender; cheap ones first."""
    found = [
        bound
        for bound in rules_of(jurisdiction)
        if channel in bound.rule.get("channels", ())
        and bound.rule.get("modality", "must_not") != "advisory"
        and product in bound.rule.get("products", (product,))
        and collects_as in bound.rule.get("applies_to", (collects_as,))
        and bound.rule["kind"] != "conduct"
    ]
    last = {"cap": 2, "third_parties": 1, "validation_notice": 1}
    return tuple(sorted(found, key=lambda bound: last.get(bound.rule["kind"], 0)))


def in_force(rule: dict[str, Any], on: date) -> bool:
    return bool(rule["effective_from"] <= on <= rule.get("effective_to", date.max))


@cache
def _reaches_over(jurisdiction: str) -> tuple[dict[str, Any], ...]:
    return tuple(rule for rule, _ in rules_of(jurisdiction) if rule["kind"] == "party_reach")


def reaches_over(life: Life, hold: str, of: str, to: str, on: date) -> bool:
    """Whether a hold of one party of a loan stops contact with another party about it.

    Of laws that differ, the one that protects counts. Where there is none, a hold of the borrower
    stops contact with everybody, and a hold of another party with that party only.
    """
    said = {
        rule["reaches"]
        for rule in _reaches_over(life.jurisdiction)
        if hold in rule["holds"] and of in rule["of"] and to in rule["to"] and in_force(rule, on)
    }
    return "over" in said if said else of == "borrower"


@cache
def _permissions(jurisdiction: str) -> tuple[dict[str, Any], ...]:
    return tuple(rule for rule, _ in rules_of(jurisdiction) if rule["kind"] == "permitted")


def lets_through(life: Life, reached: Reached, stop: str, on: date) -> bool:
    """Whether a law permits the contact although the stop, a hold or `ceased`, is in force."""
    return reached.channel != "legal" and any(
        stop in rule["during"] and _permits(rule, life, reached) and in_force(rule, on)
        for rule in _permissions(life.jurisdiction)
    )


def _permits(rule: dict[str, Any], life: Life, reached: Reached) -> bool:
    """Whether a rule permits this purpose, or contact with who acts for the person."""
    purposes, who = rule.get("purposes", ()), rule.get("who", ())
    if not who:
        return reached.purpose in purposes
    acting = life.acting_at(reached.loan, reached.at)
    is_theirs = reached.party == "representative" and acting is not None and acting.kind in who
    return is_theirs and (not purposes or reached.purpose in purposes)
