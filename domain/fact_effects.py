"""What each fact does to the limits on contact: it protects somebody, or it loosens a limit.

Two records that are only presumed to stand for one person may be two people. So what protects
reaches over such a link, and what loosens a limit does not: nobody may be contacted because of what
somebody else agreed to.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from domain.contact_points import NumberFact
from domain.holds import HoldKind
from domain.persons import Link, PersonFact


class Effect(StrEnum):
    """What a fact does to the limits on contact."""

    PROTECTS = "protects"
    LOOSENS = "loosens"

    def reaches(self, link: Link) -> bool:
        """Whether it reaches from one record to another over such a link."""
        return link.joins if self is Effect.PROTECTS else link is Link.CONFIRMED

    @property
    def of_the_end(self) -> Effect:
        """What it does if a fact with this effect ends."""
        return Effect.LOOSENS if self is Effect.PROTECTS else Effect.PROTECTS


class FromContacts(StrEnum):
    """What follows from the contacts with a person."""

    COUNTS = "counts"  # for a cap; a conversation ends a consent too
    CALL_NOT_BEFORE = "call_not_before"  # the person asked to be called later
    CALL_THEN = "call_then"  # and so agrees to that call
    CALLS_FAILED = "calls_failed"  # the person is not reached: somebody else may be asked


P, L = Effect.PROTECTS, Effect.LOOSENS

EFFECTS: Mapping[PersonFact | NumberFact | HoldKind | FromContacts, Effect] = {
    PersonFact.CEASED: P,
    PersonFact.NO_CHANNEL: P,
    PersonFact.REPRESENTED: P,
    PersonFact.EMPLOYER_FORBIDS: P,
    PersonFact.INCONVENIENT_TIME: P,
    PersonFact.INCONVENIENT_PLACE: P,
    PersonFact.LANGUAGE: P,
    PersonFact.AGREED_MORE_CONTACTS: L,
    PersonFact.AGREED_OTHER_HOURS: L,
    FromContacts.COUNTS: P,
    FromContacts.CALL_NOT_BEFORE: P,
    FromContacts.CALL_THEN: L,
    FromContacts.CALLS_FAILED: L,
    # A number or an address is one thing: these reach everybody who has it.
    NumberFact.OPTED_OUT: P,
    NumberFact.REACHES_NOBODY: P,
    NumberFact.SOMEBODY_ELSE: P,
    NumberFact.NO_TEXTS: P,
    NumberFact.AT_WORK: P,
    NumberFact.SHARED: P,
    NumberFact.REFUSED: P,
    NumberFact.HAS_EXTENSION: P,
    NumberFact.INCONVENIENT: P,
    NumberFact.UNREAD_REPLY: P,
    NumberFact.NOT_DELIVERED: P,
    # A pause is never a reason to contact somebody.
    HoldKind.ARRANGEMENT: P,
    HoldKind.DEFERRAL: P,
    HoldKind.PROMISE: P,
    HoldKind.DISPUTE: P,
    HoldKind.COMPLAINT: P,
    HoldKind.VULNERABILITY: P,
    HoldKind.MORATORIUM: P,
    HoldKind.BREATHING_SPACE: P,
    HoldKind.MENTAL_HEALTH_CRISIS: P,
    HoldKind.INSOLVENCY: P,
    HoldKind.DECEASED: P,
    HoldKind.LEGAL_STAY: P,
    HoldKind.ABSENT: P,
    HoldKind.MANUAL: P,
}
"""Of each fact, whether it protects or loosens. There is no other place that says so."""

LOOSENING = frozenset(fact for fact in PersonFact if EFFECTS[fact] is Effect.LOOSENS)
"""The facts of a person that reach only records that are confirmed to be one person."""
