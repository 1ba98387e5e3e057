"""What the oracle is shown: who was reached, how and when, and what had come in before."""

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Reached:
    """One contact, as the provider, a collector or a visitor has it on record."""

    at: datetime
    """UTC."""
    channel: str
    loan: int
    connected: bool = False
    number: str = ""
    at_work: bool = False
    party: str = "borrower"
    inbound: bool = False
    outcome: str = ""
    """As it was reported: `busy`, `spoke_with_other`, … """
    also_about: frozenset[int] = frozenset()
    """Other loans that were mentioned."""
    purpose: str = "collect"
    """Or `locate`, `answer`, `requested`, `notice`."""
    says: frozenset[str] = frozenset()
    staff: int = 0
    noticed_at: datetime | None = None
    rules: tuple[str, ...] = ("?",)
    """What Arrears says allowed it."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A hold: from its first day up to, not including, the last; None has no end."""

    loan: int
    first: date
    end: date | None
    known_at: datetime
    kind: str = "manual"


@dataclass(frozen=True, slots=True)
class Agreed:
    """That the person agreed to something (`more_contacts`, `other_hours`), and when."""

    to: str
    since: datetime
    until: datetime | None = None


@dataclass(slots=True)
class Life:
    """One borrower, and all that happened, in the order in which it happened."""

    id: int
    jurisdiction: str
    zones: tuple[str, ...]
    lender_zone: str
    loans: dict[int, date]
    """By loan: the day from which the time to sue runs."""
    collects_as: str = "first_party"
    contacts: list[Reached] = field(default_factory=list)
    paid: dict[int, datetime] = field(default_factory=dict)
    pauses: list[Pause] = field(default_factory=list)
    stopped: dict[str, datetime] = field(default_factory=dict)
    """By channel, since when the borrower wants no more of it; `*` is all of them."""
    product: str = "personal_loan"
    agreed: list[Agreed] = field(default_factory=list)
    number_invalid: bool = False
    closed: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """By channel and number, since when the number takes nothing more, whoever has it."""
    lived_until: datetime | None = None
    """A life goes forward: nothing happens in it before this."""
    notices: dict[int, datetime] = field(default_factory=dict)
    """By loan, when the written notice of the debt was given."""
    due: dict[int, date] = field(default_factory=dict)
    """By loan, the due day from which its ladder counts, where one may act close to it."""
