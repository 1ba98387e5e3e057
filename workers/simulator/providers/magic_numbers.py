"""Numbers that make the stand-ins misbehave, so that a rehearsal can meet every outcome.

They are the last four digits of +1 NXX 555 0100–0199, the range that North American numbering
keeps for fiction: no such number can ever belong to a borrower.
"""

from __future__ import annotations

import re
from enum import StrEnum

_FICTION = re.compile(r"\+1\d{3}555(01\d\d)")


class SimulatedOutcome(StrEnum):
    """What happens to a text to a number that ends so."""

    LANDLINE = "0189"
    """Refused: Twilio's 21614, Tencent Cloud's IncorrectPhoneNumber."""
    OPTED_OUT = "0190"
    """Refused: Twilio's 21610, Tencent Cloud's PhoneNumberInBlacklist."""
    UNDELIVERED = "0191"
    """Accepted; the receipt then says that it did not arrive."""
    SERVER_ERROR = "0192"
    """Accepted, but the answer is HTTP 500."""
    SILENCE = "0193"
    """Accepted, but no answer comes."""
    TOO_MANY_REQUESTS = "0194"
    """Not processed: Twilio's HTTP 429 with Retry-After, Tencent Cloud's RequestLimitExceeded."""
    RESET = "0195"
    """Accepted, but the connection breaks before the answer."""
    GARBLED = "0196"
    """Accepted, but the answer is not JSON."""
    LOST = "0197"
    """Accepted, but the answer is HTTP 500 and no receipt ever comes."""
    NOT_TAKEN = "0198"
    """Not accepted, and the answer is HTTP 500: nothing tells it from one that was."""


def simulated_outcome(number: str) -> SimulatedOutcome | None:
    """The rehearsal that an E.164 number asks for, if any."""
    found = _FICTION.fullmatch(number)
    if found and found[1] in set(SimulatedOutcome):
        return SimulatedOutcome(found[1])
    return None
