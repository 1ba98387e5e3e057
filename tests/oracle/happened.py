"""What came in about one loan, what was done to its borrower, and what was agreed. No code of
Arrears; amounts are cents."""

from dataclasses import dataclass, field
from datetime import date, datetime

from tests.oracle.agreements import Pledge

TALKED = frozenset({"spoke", "promised", "asks_plan", "asks_deferral", "hardship", "refuses"})
"""Outcomes of calls in which the borrower talked of how to pay: with these the reason is learnt."""
TALKED_OF_SOMETHING_ELSE = frozenset({"says_paid", "complains"})
"""Others in which they talked. The reason is learnt if they told it."""


@dataclass(slots=True)
class Made:
    """A contact with the borrower."""

    at: datetime
    channel: str
    item: str
    by: str = ""
    outcome: str = ""
    """Of a call: known after it."""
    since: date | None = None
    """When the ladder had begun."""
    reported_at: datetime | None = None
    again_at: datetime | None = None
    """When the person asked to be called again."""
    told_reason: bool = False
    """Whether they said why they are late."""

    @property
    def learnt(self) -> bool:
        """Whether a call that has to learn the reason learnt it."""
        return self.outcome in TALKED or (
            self.outcome in TALKED_OF_SOMETHING_ELSE and self.told_reason
        )


@dataclass(slots=True)
class Paid:
    """A payment, when it was told, and when it went back."""

    paid_on: date
    known_at: datetime
    cents: int
    gone_at: datetime | None = None


@dataclass(slots=True)
class Promised:
    """A promise, and where it stood when somebody last looked."""

    id: str
    pledge: Pledge
    ended_at: datetime | None = None
    """Taken back, or another one took its place."""
    stood: str = "open"
    not_kept_on: date | None = None


@dataclass(slots=True)
class Plan:
    """A deferral or an instalment plan that the borrower accepted."""

    id: str
    accepted_at: datetime
    answer_by: date
    """Up to, not including, this day nobody is contacted while the ledger has not answered."""
    agreed: tuple[tuple[date, int], ...]
    grace: int
    ends_it: int
    active_at: datetime | None = None
    refused_at: datetime | None = None
    ended: tuple[datetime, str] | None = None
    missed: list[date] = field(default_factory=list)
    """The days of those that were missed at some time."""
    not_before: date | None = None
    """It is not in default before this day: money went back, and days of grace began anew."""
    not_paid_at: datetime | None = None
    """While the ledger was silent: when it was seen that what was agreed is not paid."""

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(day for day, _ in self.agreed)


@dataclass(slots=True)
class Complained:
    """A complaint, whom it is about, and what became of it."""

    id: str
    at: datetime
    about: str | None
    stops_all: bool
    answer_by: date
    """The last day."""
    answered_at: datetime | None = None
    upheld: bool = False

    def lasts(self, at: datetime) -> bool:
        return self.at <= at and (self.answered_at is None or at < self.answered_at)

    def bars(self, who: str, at: datetime) -> bool:
        if self.about != who or at < self.at:
            return False
        return self.upheld or self.answered_at is None or at < self.answered_at


@dataclass(slots=True)
class Disputed:
    """A dispute: nobody is contacted about the loan until it is answered."""

    id: str
    at: datetime
    answered_at: datetime | None = None

    def lasts(self, at: datetime) -> bool:
        return self.at <= at and (self.answered_at is None or at < self.answered_at)


@dataclass(frozen=True, slots=True)
class SaidPaid:
    """That the borrower said in a call that they had paid."""

    attempt: str
    at: datetime
    until: date | None
    """The first day without the pause that it brought; None: it had brought enough of them."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that a follow-up answers."""

    trigger: str
    id: str
    """As an action names it, without its kind and its sender."""
    on: date
    """When what follows is due."""
    item: str | None = None
    """The only item that follows."""
