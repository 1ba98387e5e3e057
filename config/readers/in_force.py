"""Of which folders of the policy no document counts on a day."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

from config.readers.policy import Policy
from domain.compliance.rules import RulePack


class _Dated(Protocol):
    """The order of work has no end: a newer one takes its place."""

    @property
    def effective_from(self) -> date: ...


def none_in_force(policy: Policy, on: date) -> tuple[str, ...]:
    """The folders in which the lender has documents, and none that is in force on a business date.

    What they would say is missing then: a ladder, a bucket, by when a complaint is answered. It is
    asked of what the lender writes; the law has dates of its own.
    """
    dated: dict[str, Sequence[_Dated]] = {
        "ladders": policy.ladders,
        "arrangements": policy.arrangements,
        "buckets": policy.buckets,
        "promises": policy.promises,
        "worklist": policy.worklist,
        "score_sheets": policy.score_sheets,
        "staffing": policy.staffing,
        "rule_packs": _rules_of_lender(policy.rule_packs),
    }
    return tuple(
        folder
        for folder, documents in dated.items()
        if documents and not any(_counts(each, on) for each in documents)
    )


def _rules_of_lender(packs: Iterable[RulePack]) -> Sequence[_Dated]:
    return [rule for pack in packs if not pack.is_law for rule in pack.rules]


def _counts(each: _Dated, on: date) -> bool:
    ends: date | None = getattr(each, "effective_to", None)
    return each.effective_from <= on and (ends is None or on <= ends)
