"""Counts the segments of a text, as the network bills them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

# GSM 03.38 (3GPP TS 23.038 §6.2.1), without the escape character itself.
_GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each of these takes an escape septet before its own.
_GSM_EXTENSION = frozenset("\f^{}\\[~]|€")


class Encoding(StrEnum):
    """The two encodings of a text."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


# A text that fits in one segment has no header; each part of a longer text has one.
_ALONE = {Encoding.GSM_7: 160, Encoding.UCS_2: 70}
_IN_PARTS = {Encoding.GSM_7: 153, Encoding.UCS_2: 67}


@dataclass(frozen=True, slots=True)
class Segments:
    """The size of a text as the network bills it."""

    encoding: Encoding
    units: int
    """Septets in GSM-7, UTF-16 code units in UCS-2."""
    count: int
    """Segments billed. An empty text has none."""


def segments(text: str) -> Segments:
    """Measure a text by GSM 03.38: a character outside its tables puts the whole text into UCS-2.

    A character of two units is never split: if only one unit is left, it starts the next segment.
    """
    encoding = _encoding(text)
    widths = [_width(character, encoding) for character in text]
    units = sum(widths)
    if units <= _ALONE[encoding]:
        return Segments(encoding, units, count=1 if units else 0)
    return Segments(encoding, units, count=_parts(widths, room=_IN_PARTS[encoding]))


def _encoding(text: str) -> Encoding:
    if all(character in _GSM_BASIC or character in _GSM_EXTENSION for character in text):
        return Encoding.GSM_7
    return Encoding.UCS_2


def _width(character: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM_7:
        return 2 if character in _GSM_EXTENSION else 1
    return 2 if ord(character) > 0xFFFF else 1


def _parts(widths: Iterable[int], *, room: int) -> int:
    parts, used = 1, 0
    for width in widths:
        if used + width > room:
            parts, used = parts + 1, 0
        used += width
    return parts
