"""Numbers that make the Twilio stand-in misbehave, so that a rehearsal can meet every outcome.

They are the last four digits of +1 NXX 555 0100–0199, the range that North American numbering
keeps for fiction: no such number can ever belong to a borrower.
"""

from __future__ import annotations

import re
from enum import StrEnum

_FICTION = re.compile(r"\+1\d{3}555(01\d\d)")


class Rehearsal(StrEnum):
    """What happens to a text to a number that ends so."""

    LANDLINE = "0189"
    """Refused with 21614."""
    OPTED_OUT = "0190"
    """Refused with 21610."""
    UNDELIVERED = "0191"
    """Accepted; the receipt then says `undelivered`, 30003."""
    SERVER_ERROR = "0192"
    """Accepted, but the answer is HTTP 500."""
    SILENCE = "0193"
    """Accepted, but no answer comes."""
    TOO_MANY_REQUESTS = "0194"
    """Not processed: HTTP 429, with Retry-After."""
    RESET = "0195"
    """Accepted, but the connection breaks before the answer."""
    GARBLED = "0196"
    """Accepted, but the answer is not JSON."""
    LOST = "0197"
    """Accepted, but the answer is HTTP 500 and no receipt ever comes."""


def rehearsal_for(number: str) -> Rehearsal | None:
    """The rehearsal that an E.164 number asks for, if any."""
    found = _FICTION.fullmatch(number)
    if found and found[1] in set(Rehearsal):
        return Rehearsal(found[1])
    return None
