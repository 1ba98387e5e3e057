"""Reads `config/staffing/*.yaml`: what a call or a visit takes, and which skill a call needs."""

from config.readers.yaml_reader import Value
from domain.hold_limits import HOLD_LIMITS, HoldLimit
from domain.holds import HoldKind
from domain.staffing import CallTerms, StaffingTerms, VisitTerms

LONGEST_CALL = 240
"""Minutes."""
LONGEST_HOLD = 3653
"""Days: ten years."""


def read_staffing(document: Value) -> StaffingTerms:
    """Convert one file into terms.

    Raises:
        PolicyError: something in the file is wrong, with its line and what to write instead.
    """
    top = document.section(
        "id version effective_from effective_to source otherwise steps items reply_minutes "
        "certificates visit holds"
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
        holds=top.maybe("holds", _holds) or {},
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


def _holds(value: Value) -> dict[HoldKind, HoldLimit]:
    section = value.section(" ".join(HOLD_LIMITS))
    return {HoldKind(kind): _hold(HoldKind(kind), given) for kind, given in section.pairs.items()}


def _hold(kind: HoldKind, value: Value) -> HoldLimit:
    """A limit of the lender's own. What protects a person, or a court asks for, everybody may place
    alone for as long as it is true: only its end can be limited."""
    protects = HOLD_LIMITS[kind].alone is None
    section = value.section("at_most" if protects else "alone at_most")
    at_most = section.need("at_most").whole(1, LONGEST_HOLD)
    return HoldLimit(None if protects else section.need("alone").whole(0, at_most), at_most)


def _minutes(value: Value) -> int:
    minutes = value.whole(at_least=1)
    if minutes > LONGEST_CALL:
        raise value.wrong("Write {most} minutes or fewer.", most=LONGEST_CALL)
    return minutes
