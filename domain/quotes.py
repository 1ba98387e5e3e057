"""A quote: what an arrangement would mean, before anybody agrees. It changes nothing.

The lender's ledger owns the schedule. A quote is calculated from what is on record on its day.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from domain.actors import Role
from domain.amortisation import (
    DayCount,
)
from domain.arranged import Arranged, Planner, Wish, schedule_after, total_of, unpaid_of
from domain.arrangement_limits import Limits
from domain.arrangements import (
    ArrangementKind,
    ArrangementTerms,
    Effect,
    MovesTo,
    RateOf,
)
from domain.compliance.money_cap import (
    Cap,
    CapKind,
    yearly_percent,
)
from domain.eligibility import ArrangeableLoan, why_not_eligible
from domain.loans import ZERO, Component, Instalment
from domain.reasons import ReasonCode, Reasons, because

NOTHING = Decimal("0.00")


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
    deferred_until: date | None = None
    """The last day of a deferral whose instalments move behind the schedule: then it is completed,
    and nothing stops any more, whatever is unpaid. None: it is kept until it is paid or missed."""

    @property
    def difference(self) -> Decimal:
        """How much more is to be paid than before; below zero: less."""
        return self.to_pay_after - self.to_pay_before


@dataclass(frozen=True, slots=True)
class NotOffered:
    """Nothing can be offered, and why: every reason, not only the first."""

    reason: Reasons


def quote(
    loan: ArrangeableLoan, terms: ArrangementTerms | None, wish: Wish, as_of: date
) -> Quote | NotOffered:
    """What the wish would mean on business date `as_of`, or why it cannot be offered: all reasons
    against the loan and against the wish, as far as they can be known."""
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
    planner = Planner(loan, terms, of_kind, rate, as_of)
    arranged = planner.deferral(wish.days) if wish.days is not None else planner.plan(wish)
    if not isinstance(arranged, Arranged):
        return NotOffered(why_not + arranged)
    quoted = _quoted(planner, arranged, wish)
    if isinstance(quoted, NotOffered):
        return NotOffered(why_not + quoted.reason)
    return NotOffered(why_not) if why_not else quoted


def _quoted(planner: Planner, arranged: Arranged, wish: Wish) -> Quote | NotOffered:
    """The arrangement with its cost and who may agree, or the reasons against it."""
    limits = Limits(planner)
    principal = sum((each.principal for each in arranged.instalments), ZERO)
    fee = planner.fee(principal)
    cost = yearly_percent(arranged.interest + fee, arranged.used) if arranged.used else NOTHING
    last = arranged.instalments[-1].due_on
    why_not = limits.against_caps(cost, last) + limits.too_small(arranged.instalments, wish)
    if (who := limits.who_may(arranged, wish)) is None:
        why_not += limits.beyond_all(arranged, wish)
    if why_not or who is None:
        return NotOffered(why_not)
    before, after = unpaid_of(planner.loan.instalments), schedule_after(arranged)
    # The instalments that stay as they are bear their interest.
    runs = planner.rate or any(each.interest for each in arranged.untouched)
    stops = planner.of_kind.stops | ({Effect.INTEREST} if not runs else set())
    behind = wish.days is not None and planner.of_kind.moves_to is MovesTo.END_OF_SCHEDULE
    return Quote(
        kind=wish.kind,
        terms=planner.terms.name,
        as_of=planner.as_of,
        valid_until=min(planner.valid_until, arranged.instalments[0].due_on - timedelta(days=1)),
        currency=planner.loan.currency,
        rate_percent=planner.rate,
        day_count=planner.terms.day_count,
        arranged=arranged.instalments,
        after=after,
        interest=arranged.interest,
        fee=fee,
        interest_dropped=arranged.dropped,
        to_pay_before=total_of(before),
        to_pay_after=total_of(after),
        last_day_before=before[-1].due_on,
        last_day_after=after[-1].due_on,
        stops=tuple(effect for effect in Effect if effect in stops),
        goes_on=tuple(effect for effect in Effect if effect not in stops),
        grace_days=planner.of_kind.grace_days,
        missed_ends_it=min(planner.of_kind.missed_ends_it, len(arranged.instalments)),
        cost_percent=cost,
        cost_cap=limits.cap(CapKind.YEARLY_COST_PERCENT),
        who_may_agree=who,
        deferred_until=planner.as_of + timedelta(days=wish.days or 0) if behind else None,
        pays_in_order=planner.loan.pays_in_order,
    )
