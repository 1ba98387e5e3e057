"""Reads all ladders, rule packs and legal checklists, and checks that they fit each other."""

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TypeAlias, TypeVar

from config.readers.arrangements import read_arrangements
from config.readers.buckets import read_buckets
from config.readers.ladders import read_ladder
from config.readers.legal_checklists import LegalChecklist, read_legal_checklist
from config.readers.policy_law import (
    refuse_bad_replacement,
    refuse_cost_above_law,
    refuse_ladder_without_law,
    refuse_state_without_country,
)
from config.readers.policy_versions import (
    refuse_ambiguous,
    refuse_same_sheet,
    refuse_same_version,
    refuse_second,
    refuse_second_order,
    refuse_second_scheme,
)
from config.readers.promises import read_promise_terms
from config.readers.replies import ReplyReader, assert_stops_by_law
from config.readers.rule_packs import read_rule_pack
from config.readers.score_sheets import assert_rules_exist, read_score_sheet
from config.readers.staffing import read_staffing
from config.readers.worklist import read_worklist
from config.readers.yaml_files import digest, read_yaml
from config.readers.yaml_reader import PolicyError, Value, each
from domain.arrangements import ArrangementTerms
from domain.buckets import BucketScheme
from domain.compliance.conduct import Conduct
from domain.compliance.rules import RulePack, RuleStatus
from domain.inbound_texts import ReplyLanguage, ReplyVocabulary
from domain.ladder import Ladder
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
    arrangements = _read_optional(directory / "arrangements", read_arrangements)
    buckets = _read_optional(directory / "buckets", read_buckets)
    worklist = _read_optional(directory / "worklist", read_worklist)
    promises = _read_optional(directory / "promises", read_promise_terms)
    sheets = _read_optional(directory / "score_sheets", read_score_sheet)
    staffing = _read_optional(directory / "staffing", read_staffing)

    each(combinations(ladders, 2), refuse_ambiguous)
    each(combinations(sheets, 2), refuse_same_sheet)
    each(combinations(arrangements, 2), refuse_ambiguous)
    each(combinations(promises, 2), refuse_ambiguous)
    each(combinations(worklist, 2), refuse_second_order)
    each(combinations(buckets, 2), refuse_second_scheme)
    refuse_second(packs)
    refuse_second(checklists)
    each(combinations(staffing, 2), refuse_same_version)
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
    law, to_court = policy.rule_packs, policy.checklists
    each(packs, partial(refuse_state_without_country, packs=law))
    each(packs, partial(refuse_bad_replacement, packs=law))
    each(ladders, partial(refuse_ladder_without_law, packs=law, checklists=to_court))
    each(arrangements, partial(refuse_cost_above_law, packs=law))
    return policy


def _read_folder(folder: Path, read: Callable[[Value], D]) -> Read[D]:
    paths = sorted(path for path in folder.glob("*") if path.suffix in {".yaml", ".yml"})
    if not paths:
        raise PolicyError("There is no policy in {folder}. Put a .yaml file there.", folder=folder)
    return each(paths, partial(_read_file, read=read))


def _read_optional(folder: Path, read: Callable[[Value], D]) -> Read[D]:
    """Without the folder: none. A lender need not offer arrangements, or limit promises."""
    return _read_folder(folder, read) if folder.is_dir() else ()


def _read_file(path: Path, read: Callable[[Value], D]) -> tuple[Value, D]:
    value = read_yaml(path)
    if path.suffix != ".yaml":
        raise value.refuse("The name ends in .yml.", "Name the file {name}.yaml.", name=path.stem)
    return value, read(value)


def _documents(read: Read[D]) -> tuple[D, ...]:
    return tuple(document for _, document in read)


def _record(kind: PolicyKind, read: Read[D]) -> Iterable[PolicyDocument]:
    return (PolicyDocument(kind, d.id, d.version, digest(value)) for value, d in read)
