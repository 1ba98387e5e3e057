"""The one rule for ids that a lender gives: of loans, customers, payments, holds, staff …

What a tape takes, every event and every command can name, and the other way round.
"""

import unicodedata

from domain.persons import FORMER, OF_LOAN
from domain.unicode_forms import normalized

LONGEST_ID = 128
"""Characters."""

LONGEST_OF_LOAN = LONGEST_ID + 32
"""Of the id of a person to whom the lender gave none: that of the loan, and what begins it; and of
one whose id was given to somebody else."""

_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Characters without a shape that are not of category Cf."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})


def id_of(written: str) -> str | None:
    """The id as it is kept, in NFC; None if it is none.

    It has 1 to 128 characters: no control, direction or invisible character, no space but single
    ones of U+0020, and none at its ends. Two ids that look the same would be two loans.
    """
    id = written if written.isascii() else normalized("NFC", written)
    longest = LONGEST_OF_LOAN if id.startswith((OF_LOAN, FORMER)) else LONGEST_ID
    if not 0 < len(id) <= longest or id != id.strip() or "  " in id:
        return None
    is_readable = id.isprintable() if id.isascii() else not any(map(_is_hidden, id))
    return id if is_readable else None


def _is_hidden(character: str) -> bool:
    return (
        (character != " " and unicodedata.category(character) in _HIDDEN)
        or character in _INVISIBLE
        or "\ufe00" <= character <= "\ufe0f"  # variation selectors
        or "\U000e0100" <= character <= "\U000e01ef"
    )
