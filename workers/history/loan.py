"""The loan that is explained, and how its reasons are text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime

from domain.language.phrases import Phrase
from domain.language.render import Part, part
from domain.reasons import Reasons


@dataclass(frozen=True, slots=True)
class ExplainedLoan:
    """The columns of `loan` that a history needs, under their own names."""

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


def why(reason: Reasons) -> tuple[Part, ...]:
    """The reasons as one part of an entry; nothing where there are none."""
    return (part(Phrase.WHY, reason=reason),) if reason else ()
