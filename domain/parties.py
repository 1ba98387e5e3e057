"""Who is party to a loan besides its borrower, and who acts for a person."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from domain.compliance.vocabulary import Party
from domain.contact_points import NumberOnRecord
from domain.holds import Hold
from domain.inconvenient import InconvenientPlace, InconvenientTime

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
    inconvenient_times: tuple[InconvenientTime, ...] = ()
    """At which whoever has their number asked not to be called, whomever it was about."""
    inconvenient_places: tuple[InconvenientPlace, ...] = ()
    """The same of places."""
    locale: str | None = None
    """The language that they speak, BCP 47; None: nobody said."""


@dataclass(frozen=True, slots=True)
class LoanParty:
    """A co-borrower or a guarantor of a loan."""

    id: int
    role: Party
    person: int
    """Whom the record of the party stands for; equal for all records of one person."""
    holds: tuple[Hold, ...] = ()
    """What is true of this person. It says nothing yet about anybody else."""


def contacted_parties(parties: Iterable[LoanParty]) -> dict[int, LoanParty]:
    """By person, the one party as which they are contacted about a loan.

    Who turns out to be a co-borrower and a guarantor owes the debt first, and is contacted as a
    co-borrower alone. Of several records with one role, the newest says what is true now: the
    lender may have numbered its customers anew, with another number or address.
    """
    contacted: dict[int, LoanParty] = {}
    for party in sorted(parties, key=lambda party: (party.role is Party.CO_BORROWER, party.id)):
        contacted[party.person] = party
    return contacted
