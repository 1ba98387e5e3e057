"""Which loans may have an arrangement, and why others may not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.arrangements import KindTerms
from domain.compliance.money_cap import Cap
from domain.delinquency import arrears_on
from domain.holds import HoldKind
from domain.ladder import Days
from domain.loans import ZERO, Component, Instalment
from domain.reasons import ReasonCode, Reasons, because
from domain.schedule import month_after


@dataclass(frozen=True, slots=True)
class ArrangeableLoan:
    """What an arrangement of a loan follows from."""

    external_id: str
    product: str
    jurisdiction: str
    currency: str
    instalments: Sequence[Instalment]
    """All of them in due order, also those that are paid."""
    annual_rate_percent: Decimal | None = None
    """The rate of the contract. None: the tape does not say."""
    disbursed_on: date | None = None
    arranged_on: Sequence[date] = ()
    """The days of arrangements before: schedules replaced, instalments left out."""
    holds: frozenset[HoldKind] = frozenset()
    """The kinds of hold in force."""
    written_off: bool = False
    caps: Sequence[Cap] = ()
    """What the law limits of what it may cost."""
    pays_in_order: tuple[Component, ...] = ()
    """What a payment pays first."""


def why_not_eligible(loan: ArrangeableLoan, terms: KindTerms, on: date) -> Reasons:
    """Every reason for which the loan may not have such an arrangement; none: it may."""
    asked = terms.eligibility
    if loan.written_off:
        return because(ReasonCode.WRITTEN_OFF)
    if all(instalment.unpaid <= ZERO for instalment in loan.instalments):
        return because(ReasonCode.NOTHING_UNPAID)
    why_not: Reasons = ()
    days = arrears_on(loan.instalments, on).days_past_due
    if days not in asked.days_past_due:
        why_not += _outside(asked.days_past_due, days)
    began = loan.disbursed_on or loan.instalments[0].due_on
    old_enough = month_after(began, asked.loan_age_months, began.day)
    if asked.loan_age_months and old_enough > on:
        why_not += because(
            ReasonCode.LOAN_TOO_YOUNG, months=asked.loan_age_months, since=began, on=old_enough
        )
    why_not += _too_often(loan, terms, on)
    for hold in sorted(loan.holds & asked.not_during):
        why_not += because(ReasonCode.NOT_DURING_HOLD, hold=hold)
    return why_not


def _outside(offered: Days, days: int) -> Reasons:
    if offered.last is None:
        return because(ReasonCode.DAYS_PAST_DUE_TOO_FEW, days=days, at_least=offered.first)
    return because(ReasonCode.DAYS_PAST_DUE_OUTSIDE, days=days, range=str(offered))


def _too_often(loan: ArrangeableLoan, terms: KindTerms, on: date) -> Reasons:
    most, months = terms.eligibility.earlier_at_most, terms.eligibility.earlier_within_months
    if most is None:
        return ()
    since = month_after(on, -months, on.day)
    before = sum(day > since for day in loan.arranged_on)
    if before <= most:
        return ()
    return because(ReasonCode.ARRANGED_TOO_OFTEN, count=before, months=months, at_most=most)
