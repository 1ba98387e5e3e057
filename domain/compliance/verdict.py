"""The answer of the contact gate, and the ids of what it rests on besides rules of the packs."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.reasons import ReasonCode, Reasons, because

NOTHING_PAST_DUE = "lender.nothing_past_due"
BELOW_MINIMUM = "lender.below_minimum"
ON_HOLD = "lender.on_hold"
OPTED_OUT = "lender.opted_out"
CEASED = "lender.cease_communication"
NO_RULES = "lender.no_rules_known"
NO_ZONE = "lender.no_zone_known"
NO_ADDRESS = "lender.no_address_known"
NO_TEMPLATES = "lender.no_templates_in_language"
DUE_DAY_NOT_OVER = "lender.due_day_not_over"
NUMBER = "lender.number_not_to_be_used"
ADDRESS = "lender.address_not_to_be_used"
REPRESENTED = "lender.represented"
EMPLOYER_FORBIDS = "lender.employer_forbids"
INCONVENIENT_PLACE = "lender.inconvenient_place"
CALLBACK = "lender.callback_requested"
LEFT_ALONE = "lender.left_alone_today"
NEVER_TOGETHER = "lender.never_together"


class Permission(StrEnum):
    """What the contact gate may answer."""

    ALLOWED = "allowed"
    DEFERRED = "deferred"
    BARRED = "barred"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's answer, and every rule it rests on."""

    permission: Permission
    rules: tuple[str, ...]
    reason: Reasons
    """Without personal data."""
    until: datetime | None = None
    """For a deferred contact: the first lawful moment, in UTC. None: only a new fact can make it
    lawful (a number, a time zone, a rule pack, the release of a hold without an end)."""
    warnings: tuple[str, ...] = ()
    """Advisory rules that are against the contact. They do not stop it, and are recorded."""


def until_known(rule: str, code: ReasonCode, **params: str) -> Verdict:
    """Deferred until a new fact makes the contact lawful."""
    return Verdict(Permission.DEFERRED, (rule,), because(code, **params), None)
