"""Texts in a normal form of Unicode, in a time that grows with their length only."""

import unicodedata
from collections.abc import Iterator
from typing import Literal

SHORT = 256
"""Characters. A text up to this length takes no time that anybody notices, whatever is in it."""

MOST_MARKS = 30
"""Combining marks in a row that are kept: no word of any language has more (UAX 15, "Stream-Safe
Text Format")."""


def normalized(form: Literal["NFC", "NFKC"], text: str) -> str:
    """The text in a normal form of Unicode; of a long text, without the marks that are too many.

    Marks in a row are sorted by insertion, which takes time by the square of their number: 50,000
    marks took two seconds, and a line of a tape may have ten times as many.
    """
    return unicodedata.normalize(form, text if len(text) <= SHORT else "".join(_kept(text)))


def _kept(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MOST_MARKS:
            yield character
