"""In no sentence does a moment or an amount stand in the form in which programs keep it."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import product
from string import Formatter

import pytest

from domain.errors import ArrearsError, Text
from domain.filling import filled
from domain.hidden_amounts import AMOUNTS
from domain.language.render import Language, render_reasons
from domain.language.sentences import error_in, in_chinese, text_in
from domain.language.speak import LANGUAGES, speak
from domain.next_work import Candidate, WorkPolicy, in_order
from domain.reason_json import reasons_from_json
from domain.reasons import Reason, ReasonCode, because

SHANGHAI = timezone(timedelta(hours=8))
NINE = datetime(2026, 3, 3, 9, 0, tzinfo=SHANGHAI)
OF_PROGRAMS = re.compile(r"T\d\d:|\d\d:\d\d:\d\d|[+-]\d\d:\d\d|400\.0000|Decimal|datetime")
CODES = {"currency": "CNY", "who_may": "supervisor", "matter": "dispute", "error": "NoSuchFile"}
"""Values that never are a moment or an amount, as the texts that have them are given them."""
BOTH = pytest.mark.parametrize("language", LANGUAGES.values(), ids=LANGUAGES)


def fields_of(template: str) -> list[tuple[str, str]]:
    parsed = Formatter().parse(template)
    return [(name, spec or how or "") for _, name, spec, how in parsed if name is not None]


@BOTH
def test_a_reason_shows_moments_and_amounts_as_people_write_them(language: Language) -> None:
    unreadable = language.templates[ReasonCode.UNREADABLE]
    moments = (NINE, NINE.replace(second=7, microsecond=5), NINE.astimezone(UTC))
    for code, moment in product(ReasonCode, moments):
        names = {name for name, _ in fields_of(language.templates[code])} - {"currency"}
        given = {name: "400.0000" if name in AMOUNTS else moment.isoformat() for name in names}
        given["currency"] = "CNY"

        said = render_reasons((Reason(code, given),), language)

        assert not OF_PROGRAMS.search(said), code
        assert (said == unreadable) == (code is ReasonCode.UNREADABLE), code


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_of_the_program_shows_them_so_too(language: str) -> None:
    for text in in_chinese():
        plain = [name for name, spec in fields_of(text) if not spec and name.isidentifier()]
        if not plain or len(plain) != len(fields_of(text)):
            continue  # it has no values, or says in which form it shows them
        for value in (NINE, Decimal("400.0000")):
            given = Text(text, {**dict.fromkeys(plain, value), **CODES})
            assert not OF_PROGRAMS.search(text_in(language, given)), text
            assert not OF_PROGRAMS.search(error_in(language, ArrearsError(given))), text


def test_amounts_have_the_places_of_their_currency() -> None:
    text = "{amount} {currency}"
    for currency, shown in (("CNY", "400.00"), ("JPY", "400"), ("KWD", "400.000")):
        values: dict[str, object] = {"amount": Decimal("400.0000"), "currency": currency}
        assert filled(text, values) == str(Text(text, values)) == f"{shown} {currency}"
        stored = {"code": "refund_recorded", "params": {**values, "amount": "400.0000"}}
        stored["params"]["payment"] = "P-1"  # type: ignore[index]
        assert speak(reasons_from_json([stored])).startswith(f"{shown} {currency} of payment P-1")
    assert filled("{rate} %", {"rate": Decimal("24.0000")}) == "24 %"
    assert filled("{at:%d.%m.}, {on}", {"at": NINE, "on": date(2026, 3, 3)}) == "03.03., 2026-03-03"


def test_percentages_have_no_zeros_at_their_end() -> None:
    cost = {"percent": "36.5000", "at_most": "24.00", "citation": "A law"}
    assert "36.5 % a year; at most 24 % are" in speak(because(ReasonCode.COST_ABOVE_CAP, **cost))


def test_the_next_work_is_said_with_the_hours_of_the_lender() -> None:
    """The database gives moments in UTC, and people read their own clock."""
    asked_for = NINE.astimezone(UTC)
    candidate = Candidate(key=1, since=asked_for - timedelta(days=1), callback_at=asked_for)

    [first] = in_order([candidate], WorkPolicy(), NINE, served_since_first_contact=0)

    assert speak(first.why) == "The borrower asked to be called back at 2026-03-03 09:00."
