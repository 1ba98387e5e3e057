"""Who is party to a loan besides its borrower, and who acts for a person."""

from dataclasses import dataclass
from enum import StrEnum

from domain.compliance.vocabulary import Party
from domain.contact_points import NumberOnRecord
from domain.holds import Hold

ROLES = (Party.CO_BORROWER, Party.GUARANTOR)
"""What somebody may be to a loan besides its borrower."""


class RepresentativeKind(StrEnum):
    """Who acts for a person."""

    ATTORNEY = "attorney"
    DEBT_ADVISER = "debt_adviser"
    GUARDIAN = "guardian"  # of a minor, or of somebody without capacity
    EXECUTOR = "executor"  # of the estate of a person who died


@dataclass(frozen=True, slots=True)
class Representative:
    """Who acts for a person about a loan, as far as a contact with them needs it."""

    id: int
    kind: RepresentativeKind
    contacted: bool
    """Whether they may be contacted instead of the person, as the person or they themselves said.
    False: nobody is."""
    number: NumberOnRecord | None = None
    zones: tuple[str, ...] = ()
    """IANA; empty: those of the person."""


@dataclass(frozen=True, slots=True)
class LoanParty:
    """A co-borrower or a guarantor of a loan."""

    id: int
    role: Party
    person: int
    """Whom the record of the party stands for; equal for all records of one person."""
    holds: tuple[Hold, ...] = ()
    """What is true of this person. It says nothing yet about anybody else."""
