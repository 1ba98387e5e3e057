"""Reads `config/legal_checklists/*.yaml`: the evidence that a legal file needs."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from config.readers.rule_packs import read_source
from config.readers.yaml_reader import Value
from domain.compliance.rules import Source
from domain.compliance.vocabulary import country_of


class SatisfiedBy(StrEnum):
    """The source of a piece of evidence."""

    CLAIM_BREAKDOWN = "claim_breakdown"  # worked out from the schedule and the payments
    DELIVERY_RECEIPT = "delivery_receipt"
    CALL_RECORD = "call_record"
    VISIT_RECORD = "visit_record"
    WRITTEN_NOTICE = "written_notice"
    LIMITATION_DATE = "limitation_date"
    LENDER_DOCUMENT = "lender_document"  # only a person can attach it


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of evidence that a court asks for."""

    id: str
    text_en: str
    text_zh: str
    satisfied_by: SatisfiedBy
    source: Source
    """Why it is needed."""


@dataclass(frozen=True, slots=True)
class LegalChecklist:
    """One version of the evidence that a legal file needs before it is complete."""

    id: str
    version: int
    jurisdiction: str
    """ISO 3166-1 alpha-2 country, or a subdivision whose courts ask for other evidence."""
    evidence: tuple[Evidence, ...]


def read_legal_checklist(document: Value) -> LegalChecklist:
    """Convert one file into a checklist.

    Raises:
        PolicyError: something in the file is wrong.
    """
    top = document.section("id version jurisdiction evidence")
    seen: dict[str, Value] = {}
    return LegalChecklist(
        id=top.need("id").identifier(),
        version=top.need("version").whole(at_least=1),
        jurisdiction=top.need("jurisdiction").jurisdiction(),
        evidence=top.need("evidence").entries(partial(_read_evidence, seen=seen)),
    )


def checklist_for(
    checklists: tuple[LegalChecklist, ...], jurisdiction: str
) -> LegalChecklist | None:
    """The checklist of a jurisdiction; if it has none, its country's; if that has none, None."""
    by_jurisdiction = {checklist.jurisdiction: checklist for checklist in checklists}
    return by_jurisdiction.get(jurisdiction) or by_jurisdiction.get(country_of(jurisdiction))


def _read_evidence(value: Value, seen: dict[str, Value]) -> Evidence:
    section = value.section("id text satisfied_by citation confidence")
    text = section.need("text").section("en zh")
    evidence_id = section.need("id").identifier()
    return Evidence(
        id=value.unused(evidence_id, seen, "{evidence_id} is on the list", evidence_id=evidence_id),
        text_en=text.need("en").text(),
        text_zh=text.need("zh").text(),
        satisfied_by=section.need("satisfied_by").word(SatisfiedBy),
        source=read_source(section),
    )
