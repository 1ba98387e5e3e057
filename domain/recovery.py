"""What brings a restored database up to date: the steps of a recovery, and from when they look."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum


class RecoveryStep(StrEnum):
    """The steps of a recovery, in their order. Each can be run again."""

    KEYS = "keys"  # the keys open what is stored
    JOURNAL = "journal"  # opt-outs, erasures and revocations come back
    TEXTS_IN = "texts_in"  # what borrowers wrote comes back from the providers
    TEXTS_OUT = "texts_out"  # what was sent comes back from the providers
    EVENTS = "events"  # the lender's systems send their events again
    EVIDENCE = "evidence"  # which part of the chain was lost
    REST = "rest"  # which contacts nobody can explain


class StepStatus(StrEnum):
    """How far a step has come."""

    OPEN = "open"  # something is missing; it is run again
    DONE = "done"
    ACCEPTED = "accepted"  # two persons go on without it, and say why


MARGIN = timedelta(hours=1)
"""How much earlier than the newest record the steps look: a transaction may have begun before the
backup and have ended after it, and the clocks of others differ."""


def look_since(known: Iterable[datetime | None]) -> datetime | None:
    """From when something may be missing: a margin before the earliest of the moments that are
    known to be in the backup. None: no such moment is known."""
    moments = [moment for moment in known if moment is not None]
    return min(moments) - MARGIN if moments else None
