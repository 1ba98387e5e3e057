"""What an arrangement may be: the caps, the smallest instalment, and who may agree to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.actors import Role
from domain.arranged import Arranged, Planner, Wish
from domain.arrangements import (
    ArrangementKind,
)
from domain.compliance.money_cap import (
    Cap,
    CapKind,
    is_rate_too_high,
    strictest,
)
from domain.currencies import smallest_of
from domain.loans import Instalment
from domain.reasons import ReasonCode, Reasons, because
from domain.schedule import month_after


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits on what a planner has made."""

    planner: Planner

    def cap(self, what: CapKind) -> Cap | None:
        """The strictest of the lender's own and the law's."""
        return strictest((*self.planner.terms.caps, *self.planner.loan.caps), what)

    def against_caps(self, cost: Decimal, last: date) -> Reasons:
        """Which caps forbid what costs so many percent a year and ends on the day `last`."""
        against: Reasons = ()
        cap = self.cap(CapKind.YEARLY_COST_PERCENT)
        if cap and cost > cap.at_most:
            against += because(
                ReasonCode.COST_ABOVE_CAP,
                percent=cost,
                at_most=cap.at_most,
                citation=cap.source.citation,
            )
        cap = self.cap(CapKind.RATE_OVER_CONTRACT_PERCENT)
        if cap and is_rate_too_high(self.planner.rate, self.planner.loan.annual_rate_percent, cap):
            against += because(
                ReasonCode.RATE_ABOVE_CONTRACT,
                percent=self.planner.rate,
                rate=self.planner.loan.annual_rate_percent,
                at_most=cap.at_most,
                citation=cap.source.citation,
            )
        cap = self.cap(CapKind.MONTHS)
        if cap and last > month_after(self.planner.as_of, int(cap.at_most), self.planner.as_of.day):
            against += because(
                ReasonCode.ARRANGEMENT_TOO_LONG,
                on=last,
                months=int(cap.at_most),
                citation=cap.source.citation,
            )
        return against

    def too_small(self, instalments: Sequence[Instalment], wish: Wish) -> Reasons:
        """Whether an instalment of a plan is smaller than the terms or the currency allow."""
        least = max(self.planner.of_kind.least_instalment, smallest_of(self.planner.loan.currency))
        smallest = min(each.amount for each in instalments)
        if wish.kind is ArrangementKind.DEFERRAL or smallest >= least:
            return ()
        return because(
            ReasonCode.INSTALMENT_TOO_SMALL,
            amount=smallest,
            least=least,
            currency=self.planner.loan.currency,
        )

    def who_may(self, arranged: Arranged, wish: Wish) -> Role | None:
        """The lowest role that may agree to it; None: nobody may."""
        for limit in self.planner.of_kind.limits:
            if (
                arranged.size <= limit.instalments
                and (limit.days is None or (wish.days or 0) <= limit.days)
                and (limit.amount is None or arranged.debt <= limit.amount)
            ):
                return limit.role
        return None

    def beyond_all(self, arranged: Arranged, wish: Wish) -> Reasons:
        """How the arrangement is beyond the limits of the highest role."""
        highest = self.planner.of_kind.limits[-1]
        beyond: Reasons = ()
        if arranged.size > highest.instalments:
            beyond += self.planner.too_many(arranged.size)
        if highest.days is not None and (wish.days or 0) > highest.days:
            beyond += because(
                ReasonCode.DEFERRAL_TOO_LONG,
                days=wish.days,
                role=highest.role,
                at_most=highest.days,
            )
        if highest.amount is not None and arranged.debt > highest.amount:
            beyond += because(
                ReasonCode.DEBT_BEYOND_AUTHORITY,
                amount=arranged.debt,
                currency=self.planner.loan.currency,
                role=highest.role,
                at_most=highest.amount,
            )
        return beyond
