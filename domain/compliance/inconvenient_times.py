"""Rule kind: the times that a person called inconvenient."""

from dataclasses import dataclass
from datetime import date, datetime

from domain.compliance.contact_facts import ContactFacts
from domain.compliance.contact_rule import ContactRule, EarliestTime
from domain.compliance.rules import Confidence, Source
from domain.compliance.vocabulary import Channel, Party
from domain.inconvenient import InconvenientTime
from domain.reasons import ReasonCode, Reasons, because

INCONVENIENT_TIME = "lender.inconvenient_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class InconvenientTimes(ContactRule):
    """Nobody contacts a person at a time that the person called inconvenient.

    The gate keeps to such a time in every jurisdiction. A rule of a pack says which law asks for
    it.
    """

    def applies_to_contact(self, facts: ContactFacts) -> bool:
        is_theirs = facts.party is not Party.THIRD_PARTY and bool(facts.inconvenient_times)
        return is_theirs and ContactRule.applies_to_contact(self, facts)

    def earliest_time(
        self, facts: ContactFacts, channel: Channel, zone: str, at: datetime
    ) -> EarliestTime:
        return max((over for _, over in _covering(facts, channel, zone, at)), default=at)

    def complaint(self, facts: ContactFacts, channel: Channel, zone: str, at: datetime) -> Reasons:
        named = tuple(
            reason
            for named, _ in _covering(facts, channel, zone, at)
            for reason in because(ReasonCode.INCONVENIENT_TIME, **_parameters(named))
        )
        return named if self.source.confidence is Confidence.OWN else (*named, *self.violation)


KEPT_EVERYWHERE = InconvenientTimes(
    id=INCONVENIENT_TIME,
    channels=frozenset(Channel) - {Channel.LEGAL},
    source=Source("The person's own word", Confidence.OWN),
    effective_from=date.min,
)
"""Counts whether or not a law says so: what a person asked for protects the person everywhere."""


def _covering(
    facts: ContactFacts, channel: Channel, zone: str, at: datetime
) -> list[tuple[InconvenientTime, datetime]]:
    """The times that `at` falls into, with the moment at which each is over."""
    return [
        (named, over)
        for named in facts.inconvenient_times
        if named.stops(channel) and (over := named.over_at(at, zone)) is not None
    ]


def _parameters(named: InconvenientTime) -> dict[str, str | list[str]]:
    starts, ends = named.written_hours
    return {"weekdays": named.written_days, "starts": starts, "ends": ends}
