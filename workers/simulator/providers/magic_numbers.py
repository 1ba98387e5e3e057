"""Telephone numbers for which the simulated providers produce a certain outcome.

The last four digits of the number choose it. Only numbers from +1 NXX 555 0100 to 0199 count: the
North American Numbering Plan reserves them for fiction, so none can belong to a borrower. China
reserves none: there, three short message centres count, see docs/decisions/0044-a-chinese-book.md.
"""

import re
from enum import StrEnum

import phonenumbers

_FICTION = re.compile(r"\+1\d{3}555(01\d\d)")


class SimulatedOutcome(StrEnum):
    """What happens to a text, and the last four digits of the numbers to which it happens."""

    CARRIER_LANDLINE = "0188"
    """Accepted; the receipt then reports Twilio's 30006, a fixed line. Tencent Cloud has no such
    code: EXPIRED."""
    LANDLINE = "0189"
    """Refused: Twilio's 21614, Tencent Cloud's IncorrectPhoneNumber."""
    OPTED_OUT = "0190"
    """Refused: Twilio's 21610, Tencent Cloud's PhoneNumberInBlacklist."""
    UNDELIVERED = "0191"
    """Accepted; the receipt then reports that the handset cannot be reached: Twilio's 30003,
    Tencent Cloud's UNDELIV."""
    SERVER_ERROR = "0192"
    """Accepted, but the response is HTTP 500."""
    SILENCE = "0193"
    """Accepted, but no response comes."""
    TOO_MANY_REQUESTS = "0194"
    """Not processed: Twilio's HTTP 429 with Retry-After, Tencent Cloud's RequestLimitExceeded."""
    RESET = "0195"
    """Accepted, but the connection is reset before the response."""
    GARBLED = "0196"
    """Accepted, but the response is not JSON."""
    LOST = "0197"
    """Accepted, but the response is HTTP 500, and no receipt ever comes."""
    NOT_TAKEN = "0198"
    """Not accepted, with the same HTTP 500 as `SERVER_ERROR`."""
    UNKNOWN_HANDSET = "0199"
    """Accepted; the receipt then reports that nobody has the number: Twilio's 30005, Tencent
    Cloud's MK:0001."""


_IN_CHINA = {
    "+8613800311500": SimulatedOutcome.OPTED_OUT,
    "+8613800411500": SimulatedOutcome.UNDELIVERED,
    "+8613800591500": SimulatedOutcome.UNKNOWN_HANDSET,
}

NEVER_ARRIVES = frozenset(
    {
        SimulatedOutcome.CARRIER_LANDLINE,
        SimulatedOutcome.UNDELIVERED,
        SimulatedOutcome.UNKNOWN_HANDSET,
    }
)
"""Outcomes of texts whose receipt reports a failure."""


def simulated_outcome(number: str) -> SimulatedOutcome | None:
    """The outcome that an E.164 number chooses, if it is a magic number."""
    found = _FICTION.fullmatch(number)
    if found and found[1] in set(SimulatedOutcome):
        return SimulatedOutcome(found[1])
    return _IN_CHINA.get(number)


def is_possible_number(number: str) -> bool:
    """Whether it has the form of an E.164 number of some country."""
    try:
        return number.startswith("+") and phonenumbers.is_possible_number(
            phonenumbers.parse(number)
        )
    except phonenumbers.NumberParseException:
        return False
