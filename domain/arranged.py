"""The instalments of an arrangement: how a deferral or a plan spreads what is owed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from domain.amortisation import (
    PERCENT,
    days_between,
    in_parts,
    rounded,
    spread,
    years_between,
)
from domain.arrangements import (
    ArrangementKind,
    ArrangementTerms,
    KindTerms,
    MovesTo,
    Spreads,
)
from domain.eligibility import ArrangeableLoan
from domain.loans import ZERO, Instalment
from domain.promise_terms import most_in_a_month
from domain.promises import PromisePart
from domain.reasons import ReasonCode, Reasons, because
from domain.schedule import month_after, one_a_day


@dataclass(frozen=True, slots=True)
class Wish:
    """What the borrower asks for: a deferral by `days`, or a plan with one of the other three."""

    days: int | None = None
    """How long nothing is to be paid."""
    instalments: int | None = None
    """How many instalments a plan has."""
    until: date | None = None
    """The day by which a plan is paid: it has as many instalments as fit."""
    monthly: Decimal | None = None
    """What the borrower can pay a month: the plan has the fewest instalments that allow it."""

    @property
    def kind(self) -> ArrangementKind:
        deferral = self.days is not None
        return ArrangementKind.DEFERRAL if deferral else ArrangementKind.INSTALMENT_PLAN


@dataclass(frozen=True, slots=True)
class Arranged:
    """The instalments of an arrangement, before it is compared with limits and caps."""

    instalments: tuple[Instalment, ...]
    untouched: tuple[Instalment, ...]
    size: int
    """What limits count: how many are moved, or how many there are."""
    debt: Decimal
    """What the arrangement is about."""
    interest: Decimal
    dropped: Decimal
    used: Decimal
    """Principal times the years for which it is owed."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes the instalments of one loan under one kind of terms, on business date `as_of`."""

    loan: ArrangeableLoan
    terms: ArrangementTerms
    of_kind: KindTerms
    rate: Decimal
    as_of: date

    @property
    def valid_until(self) -> date:
        return self.as_of + timedelta(days=self.terms.quote_valid_days)

    @property
    def due_day(self) -> int:
        """The day of the month on which the loan falls due; shorter months end earlier."""
        to_come = unpaid_of(self.loan.instalments) or self.loan.instalments
        return max(instalment.due_on.day for instalment in to_come)

    def interest(self, principal: Decimal, start: date, end: date) -> Decimal:
        """Of a principal from one day to another, rounded as the terms say."""
        years = years_between(start, end, self.terms.day_count)
        amount = principal * self.rate / PERCENT * years
        return rounded(amount, self.loan.currency, self.terms.rounding)

    def deferral(self, days: int) -> Arranged | Reasons:
        """What falls due within so many days is due later, with the interest until then."""
        until = self.as_of + timedelta(days=days)
        unpaid = unpaid_of(self.loan.instalments)
        moved = [instalment for instalment in unpaid if instalment.due_on < until]
        untouched = [instalment for instalment in unpaid if instalment.due_on >= until]
        if not moved:
            return because(ReasonCode.NOTHING_TO_DEFER, on=until)
        principal = sum((each.principal for each in moved), ZERO)
        fee = self.fee(principal)
        instalments: list[Instalment] = []
        interest = used = ZERO
        for position, (each, day) in enumerate(
            zip(moved, self._new_days(len(moved), untouched, until), strict=True)
        ):
            start = max(each.due_on, self.as_of)
            added = self.interest(each.principal, start, day)
            used += each.principal * years_between(start, day, self.terms.day_count)
            interest += added
            fees = each.fees + (fee if position == 0 else ZERO)
            instalments.append(Instalment(day, each.principal, each.interest + added, fees))
        return Arranged(
            one_a_day(instalments),
            tuple(untouched),
            len(moved),
            total_of(moved),
            interest,
            ZERO,
            used,
        )

    def _new_days(self, moved: int, untouched: Sequence[Instalment], until: date) -> list[date]:
        if self.of_kind.moves_to is MovesTo.END_OF_DEFERRAL:
            return [until] * moved
        if not untouched:
            return [until, *(month_after(until, n, self.due_day) for n in range(1, moved))]
        last = untouched[-1].due_on
        return [month_after(last, n + 1, self.due_day) for n in range(moved)]

    def plan(self, wish: Wish) -> Arranged | Reasons:
        """What is owed, spread over instalments on the days of the month that the loan has."""
        most = self.of_kind.limits[-1].instalments
        if wish.monthly is not None:
            return self._plan_for(wish.monthly, most)
        if wish.until is not None:
            days = self._plan_days(most + 1)
            count = sum(day <= wish.until for day in days)
            if count == 0:
                return because(ReasonCode.UNTIL_TOO_EARLY, on=wish.until, first_due_on=days[0])
        else:
            count = wish.instalments or 0
        if not 1 <= count <= most:
            return self.too_many(count)
        return self._plan_of(count)

    def _plan_for(self, monthly: Decimal, most: int) -> Arranged | Reasons:
        """The plan with the fewest instalments of which no month costs more than `monthly`.

        Halves the range in each round: more instalments are smaller ones.
        """
        too_few, enough = 0, most + 1
        best: Arranged | None = None
        least = ZERO
        while enough - too_few > 1:
            count = (too_few + enough) // 2
            planned = self._plan_of(count)
            if not isinstance(planned, Arranged):
                return planned
            least = most_in_a_month(
                [PromisePart(each.due_on, each.amount) for each in schedule_after(planned)]
            )
            if least <= monthly:
                best, enough = planned, count
            else:
                too_few = count
        return best or because(
            ReasonCode.MONTHLY_TOO_LITTLE,
            amount=monthly,
            least=least,
            currency=self.loan.currency,
            instalments=most,
        )

    def _plan_days(self, count: int) -> list[date]:
        """The days of the month on which the loan falls due, after the quote has expired."""
        start = self.valid_until
        skipped = month_after(start, 0, self.due_day) <= start
        return [month_after(start, n + skipped, self.due_day) for n in range(count)]

    def _plan_of(self, count: int) -> Arranged | Reasons:
        base = self._base()
        if not base:
            return because(ReasonCode.NOTHING_TO_SPREAD)
        principal = sum((each.principal - each.paid_principal for each in base), ZERO)
        fees = sum((each.fees - each.paid_fees for each in base), ZERO) + self.fee(principal)
        scheduled = sum((each.interest - each.paid_interest for each in base), ZERO)
        carried = ZERO
        for each in base:
            if (accrued := self._accrued(each)) is None:
                return because(ReasonCode.PAID_OUT_NOT_KNOWN, loan=self.loan.external_id)
            carried += accrued
        days = self._plan_days(count)
        years = [
            years_between(start, end, self.terms.day_count)
            for start, end in zip([self.as_of, *days], days, strict=False)
        ]
        parts = spread(
            principal,
            [self.rate / PERCENT * part for part in years],
            amortisation=self.of_kind.amortisation,
            currency=self.loan.currency,
            rounding=self.terms.rounding,
            rest_in=self.terms.rest_in,
        )
        used, owed = ZERO, principal
        for (part, _), year in zip(parts, years, strict=True):
            used += owed * year
            owed -= part
        each_carried = in_parts(carried, count, self.loan.currency, self.terms.rest_in)
        each_fees = in_parts(fees, count, self.loan.currency, self.terms.rest_in)
        instalments = tuple(
            Instalment(day, part, interest + more, fee)
            for day, (part, interest), more, fee in zip(
                days, parts, each_carried, each_fees, strict=True
            )
        )
        return Arranged(
            instalments,
            tuple(
                each for each in unpaid_of(self.loan.instalments) if each.due_on not in _due(base)
            ),
            count,
            principal + carried + fees - self.fee(principal),
            sum((interest for _, interest in parts), ZERO),
            scheduled - carried,
            used,
        )

    def _base(self) -> list[Instalment]:
        """The instalments that a plan replaces."""
        if self.of_kind.spreads is Spreads.OUTSTANDING:
            return [each for each in self.loan.instalments if each.unpaid > ZERO]
        return [
            each
            for each in self.loan.instalments
            if each.unpaid > ZERO and each.counts_from and each.counts_from < self.as_of
        ]

    def _accrued(self, instalment: Instalment) -> Decimal | None:
        """The unpaid interest of an instalment up to the day of the quote, by the days of its
        period; None: it is not known when the period began."""
        unpaid = instalment.interest - instalment.paid_interest
        if instalment.due_on <= self.as_of or not unpaid:
            return unpaid
        earlier = [e.due_on for e in self.loan.instalments if e.due_on < instalment.due_on]
        start = max(earlier, default=self.loan.disbursed_on)
        if start is None:
            return None
        period = days_between(start, instalment.due_on, self.terms.day_count)
        elapsed = days_between(start, self.as_of, self.terms.day_count)
        if elapsed >= period:
            return unpaid
        part = rounded(
            instalment.interest * elapsed / period, self.loan.currency, self.terms.rounding
        )
        return max(part - instalment.paid_interest, ZERO)

    def fee(self, principal: Decimal) -> Decimal:
        """No fee where no principal is arranged: it would cost more than any cap."""
        return self.of_kind.fee if principal else ZERO

    def too_many(self, count: int) -> Reasons:
        """So many instalments nobody may agree to."""
        highest = self.of_kind.limits[-1]
        return because(
            ReasonCode.BEYOND_AUTHORITY,
            instalments=count,
            role=highest.role,
            at_most=highest.instalments,
        )


def unpaid_of(instalments: Sequence[Instalment]) -> tuple[Instalment, ...]:
    """What is still to be paid, in due order."""
    return one_a_day(
        Instalment(
            each.due_on,
            each.principal - each.paid_principal,
            each.interest - each.paid_interest,
            each.fees - each.paid_fees,
        )
        for each in instalments
        if each.unpaid > ZERO
    )


def _due(instalments: Sequence[Instalment]) -> frozenset[date]:
    return frozenset(each.due_on for each in instalments)


def total_of(instalments: Sequence[Instalment]) -> Decimal:
    """All that is due by these instalments, paid or not."""
    return sum((each.amount for each in instalments), ZERO)


def schedule_after(arranged: Arranged) -> tuple[Instalment, ...]:
    """The whole schedule after: what the arrangement leaves as it is, and its own instalments."""
    return one_a_day((*arranged.untouched, *arranged.instalments))
