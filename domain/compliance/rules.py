"""Rules: what the law of one jurisdiction asks, as values with their article."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import TypeVar

from domain.compliance.calendars import PLAIN_WEEK, Calendar
from domain.compliance.vocabulary import Channel, Collects, Place, country_of
from domain.loans import Component

EVERYWHERE = "*"
"""The jurisdiction of a pack that applies in all of them."""


class Confidence(StrEnum):
    """How reliable the source of the value is."""

    PRIMARY = "V"  # the primary text was read
    QUOTED = "S*"  # a secondary source that quotes the provision word for word
    SECONDARY = "S"  # press, law firm, regulator's page
    GENERAL = "G"  # general knowledge
    OWN = "L"  # no law: the lender's own limit


class Modality(StrEnum):
    """How strict a rule is. The first two stop a contact; the third only records a warning."""

    MUST_NOT = "must_not"  # 不应, 严禁
    PRESUMPTION = "presumption"  # a violation until the lender proves otherwise
    ADVISORY = "advisory"  # 不宜


class RuleStatus(StrEnum):
    IN_FORCE = "in_force"
    DRAFT = "draft"  # shown, and never applied


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule is written; shown wherever the rule is shown."""

    citation: str
    confidence: Confidence

    @property
    def needs_review(self) -> bool:
        return self.confidence not in (Confidence.PRIMARY, Confidence.OWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What all rules have. Each kind of rule adds its own values."""

    id: str
    channels: frozenset[Channel]
    """The channels that it is about."""
    source: Source
    effective_from: date
    effective_to: date | None = None
    status: RuleStatus = RuleStatus.IN_FORCE
    modality: Modality = Modality.MUST_NOT
    applies_to: frozenset[Collects] = frozenset()
    """Whom it binds; empty: everybody who collects."""
    products: frozenset[str] = frozenset()
    """The products that it is about; empty: all of them."""
    place: Place | None = None
    """It is only about contacts at this place; None: wherever they are."""
    replaces: frozenset[str] = frozenset()
    """The rules of its country's pack instead of which it applies."""

    def in_force(self, on: date) -> bool:
        return (
            self.status is RuleStatus.IN_FORCE
            and self.effective_from <= on
            and (self.effective_to is None or on <= self.effective_to)
        )

    @property
    def is_blocking(self) -> bool:
        """Whether it stops a contact, and does not only record a warning."""
        return self.modality is not Modality.ADVISORY


@dataclass(frozen=True, slots=True)
class RulePack:
    """One version of one jurisdiction's rules, or of the lender's own limits."""

    id: str
    version: int
    jurisdiction: str
    """`CN`, `US`, or a subdivision such as `US-MA`, whose rules are added to its country's; or
    `EVERYWHERE`, for the lender's own limits."""
    rules: tuple[Rule, ...]
    calendar: Calendar = PLAIN_WEEK
    allocation: tuple[Component, ...] = ()
    """What a payment pays first, where the law says so; empty: it does not."""
    allocation_source: Source | None = None
    """Where the law says so; None: the pack names no article."""
    allocation_unless_agreed: bool = False
    """Whether another order that the contract agrees on counts before it."""
    replaces: frozenset[str] = field(init=False, repr=False, compare=False)
    """The rules of other packs instead of which rules of this one apply."""
    _by_channel: dict[Channel, tuple[Rule, ...]] = field(init=False, repr=False, compare=False)
    _without: dict[frozenset[str], RulePack] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        by_channel = {
            channel: tuple(rule for rule in self.rules if channel in rule.channels)
            for channel in Channel
        }
        object.__setattr__(self, "_by_channel", by_channel)
        in_force = (rule for rule in self.rules if rule.status is RuleStatus.IN_FORCE)
        object.__setattr__(self, "replaces", frozenset().union(*(r.replaces for r in in_force)))

    @property
    def name(self) -> str:
        return f"{self.id} v{self.version}"

    @property
    def is_law(self) -> bool:
        """Whether it holds the rules of a jurisdiction, not the lender's own limits."""
        return self.jurisdiction != EVERYWHERE

    def without(self, replaced: frozenset[str]) -> RulePack:
        """The pack without the rules that another pack replaces."""
        if replaced not in self._without:
            kept = tuple(rule for rule in self.rules if rule.id not in replaced)
            whole = len(kept) == len(self.rules)
            self._without[replaced] = self if whole else replace(self, rules=kept)
        return self._without[replaced]

    def rules_for(self, channel: Channel) -> tuple[Rule, ...]:
        return self._by_channel[channel]


R = TypeVar("R", bound=Rule)


def rules_in_force(packs: Iterable[RulePack], kind: type[R], on: date) -> list[R]:
    """The rules of one kind that are in force on `on`, of all these packs."""
    rules = (rule for pack in packs for rule in pack.rules)
    return [rule for rule in rules if isinstance(rule, kind) and rule.in_force(on)]


def pack_of_allocation(packs: tuple[RulePack, ...], jurisdiction: str) -> RulePack | None:
    """The pack that says what a payment pays first in a jurisdiction; None if none does.

    The pack of the subdivision counts before that of its country, and that before the lender's own.
    """
    said = {pack.jurisdiction: pack for pack in packs if pack.allocation}
    country = country_of(jurisdiction)
    return said.get(jurisdiction) or said.get(country) or said.get(EVERYWHERE)


def packs_for(packs: tuple[RulePack, ...], jurisdiction: str) -> tuple[RulePack, ...]:
    """All the packs that apply in a jurisdiction: the lender's own limits, its country's and the
    subdivision's own, without the country's rules that the subdivision replaces."""
    named = {jurisdiction, country_of(jurisdiction), EVERYWHERE}
    applying = tuple(pack for pack in packs if pack.jurisdiction in named)
    replaced = frozenset().union(*(pack.replaces for pack in applying))
    return tuple(pack.without(replaced) for pack in applying) if replaced else applying
