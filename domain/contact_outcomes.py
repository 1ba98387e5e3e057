"""The outcome of a call or a visit: who was reached, and why the loan is overdue."""

from __future__ import annotations

from enum import StrEnum


class ContactOutcome(StrEnum):
    """The outcome as the collector or the visitor reports it."""

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

    @property
    def with_other(self) -> bool:
        """Whether somebody else answered: that is no conversation with the borrower."""
        return self in _WITH_OTHER

    @property
    def completes_action(self) -> bool:
        """Whether no further attempt at the same call is of any use."""
        return self.connected or self is ContactOutcome.NUMBER_INVALID


class ArrearsReason(StrEnum):
    """Why the loan is overdue, as the borrower says. A code only; the story itself is not kept."""

    FORGOT = "forgot"
    PAYMENT_FAILED = "payment_failed"  # the money was there and did not come through
    INCOME_FELL = "income_fell"
    UNEMPLOYED = "unemployed"
    ILLNESS = "illness"  # the borrower's own, or in the family
    FAMILY = "family"  # a death, a separation, a birth
    OTHER_DEBTS = "other_debts"
    DISPUTES_IT = "disputes_it"
    WILL_NOT_PAY = "will_not_pay"
    OTHER = "other"


REASON = "reason"
"""What a call may have to learn, as a ladder's `must_learn` names it."""

_WITH_OTHER = frozenset({ContactOutcome.SPOKE_WITH_OTHER})

_CONNECTED = frozenset(
    {ContactOutcome.SPOKE, ContactOutcome.SPOKE_WITH_OTHER, ContactOutcome.REFUSED}
)
