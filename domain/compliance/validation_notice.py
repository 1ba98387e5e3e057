"""Rule kind: the written notice that says what is owed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_rule import Blocked, ContactRule, EarliestTime
from domain.compliance.vocabulary import Channel
from domain.reasons import ReasonCode, because


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationNotice(ContactRule):
    """The borrower gets a written notice of what is owed, with the first contact or soon after."""

    within_days: int

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        first, today = facts.first_contact_on, at.astimezone(ZoneInfo(zone)).date()
        if facts.validation_notice_on is not None or first is None:
            return at
        if today <= first + timedelta(days=self.within_days):
            return at
        return Blocked(
            because(
                ReasonCode.VALIDATION_NOTICE_MISSING,
                citation=self.source.citation,
                days=self.within_days,
            )
        )
