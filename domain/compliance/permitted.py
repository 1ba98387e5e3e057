"""Rule kind: what a law permits while a hold, or the person's wish, stops all other contact."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from domain.compliance.rules import Rule, RulePack, rules_in_force
from domain.compliance.vocabulary import Purpose
from domain.holds import HoldKind
from domain.persons import PersonFact

Stop: TypeAlias = HoldKind | PersonFact
"""What stops a contact that a law may permit all the same: a hold, or what the person asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted(Rule):
    """The purposes for which a person may be contacted in spite of a hold or of their own wish."""

    during: frozenset[HoldKind] = frozenset()
    wishes: frozenset[PersonFact] = frozenset()
    """A request that nobody contact them any more, or a time that they called inconvenient."""
    purposes: frozenset[Purpose]

    def permits(self, purpose: Purpose, stopped_by: Stop) -> bool:
        """Whether it lets a contact through."""
        return purpose in self.purposes and stopped_by in self.during | self.wishes


def permitting_rule(
    packs: Iterable[RulePack], purpose: Purpose, stopped_by: Stop, on: date
) -> Permitted | None:
    """The rule that lets a contact for this purpose through on a business date, or None."""
    if purpose is Purpose.COLLECT:
        return None
    rules = rules_in_force(packs, Permitted, on)
    return next((rule for rule in rules if rule.permits(purpose, stopped_by)), None)
