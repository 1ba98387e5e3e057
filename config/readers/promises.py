"""Reads `config/promises/*.yaml`: which promises to pay the lender takes for which loans."""

from decimal import Decimal

from babel.numbers import list_currencies

from config.readers.ladders import read_applies_to
from config.readers.yaml_reader import Value
from domain.promise_terms import AlsoUnkept, PromiseLimits, PromiseTerms

KEYS = (
    "id version effective_from effective_to applies_to currency limits agreed unkept tolerance "
    "grace_days booking_days partly_from_percent source"
)
LIMIT_KEYS = "least_share_percent first_within_days last_within_days most_parts"
LONGEST_IN_DAYS = 366
MOST_PARTS = 31
HUNDRED = Decimal(100)
WITHOUT_A_WORD = frozenset({AlsoUnkept.REPLACED})
"""What counts as unkept besides, where a file does not say."""


def read_promise_terms(document: Value) -> PromiseTerms:
    """Convert one file into terms.

    Raises:
        PolicyError: something in the file is wrong, with its line and what to write instead.
    """
    top = document.section(KEYS)
    effective_from, effective_to = top.effective()
    currency = top.need("currency").known(list_currencies(), "currency")
    limits = _read_limits(top.need("limits"))
    agreed = _read_limits(top.need("agreed"))
    _refuse_narrower(top.need("agreed"), limits, agreed)
    unkept = top.need("unkept").section("at_most within_months also")
    tolerance = top.need("tolerance").section("amount percent")
    return PromiseTerms(
        id=top.need("id").identifier(),
        version=top.need("version").whole(at_least=1),
        effective_from=effective_from,
        effective_to=effective_to,
        applies_to=read_applies_to(top.need("applies_to").section("jurisdictions products")),
        currency=currency,
        limits=limits,
        agreed=agreed,
        unkept_at_most=unkept.need("at_most").whole(0, 100),
        unkept_within_months=unkept.need("within_months").whole(1, 120),
        also_unkept=frozenset(unkept.entries("also", lambda given: given.word(AlsoUnkept)))
        if "also" in unkept.pairs
        else WITHOUT_A_WORD,
        tolerance_amount=tolerance.need("amount").money(currency),
        tolerance_percent=_percent(tolerance.need("percent")),
        grace_days=top.need("grace_days").whole(0, 30),
        booking_days=top.need("booking_days").whole(0, 10),
        partly_from_percent=_percent(top.need("partly_from_percent")),
        source=top.need("source").text(),
    )


def _read_limits(value: Value) -> PromiseLimits:
    section = value.section(LIMIT_KEYS)
    first = section.need("first_within_days").whole(0, LONGEST_IN_DAYS)
    last = section.need("last_within_days")
    last_days = last.whole(0, LONGEST_IN_DAYS)
    if last_days < first:
        raise last.wrong(
            "Write {first} or more: the last part is not before the first.", first=first
        )
    return PromiseLimits(
        least_share_percent=_percent(section.need("least_share_percent")),
        first_within_days=first,
        last_within_days=last_days,
        most_parts=section.need("most_parts").whole(1, MOST_PARTS),
    )


def _refuse_narrower(value: Value, limits: PromiseLimits, agreed: PromiseLimits) -> None:
    """What a supervisor may agree to goes at least as far as what needs nobody."""
    if (
        agreed.least_share_percent > limits.least_share_percent
        or agreed.first_within_days < limits.first_within_days
        or agreed.last_within_days < limits.last_within_days
        or agreed.most_parts < limits.most_parts
    ):
        raise value.refuse(
            "`agreed` goes less far than `limits` somewhere.",
            "Write the same or more days and parts, and the same or a smaller share.",
        )


def _percent(value: Value) -> Decimal:
    percent = value.amount()
    if percent > HUNDRED:
        raise value.wrong("Write percent, at most 100.")
    return percent
