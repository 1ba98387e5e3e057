"""Rule kind: how long personal data of a loan must be kept, and from when on it must be erased."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.collectors import months_after
from domain.compliance.rules import Rule, RulePack, rules_in_force
from domain.compliance.vocabulary import Collects


@dataclass(frozen=True, slots=True)
class LoanActivity:
    """The facts about one loan that decide how long its data is kept."""

    loan: str
    """The lender's own id of the loan."""
    is_open: bool
    """Part of it is not paid, and it is not written off; or a dispute or a complaint about it is
    not answered."""
    last_activity_on: date
    """Business date of the last contact, payment, decision or other event of the loan."""
    packs: tuple[RulePack, ...]
    """All the packs that apply to it."""
    answered_on: date | None = None
    """When the last dispute or complaint about it was answered; None: there was none."""


@dataclass(frozen=True, slots=True)
class RetentionPeriod:
    """Until when the personal data of a borrower is kept."""

    rules: tuple[str, ...] = ()
    """The ids of the rules that decide it, over all of the borrower's loans."""
    until: date | None = None
    """The last day, inclusive. None: it is not known, or there is no loan to keep the data for."""
    open_loan: str | None = None
    """A loan that is still open; while it is, nothing is erased."""
    unruled_loan: str | None = None
    """A loan for which no rule in force gives a period; its data is kept."""

    def is_over(self, on: date) -> bool:
        """Whether nothing requires the data any more on this day."""
        if self.open_loan or self.unruled_loan:
            return False
        return self.until is None or on > self.until


def retention_period(
    loans: Iterable[LoanActivity], collects_as: frozenset[Collects], on: date
) -> RetentionPeriod:
    """Until when the data of the borrower of these loans is kept, by the rules in force on `on`.

    The name, the number and the address belong to all the loans, so the loan with the latest end
    counts. For each loan the longest of the periods that apply counts: one for records, from the
    last activity, and one for disputes and complaints, from the last answer. Without a rule that
    gives a period for records the data is kept.
    """
    rules: list[str] = []
    until: date | None = None
    for loan in loans:
        if loan.is_open:
            return RetentionPeriod(open_loan=loan.loan)
        longest = _longest(loan.packs, RetainedKind.RECORDS, collects_as, on)
        if longest is None:
            return RetentionPeriod(unruled_loan=loan.loan)
        rules.append(longest.id)
        ends_on = months_after(loan.last_activity_on, longest.months)
        until = max(until or ends_on, ends_on)
        answers = _longest(loan.packs, RetainedKind.COMPLAINTS, collects_as, on)
        if loan.answered_on is not None and answers is not None:
            rules.append(answers.id)
            until = max(until, months_after(loan.answered_on, answers.months))
    return RetentionPeriod(tuple(dict.fromkeys(rules)), until)


def _longest(
    packs: Iterable[RulePack], kind: RetainedKind, collects_as: frozenset[Collects], on: date
) -> Retention | None:
    binding = (
        rule
        for rule in rules_in_force(packs, Retention, on)
        if rule.of is kind and (not rule.applies_to or rule.applies_to & collects_as)
    )
    return max(binding, key=lambda rule: rule.months, default=None)


class RetainedKind(StrEnum):
    """The kinds of data for which a law gives a period."""

    RECORDS = "records"
    RECORDINGS = "recordings"
    COMPLAINTS = "complaints"
    """What belongs to disputes and complaints, from their answer on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention(Rule):
    """How long something must be kept after the last activity on a loan."""

    of: RetainedKind
    months: int
