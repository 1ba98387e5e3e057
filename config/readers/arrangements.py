"""Reads `config/arrangements/*.yaml`: what the lender offers for which loans, and who may agree."""

from decimal import Decimal
from functools import partial
from typing import Any

from babel.numbers import list_currencies

from config.readers.ladders import read_applies_to
from config.readers.rule_packs import read_source
from config.readers.yaml_reader import PolicyError, Value
from domain.actors import Role
from domain.amortisation import Amortisation, DayCount, RestIn, Rounding
from domain.arrangements import (
    MAY_STOP,
    ArrangementKind,
    ArrangementTerms,
    Eligibility,
    KindTerms,
    Limit,
    MovesTo,
    RateOf,
    RequestTerms,
    Spreads,
)
from domain.compliance.money_cap import Cap, CapKind
from domain.holds import HoldKind
from domain.ladder import Days

KEYS = (
    "id version effective_from effective_to applies_to currency day_count rounding rest_in "
    "quote_valid_days confirm_within_days notice_within_days requests caps source deferral "
    "instalment_plan"
)
OF_EACH_KIND = "eligible rate fee limits stops grace_days missed_ends_it default_notice_days"
OF_KIND = {
    ArrangementKind.DEFERRAL: "moves_to",
    ArrangementKind.INSTALMENT_PLAN: "spreads amortisation least_instalment",
}
MOST_INSTALMENTS = 600
"""More monthly instalments than any loan has."""
LONGEST_IN_DAYS = 3650


def read_arrangements(document: Value) -> ArrangementTerms:
    """Convert one file into terms.

    Raises:
        PolicyError: something in the file is wrong, with its line and what to write instead.
    """
    top = document.section(KEYS)
    effective_from, effective_to = top.effective()
    applies_to = top.need("applies_to").section("jurisdictions products")
    currency = top.need("currency").known(list_currencies(), "currency")
    kinds = tuple(
        _read_kind(top.pairs[kind], kind, currency) for kind in ArrangementKind if kind in top.pairs
    )
    if not kinds:
        raise document.refuse(
            "Nothing is offered here.", "Write deferral:, instalment_plan: or both."
        )
    return ArrangementTerms(
        id=top.need("id").identifier(),
        version=top.need("version").whole(at_least=1),
        effective_from=effective_from,
        effective_to=effective_to,
        applies_to=read_applies_to(applies_to),
        currency=currency,
        day_count=top.need("day_count").word(DayCount),
        rounding=top.need("rounding").word(Rounding),
        rest_in=top.need("rest_in").word(RestIn),
        quote_valid_days=top.need("quote_valid_days").whole(0, 90),
        caps=top.entries("caps", _read_cap),
        kinds=kinds,
        source=top.need("source").text(),
        **top.given(
            {
                "confirm_within_days": lambda given: given.whole(0, 90),
                "notice_within_days": lambda given: given.whole(1, 90),
                "requests": _read_requests,
            }
        ),
    )


def _read_requests(value: Value) -> RequestTerms:
    section = value.section("answer_within_days lapses_after_days pauses_once_in_months")
    answer = section.need("answer_within_days").whole(1, 90)
    lapses = section.need("lapses_after_days")
    days = lapses.whole(1, 366)
    if days <= answer:
        raise lapses.wrong(
            "Write {least} or more: a request lapses after its answer is late.", least=answer + 1
        )
    return RequestTerms(
        answer, days, section.maybe("pauses_once_in_months", lambda given: given.whole(0, 120))
    )


def _read_cap(value: Value) -> Cap:
    section = value.section("what at_most citation confidence")
    what = section.need("what").word(CapKind)
    at_most = section.need("at_most")
    return Cap(
        what,
        Decimal(at_most.whole(1, MOST_INSTALMENTS))
        if what is CapKind.MONTHS
        else at_most.percent(),
        read_source(section),
    )


def _read_kind(value: Value, kind: ArrangementKind, currency: str) -> KindTerms:
    section = value.section(f"{OF_EACH_KIND} {OF_KIND[kind]}")
    own: dict[str, Any] = (
        {"moves_to": section.need("moves_to").word(MovesTo)}
        if kind is ArrangementKind.DEFERRAL
        else {
            "spreads": section.need("spreads").word(Spreads),
            "amortisation": section.need("amortisation").word(Amortisation),
            "least_instalment": section.need("least_instalment").money(currency),
        }
    )
    return KindTerms(
        kind=kind,
        eligibility=_read_eligibility(section.need("eligible")),
        rate=_read_rate(section.need("rate")),
        fee=section.need("fee").money(currency),
        limits=_read_limits(section.need("limits"), kind, currency),
        stops=frozenset(section.entries("stops", lambda given: given.word(MAY_STOP))),
        grace_days=section.need("grace_days").whole(0, 90),
        missed_ends_it=section.need("missed_ends_it").whole(1, MOST_INSTALMENTS),
        **section.given({"default_notice_days": lambda given: given.whole(1, 90)}),
        **own,
    )


def _read_eligibility(value: Value) -> Eligibility:
    section = value.section("days_past_due loan_age_months earlier not_during")
    earlier = section.maybe("earlier", lambda given: given.section("at_most within_months"))
    return Eligibility(
        days_past_due=_read_days_past_due(section.need("days_past_due")),
        loan_age_months=section.maybe("loan_age_months", lambda given: given.whole(0, 600)) or 0,
        earlier_at_most=earlier.need("at_most").whole(0, 100) if earlier else None,
        earlier_within_months=earlier.need("within_months").whole(1, 600) if earlier else 12,
        not_during=frozenset(section.entries("not_during", lambda given: given.word(HoldKind))),
    )


def _read_days_past_due(value: Value) -> Days:
    instead = "Write days past due, such as 0-90, or 1- for day 1 and all that follow."
    days = value.days(instead)
    if days.passed_by(days.first):
        raise value.refuse(
            "`{key}` is {shown}, which runs backwards.",
            instead,
            key=value.key,
            shown=value.shown,
        )
    return days


def _read_rate(value: Value) -> RateOf | Decimal:
    if value.text() in set(RateOf):
        return RateOf(value.text())
    try:
        return value.percent()
    except PolicyError:
        raise value.wrong(
            "Write contract for the rate of the loan, none, or percent a year, such as 8.5."
        ) from None


def _read_limits(value: Value, kind: ArrangementKind, currency: str) -> tuple[Limit, ...]:
    """From the lowest role to the highest, each of which may agree to at least as much."""
    entries = value.values()
    limits = value.entries(partial(_read_limit, kind=kind, currency=currency))
    for entry, limit, lower in zip(entries[1:], limits[1:], limits, strict=False):
        if limit.role in {other.role for other in limits[: limits.index(limit)]}:
            raise entry.refuse("{role} has a limit already.", "Write it once.", role=limit.role)
        if not (
            limit.instalments >= lower.instalments
            and _reaches(limit.days, lower.days)
            and _reaches(limit.amount, lower.amount)
        ):
            raise entry.refuse(
                "{role} may agree to less than {lower}, which stands before it.",
                "List the roles from the lowest to the highest, and raise this limit.",
                role=limit.role,
                lower=lower.role,
            )
    return limits


def _reaches(limit: Decimal | int | None, lower: Decimal | int | None) -> bool:
    return limit is None or (lower is not None and limit >= lower)


def _read_limit(value: Value, kind: ArrangementKind, currency: str) -> Limit:
    deferral = kind is ArrangementKind.DEFERRAL
    section = value.section(f"role instalments {'days ' if deferral else ''}amount")
    return Limit(
        role=section.need("role").word(Role),
        instalments=section.need("instalments").whole(1, MOST_INSTALMENTS),
        days=section.need("days").whole(1, LONGEST_IN_DAYS) if deferral else None,
        amount=section.maybe("amount", lambda given: given.money(currency)),
    )
