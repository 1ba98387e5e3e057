"""Rule kind: what people must see to themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_rule import ContactRule, EarliestTime
from domain.compliance.vocabulary import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct(ContactRule):
    """What people must see to themselves: shown with the work, and open to the gate at any time."""

    text: str

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        return at
