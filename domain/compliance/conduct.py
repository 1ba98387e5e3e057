"""Rule kind: rules that people must follow, and that no program can check."""

from dataclasses import dataclass
from datetime import datetime

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_rule import ContactRule, EarliestTime
from domain.compliance.vocabulary import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct(ContactRule):
    """A rule for people. It is shown with the work, and never stops a contact at the gate."""

    text: str
    text_zh: str | None = None
    """The same in Chinese."""

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        return at
