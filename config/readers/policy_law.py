"""Documents of the policy that rest on the law of their jurisdiction: it must be there."""

from decimal import Decimal

from config.readers.legal_checklists import LegalChecklist, checklist_for
from config.readers.yaml_reader import Value
from domain.arrangements import ArrangementTerms
from domain.compliance.money_cap import CapKind, money_caps, strictest
from domain.compliance.rules import RulePack, packs_for
from domain.compliance.vocabulary import Channel, country_of
from domain.ladder import Ladder


def refuse_state_without_country(read: tuple[Value, RulePack], packs: tuple[RulePack, ...]) -> None:
    """A subdivision's rules are added to its country's, so it needs the country's pack."""
    value, pack = read
    country = country_of(pack.jurisdiction)
    if pack.is_law and country not in {other.jurisdiction for other in packs}:
        raise value.at("jurisdiction").refuse(
            "There is no rule pack for {country}, which {jurisdiction} comes on top of.",
            "Add the rule pack of {country}.",
            country=country,
            jurisdiction=pack.jurisdiction,
        )


def refuse_bad_replacement(read: tuple[Value, RulePack], packs: tuple[RulePack, ...]) -> None:
    """A rule may replace one of its country's pack that asks the same, and at no time neither."""
    value, pack = read
    country = country_of(pack.jurisdiction)
    of_country = {
        rule.id: rule
        for other in packs
        for rule in other.rules
        if other.jurisdiction == country and other is not pack
    }
    for rule in pack.rules:
        for replaced_id in rule.replaces:
            replaced = of_country.get(replaced_id)
            if type(replaced) is not type(rule):
                raise value.at("rules").refuse(
                    "{rule} replaces {replaced_id}, which is no rule of that kind in the pack of "
                    "{country}.",
                    "Name a {kind} rule of that pack, or leave out `replaces`.",
                    rule=rule.id,
                    replaced_id=replaced_id,
                    country=country,
                    kind=type(rule).__name__,
                )
            if rule.effective_to or rule.effective_from > replaced.effective_from:
                raise value.at("rules").refuse(
                    "{rule} is not in force for as long as {replaced_id}, which it replaces.",
                    "Let it take effect on {from_day} and have no end.",
                    rule=rule.id,
                    replaced_id=replaced_id,
                    from_day=replaced.effective_from,
                )


def refuse_cost_above_law(
    read: tuple[Value, ArrangementTerms], packs: tuple[RulePack, ...]
) -> None:
    """A fixed rate is not above what a law allowed when the terms took effect. What follows from
    the loan, such as the rate of its contract and what a fee makes of it, is asked at each quote.
    """
    value, terms = read
    for kind in terms.kinds:
        if not isinstance(kind.rate, Decimal):
            continue
        for jurisdiction in terms.applies_to.jurisdictions:
            for product in terms.applies_to.products or ("",):
                binding = money_caps(
                    packs_for(packs, jurisdiction), frozenset(), product, terms.effective_from
                )
                cap = strictest((r.cap for r in binding), CapKind.YEARLY_COST_PERCENT)
                if cap and kind.rate > cap.at_most:
                    rate = value.at(kind.kind).at("rate")
                    raise rate.refuse(
                        "The rate is {rate} % a year, and in {jurisdiction} at most {at_most} % "
                        "are allowed ({citation}).",
                        "Write {at_most} or less.",
                        rate=kind.rate,
                        jurisdiction=jurisdiction,
                        at_most=cap.at_most,
                        citation=cap.source.citation,
                    )


def refuse_ladder_without_law(
    read: tuple[Value, Ladder],
    packs: tuple[RulePack, ...],
    checklists: tuple[LegalChecklist, ...],
) -> None:
    """Contacts need a rule pack, and legal files need a checklist."""
    value, ladder = read
    known = {pack.jurisdiction for pack in packs if pack.is_law}
    to_court = any(item.do.channel is Channel.LEGAL for _, item in ladder.items)
    for jurisdiction in ladder.applies_to.jurisdictions:
        if country_of(jurisdiction) not in known:
            raise value.at("applies_to").refuse(
                "There is no rule pack for {jurisdiction}, so nobody there may be contacted.",
                "Add its rule pack, or write one of: {known}.",
                jurisdiction=jurisdiction,
                known=", ".join(sorted(known)),
            )
        if to_court and checklist_for(checklists, jurisdiction) is None:
            raise value.at("applies_to").refuse(
                "The ladder opens legal files, and {jurisdiction} has no legal checklist.",
                "Add its checklist, or take the item out.",
                jurisdiction=jurisdiction,
            )
