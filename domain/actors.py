"""Who does something: a member of staff, a machine of the lender's, Arrears itself, a provider, or
the borrower."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What somebody on the roster works as."""

    CALLER = "caller"
    VISITOR = "visitor"
    LAWYER = "lawyer"
    SUPERVISOR = "supervisor"
    BOOKKEEPER = "bookkeeper"
    """Records money by hand, where no system of the lender's does."""
    OPERATOR = "operator"
    """Imports tapes, and mends what stands still."""
    PRIVACY_OFFICER = "privacy_officer"
    """Answers requests of data subjects."""
    AUDITOR = "auditor"
    """Reads everything, personal data excepted, and changes nothing."""
    ADMINISTRATOR = "administrator"
    """Decides who works here and in which role. Sees no borrower."""


class ActorKind(StrEnum):
    """What an actor is."""

    STAFF = "staff"
    MACHINE = "machine"
    """A system of the lender's."""
    SYSTEM = "system"
    """A background task of Arrears; its reference is the name of the task."""
    PROVIDER = "provider"
    BORROWER = "borrower"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever asks for a change, or to see something.

    Roles and scopes come from authentication, never from what somebody typed.
    """

    reference: str
    """Of a member of staff, the lender's own id of the person; of a machine, its name."""
    kind: ActorKind = ActorKind.STAFF
    roles: frozenset[Role] = field(default=frozenset(), compare=False)
    """Of a member of staff: those that count at the moment."""
    scopes: frozenset[str] = field(default=frozenset(), compare=False)
    """Of a machine."""

    def __str__(self) -> str:
        return self.reference


ARREARS = Actor("arrears", ActorKind.SYSTEM)
"""Arrears itself: what it does by rule, and what is done on the server by who operates it."""
NOBODY = Actor("nobody")
"""Whoever acts until a door knows who it is: without a role, so that nothing is permitted."""
BY_TEXT = Actor("text", ActorKind.BORROWER)
"""The actor of what a borrower's text asked for."""

OWN_NAMES = frozenset(
    {
        *(ARREARS.reference, NOBODY.reference, BY_TEXT.reference),
        *("contact_change", "erase_expired_data", "staff", "tape", "twilio", "tencent"),
    }
)
"""Names under which Arrears, providers and borrowers stand on record: of no person or machine."""
