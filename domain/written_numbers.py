"""Numbers and dates as people write them: digits of any script, days from 1970 to 2199."""

import unicodedata
from datetime import date, datetime

EARLIEST_DAY = date(1970, 1, 1)
LATEST_DAY = date(2199, 12, 31)
"""Far enough on both sides for any loan, and near enough that no sum of days leaves the calendar.
"""


def in_range(day: date | datetime) -> bool:
    """Whether a day, or the day of a moment in its own zone, is from 1970 to 2199."""
    return EARLIEST_DAY.year <= day.year <= LATEST_DAY.year


class _Plain(dict[int, str]):
    """For `str.translate`: decimal digits of any script, and the full-width forms of ASCII."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        digit = unicodedata.decimal(character, None)
        if digit is not None:
            self[code] = str(digit)
        elif "\uff01" <= character <= "\uff5e":
            self[code] = chr(code - 0xFEE0)
        else:
            self[code] = " " if character == "\u3000" else character
        return self[code]


_plain = _Plain()


def plain_digits(text: str) -> str:
    """The text with ASCII digits, and with ASCII marks where it has the full-width ones.

    Only for numbers, dates and telephone numbers: in a name a full-width mark is as it is written.
    """
    return text if text.isascii() else text.translate(_plain)
