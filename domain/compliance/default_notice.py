"""Rule kind: how many days a borrower has after the written notice that an arrangement defaults."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from domain.compliance.rules import Rule, RulePack, rules_in_force
from domain.compliance.vocabulary import Collects


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultNotice(Rule):
    """A letter says that too much was missed. The default counts only when its days are over."""

    days: int
    """Full days after the day on which the letter was printed."""


def default_notice_days(
    packs: Iterable[RulePack],
    collects_as: frozenset[Collects],
    product: str,
    own: int,
    on: date,
) -> int:
    """For how many days after its notice a default does not count yet: the longest that a law or
    the lender's terms (`own`) give. 0: no notice is needed first.

    `packs` are those of the loan's jurisdiction, `on` is a business date.
    """
    binding = (
        rule.days
        for rule in rules_in_force(packs, DefaultNotice, on)
        if (not rule.products or product in rule.products)
        and (not rule.applies_to or rule.applies_to & collects_as)
    )
    return max(own, *binding, 0)
