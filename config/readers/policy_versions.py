"""Two documents of the policy for the same thing at the same time: which of them would count?"""

from datetime import date
from typing import TypeAlias, TypeVar

from config.readers.legal_checklists import LegalChecklist
from config.readers.yaml_reader import PolicyError, Value
from domain.arrangements import ArrangementTerms
from domain.buckets import BucketScheme
from domain.compliance.rules import RulePack
from domain.compliance.vocabulary import country_of
from domain.ladder import AppliesTo, Ladder
from domain.next_work import WorkPolicy
from domain.promise_terms import PromiseTerms
from domain.quality import ScoreSheet
from domain.staffing import StaffingTerms

D = TypeVar("D")
Pair: TypeAlias = tuple[tuple[Value, D], tuple[Value, D]]
"""Two documents, each with the file that it was read from."""
ByLoan: TypeAlias = Ladder | ArrangementTerms | PromiseTerms
"""A loan has one ladder on any date, and one set of terms for arrangements and for promises."""


def refuse_ambiguous(pair: Pair[ByLoan]) -> None:
    """Two documents are for other loans, or for other times, or are versions of one. Versions may
    overlap: the newest in force counts."""
    (first_value, first), (value, ladder) = pair
    if (first.id, first.version) == (ladder.id, ladder.version):
        raise _taken(value, ladder.name, first_value)
    if first.id == ladder.id and (first.version < ladder.version) != (
        first.effective_from < ladder.effective_from
    ):
        raise value.at("effective_from").refuse(
            "{ladder} and {other} ({other_file}) take effect in another order than that of their "
            "versions, or on the same day.",
            "Let the higher version take effect on a later day.",
            ladder=ladder.name,
            other=first.name,
            other_file=first_value.file,
        )
    if (
        first.id != ladder.id
        and first.currency == ladder.currency
        and _share_loans(first.applies_to, ladder.applies_to)
        and first.effective_from <= (ladder.effective_to or date.max)
        and ladder.effective_from <= (first.effective_to or date.max)
    ):
        raise value.at("applies_to").refuse(
            "{ladder} and {other} ({other_file}) are for the same loans at the same time.",
            "Give them different products or jurisdictions, or end one before the other begins.",
            ladder=ladder.name,
            other=first.name,
            other_file=first_value.file,
        )


def refuse_same_version(pair: Pair[StaffingTerms]) -> None:
    """The newest version in force counts, whatever it is called."""
    (first_value, first), (value, terms) = pair
    if first.version == terms.version:
        raise _taken(value, terms.name, first_value)


def refuse_second_order(pair: Pair[WorkPolicy]) -> None:
    """On any date one order counts: the newest version that is in force."""
    (first_value, first), (value, order) = pair
    if first.effective_from == order.effective_from or first.version == order.version:
        raise value.at("effective_from").refuse(
            "{other_file} has that version already, or takes effect on that day too.",
            "Raise the version, and let it take effect on a later day.",
            other_file=first_value.file,
        )


def refuse_second_scheme(pair: Pair[BucketScheme]) -> None:
    """All loans are counted in the same classes on any date; the newest in force counts."""
    (first_value, first), (value, scheme) = pair
    if first.effective_from == scheme.effective_from:
        raise value.at("effective_from").refuse(
            "{scheme} and {other} ({other_file}) take effect on the same day.",
            "Let the newer one take effect on a later day.",
            scheme=f"{scheme.id}@{scheme.version}",
            other=f"{first.id}@{first.version}",
            other_file=first_value.file,
        )


def refuse_same_sheet(pair: Pair[ScoreSheet]) -> None:
    """A review names its sheet by id and version."""
    (first_value, first), (value, sheet) = pair
    if (first.id, first.version) == (sheet.id, sheet.version):
        raise _taken(value, f"{sheet.id}@{sheet.version}", first_value)


def _taken(value: Value, name: str, first: Value) -> PolicyError:
    """The error for a version that another file has."""
    return value.at("version").refuse(
        "{ladder} is in {other_file} already.",
        "Raise the version.",
        ladder=name,
        other_file=first.file,
    )


def refuse_second(
    read: tuple[tuple[Value, RulePack], ...] | tuple[tuple[Value, LegalChecklist], ...],
) -> None:
    """The law of a jurisdiction is one document; changes in it have their own dates."""
    seen: dict[str, Value] = {}
    for value, document in read:
        for key, name in (("id", document.id), ("jurisdiction", document.jurisdiction)):
            if name in seen:
                raise value.at(key).refuse(
                    "{name} is in {other_file} already.",
                    "Write all of it in one file, and raise that file's version.",
                    name=name,
                    other_file=seen[name].file,
                )
            seen[name] = value


def _share_loans(to: AppliesTo, other: AppliesTo) -> bool:
    products = not to.products or not other.products or set(to.products) & set(other.products)
    return bool(products) and any(
        mine == theirs or country_of(mine) == theirs or mine == country_of(theirs)
        for mine in to.jurisdictions
        for theirs in other.jurisdictions
    )
