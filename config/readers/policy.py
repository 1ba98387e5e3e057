"""Reads all ladders, rule packs and legal checklists, and checks that they fit each other."""

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TypeAlias, TypeVar

from config.readers.arrangements import read_arrangements
from config.readers.buckets import read_buckets
from config.readers.ladders import read_ladder
from config.readers.legal_checklists import LegalChecklist, checklist_for, read_legal_checklist
from config.readers.promises import read_promise_terms
from config.readers.replies import ReplyReader, assert_stops_by_law
from config.readers.rule_packs import read_rule_pack
from config.readers.score_sheets import assert_rules_exist, read_score_sheet
from config.readers.staffing import read_staffing
from config.readers.worklist import read_worklist
from config.readers.yaml_reader import PolicyError, Value, digest, each, read_yaml
from domain.arrangements import ArrangementTerms
from domain.buckets import BucketScheme
from domain.compliance.conduct import Conduct
from domain.compliance.money_cap import CapKind, money_caps, strictest
from domain.compliance.rules import RulePack, RuleStatus, packs_for
from domain.compliance.vocabulary import Channel
from domain.inbound_texts import ReplyLanguage, ReplyVocabulary
from domain.ladder import AppliesTo, Ladder
from domain.next_work import WorkPolicy
from domain.promise_terms import PromiseTerms
from domain.quality import ScoreSheet
from domain.staffing import StaffingTerms

D = TypeVar(
    "D",
    Ladder,
    RulePack,
    LegalChecklist,
    ReplyLanguage,
    ArrangementTerms,
    PromiseTerms,
    WorkPolicy,
    BucketScheme,
    ScoreSheet,
    StaffingTerms,
)
ByLoan: TypeAlias = Ladder | ArrangementTerms | PromiseTerms
Read: TypeAlias = tuple[tuple[Value, D], ...]
"""Documents, each with the file that it was read from."""


class PolicyKind(StrEnum):
    """The kinds of document. Each kind has its own folder."""

    LADDER = "ladder"
    RULE_PACK = "rule_pack"
    LEGAL_CHECKLIST = "legal_checklist"
    REPLIES = "replies"
    ARRANGEMENTS = "arrangements"
    WORKLIST = "worklist"
    BUCKETS = "buckets"
    SCORE_SHEETS = "score_sheets"
    PROMISES = "promises"
    STAFFING = "staffing"


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """A document as it is recorded, so that a decision can name the version that it used."""

    kind: PolicyKind
    id: str
    version: int
    digest: str
    """SHA-256 of the document's content, in hex."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All documents of the lender and of the law, in the versions that are loaded."""

    ladders: tuple[Ladder, ...]
    rule_packs: tuple[RulePack, ...]
    checklists: tuple[LegalChecklist, ...]
    replies: ReplyVocabulary
    arrangements: tuple[ArrangementTerms, ...]
    buckets: tuple[BucketScheme, ...]
    """Empty: the lender has no classes of days past due."""
    promises: tuple[PromiseTerms, ...]
    documents: tuple[PolicyDocument, ...]
    worklist: tuple[WorkPolicy, ...] = ()
    """None: the defaults of `WorkPolicy`."""
    score_sheets: tuple[ScoreSheet, ...] = ()
    """Empty: no calls are judged."""
    staffing: tuple[StaffingTerms, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of all documents: the same policy has the same digest everywhere."""
        lines = sorted(f"{d.kind} {d.id} {d.version} {d.digest}" for d in self.documents)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def load_policy(directory: Path, template_names: Collection[str]) -> Policy:
    """Read the folders of a directory, one for each kind of document, and check them together.

    `template_names` are the templates that exist in every locale.

    Raises:
        PolicyError: something is wrong. It lists all errors of a folder, each with its file, its
            line and its remedy.
    """
    read = partial(read_ladder, template_names=template_names)
    ladders = _read_folder(directory / "ladders", read)
    packs = _read_folder(directory / "rule_packs", read_rule_pack)
    checklists = _read_folder(directory / "legal_checklists", read_legal_checklist)
    replies = _read_folder(directory / "replies", ReplyReader().read)
    # A lender need not offer any.
    offered = directory / "arrangements"
    arrangements = _read_folder(offered, read_arrangements) if offered.is_dir() else ()
    classes = directory / "buckets"
    buckets = _read_folder(classes, read_buckets) if classes.is_dir() else ()

    order = directory / "worklist"
    worklist = _read_folder(order, read_worklist) if order.is_dir() else ()
    # Nor need it limit which promises it takes.
    limited = directory / "promises"
    promises = _read_folder(limited, read_promise_terms) if limited.is_dir() else ()

    heard = directory / "score_sheets"
    sheets = _read_folder(heard, read_score_sheet) if heard.is_dir() else ()
    # Without one, a call takes what the product says.
    of_staff = directory / "staffing"
    staffing = _read_folder(of_staff, read_staffing) if of_staff.is_dir() else ()

    each(combinations(ladders, 2), _refuse_ambiguous)
    each(combinations(sheets, 2), _refuse_same_sheet)
    each(combinations(arrangements, 2), _refuse_ambiguous)
    each(combinations(promises, 2), _refuse_ambiguous)
    each(combinations(worklist, 2), _refuse_second_order)
    each(combinations(buckets, 2), _refuse_second_scheme)
    _refuse_second(packs)
    _refuse_second(checklists)
    each(combinations(staffing, 2), _refuse_same_version)
    policy = Policy(
        ladders=_documents(ladders),
        rule_packs=_documents(packs),
        checklists=_documents(checklists),
        replies=ReplyVocabulary(_documents(replies)),
        arrangements=_documents(arrangements),
        buckets=_documents(buckets),
        promises=_documents(promises),
        staffing=_documents(staffing),
        documents=(
            *_record(PolicyKind.LADDER, ladders),
            *_record(PolicyKind.RULE_PACK, packs),
            *_record(PolicyKind.LEGAL_CHECKLIST, checklists),
            *_record(PolicyKind.REPLIES, replies),
            *_record(PolicyKind.ARRANGEMENTS, arrangements),
            *_record(PolicyKind.WORKLIST, worklist),
            *_record(PolicyKind.BUCKETS, buckets),
            *_record(PolicyKind.SCORE_SHEETS, sheets),
            *_record(PolicyKind.PROMISES, promises),
            *_record(PolicyKind.STAFFING, staffing),
        ),
        worklist=_documents(worklist),
        score_sheets=_documents(sheets),
    )
    conduct = {
        rule.id
        for pack in policy.rule_packs
        for rule in pack.rules
        if isinstance(rule, Conduct) and rule.status is RuleStatus.IN_FORCE
    }
    each((value for value, _ in sheets), partial(assert_rules_exist, conduct=conduct))
    assert_stops_by_law(policy.replies, replies)
    each(packs, partial(_refuse_state_without_country, policy=policy))
    each(packs, partial(_refuse_bad_replacement, policy=policy))
    each(ladders, partial(_refuse_ladder_without_law, policy=policy))
    each(arrangements, partial(_refuse_cost_above_law, packs=policy.rule_packs))
    return policy


def _read_folder(folder: Path, read: Callable[[Value], D]) -> Read[D]:
    paths = sorted(path for path in folder.glob("*") if path.suffix in {".yaml", ".yml"})
    if not paths:
        raise PolicyError("There is no policy in {folder}. Put a .yaml file there.", folder=folder)
    return each(paths, partial(_read_file, read=read))


def _read_file(path: Path, read: Callable[[Value], D]) -> tuple[Value, D]:
    value = read_yaml(path)
    if path.suffix != ".yaml":
        raise value.refuse("The name ends in .yml.", "Name the file {name}.yaml.", name=path.stem)
    return value, read(value)


def _documents(read: Read[D]) -> tuple[D, ...]:
    return tuple(document for _, document in read)


def _record(kind: PolicyKind, read: Read[D]) -> Iterable[PolicyDocument]:
    return (PolicyDocument(kind, d.id, d.version, digest(value)) for value, d in read)


def _at(value: Value, key: str) -> Value:
    """The value whose line an error about the whole document names."""
    return value.pairs()[key]


def _refuse_ambiguous(pair: tuple[tuple[Value, ByLoan], tuple[Value, ByLoan]]) -> None:
    """A loan has one ladder on any date, and one set of terms for arrangements and
    for promises.

    Versions may overlap: the newest in force counts.
    """
    (first_value, first), (value, ladder) = pair
    if (first.id, first.version) == (ladder.id, ladder.version):
        raise _at(value, "version").refuse(
            "{ladder} is in {other_file} already.",
            "Raise the version.",
            ladder=ladder.name,
            other_file=first_value.file,
        )
    if first.id == ladder.id and (first.version < ladder.version) != (
        first.effective_from < ladder.effective_from
    ):
        raise _at(value, "effective_from").refuse(
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
        raise _at(value, "applies_to").refuse(
            "{ladder} and {other} ({other_file}) are for the same loans at the same time.",
            "Give them different products or jurisdictions, or end one before the other begins.",
            ladder=ladder.name,
            other=first.name,
            other_file=first_value.file,
        )


def _refuse_same_version(
    pair: tuple[tuple[Value, StaffingTerms], tuple[Value, StaffingTerms]],
) -> None:
    """The newest version in force counts, whatever it is called."""
    (first_value, first), (value, terms) = pair
    if first.version == terms.version:
        raise _at(value, "version").refuse(
            "{ladder} is in {other_file} already.",
            "Raise the version.",
            ladder=terms.name,
            other_file=first_value.file,
        )


def _refuse_second_order(pair: tuple[tuple[Value, WorkPolicy], tuple[Value, WorkPolicy]]) -> None:
    """On any date one order counts: the newest version that is in force."""
    (first_value, first), (value, order) = pair
    if first.effective_from == order.effective_from or first.version == order.version:
        raise _at(value, "effective_from").refuse(
            "{other_file} has that version already, or takes effect on that day too.",
            "Raise the version, and let it take effect on a later day.",
            other_file=first_value.file,
        )


def _refuse_second_scheme(
    pair: tuple[tuple[Value, BucketScheme], tuple[Value, BucketScheme]],
) -> None:
    """All loans are counted in the same classes on any date; the newest in force counts."""
    (first_value, first), (value, scheme) = pair
    if first.effective_from == scheme.effective_from:
        raise _at(value, "effective_from").refuse(
            "{scheme} and {other} ({other_file}) take effect on the same day.",
            "Let the newer one take effect on a later day.",
            scheme=f"{scheme.id}@{scheme.version}",
            other=f"{first.id}@{first.version}",
            other_file=first_value.file,
        )


def _refuse_same_sheet(pair: tuple[tuple[Value, ScoreSheet], tuple[Value, ScoreSheet]]) -> None:
    """A review names its sheet by id and version."""
    (first_value, first), (value, sheet) = pair
    if (first.id, first.version) == (sheet.id, sheet.version):
        raise _at(value, "version").refuse(
            "{ladder} is in {other_file} already.",
            "Raise the version.",
            ladder=f"{sheet.id}@{sheet.version}",
            other_file=first_value.file,
        )


def _share_loans(to: AppliesTo, other: AppliesTo) -> bool:
    products = not to.products or not other.products or set(to.products) & set(other.products)
    return bool(products) and any(
        mine == theirs or _country(mine) == theirs or mine == _country(theirs)
        for mine in to.jurisdictions
        for theirs in other.jurisdictions
    )


def _country(jurisdiction: str) -> str:
    return jurisdiction.split("-", 1)[0]


def _refuse_second(read: Read[RulePack] | Read[LegalChecklist]) -> None:
    """The law of a jurisdiction is one document; changes in it have their own dates."""
    seen: dict[str, Value] = {}
    for value, document in read:
        for key, name in (("id", document.id), ("jurisdiction", document.jurisdiction)):
            if name in seen:
                raise _at(value, key).refuse(
                    "{name} is in {other_file} already.",
                    "Write all of it in one file, and raise that file's version.",
                    name=name,
                    other_file=seen[name].file,
                )
            seen[name] = value


def _refuse_state_without_country(read: tuple[Value, RulePack], policy: Policy) -> None:
    """A subdivision's rules are added to its country's, so it needs the country's pack."""
    value, pack = read
    country = _country(pack.jurisdiction)
    if pack.is_law and country not in {other.jurisdiction for other in policy.rule_packs}:
        raise _at(value, "jurisdiction").refuse(
            "There is no rule pack for {country}, which {jurisdiction} comes on top of.",
            "Add the rule pack of {country}.",
            country=country,
            jurisdiction=pack.jurisdiction,
        )


def _refuse_bad_replacement(read: tuple[Value, RulePack], policy: Policy) -> None:
    """A rule may replace one of its country's pack that asks the same, and at no time neither."""
    value, pack = read
    country = _country(pack.jurisdiction)
    of_country = {
        rule.id: rule
        for other in policy.rule_packs
        for rule in other.rules
        if other.jurisdiction == country and other is not pack
    }
    for rule in pack.rules:
        for replaced_id in rule.replaces:
            replaced = of_country.get(replaced_id)
            if type(replaced) is not type(rule):
                raise _at(value, "rules").refuse(
                    "{rule} replaces {replaced_id}, which is no rule of that kind in the pack of "
                    "{country}.",
                    "Name a {kind} rule of that pack, or leave out `replaces`.",
                    rule=rule.id,
                    replaced_id=replaced_id,
                    country=country,
                    kind=type(rule).__name__,
                )
            if rule.effective_to or rule.effective_from > replaced.effective_from:
                raise _at(value, "rules").refuse(
                    "{rule} is not in force for as long as {replaced_id}, which it replaces.",
                    "Let it take effect on {from_day} and have no end.",
                    rule=rule.id,
                    replaced_id=replaced_id,
                    from_day=replaced.effective_from,
                )


def _refuse_cost_above_law(
    read: tuple[Value, ArrangementTerms], packs: tuple[RulePack, ...]
) -> None:
    """A fixed rate is not above what a law allowed when the terms took effect. What follows from
    the loan, such as the rate of its contract and what a fee makes of it, is asked at each quote.
    """
    value, terms = read
    for kind in terms.kinds:
        if not isinstance(kind.rate, Decimal):
            continue
        for jurisdiction in terms.applies_to.jurisdictions:
            for product in terms.applies_to.products or ("",):
                binding = money_caps(
                    packs_for(packs, jurisdiction), frozenset(), product, terms.effective_from
                )
                cap = strictest((r.cap for r in binding), CapKind.YEARLY_COST_PERCENT)
                if cap and kind.rate > cap.at_most:
                    raise _at(_at(value, kind.kind), "rate").refuse(
                        "The rate is {rate} % a year, and in {jurisdiction} at most {at_most} % "
                        "are allowed ({citation}).",
                        "Write {at_most} or less.",
                        rate=kind.rate,
                        jurisdiction=jurisdiction,
                        at_most=cap.at_most,
                        citation=cap.source.citation,
                    )


def _refuse_ladder_without_law(read: tuple[Value, Ladder], policy: Policy) -> None:
    """Contacts need a rule pack, and legal files need a checklist."""
    value, ladder = read
    known = {pack.jurisdiction for pack in policy.rule_packs if pack.is_law}
    to_court = any(item.do.channel is Channel.LEGAL for _, item in ladder.items)
    for jurisdiction in ladder.applies_to.jurisdictions:
        if _country(jurisdiction) not in known:
            raise _at(value, "applies_to").refuse(
                "There is no rule pack for {jurisdiction}, so nobody there may be contacted.",
                "Add its rule pack, or write one of: {known}.",
                jurisdiction=jurisdiction,
                known=", ".join(sorted(known)),
            )
        if to_court and checklist_for(policy.checklists, jurisdiction) is None:
            raise _at(value, "applies_to").refuse(
                "The ladder opens legal files, and {jurisdiction} has no legal checklist.",
                "Add its checklist, or take the item out.",
                jurisdiction=jurisdiction,
            )
