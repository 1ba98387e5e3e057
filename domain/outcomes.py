"""What became of an attempt that a person made to reach somebody."""

from __future__ import annotations

from enum import StrEnum


class ContactOutcome(StrEnum):
    """As the collector or visitor reports it."""

    SPOKE = "spoke"  # with the borrower: a right-party contact 有效联系
    SPOKE_WITH_OTHER = "spoke_with_other"
    REFUSED = "refused"  # the borrower was reached and would not talk
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"  # nobody answered, or nobody was at home
    BUSY = "busy"
    NUMBER_INVALID = "number_invalid"  # or an address where nobody knows the borrower

    @property
    def connected(self) -> bool:
        """Whether a person was reached, which is what laws that count conversations count."""
        return self in _CONNECTED


_CONNECTED = frozenset(
    {ContactOutcome.SPOKE, ContactOutcome.SPOKE_WITH_OTHER, ContactOutcome.REFUSED}
)
