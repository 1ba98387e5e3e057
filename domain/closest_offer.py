"""What can be offered instead of a wish that cannot, and the most that a role may offer alone."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import islice

from domain.actors import Role
from domain.arranged import Wish
from domain.arrangements import ArrangementKind, ArrangementTerms, KindTerms, who_agrees
from domain.eligibility import ArrangeableLoan, why_not_eligible
from domain.quotes import NotOffered, Quote, quote
from domain.reasons import ReasonCode, Reasons, because

MOST_TRIED = 60
"""Other wishes that are tried, the closest first: as many as most plans may have instalments."""


def closest_offer(
    loan: ArrangeableLoan, terms: ArrangementTerms | None, wish: Wish, as_of: date
) -> Reasons:
    """The offer that is closest to a wish for which there is none; empty: the loan may have none,
    or none is close.

    Closest to a number of days or instalments is the next number; to an amount a month the least
    amount; to a last day the nearest one.
    """
    of_kind = terms.of_kind(wish.kind) if terms else None
    if of_kind is None or why_not_eligible(loan, of_kind, as_of):
        return ()
    tried = islice(_others(wish, of_kind, as_of), MOST_TRIED)
    found = next(_offers(loan, terms, tried, as_of), None)
    if found is None:
        return ()
    other, offered = found
    if wish.kind is ArrangementKind.DEFERRAL:
        return because(ReasonCode.CLOSEST_DEFERRAL, days=other.days)
    return because(
        ReasonCode.CLOSEST_PLAN,
        instalments=len(offered.arranged),
        amount=max(each.amount for each in offered.after),
        currency=offered.currency,
        on=offered.last_day_after,
    )


def _offers(
    loan: ArrangeableLoan, terms: ArrangementTerms | None, wishes: Iterable[Wish], as_of: date
) -> Iterator[tuple[Wish, Quote]]:
    for wish in wishes:
        offered = quote(loan, terms, wish, as_of)
        if isinstance(offered, Quote):
            yield wish, offered


def _others(wish: Wish, of_kind: KindTerms, as_of: date) -> Iterator[Wish]:
    """Other wishes of the same kind, the closest first."""
    highest = of_kind.limits[-1]
    if wish.days is not None:
        most = highest.days or wish.days
        return (Wish(days=days) for days in _nearest(wish.days, most))
    most = highest.instalments
    if wish.monthly is not None:
        # More instalments are smaller ones.
        return (Wish(instalments=count) for count in range(most, 0, -1))
    count = wish.instalments or 0
    if wish.until is not None:
        count = 12 * (wish.until.year - as_of.year) + wish.until.month - as_of.month
    return (Wish(instalments=count) for count in _nearest(count, most))


def _nearest(number: int, most: int) -> Iterator[int]:
    """The whole numbers from 1 to `most`, from the nearest to the farthest; the lower one first."""
    low = min(number, most)
    high = max(low + 1, 1)
    while low >= 1 or high <= most:
        if low >= 1 and (high > most or number - low <= high - number):
            yield low
            low -= 1
        else:
            yield high
            high += 1


def most_alone(
    loan: ArrangeableLoan, terms: ArrangementTerms, kind: ArrangementKind, role: Role, as_of: date
) -> tuple[Wish, Quote | NotOffered] | None:
    """The most that a role may agree to alone: a quote with its wish. If nothing of so much can be
    offered to anybody, why. None: all that can be offered is beyond the role, or nothing is for it.

    A deferral that would move too much is made shorter, to the day on which the next instalment
    falls due: from that day on it is not moved.
    """
    of_kind = terms.of_kind(kind)
    limits = of_kind.limits if of_kind else ()
    limit = next((each for each in limits if each.role is role), None)
    if limit is None:
        return None
    wishes = [Wish(instalments=limit.instalments)]
    if limit.days is not None:
        until = as_of + timedelta(days=limit.days)
        days = {each.due_on for each in loan.instalments if as_of < each.due_on < until}
        wishes = [Wish(days=(day - as_of).days) for day in sorted(days | {until}, reverse=True)]
    quoted = [(wish, quote(loan, terms, wish, as_of)) for wish in wishes]
    for wish, offered in quoted:
        if isinstance(offered, Quote) and who_agrees((role,), limits, offered.who_may_agree):
            return wish, offered
    is_beyond = any(isinstance(offered, Quote) for _, offered in quoted)
    return None if is_beyond else quoted[0]
