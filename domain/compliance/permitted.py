"""Rule kind: what a law permits while a hold, or the person's wish, stops all other contact."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from domain.compliance.rules import Rule, RulePack, rules_in_force
from domain.compliance.vocabulary import Purpose
from domain.holds import HoldKind
from domain.parties import RepresentativeKind
from domain.persons import PersonFact

Stop: TypeAlias = HoldKind | PersonFact
"""What stops a contact that a law may permit all the same: a hold, or what the person asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted(Rule):
    """The contacts that are permitted in spite of a hold on a person, or of their own wish: for
    some purposes with anybody, or with some who act for that person."""

    during: frozenset[HoldKind] = frozenset()
    wishes: frozenset[PersonFact] = frozenset()
    """A request that nobody contact them any more, or a time that they called inconvenient."""
    purposes: frozenset[Purpose] = frozenset()
    """Empty: all of them, if `who` says with whom."""
    who: frozenset[RepresentativeKind] = frozenset()
    """The representatives who may be contacted instead of the person; empty: it does not matter who
    is contacted."""

    def permits(
        self, purpose: Purpose, stopped_by: Stop, acting: RepresentativeKind | None = None
    ) -> bool:
        """Whether it lets a contact through, with a representative of this kind if one is given."""
        if stopped_by not in self.during | self.wishes:
            return False
        if self.who:
            return acting in self.who and (not self.purposes or purpose in self.purposes)
        return purpose in self.purposes and purpose is not Purpose.COLLECT


def permitting_rule(
    packs: Iterable[RulePack],
    purpose: Purpose,
    stopped_by: Stop,
    on: date,
    acting: RepresentativeKind | None = None,
) -> Permitted | None:
    """The rule that lets a contact through on a business date, or None.

    `acting` is who acts for the person, if they are contacted instead.
    """
    rules = rules_in_force(packs, Permitted, on)
    return next((rule for rule in rules if rule.permits(purpose, stopped_by, acting)), None)
