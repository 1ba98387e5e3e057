"""The formats of values that policy files, settings, loan tapes and events have in common."""

import re
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.numbers import list_currencies

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
"""The part of BCP 47 that templates use: language, script, country."""


@lru_cache(maxsize=1024)  # each row of a tape asks, and few are different
def is_zone(name: str) -> bool:
    """Whether the IANA database has a time zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is an OSError
        return False
    return True


@lru_cache(maxsize=1024)
def is_currency(code: str) -> bool:
    """Whether this is an ISO 4217 currency."""
    return code in list_currencies()
