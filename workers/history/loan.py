"""The loan that is explained, and its reasons as a part of an entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from domain.language.phrases import Phrase
from domain.language.render import Part, part
from domain.reasons import Reasons


class ExplainedLoan(NamedTuple):
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


def why(reason: Reasons) -> tuple[Part, ...]:
    """The reasons as one part of an entry; nothing where there are none."""
    return (part(Phrase.WHY, reason=reason),) if reason else ()
