"""Rule packs: what one jurisdiction's law asks of contacts, as values with their article."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum


class Channel(StrEnum):
    """The ways to reach a person, and the court's, which reaches nobody by itself."""

    SMS = "sms"
    CALL = "call"
    VISIT = "visit"
    LEGAL = "legal"


class Confidence(StrEnum):
    """How sure the value is."""

    PRIMARY = "V"  # the primary text was read
    SECONDARY = "S"  # press, law firm, regulator's page
    GENERAL = "G"  # general knowledge


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule stands, shown wherever the rule is."""

    citation: str
    confidence: Confidence

    @property
    def needs_review(self) -> bool:
        return self.confidence is not Confidence.PRIMARY


@dataclass(frozen=True, slots=True)
class Hours:
    """Contact is lawful from `start` up to, not including, `end` on these days of the week."""

    weekdays: frozenset[int]
    """As `date.weekday()`: Monday is 0."""
    start: time
    end: time
    """Local time of the person. `time.max` means midnight."""


@dataclass(frozen=True, slots=True)
class ContactHours:
    """When a person may be contacted, in that person's own local time. Outside: must not."""

    id: str
    channels: frozenset[Channel]
    hours: tuple[Hours, ...]
    source: Source
    effective_from: date
    effective_to: date | None = None

    def in_force(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)


@dataclass(frozen=True, slots=True)
class RulePack:
    """One version of one jurisdiction's rules."""

    id: str
    version: int
    jurisdiction: str
    """`CN`, `US`, or a subdivision such as `US-MA`, whose rules come on top of its country's."""
    contact_hours: tuple[ContactHours, ...]

    @property
    def name(self) -> str:
        return f"{self.id} v{self.version}"


def packs_for(packs: tuple[RulePack, ...], jurisdiction: str) -> tuple[RulePack, ...]:
    """All the packs that bind a contact there: the country's and, on top, the subdivision's."""
    country = jurisdiction.split("-", 1)[0]
    return tuple(pack for pack in packs if pack.jurisdiction in {jurisdiction, country})
