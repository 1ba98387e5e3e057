"""Rule kind: what a message must say, and must not say."""

from dataclasses import dataclass
from datetime import datetime

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_rule import Blocked, ContactRule, EarliestTime
from domain.compliance.vocabulary import Channel, Party, Says
from domain.reasons import ReasonCode, because


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContent(ContactRule):
    """What a message must say, and what it must not."""

    must_say: frozenset[Says] = frozenset()
    must_not_say: frozenset[Says] = frozenset()
    to: Party | None = None
    """Whom the rule is about; None: every recipient."""

    def applies_to_contact(self, facts: ContactFacts) -> bool:
        return ContactRule.applies_to_contact(self, facts) and self.to in (None, facts.party)

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        citation = self.source.citation
        if missing := self.must_say - facts.says:
            says = sorted(missing)
            return Blocked(because(ReasonCode.MESSAGE_LACKS, citation=citation, says=says))
        if forbidden := self.must_not_say & facts.says:
            says = sorted(forbidden)
            return Blocked(because(ReasonCode.MESSAGE_SAYS, citation=citation, says=says))
        return at
