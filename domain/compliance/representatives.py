"""Rule kind: whether who acts for a person is contacted instead of that person."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.rules import Rule, RulePack, rules_in_force
from domain.compliance.vocabulary import NOT_THE_PERSON, Channel, Party
from domain.contact_points import NumberFact, NumberOnRecord
from domain.parties import Representative, RepresentativeKind
from domain.persons import PersonFact


@dataclass(frozen=True, slots=True, kw_only=True)
class RepresentativeContact(Rule):
    """Whether representatives of these kinds are contacted instead of the person."""

    who: frozenset[RepresentativeKind]
    instead: bool
    """Whether they are; otherwise nobody is."""


OF_THE_PERSON = frozenset({PersonFact.REPRESENTED, PersonFact.EMPLOYER_FORBIDS})
"""Facts that stop contact with the person, and say nothing about who acts for them."""


BY = Channel.CALL
"""How a representative is contacted: somebody calls. Texts and the notices of visits are worded for
the person who owes the debt."""


def allowing_rule(
    packs: Iterable[RulePack], kind: RepresentativeKind, on: date
) -> RepresentativeContact | None:
    """The rule by which such a representative is contacted on a business date, or None.

    Where laws differ, and where none says anything, nobody is contacted.
    """
    rules = rules_in_force(packs, RepresentativeContact, on)
    said = [rule for rule in rules if kind in rule.who]
    return said[0] if said and all(rule.instead for rule in said) else None


def contacted_instead(
    facts: ContactFacts, channel: Channel, at: datetime
) -> tuple[ContactFacts, RepresentativeContact | None]:
    """The facts of the representative who is contacted instead of the person, and the rule.

    The same facts and None, if nobody acts for the person, or if who does is not contacted. What is
    known of the loan and of the debt counts for both. The wishes, the consents and the numbers of
    the person are not those of the representative, who has wishes of their own. A request for no
    contact at all stays.
    """
    acting = facts.representative
    if acting is None or channel is not BY or not _may_be_contacted(facts, acting):
        return facts, None
    on = at.astimezone(ZoneInfo(facts.lender_zone)).date()
    rule = allowing_rule(facts.packs, acting.kind, on)
    if rule is None:
        return facts, None
    numbers = (_closed_by_a_stop(acting.number),) if acting.number else ()
    known = numbers[0].facts if numbers else frozenset()
    reachable = facts.reachable | {channel} if numbers else facts.reachable - {channel}
    theirs = replace(
        facts,
        party=Party.REPRESENTATIVE,
        person_facts=facts.person_facts - OF_THE_PERSON,
        zones=acting.zones or facts.zones,
        reachable=reachable,
        refused_channels=frozenset(),
        consents=(),
        inconvenient_times=acting.inconvenient_times,
        inconvenient_places=acting.inconvenient_places,
        numbers=numbers,
        number=acting.number.key if acting.number else None,
        number_facts=known,
        no_number=not numbers,
    )
    return theirs, rule


def _closed_by_a_stop(number: NumberOnRecord) -> NumberOnRecord:
    """The number of a representative, who refuses calls by a stop: nothing else comes to them."""
    if NumberFact.OPTED_OUT not in number.facts:
        return number
    return replace(number, facts=number.facts | {NumberFact.REFUSED})


def _may_be_contacted(facts: ContactFacts, acting: Representative) -> bool:
    represented = PersonFact.REPRESENTED in facts.person_facts
    return represented and acting.contacted and facts.party not in NOT_THE_PERSON
