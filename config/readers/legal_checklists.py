"""Reads `config/legal_checklists/*.yaml`: the evidence that a legal file needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from config.readers.rule_packs import read_source
from config.readers.yaml_reader import Value, each
from domain.compliance.rules import Source

CHECKLIST_KEYS = ("id", "version", "jurisdiction", "evidence")
EVIDENCE_KEYS = ("id", "text", "satisfied_by", "citation", "confidence")


class SatisfiedBy(StrEnum):
    """Where a piece of evidence comes from."""

    CLAIM_BREAKDOWN = "claim_breakdown"  # worked out from the schedule and the payments
    DELIVERY_RECEIPT = "delivery_receipt"
    CALL_RECORD = "call_record"
    VISIT_RECORD = "visit_record"
    WRITTEN_NOTICE = "written_notice"
    LIMITATION_DATE = "limitation_date"
    LENDER_DOCUMENT = "lender_document"  # only a person can attach it


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that a court will ask for."""

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
    """ISO 3166-1 alpha-2 country, or a subdivision whose courts ask for something else."""
    evidence: tuple[Evidence, ...]


def read_legal_checklist(document: Value) -> LegalChecklist:
    """Turn one file into a checklist.

    Raises:
        PolicyError: the file says something a checklist must not.
    """
    top = document.section(CHECKLIST_KEYS)
    entries = top.need("evidence").values()
    evidence = each(entries, _read_evidence)
    for index, (entry, read) in enumerate(zip(entries, evidence, strict=True)):
        if read.id in {other.id for other in evidence[:index]}:
            raise entry.refuse(f"{read.id} is on the list already.", "Write an id of its own.")
    return LegalChecklist(
        id=top.need("id").identifier(),
        version=top.need("version").whole(at_least=1),
        jurisdiction=top.need("jurisdiction").jurisdiction(),
        evidence=evidence,
    )


def checklist_for(
    checklists: tuple[LegalChecklist, ...], jurisdiction: str
) -> LegalChecklist | None:
    """The checklist of a jurisdiction, else its country's, or None."""
    country = jurisdiction.split("-", 1)[0]
    by_jurisdiction = {checklist.jurisdiction: checklist for checklist in checklists}
    return by_jurisdiction.get(jurisdiction) or by_jurisdiction.get(country)


def _read_evidence(value: Value) -> Evidence:
    section = value.section(EVIDENCE_KEYS)
    text = section.need("text").section(("en", "zh"))
    return Evidence(
        id=section.need("id").identifier(),
        text_en=text.need("en").text(),
        text_zh=text.need("zh").text(),
        satisfied_by=section.need("satisfied_by").word(SatisfiedBy),
        source=read_source(section),
    )
