"""A quote: what an arrangement would mean, before anybody agrees. It changes nothing.

The lender's ledger owns the schedule. A quote is calculated from what is on record on its day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from domain.actors import Role
from domain.amortisation import (
    PERCENT,
    DayCount,
    days_between,
    in_parts,
    rounded,
    spread,
    years_between,
)
from domain.arrangements import (
    ArrangementKind,
    ArrangementTerms,
    Effect,
    KindTerms,
    MovesTo,
    RateOf,
    Spreads,
)
from domain.compliance.money_cap import (
    Cap,
    CapKind,
    is_rate_too_high,
    strictest,
    yearly_percent,
)
from domain.currencies import smallest_of
from domain.eligibility import ArrangeableLoan, why_not_eligible
from domain.loans import ZERO, Component, Instalment
from domain.reasons import ReasonCode, Reasons, because
from domain.schedule import month_after, one_a_day

NOTHING = Decimal("0.00")


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
class Quote:
    """What an arrangement would mean. All amounts are in `currency`."""

    kind: ArrangementKind
    terms: str
    """The id and version of the terms."""
    as_of: date
    valid_until: date
    """The last day on which it can be accepted."""
    currency: str
    rate_percent: Decimal
    """In percent a year; 0: no interest runs."""
    day_count: DayCount
    arranged: tuple[Instalment, ...]
    """The instalments of the arrangement. They hold what is carried over into it too."""
    after: tuple[Instalment, ...]
    """All that is to be paid if it is agreed, day by day; `arranged` and the rest added up."""
    interest: Decimal
    """The interest of the arrangement, which the loan would not cost without it."""
    fee: Decimal
    interest_dropped: Decimal
    """Interest of the old schedule that is not owed any more."""
    to_pay_before: Decimal
    to_pay_after: Decimal
    last_day_before: date
    last_day_after: date
    stops: tuple[Effect, ...]
    goes_on: tuple[Effect, ...]
    grace_days: int
    missed_ends_it: int
    cost_percent: Decimal
    """Interest and fee a year, in percent of the principal for as long as it is owed."""
    cost_cap: Cap | None
    who_may_agree: Role
    """The lowest role."""
    pays_in_order: tuple[Component, ...] = ()
    """What a payment pays first, as payments of the loan are allocated; empty: it is not said."""

    @property
    def difference(self) -> Decimal:
        """How much more is to be paid than before; below zero: less."""
        return self.to_pay_after - self.to_pay_before


@dataclass(frozen=True, slots=True)
class NotOffered:
    """Nothing can be offered, and why: every reason, not only the first."""

    reason: Reasons


@dataclass(frozen=True, slots=True)
class _Arranged:
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


def quote(
    loan: ArrangeableLoan, terms: ArrangementTerms | None, wish: Wish, as_of: date
) -> Quote | NotOffered:
    """What the wish would mean on business date `as_of`, or why it cannot be offered: every reason
    that stands against the loan, and every one against the wish, as far as the rest is known."""
    if terms is None:
        return NotOffered(
            because(
                ReasonCode.NO_ARRANGEMENT_TERMS,
                product=loan.product,
                jurisdiction=loan.jurisdiction,
                currency=loan.currency,
            )
        )
    if (of_kind := terms.of_kind(wish.kind)) is None:
        return NotOffered(
            because(ReasonCode.ARRANGEMENT_NOT_OFFERED, arrangement=wish.kind, terms=terms.name)
        )
    why_not = why_not_eligible(loan, of_kind, as_of)
    rate = loan.annual_rate_percent if of_kind.rate is RateOf.CONTRACT else of_kind.rate
    if rate is None:
        why_not += because(ReasonCode.RATE_NOT_KNOWN, loan=loan.external_id)
    if rate is None or not any(each.unpaid > ZERO for each in loan.instalments) or loan.written_off:
        return NotOffered(why_not)
    rate = ZERO if isinstance(rate, RateOf) else rate
    planner = _Planner(loan, terms, of_kind, rate, as_of)
    arranged = planner.deferral(wish.days) if wish.days is not None else planner.plan(wish)
    if not isinstance(arranged, _Arranged):
        return NotOffered(why_not + arranged)
    quoted = planner.quoted(arranged, wish)
    if isinstance(quoted, NotOffered):
        return NotOffered(why_not + quoted.reason)
    return NotOffered(why_not) if why_not else quoted


@dataclass(frozen=True, slots=True)
class _Planner:
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
        return max(instalment.due_on.day for instalment in self.loan.instalments)

    def interest(self, principal: Decimal, start: date, end: date) -> Decimal:
        years = years_between(start, end, self.terms.day_count)
        amount = principal * self.rate / PERCENT * years
        return rounded(amount, self.loan.currency, self.terms.rounding)

    def deferral(self, days: int) -> _Arranged | Reasons:
        until = self.as_of + timedelta(days=days)
        unpaid = _unpaid(self.loan.instalments)
        moved = [instalment for instalment in unpaid if instalment.due_on < until]
        untouched = [instalment for instalment in unpaid if instalment.due_on >= until]
        if not moved:
            return because(ReasonCode.NOTHING_TO_DEFER, on=until)
        principal = sum((each.principal for each in moved), ZERO)
        fee = self._fee(principal)
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
        return _Arranged(
            one_a_day(instalments),
            tuple(untouched),
            len(moved),
            _total(moved),
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

    def plan(self, wish: Wish) -> _Arranged | Reasons:
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
            return self._beyond(count)
        return self._plan_of(count)

    def _plan_for(self, monthly: Decimal, most: int) -> _Arranged | Reasons:
        """The plan with the fewest instalments of which no month costs more than `monthly`.

        Halves the range in each round: more instalments are smaller ones.
        """
        too_few, enough = 0, most + 1
        best: _Arranged | None = None
        while enough - too_few > 1:
            count = (too_few + enough) // 2
            planned = self._plan_of(count)
            if not isinstance(planned, _Arranged):
                return planned
            if max(each.amount for each in _added(planned)) <= monthly:
                best, enough = planned, count
            else:
                too_few = count
        return best or because(
            ReasonCode.MONTHLY_TOO_LITTLE,
            amount=monthly,
            currency=self.loan.currency,
            instalments=most,
        )

    def _plan_days(self, count: int) -> list[date]:
        """The days of the month on which the loan falls due, after the quote has expired."""
        start = self.valid_until
        skipped = month_after(start, 0, self.due_day) <= start
        return [month_after(start, n + skipped, self.due_day) for n in range(count)]

    def _plan_of(self, count: int) -> _Arranged | Reasons:
        base = self._base()
        if not base:
            return because(ReasonCode.NOTHING_TO_SPREAD)
        principal = sum((each.principal - each.paid_principal for each in base), ZERO)
        fees = sum((each.fees - each.paid_fees for each in base), ZERO) + self._fee(principal)
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
        return _Arranged(
            instalments,
            tuple(each for each in _unpaid(self.loan.instalments) if each.due_on not in _due(base)),
            count,
            principal + carried + fees - self._fee(principal),
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

    def _fee(self, principal: Decimal) -> Decimal:
        """No fee where no principal is arranged: it would cost more than any cap."""
        return self.of_kind.fee if principal else ZERO

    def _beyond(self, count: int) -> Reasons:
        highest = self.of_kind.limits[-1]
        return because(
            ReasonCode.BEYOND_AUTHORITY,
            instalments=count,
            role=highest.role,
            at_most=highest.instalments,
        )

    def quoted(self, arranged: _Arranged, wish: Wish) -> Quote | NotOffered:
        """The arrangement with its cost and who may agree, or the reasons against it."""
        principal = sum((each.principal for each in arranged.instalments), ZERO)
        fee = self._fee(principal)
        cost = yearly_percent(arranged.interest + fee, arranged.used) if arranged.used else NOTHING
        last = arranged.instalments[-1].due_on
        why_not = self._against_caps(cost, last) + self._too_small(arranged.instalments, wish)
        if (who := self._who_may(arranged, wish)) is None:
            why_not += self._beyond_all(arranged, wish)
        if why_not or who is None:
            return NotOffered(why_not)
        before, after = _unpaid(self.loan.instalments), _added(arranged)
        # The instalments that stay as they are bear their interest.
        runs = self.rate or any(each.interest for each in arranged.untouched)
        stops = self.of_kind.stops | ({Effect.INTEREST} if not runs else set())
        return Quote(
            kind=wish.kind,
            terms=self.terms.name,
            as_of=self.as_of,
            valid_until=min(self.valid_until, arranged.instalments[0].due_on - timedelta(days=1)),
            currency=self.loan.currency,
            rate_percent=self.rate,
            day_count=self.terms.day_count,
            arranged=arranged.instalments,
            after=after,
            interest=arranged.interest,
            fee=fee,
            interest_dropped=arranged.dropped,
            to_pay_before=_total(before),
            to_pay_after=_total(after),
            last_day_before=before[-1].due_on,
            last_day_after=after[-1].due_on,
            stops=tuple(effect for effect in Effect if effect in stops),
            goes_on=tuple(effect for effect in Effect if effect not in stops),
            grace_days=self.of_kind.grace_days,
            missed_ends_it=min(self.of_kind.missed_ends_it, len(arranged.instalments)),
            cost_percent=cost,
            cost_cap=self._cap(CapKind.YEARLY_COST_PERCENT),
            who_may_agree=who,
            pays_in_order=self.loan.pays_in_order,
        )

    def _cap(self, what: CapKind) -> Cap | None:
        """The strictest of the lender's own and the law's."""
        return strictest((*self.terms.caps, *self.loan.caps), what)

    def _against_caps(self, cost: Decimal, last: date) -> Reasons:
        against: Reasons = ()
        cap = self._cap(CapKind.YEARLY_COST_PERCENT)
        if cap and cost > cap.at_most:
            against += because(
                ReasonCode.COST_ABOVE_CAP,
                percent=cost,
                at_most=cap.at_most,
                citation=cap.source.citation,
            )
        cap = self._cap(CapKind.RATE_OVER_CONTRACT_PERCENT)
        if cap and is_rate_too_high(self.rate, self.loan.annual_rate_percent, cap):
            against += because(
                ReasonCode.RATE_ABOVE_CONTRACT,
                percent=self.rate,
                rate=self.loan.annual_rate_percent,
                at_most=cap.at_most,
                citation=cap.source.citation,
            )
        cap = self._cap(CapKind.MONTHS)
        if cap and last > month_after(self.as_of, int(cap.at_most), self.as_of.day):
            against += because(
                ReasonCode.ARRANGEMENT_TOO_LONG,
                on=last,
                months=int(cap.at_most),
                citation=cap.source.citation,
            )
        return against

    def _too_small(self, instalments: Sequence[Instalment], wish: Wish) -> Reasons:
        least = max(self.of_kind.least_instalment, smallest_of(self.loan.currency))
        smallest = min(each.amount for each in instalments)
        if wish.kind is ArrangementKind.DEFERRAL or smallest >= least:
            return ()
        return because(
            ReasonCode.INSTALMENT_TOO_SMALL,
            amount=smallest,
            least=least,
            currency=self.loan.currency,
        )

    def _who_may(self, arranged: _Arranged, wish: Wish) -> Role | None:
        for limit in self.of_kind.limits:
            if (
                arranged.size <= limit.instalments
                and (limit.days is None or (wish.days or 0) <= limit.days)
                and (limit.amount is None or arranged.debt <= limit.amount)
            ):
                return limit.role
        return None

    def _beyond_all(self, arranged: _Arranged, wish: Wish) -> Reasons:
        """How the arrangement is beyond the limits of the highest role."""
        highest = self.of_kind.limits[-1]
        beyond: Reasons = ()
        if arranged.size > highest.instalments:
            beyond += self._beyond(arranged.size)
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
                currency=self.loan.currency,
                role=highest.role,
                at_most=highest.amount,
            )
        return beyond


def _unpaid(instalments: Sequence[Instalment]) -> tuple[Instalment, ...]:
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


def _total(instalments: Sequence[Instalment]) -> Decimal:
    return sum((each.amount for each in instalments), ZERO)


def _added(arranged: _Arranged) -> tuple[Instalment, ...]:
    """The whole schedule after: what the arrangement leaves as it is, and its own instalments."""
    return one_a_day((*arranged.untouched, *arranged.instalments))
