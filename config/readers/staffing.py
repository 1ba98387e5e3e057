"""Reads `config/staffing/*.yaml`: what a call or a visit takes, and which skill a call needs."""

from config.readers.yaml_reader import Value
from domain.staffing import CallTerms, StaffingTerms, VisitTerms

LONGEST_CALL = 240
"""Minutes."""


def read_staffing(document: Value) -> StaffingTerms:
    """Convert one file into terms.

    Raises:
        PolicyError: something in the file is wrong, with its line and what to write instead.
    """
    top = document.section(
        "id version effective_from effective_to source otherwise steps items reply_minutes "
        "certificates visit"
    )
    top.need("source").text()
    effective_from, effective_to = top.effective()
    return StaffingTerms(
        id=top.need("id").identifier(),
        version=top.need("version").whole(at_least=1),
        effective_from=effective_from,
        effective_to=effective_to,
        otherwise=_call(top.need("otherwise")),
        of_steps=top.maybe("steps", _calls) or {},
        of_items=top.maybe("items", _calls) or {},
        reply_minutes=_minutes(top.need("reply_minutes")),
        certificates=top.maybe("certificates", _certificates) or {},
        visit=top.maybe("visit", _visit),
    )


def _calls(value: Value) -> dict[str, CallTerms]:
    return {name: _call(of_name) for name, of_name in value.pairs().items()}


def _call(value: Value) -> CallTerms:
    section = value.section("minutes skill must_do")
    return CallTerms(
        minutes=_minutes(section.need("minutes")),
        skill=section.maybe("skill", Value.identifier),
        must_do=section.maybe("must_do", Value.is_true) or False,
    )


def _visit(value: Value) -> VisitTerms:
    section = value.section("minutes way_minutes")
    return VisitTerms(_minutes(section.need("minutes")), _minutes(section.need("way_minutes")))


def _certificates(value: Value) -> dict[str, str]:
    return {skill: kind.identifier() for skill, kind in value.pairs().items()}


def _minutes(value: Value) -> int:
    minutes = value.whole(at_least=1)
    if minutes > LONGEST_CALL:
        raise value.wrong("Write {most} minutes or fewer.", most=LONGEST_CALL)
    return minutes
