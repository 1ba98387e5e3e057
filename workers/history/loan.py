"""The loan that a story is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class LoanTold:
    """The columns of `loan` that a story needs, under their own names."""

    id: int
    external_id: str
    borrower_id: int
    jurisdiction: str
    product: str
    currency: str
    review_on: date | None
    written_off_on: date | None
    written_off_at: datetime | None
    steps_tried: Sequence[str]
    steps_tried_at: date | None

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))
