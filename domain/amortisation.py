"""Interest by day count, and how a principal is spread over instalments, to the smallest amount."""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from enum import StrEnum

from domain.currencies import smallest_of
from domain.loans import ZERO

ONE = Decimal(1)
PERCENT = Decimal(100)
ROUNDS_OF_CORRECTION = 5


class DayCount(StrEnum):
    """How many years lie between two days."""

    ACTUAL_365 = "actual/365"
    ACTUAL_360 = "actual/360"
    THIRTY_360 = "30/360"  # the American bond basis: every month has 30 days


class Rounding(StrEnum):
    """What becomes of half of the smallest amount."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"


class Amortisation(StrEnum):
    """What is the same in all instalments."""

    EQUAL_INSTALMENTS = "equal_instalments"  # 等额本息
    EQUAL_PRINCIPAL = "equal_principal"  # 等额本金


class RestIn(StrEnum):
    """Which instalment differs from the others by what rounding leaves."""

    FIRST = "first"
    LAST = "last"


_MODES = {Rounding.HALF_UP: ROUND_HALF_UP, Rounding.HALF_EVEN: ROUND_HALF_EVEN}


def rounded(amount: Decimal, currency: str, rounding: Rounding) -> Decimal:
    """The amount in whole smallest amounts of the currency."""
    return amount.quantize(smallest_of(currency), _MODES[rounding])


def days_between(start: date, end: date, day_count: DayCount) -> int:
    """The days from `start` up to `end`, as the day count has them; 0 if `end` is not later."""
    if end <= start:
        return 0
    if day_count is not DayCount.THIRTY_360:
        return (end - start).days
    first = min(start.day, 30)
    last = 30 if end.day == 31 and first == 30 else end.day
    return (end.year - start.year) * 360 + (end.month - start.month) * 30 + last - first


def years_between(start: date, end: date, day_count: DayCount) -> Decimal:
    """The same as a part of a year."""
    year = 365 if day_count is DayCount.ACTUAL_365 else 360
    return Decimal(days_between(start, end, day_count)) / year


def in_parts(amount: Decimal, parts: int, currency: str, rest_in: RestIn) -> tuple[Decimal, ...]:
    """The amount in equal parts of whole smallest amounts; one of them carries the rest.

    The parts are rounded down, so that none is below zero.
    """
    smallest = smallest_of(currency)
    each = amount / parts // smallest * smallest
    rest = amount - each * (parts - 1)
    others = (each,) * (parts - 1)
    return (rest, *others) if rest_in is RestIn.FIRST else (*others, rest)


def spread(
    principal: Decimal,
    factors: Sequence[Decimal],
    *,
    amortisation: Amortisation,
    currency: str,
    rounding: Rounding,
    rest_in: RestIn,
) -> tuple[tuple[Decimal, Decimal], ...]:
    """Principal and interest of each instalment. The parts of the principal add up to it.

    `factors` are the rates of the periods: the yearly rate times the part of a year from the
    instalment before, or from the beginning. Interest of a period is on the principal still owed.
    With equal instalments and the rest in the first one, the last may still differ by a few of the
    smallest amounts: no first instalment lets all others come out even.
    """
    if amortisation is Amortisation.EQUAL_PRINCIPAL:
        parts = in_parts(principal, len(factors), currency, rest_in)
        return _with_interest(principal, parts, factors, currency, rounding)
    level = rounded(level_instalment(principal, factors), currency, rounding)
    extra = ZERO
    for _ in range(ROUNDS_OF_CORRECTION if rest_in is RestIn.FIRST else 1):
        instalments = _level(principal, factors, level, extra, currency, rounding)
        difference = sum(instalments[-1], ZERO) - level
        if not difference:
            break
        extra += difference
    return instalments


def level_instalment(principal: Decimal, factors: Sequence[Decimal]) -> Decimal:
    """The amount that, paid at the end of each period, pays the principal back. Not rounded."""
    discounts = ZERO
    discount = ONE
    for factor in factors:
        discount /= ONE + factor
        discounts += discount
    return principal / discounts


def _level(
    principal: Decimal,
    factors: Sequence[Decimal],
    level: Decimal,
    extra: Decimal,
    currency: str,
    rounding: Rounding,
) -> tuple[tuple[Decimal, Decimal], ...]:
    """Instalments of `level`, the first with `extra` more; the last pays what is still owed."""
    parts: list[Decimal] = []
    owed = principal
    for position, factor in enumerate(factors):
        interest = rounded(owed * factor, currency, rounding)
        amount = level + extra if position == 0 else level
        last = position == len(factors) - 1
        parts.append(owed if last else min(max(amount - interest, ZERO), owed))
        owed -= parts[-1]
    return _with_interest(principal, parts, factors, currency, rounding)


def _with_interest(
    principal: Decimal,
    parts: Sequence[Decimal],
    factors: Sequence[Decimal],
    currency: str,
    rounding: Rounding,
) -> tuple[tuple[Decimal, Decimal], ...]:
    instalments: list[tuple[Decimal, Decimal]] = []
    owed = principal
    for part, factor in zip(parts, factors, strict=True):
        instalments.append((part, rounded(owed * factor, currency, rounding)))
        owed -= part
    return tuple(instalments)
