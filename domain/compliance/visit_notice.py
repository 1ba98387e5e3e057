"""Rule kind: how many people make a visit, and how long before it a notice is given."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_hours import moment_of
from domain.compliance.contact_rule import Blocked, ContactRule, EarliestTime
from domain.compliance.vocabulary import Channel
from domain.reasons import ReasonCode, Reasons, because


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitDuty(ContactRule):
    """How many people make a visit, and how many days before it the notice must be given."""

    staff: int = 1
    notice_days: int = 0
    """Full days between the notice and the visit."""

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        citation = self.source.citation
        if facts.visit_staff < self.staff:
            return Blocked(because(ReasonCode.VISIT_STAFF, citation=citation, staff=self.staff))
        if not self.notice_days:
            return at
        if facts.noticed_at is None:
            return Blocked(because(ReasonCode.VISIT_NOTICE_MISSING, citation=citation))
        noticed_on = facts.noticed_at.astimezone(ZoneInfo(zone)).date()
        return max(at, moment_of(noticed_on + timedelta(days=self.notice_days), time.min, zone))

    @property
    def violation(self) -> Reasons:
        return because(ReasonCode.VISIT_NOTICE_TOO_SHORT, citation=self.source.citation)
