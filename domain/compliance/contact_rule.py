"""Rules about a contact: what a kind of rule answers when the gate asks it.

Every such rule answers one question: from when on does it allow this contact? The gate asks all of
them and waits for the latest moment.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.rules import Rule
from domain.compliance.vocabulary import Channel
from domain.reasons import ReasonCode, Reasons, because


@dataclass(frozen=True, slots=True)
class Blocked:
    """No moment is lawful with the facts as they are."""

    reason: Reasons
    """Without personal data."""
    permanent: bool = False
    """Whether no later fact can change it."""


EarliestTime: TypeAlias = datetime | Blocked
"""The first moment, not before the one asked about, at which a rule allows the contact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRule(Rule):
    """A rule that can stop a contact. Each kind implements `earliest_time`."""

    def applies_to_contact(self, facts: ContactFacts) -> bool:
        """Whether the rule is about such a contact at all, on any day."""
        if self.place and not self.place.includes(at_work=facts.at_work, party=facts.party):
            return False
        if self.products and facts.product not in self.products:
            return False
        return not self.applies_to or bool(self.applies_to & facts.collects_as)

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        """From when on the rule allows the contact, in an IANA zone. `at` and result are UTC."""
        raise NotImplementedError

    def complaint(self, facts: ContactFacts, channel: Channel, zone: str, at: datetime) -> Reasons:
        """What is wrong with a contact at that moment, where `earliest_time` is a later one."""
        return self.violation

    @property
    def violation(self) -> Reasons:
        """What is wrong with a contact before `earliest_time`, with the article."""
        return because(ReasonCode.AGAINST_RULE, citation=self.source.citation)
