"""Rule kind: what an arrangement may cost at most."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from domain.compliance.rules import Rule, RulePack, Source, rules_in_force
from domain.compliance.vocabulary import Collects, Suspends

PERCENT = Decimal(100)
HUNDREDTH = Decimal("0.01")


class CapKind(StrEnum):
    """What a law, or the lender, limits whoever agrees."""

    YEARLY_COST_PERCENT = "yearly_cost_percent"  # interest and fees of a year, in percent
    RATE_OVER_CONTRACT_PERCENT = "rate_over_contract_percent"  # penal interest, in percent of it
    MONTHS = "months"  # from the quote to the last day of the arrangement


OF_LAW = (CapKind.YEARLY_COST_PERCENT, CapKind.RATE_OVER_CONTRACT_PERCENT)
"""What a rule pack may limit. How long an arrangement lasts is in the lender's terms."""


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit that nobody may go beyond."""

    what: CapKind
    at_most: Decimal
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyCap(Rule):
    """What money may cost at most: all of it a year, or penal interest above the contract's rate.

    Of penal interest `at_most` is in percent of the rate of the contract: 50 means half as much
    again, and 0 none at all.
    """

    what: CapKind
    at_most: Decimal
    during: frozenset[Suspends] = frozenset()
    """It binds only while one of these lasts that began after the loan was paid out."""

    @property
    def cap(self) -> Cap:
        return Cap(self.what, self.at_most, self.source)


def money_caps(
    packs: Iterable[RulePack],
    collects_as: frozenset[Collects],
    product: str,
    on: date,
    during: frozenset[Suspends] = frozenset(),
) -> tuple[MoneyCap, ...]:
    """The rules that limit what a loan of a product may cost on a day.

    `packs` are those of its jurisdiction; `during` is what lasts of what rules ask about.
    """
    return tuple(
        rule
        for rule in rules_in_force(packs, MoneyCap, on)
        if (not rule.products or product in rule.products)
        and (not rule.applies_to or rule.applies_to & collects_as)
        and (not rule.during or rule.during & during)
    )


def strictest(caps: Iterable[Cap], what: CapKind) -> Cap | None:
    """The lowest limit of a kind, the first of equal ones; None: there is none."""
    return min((cap for cap in caps if cap.what is what), key=lambda cap: cap.at_most, default=None)


def yearly_percent(cost: Decimal, used: Decimal) -> Decimal:
    """A cost in percent a year, to the hundredth. `used` is the principal times the years for
    which it is owed."""
    return (cost * PERCENT / used).quantize(HUNDREDTH, ROUND_HALF_UP)


def is_rate_too_high(rate: Decimal, contract: Decimal | None, cap: Cap) -> bool:
    """Whether a rate is more above that of the contract than a cap of penal interest allows. Where
    the contract's rate is not known nothing can be said."""
    return contract is not None and rate * PERCENT > contract * (PERCENT + cap.at_most)
