"""Rule kind: whether anybody but the borrower may be contacted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.compliance.contact_facts import ContactFacts, PastContact
from domain.compliance.contact_rule import Blocked, ContactRule, EarliestTime
from domain.compliance.vocabulary import Channel, Party
from domain.reasons import ReasonCode, because


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdPartyContact(ContactRule):
    """Whether anybody but the borrower may be contacted."""

    when_unreachable: bool = False
    """Only while the borrower cannot be reached; otherwise never."""
    failures: int = 0
    """After so many consecutive calls that reached nobody, the borrower counts as unreachable."""

    def applies_to_contact(self, facts: ContactFacts) -> bool:
        return ContactRule.applies_to_contact(self, facts) and facts.party is Party.THIRD_PARTY

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        if not self.when_unreachable:
            forbidden = because(ReasonCode.THIRD_PARTY_FORBIDDEN, citation=self.source.citation)
            return Blocked(forbidden, permanent=True)
        if facts.number_invalid or self._calls_failed(facts.history):
            return at
        return Blocked(
            because(
                ReasonCode.THIRD_PARTY_IF_UNREACHABLE,
                citation=self.source.citation,
                failures=self.failures,
            )
        )

    def _calls_failed(self, history: Sequence[PastContact]) -> bool:
        calls = [
            contact
            for contact in history
            if contact.channel is Channel.CALL and contact.party is Party.BORROWER
        ]
        latest = sorted(calls, key=lambda call: call.at)[-self.failures :]
        return len(latest) >= self.failures and all(call.connected is False for call in latest)
