"""Terms of the lender: which version of a file counts for a loan on a day."""

from collections.abc import Iterable
from datetime import date
from typing import Protocol, TypeVar

from domain.ladder import AppliesTo


class Terms(Protocol):
    """One version of what the lender offers or accepts for some of its loans."""

    @property
    def version(self) -> int: ...
    @property
    def effective_from(self) -> date: ...
    @property
    def effective_to(self) -> date | None: ...
    @property
    def applies_to(self) -> AppliesTo: ...
    @property
    def currency(self) -> str: ...


T = TypeVar("T", bound=Terms)


def terms_for(
    terms: Iterable[T], jurisdiction: str, product: str, currency: str, on: date
) -> T | None:
    """The terms for a loan on a day; the newest version in force counts."""
    found = [
        each
        for each in terms
        if each.applies_to.matches(jurisdiction, product)
        and each.currency == currency
        and each.effective_from <= on <= (each.effective_to or date.max)
    ]
    return max(found, key=lambda each: each.version, default=None)
