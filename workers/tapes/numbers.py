"""Reads the telephone numbers of a borrower: up to three cells, and several numbers in one cell.

No number is left out without a word: what cannot be separated is refused.
"""

import re
import unicodedata
from collections.abc import Sequence

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, timezone

from config.readers.formats import is_zone
from config.readers.placeholders import is_placeholder
from config.readers.tape_mapping import PHONES, Field, TapeMapping
from domain.loans import Problem
from domain.masking import masked
from domain.reasons import ReasonCode, because
from workers.db.numbers import EXTENSION
from workers.db.problems import PHONES_LEFT_OUT
from workers.tapes.cells import Cells

LONGEST_CELL = 300
"""Characters. What is longer is no list of numbers, and no pattern is asked about it."""
SHORTEST_NUMBER = 7
"""Digits. What is shorter is an area code or an extension."""

_BETWEEN_NUMBERS = re.compile(
    r"[,;/\\|&\n、，；／｜]|(?<=\d)\s*\+|\b(?:or|and|y|o)\b|或|和|及", re.IGNORECASE
)
# Of those, what a number never has in it.
_TELLS_APART = re.compile(r"[;/\n、,，；／]|\bor\b|或", re.IGNORECASE)
_DIGITS = re.compile(r"\+?\d+")
_EXTENSION = re.compile(
    r"\s*[,;，；]?\s*(?:ext(?:ension|n)?\.?|x|#|转|轉|分机|分機|内线|內線)\s*[:=：]?\s*(\d{1,7})\s*",
    re.IGNORECASE,
)

Numbers = tuple[PhoneNumber | None, ...]
"""One for each of `PHONES`."""


def read_numbers(texts: Sequence[str], cells: Cells) -> tuple[Numbers, tuple[Problem, ...]]:
    """The numbers of a row, in order, and the problems of those that cannot be used.

    A number must be valid in its country's numbering plan. The ranges reserved for fiction in
    North America (555-0100 to 555-0199) are valid. A number that comes again is left out. Of more
    numbers than `PHONES` the first ones count, and a problem says that there are more.

    Raises:
        BadCellError: a cell has several things that are not all numbers.
    """
    read = [read_cell(of, text, cells) for of, text in zip(PHONES, texts, strict=True)]
    left_out = 0
    if any(len(numbers) > 1 for numbers in read):
        found = [number for numbers in read for number in numbers]
        if len(found) > len(PHONES):
            found = list({written(number): number for number in found}.values())
            left_out = max(len(found) - len(PHONES), 0)
            found = found[: len(PHONES)]
        in_order = [*found, *[None] * (len(PHONES) - len(found))]
    else:
        in_order = [next(iter(numbers), None) for numbers in read]
    seen = set[str]()
    once: list[PhoneNumber | None] = []
    for number in in_order:
        is_new = number is not None and written(number) not in seen
        seen.add(written(number) or "")
        once.append(number if is_new else None)
    if left_out:
        because_many = because(ReasonCode.PHONES_LEFT_OUT, most=len(PHONES), count=left_out)
        return tuple(once), (Problem(PHONES_LEFT_OUT, because_many),)
    if any(once):
        return tuple(once), ()
    return tuple(once), _problem(texts, cells)


def written(number: PhoneNumber | None) -> str | None:
    """E.164, with the extension as RFC 3966 writes it."""
    if number is None:
        return None
    plain = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return f"{plain}{EXTENSION}{number.extension}" if number.extension else plain


def read_whole_number(text: str) -> PhoneNumber | None:
    """One number with its country code, and its extension; None if it is not in use, or if the text
    has more than it."""
    number = _in_use(text, None)
    without_extension = _EXTENSION.sub(" ", text)
    if number is None or _leaves_something_out(without_extension, number):
        return None
    return number


def zones_of_number(number: PhoneNumber) -> tuple[str, ...]:
    """The zone of the owner of a number; empty if the number does not show it."""
    # A toll-free number, and in some countries a mobile number, belongs to every zone of the
    # country, and so does not show where its owner is.
    zones = tuple(timezone.time_zones_for_number(number))
    return zones if len(zones) == 1 and is_zone(zones[0]) else ()


def read_cell(of: Field, text: str, cells: Cells) -> list[PhoneNumber]:
    """The numbers of one cell; none if there is no usable one."""
    if not text or len(text) > LONGEST_CELL or is_placeholder(text):
        return []
    number = _in_use(text, cells.mapping.phone_region)
    if number is not None and is_placeholder(str(number.national_number)):
        return []
    if not _has_several(text, number, cells.mapping):
        return [] if number is None else [number]
    parts = [part for part in _TELLS_APART.split(_with_extensions(text)) if part.strip()]
    found = [_in_use(part, cells.mapping.phone_region) for part in parts]
    numbers = [number for number in found if number is not None]
    if len(numbers) < max(len(found), 2):
        raise cells.refuse(
            of,
            "one telephone number, or several whole ones with / between them; each can also "
            "have a column of its own, as phone_2 and phone_3",
        )
    return numbers


def _problem(texts: Sequence[str], cells: Cells) -> tuple[Problem, ...]:
    for text in texts:
        number = _in_use(text, cells.mapping.phone_region)
        if text and number is None and not is_placeholder(text):
            detail = because(ReasonCode.PHONE_NOT_IN_USE, phone=masked(text))
            return (Problem("phone_invalid", detail),)
    return (Problem("phone_missing", because(ReasonCode.PHONE_MISSING)),)


def _with_extensions(text: str) -> str:
    """The text with each extension as the library reads it in any language."""
    return text if text.isdecimal() else _EXTENSION.sub(r" x\1 ", text)


def _in_use(text: str, region: str | None) -> PhoneNumber | None:
    if len(text) > LONGEST_CELL:
        return None
    try:
        number = phonenumbers.parse(_with_extensions(text), region)
    except NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _leaves_something_out(text: str, number: PhoneNumber) -> bool:
    """Whether the library read the beginning of a text only, as it does before a slash."""
    if any(letter.isalpha() and letter.isascii() for letter in text):
        return False  # letters may stand for digits
    digits = "".join(str(unicodedata.digit(letter)) for letter in text if letter.isdigit())
    return not digits.endswith(str(number.national_number))


def _has_several(text: str, number: PhoneNumber | None, mapping: TapeMapping) -> bool:
    """Whether a cell has more than one number, whatever stands between them."""
    if text.isdecimal():  # as nearly all are
        return number is not None and not text.endswith(str(number.national_number))
    if len(_EXTENSION.findall(text)) > 1:
        return True
    text = _EXTENSION.sub(" ", text)
    lengths = (sum(map(str.isdigit, part)) for part in _BETWEEN_NUMBERS.split(text))
    if sum(length >= SHORTEST_NUMBER for length in lengths) > 1:
        return True
    if number is not None:
        return _leaves_something_out(text, number)
    parts = [part for part in _TELLS_APART.split(text) if any(map(str.isdigit, part))]
    if len(parts) > 1 and any(_in_use(part, mapping.phone_region) for part in parts):
        return True
    pieces = _DIGITS.findall(text)
    return any(
        all(_in_use("".join(part), mapping.phone_region) for part in (pieces[:n], pieces[n:]))
        for n in range(1, len(pieces))
    )
