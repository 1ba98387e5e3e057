"""Rule kind: how many people make a visit, and how long before it a notice is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_hours import moment_of
from domain.compliance.contact_rule import Blocked, ContactRule, EarliestTime
from domain.compliance.vocabulary import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitDuty(ContactRule):
    """How many people make a visit, and how many days before it the notice must be given."""

    staff: int = 1
    notice_days: int = 0
    """Full days between the notice and the visit."""

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        if facts.visit_staff < self.staff:
            return Blocked(f"{self.source.citation} asks for {self.staff} people on a visit.")
        if not self.notice_days:
            return at
        if facts.noticed_at is None:
            return Blocked(f"{self.source.citation} asks for a notice before a visit.")
        noticed_on = facts.noticed_at.astimezone(ZoneInfo(zone)).date()
        return max(at, moment_of(noticed_on + timedelta(days=self.notice_days), time.min, zone))

    @property
    def violation(self) -> str:
        return f"Sooner after its notice than {self.source.citation} allows."
