"""What follows from the outcome of a conversation: a hold, a next action, who owes what by when.

The lender writes it in the ladder's file, under `outcomes`. What protects the person follows in any
case: a ladder may say for how long, and not that it does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from domain.contact_outcomes import ContactOutcome
from domain.holds import HoldKind


class Owner(StrEnum):
    """Who owes the next step."""

    COLLECTOR = "collector"  # whoever had the conversation
    TEAM = "team"  # any collector
    SUPERVISOR = "supervisor"
    SPECIALIST = "specialist"  # who helps people in difficulty


@dataclass(frozen=True, slots=True)
class Follows:
    """What follows from one outcome."""

    hold: HoldKind | None = None
    """The hold that it places at once."""
    days: int | None = None
    """How many business dates the hold covers, today included. None: as long as a law says, else
    until its release."""
    owner: Owner | None = None
    """Who owes the next step. None: nobody does."""
    within: timedelta = timedelta(days=1)
    """By when, from the report on; of a callback from the moment on that the person named."""
    then: str | None = None
    """The follow-up item that is planned, due when the hold is over, else on the next day."""
    ends_today: bool = False
    """Whether nobody contacts the person again on this day, about any loan."""
    late_after: timedelta | None = None
    """Of a callback: how late its collector may be before it is the team's."""
    times: int | None = None
    """How often the hold is placed in the same arrears; after that a supervisor may place one.
    None: each time."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a ladder says of outcomes."""

    shown: tuple[ContactOutcome, ...] = ()
    """What is shown to a collector to choose from; a step may show others. Empty:
    `SHOWN_BY_DEFAULT`."""
    follows: Mapping[ContactOutcome, Follows] = field(default_factory=dict, hash=False)
    inbound_ends_today: bool = False
    """Whether a conversation that the person began ends today's contacts with them."""
    reason_counts_days: int | None = None
    """How many days the reason for arrears counts once it is learnt: no call has to ask for it
    again before. None: each call that must learn it asks."""


_O, _H = ContactOutcome, HoldKind
_DAY = timedelta(days=1)

AT_LEAST: Mapping[ContactOutcome, Follows] = {
    # The bank tells of it in the night after.
    _O.PAID_NOW: Follows(_H.MANUAL, 2, times=2),
    _O.SAYS_PAID: Follows(_H.MANUAL, 5, Owner.TEAM, 2 * _DAY, times=2),
    _O.HARDSHIP: Follows(_H.VULNERABILITY, 14, Owner.SPECIALIST, _DAY),
    _O.DISPUTES: Follows(_H.DISPUTE, None, Owner.SUPERVISOR, _DAY),
    _O.COMPLAINS: Follows(owner=Owner.SUPERVISOR, within=_DAY, ends_today=True),
    _O.ADVISER: Follows(owner=Owner.TEAM, within=2 * _DAY),
    _O.INSOLVENT: Follows(_H.INSOLVENCY, None, Owner.SPECIALIST, 2 * _DAY),
    _O.PRISON: Follows(_H.VULNERABILITY, None, Owner.SPECIALIST, 2 * _DAY),
    _O.DECEASED: Follows(_H.DECEASED, None, Owner.SPECIALIST, 2 * _DAY),
    _O.LANGUAGE: Follows(owner=Owner.TEAM, within=_DAY),
    _O.CALLBACK_REQUESTED: Follows(late_after=timedelta(minutes=30)),
    _O.HUNG_UP: Follows(ends_today=True),
    _O.HUNG_UP_AFTER: Follows(ends_today=True),
    _O.CANNOT_TALK: Follows(ends_today=True),
    _O.REFUSES: Follows(ends_today=True),
}
"""What follows where the ladder says nothing."""

TAKEN = frozenset({_O.DISPUTES, _O.COMPLAINS})
"""What somebody takes to handle: a supervisor, whatever a ladder says. No collector may."""


def what_follows(outcomes: Outcomes | None, outcome: ContactOutcome) -> Follows:
    """What follows from an outcome by a ladder, which is None if no ladder is known.

    What the ladder says counts; what protects the person follows besides.
    """
    least = AT_LEAST.get(outcome, Follows())
    said = outcomes.follows.get(outcome) if outcomes else None
    if said is None:
        return least
    protects = least.hold is not None and said.hold is not least.hold
    return replace(
        said,
        hold=least.hold if protects else said.hold,
        days=least.days if protects else said.days,
        times=said.times or least.times,
        owner=least.owner if outcome in TAKEN else said.owner or least.owner,
        ends_today=said.ends_today or least.ends_today,
        late_after=said.late_after or least.late_after,
    )
