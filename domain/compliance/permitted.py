"""Rule kind: what a law permits while a hold, or the person's wish, stops all other contact."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from domain.compliance.rules import Rule, RulePack, rules_in_force
from domain.compliance.vocabulary import Purpose
from domain.holds import HoldKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted(Rule):
    """The purposes for which a person may be contacted during these holds, or after a cease."""

    during: frozenset[HoldKind] = frozenset()
    after_cease: bool = False
    """Whether it is also about a person who asked that nobody contact them any more."""
    purposes: frozenset[Purpose]

    def permits(self, purpose: Purpose, stopped_by: HoldKind | None) -> bool:
        """Whether it lets a contact through. `stopped_by` None: the person's wish stops it."""
        if purpose not in self.purposes:
            return False
        return self.after_cease if stopped_by is None else stopped_by in self.during


def permitting_rule(
    packs: Iterable[RulePack], purpose: Purpose, stopped_by: HoldKind | None, on: date
) -> Permitted | None:
    """The rule that lets a contact for this purpose through on a business date, or None."""
    if purpose is Purpose.COLLECT:
        return None
    rules = rules_in_force(packs, Permitted, on)
    return next((rule for rule in rules if rule.permits(purpose, stopped_by)), None)
