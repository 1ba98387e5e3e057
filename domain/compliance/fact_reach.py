"""Rule kind: whether a fact about a person stops one debt, all debts, or one number."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.compliance.frequency_caps import Scope
from domain.compliance.rules import Rule, RulePack, rules_in_force


class ReachingFact(StrEnum):
    """The facts that laws let reach differently far."""

    CEASED = "ceased"  # the person asked that nobody contact them any more
    REPRESENTED = "represented"  # somebody acts for them
    INSOLVENCY = "insolvency"
    OPTED_OUT = "opted_out"  # no more texts


@dataclass(frozen=True, slots=True, kw_only=True)
class FactReach(Rule):
    """How far a fact reaches."""

    fact: ReachingFact
    scope: Scope


def reach_of(packs: Iterable[RulePack], fact: ReachingFact, on: date) -> Scope | None:
    """How far a fact reaches under these packs on a business date; None: no law says it.

    If laws differ, the wider reach counts: the whole person.
    """
    rules = rules_in_force(packs, FactReach, on)
    scopes = {rule.scope for rule in rules if rule.fact is fact}
    return Scope.PERSON if Scope.PERSON in scopes else next(iter(scopes), None)
