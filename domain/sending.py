"""Sending holds: a brake that people pull, or that Arrears pulls by itself. Everything is decided
while it holds, and nobody is contacted."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from domain.reasons import ReasonCode


class SendingScope(StrEnum):
    """What a sending hold stops."""

    ALL = "all"
    CHANNEL = "channel"
    JURISDICTION = "jurisdiction"  # a country holds its subdivisions too
    LADDER = "ladder"


@dataclass(frozen=True, slots=True)
class Scope:
    """What one sending hold stops."""

    kind: SendingScope
    subject: str | None = None
    """The channel, the jurisdiction or the ladder; None: everything."""

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}" if self.subject else str(self.kind)


EVERYTHING = Scope(SendingScope.ALL)


class StoppedBecause(StrEnum):
    """What set a sending hold: a person, or what Arrears found by itself."""

    PERSON = "person"
    DATABASE_OLDER = "database_older"
    COUNTER_MISSING = "counter_missing"
    OTHER_SYSTEM = "other_system"
    COUNTER_UNUSABLE = "counter_unusable"
    CLOCK_BEHIND = "clock_behind"
    CLOCK_AHEAD = "clock_ahead"
    EVIDENCE_STOPPED = "evidence_stopped"
    TOO_MUCH_SENT = "too_much_sent"


OF_COUNTER = frozenset(
    {
        StoppedBecause.DATABASE_OLDER,
        StoppedBecause.COUNTER_MISSING,
        StoppedBecause.OTHER_SYSTEM,
        StoppedBecause.COUNTER_UNUSABLE,
    }
)
"""What the file of the sending counter shows. To resume takes its new start for granted."""

WHAT_TO_DO = {
    StoppedBecause.PERSON: ReasonCode.ASK_WHO_STOPPED,
    StoppedBecause.DATABASE_OLDER: ReasonCode.RECOVER_FIRST,
    StoppedBecause.COUNTER_MISSING: ReasonCode.PUT_COUNTER_BACK,
    StoppedBecause.OTHER_SYSTEM: ReasonCode.RECOVER_FIRST,
    StoppedBecause.COUNTER_UNUSABLE: ReasonCode.PUT_COUNTER_BACK,
    StoppedBecause.CLOCK_BEHIND: ReasonCode.SET_CLOCK,
    StoppedBecause.CLOCK_AHEAD: ReasonCode.SET_CLOCK,
    StoppedBecause.EVIDENCE_STOPPED: ReasonCode.LET_EVIDENCE_CHAIN,
    StoppedBecause.TOO_MUCH_SENT: ReasonCode.SEE_WHAT_WAS_SENT,
}

MOST_AHEAD = timedelta(hours=1)
"""How far a machine's clock may be from the clock of the database."""
MOST_BEHIND = timedelta(minutes=5)
"""How far a machine's clock may stand behind the newest record: the clocks of several machines
differ a little."""
EVIDENCE_LATE = timedelta(minutes=15)
"""How old a row of evidence may get before it is linked."""
RENEW_WITHIN = timedelta(minutes=10)
"""How long after somebody resumes sending a missing file of the counter is written anew."""
