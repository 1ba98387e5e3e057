"""How long what is held about a loan must be kept, and from when on it must not be any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.collectors import years_after
from domain.compliance.rules import Rule, RulePack
from domain.compliance.vocabulary import Collects


@dataclass(frozen=True, slots=True)
class LoanHeld:
    """What retention asks about one loan."""

    loan: str
    """The lender's own id of it."""
    is_open: bool
    """Something of it is not paid, and it is not written off."""
    last_activity_on: date
    """Business date of the last contact, payment, decision or other thing that happened to it."""
    packs: tuple[RulePack, ...]
    """All that bind it."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Until when what is held about a borrower is kept."""

    rules: tuple[str, ...] = ()
    """The ids of the rules that say so, of all the borrower's loans."""
    until: date | None = None
    """The last day, with it; None: no day can be said, or there is no loan to keep it for."""
    open_loan: str | None = None
    """A loan that is still open: while it is, nothing is erased."""
    unruled_loan: str | None = None
    """A loan for which no rule in force says how long: what is held about it is kept."""

    def is_over(self, on: date) -> bool:
        """Whether on this day nothing asks any more for what is held."""
        if self.open_loan or self.unruled_loan:
            return False
        return self.until is None or on > self.until


def keeping(loans: Iterable[LoanHeld], collects_as: frozenset[Collects], on: date) -> Keeping:
    """Until when what is held about the borrower of these loans is kept, by the rules of `on`.

    The name, the number and the address are those of all the loans: the last one to be over counts,
    and for each loan the longest of the periods that bind it. Where no rule says how long, it is
    kept: nothing tells that it may go.
    """
    rules: list[str] = []
    until: date | None = None
    for loan in loans:
        if loan.is_open:
            return Keeping(open_loan=loan.loan)
        longest = _longest(loan.packs, collects_as, on)
        if longest is None:
            return Keeping(unruled_loan=loan.loan)
        rules.append(longest.id)
        ends_on = years_after(loan.last_activity_on, longest.years)
        until = max(until or ends_on, ends_on)
    return Keeping(tuple(dict.fromkeys(rules)), until)


def _longest(
    packs: Iterable[RulePack], collects_as: frozenset[Collects], on: date
) -> Retention | None:
    binding = (
        rule
        for pack in packs
        for rule in pack.rules
        if isinstance(rule, Retention)
        and rule.of is Kept.RECORDS
        and rule.in_force(on)
        and (not rule.applies_to or rule.applies_to & collects_as)
    )
    return max(binding, key=lambda rule: rule.years, default=None)


class Kept(StrEnum):
    """What is kept, and for how long at least."""

    RECORDS = "records"
    RECORDINGS = "recordings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention(Rule):
    """How long something must be kept after the last activity about a loan. No contact's rule."""

    of: Kept
    years: int
