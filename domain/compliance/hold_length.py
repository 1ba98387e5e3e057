"""Rule kind: how long a hold lasts by law."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.compliance.rules import Rule, RulePack, rules_in_force
from domain.holds import HoldKind


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLength(Rule):
    """How long a hold lasts by law, if it is placed without an end."""

    hold: HoldKind
    days: int
    after_release: bool = False
    """Whether the days count from the release of the hold, not from its start."""


class HoldFrom(StrEnum):
    """From which day a law counts how long a hold lasts."""

    START = "start"
    RELEASE = "release"


def hold_length(packs: Iterable[RulePack], kind: HoldKind, on: date) -> HoldLength | None:
    """The rule on how long a hold lasts that starts on `on`: the longest one in these packs."""
    found = (rule for rule in rules_in_force(packs, HoldLength, on) if rule.hold is kind)
    return max(found, key=lambda rule: rule.days, default=None)
