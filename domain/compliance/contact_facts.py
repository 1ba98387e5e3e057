"""What the gate must know about a person and a loan before anybody reaches out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from domain.compliance.rules import RulePack
from domain.compliance.vocabulary import Channel, Collects, Party, Says
from domain.holds import Hold
from domain.loans import ZERO


@dataclass(frozen=True, slots=True)
class PastContact:
    """One attempt to reach somebody about any of the borrower's loans, through any channel.

    A visit that is arranged counts from then on, at the moment it begins.
    """

    at: datetime
    """Aware."""
    channel: Channel
    loan_id: int
    connected: bool | None = None
    """Whether a person was reached; None: nobody has said, which counts as yes and as no."""
    number: str | None = None
    """A key that is equal for equal numbers, never the number."""
    at_work: bool = False
    party: Party = Party.BORROWER


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What the gate must know, fresh from the claiming transaction."""

    past_due: Decimal
    zones: tuple[str, ...]
    """IANA zones; a contact must be lawful in all of them."""
    lender_zone: str
    """IANA zone in which holds begin and end."""
    packs: tuple[RulePack, ...]
    reachable: frozenset[Channel]
    """The channels for which there is a usable number or address."""
    holds: tuple[Hold, ...] = ()
    opted_out: frozenset[Channel] = field(default=frozenset())
    ceased: bool = False
    """Whether the borrower asked that nobody contact them any more, by whatever channel."""
    minimum: Decimal = ZERO
    """The ladder's: less than this past due, and nobody is contacted."""
    collects_as: frozenset[Collects] = frozenset({Collects.FIRST_PARTY})
    """What the house is, for rules that bind some who collect and not others."""
    loan_id: int = 0
    history: tuple[PastContact, ...] = ()
    """Over all of the borrower's loans and all channels, as far back as any rule counts."""
    first_contact_on: date | None = None
    """The day on which the borrower was first reached about this loan, however long ago."""
    party: Party = Party.BORROWER
    number: str | None = None
    """The key of the number to be used; None where the channel has none."""
    number_invalid: bool = False
    """Whether the borrower's number is known to reach nobody."""
    at_work: bool = False
    """Whether the number or the address is that of the person's place of work."""
    says: frozenset[Says] = frozenset()
    """What the message says; of a channel without a prepared message, nothing."""
    visit_staff: int = 0
    """How many people go."""
    noticed_at: datetime | None = None
    """When a written notice of the visit was, or would now be, given."""
    validation_notice_on: date | None = None
    """The day on which the borrower was told in writing what is owed, and how to dispute it."""
    limitation_from: date | None = None
    """The day from which the time to sue runs: the last instalment's, or a later acknowledgement's;
    None: not known."""
