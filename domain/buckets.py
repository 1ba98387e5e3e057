"""Buckets: the classes of days past due in which a book is counted, such as M1 for days 1 to 30."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from domain.ladder import Days


@dataclass(frozen=True, slots=True)
class Bucket:
    """One class."""

    name: str
    days: Days
    """Days past due, both ends included."""


@dataclass(frozen=True, slots=True)
class BucketScheme:
    """One version of the classes of a lender. They follow each other from day 1, without a gap."""

    id: str
    version: int
    effective_from: date
    effective_to: date | None
    current: str
    """The name of the class of loans that are not past due."""
    buckets: tuple[Bucket, ...]
    source: str

    def bucket_of(self, days_past_due: int) -> str:
        """The class of a loan; `current` for 0 days."""
        for bucket in reversed(self.buckets):
            if days_past_due >= bucket.days.first:
                return bucket.name
        return self.current


def scheme_on(schemes: Iterable[BucketScheme], on: date) -> BucketScheme | None:
    """The newest of the schemes in force on a business date; None: there is none."""
    in_force = (
        scheme
        for scheme in schemes
        if scheme.effective_from <= on
        and (scheme.effective_to is None or on <= scheme.effective_to)
    )
    return max(in_force, key=lambda scheme: (scheme.effective_from, scheme.version), default=None)
