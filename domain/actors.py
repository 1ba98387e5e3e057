"""Who did something: a member of staff, a system, a provider, or the borrower."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """What an actor is."""

    STAFF = "staff"
    SYSTEM = "system"
    """A background task of Arrears; its reference is the name of the task."""
    PROVIDER = "provider"
    BORROWER = "borrower"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever asked for a change, or read personal data."""

    reference: str
    """Of a member of staff, the lender's own id of the person."""
    kind: ActorKind = ActorKind.STAFF

    def __str__(self) -> str:
        return self.reference


BY_TEXT = Actor("text", ActorKind.BORROWER)
"""The actor of what a borrower's text asked for."""
