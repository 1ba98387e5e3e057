"""Rule kind: whether anybody but the borrower may be contacted."""

from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from zoneinfo import ZoneInfo

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_rule import Blocked, ContactRule, EarliestTime
from domain.compliance.vocabulary import NOT_THE_PERSON, Channel, Party, Purpose
from domain.fact_effects import FromContacts
from domain.reasons import ReasonCode, because


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdPartyContact(ContactRule):
    """Whether anybody but the borrower may be contacted."""

    when_unreachable: bool = False
    """Only while the borrower cannot be reached; otherwise never."""
    failures: int = 0
    """After so many consecutive calls that reached nobody, the borrower counts as unreachable."""
    failed_days: int = 1
    """On at least so many days those calls must have been made."""
    to_locate: frozenset[Channel] = frozenset()
    """The channels by which somebody else may be asked, once, where the borrower can be reached."""

    def applies_to_contact(self, facts: ContactFacts) -> bool:
        return ContactRule.applies_to_contact(self, facts) and facts.party is Party.THIRD_PARTY

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        if facts.purpose is Purpose.LOCATE and channel in self.to_locate:
            return self._may_locate(facts, at)
        if not self.when_unreachable:
            forbidden = because(ReasonCode.THIRD_PARTY_FORBIDDEN, citation=self.source.citation)
            return Blocked(forbidden, permanent=True)
        if facts.number_invalid or self._calls_failed(facts, zone):
            return at
        return Blocked(
            because(
                ReasonCode.THIRD_PARTY_IF_UNREACHABLE,
                citation=self.source.citation,
                failures=self.failures,
            )
        )

    def _may_locate(self, facts: ContactFacts, at: datetime) -> EarliestTime:
        citation = self.source.citation
        if facts.location_asked:
            return Blocked(because(ReasonCode.LOCATION_ASKED_BEFORE, citation=citation))
        if not facts.number_invalid:
            return Blocked(because(ReasonCode.LOCATION_KNOWN, citation=citation))
        return at

    def _calls_failed(self, facts: ContactFacts, zone: str) -> bool:
        """Whether so many calls in a row reached nobody. A call that reached somebody who may be
        the person begins the row anew. A call to somebody else is left out, unless it reached the
        person."""
        calls = sorted(
            (
                contact
                for contact in facts.history
                if contact.channel is Channel.CALL
                and (contact.party not in NOT_THE_PERSON or contact.reached_borrower)
            ),
            key=lambda call: call.at,
            reverse=True,
        )
        in_vain = takewhile(lambda call: call.connected is False, calls)
        failed = [
            call.at for call in in_vain if call in facts.history_for(FromContacts.CALLS_FAILED)
        ]
        days = {at.astimezone(ZoneInfo(zone)).date() for at in failed}
        return len(failed) >= self.failures and len(days) >= self.failed_days
