"""Locales: whose templates serve one, and how amounts and days are written in it."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache

import babel
from babel import dates, numbers
from babel.core import get_global

from domain.errors import ArrearsError
from domain.sms_segments import Encoding, segments


def format_money(amount: Decimal, currency: str, locale: str) -> str:
    """An amount with its currency (ISO 4217), rounded to the currency's minor unit.

    A sign that GSM-7 does not have, such as that of the rupee, would double the price of an English
    text. Then the code of the currency stands in its place.
    """
    written = numbers.format_currency(amount, currency, locale=parse_locale(locale))
    if segments(written).encoding is Encoding.GSM_7:
        return written
    # Babel puts a no-break space between code and number, which GSM-7 does not have either.
    coded = numbers.format_currency(
        amount, currency, format="¤¤ #,##0.00", locale=parse_locale(locale)
    )
    return coded.replace("\N{NO-BREAK SPACE}", " ")


def format_date(day: date, locale: str) -> str:
    """A business date with its month as a word, so that day and month cannot be confused."""
    return dates.format_date(day, format="long", locale=parse_locale(locale))


def fallbacks(locale: str) -> Iterator[str]:
    """The locale itself, then its language with its script, then its language.

    The script may follow from the country: `zh-CN` finds `zh-Hans`, and `zh-TW` does not.
    """
    yield locale
    parsed = parse_locale(locale)
    if parsed.script:
        yield f"{parsed.language}-{parsed.script}"
    yield parsed.language
    likely = _likely_script(parsed)
    if likely and not parsed.script:
        yield f"{parsed.language}-{likely}"


def _likely_script(locale: babel.Locale) -> str | None:
    subtags = get_global("likely_subtags").get(locale.language)
    return babel.Locale.parse(subtags).script if subtags else None


@lru_cache(maxsize=64)
def parse_locale(tag: str) -> babel.Locale:
    """The locale with this BCP 47 tag.

    Raises:
        ArrearsError: there is none.
    """
    try:
        return babel.Locale.parse(tag, sep="-")
    except (ValueError, babel.UnknownLocaleError):
        raise ArrearsError(
            "{tag!r} is not a locale. Use a BCP 47 tag such as en or zh-Hans.", tag=tag
        ) from None
