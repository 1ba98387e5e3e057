"""The outcome of a call or a visit: who was reached, and why the loan is overdue."""

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

from domain.contact_points import NumberFact


class ContactOutcome(StrEnum):
    """The outcome as the collector or the visitor reports it."""

    SPOKE = "spoke"  # with the borrower: a right-party contact 有效联系
    SPOKE_WITH_OTHER = "spoke_with_other"
    CALLBACK_REQUESTED = "callback_requested"  # the borrower named a moment for another call
    REFUSED = "refused"  # the borrower was reached and would not talk
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"  # nobody answered, or nobody was at home
    BUSY = "busy"
    NUMBER_INVALID = "number_invalid"  # or an address where nobody knows the borrower
    WRONG_PERSON = "wrong_person"  # the number belongs to somebody who is not the borrower
    THIRD_PARTY_REFUSED = "third_party_refused"  # somebody else answered and wants no contact
    DECEASED = "deceased"  # whoever answered says that the borrower has died

    @property
    def connected(self) -> bool:
        """Whether a person was reached, which is what laws that count conversations count."""
        return self in _WITH_BORROWER | _WITH_OTHER

    @property
    def with_borrower(self) -> bool:
        """Whether the borrower was reached, at whatever number."""
        return self in _WITH_BORROWER

    @property
    def with_other(self) -> bool:
        """Whether somebody else answered: that is no conversation with the borrower."""
        return self in _WITH_OTHER

    def completes_action(self, must_learn: Collection[str]) -> bool:
        """Whether no further attempt at the same call is of any use.

        A call that has to learn something from the borrower stays open if somebody else answered.
        """
        if self is ContactOutcome.SPOKE_WITH_OTHER:
            return not must_learn
        return self in _COMPLETE

    @property
    def number_fact(self) -> NumberFact | None:
        """What is known of the number that was called, from then on; None: nothing."""
        return _NUMBER_FACTS.get(self)

    @property
    def refutes(self) -> frozenset[NumberFact]:
        """What is not true of the number that was called, whoever said so before."""
        if self in _WITH_BORROWER:
            return frozenset({NumberFact.REACHES_NOBODY, NumberFact.SOMEBODY_ELSE})
        return frozenset({NumberFact.REACHES_NOBODY} if self in _WITH_OTHER else ())


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

CALLBACK_WITHIN = timedelta(days=31)
"""How far ahead a callback may be. For a longer time there are holds."""

_O = ContactOutcome

_WITH_BORROWER = frozenset({_O.SPOKE, _O.CALLBACK_REQUESTED, _O.REFUSED})
_WITH_OTHER = frozenset({_O.SPOKE_WITH_OTHER, _O.WRONG_PERSON, _O.THIRD_PARTY_REFUSED, _O.DECEASED})
_COMPLETE = frozenset(
    {
        _O.SPOKE,
        _O.REFUSED,
        _O.NUMBER_INVALID,
        _O.WRONG_PERSON,
        _O.THIRD_PARTY_REFUSED,
        _O.DECEASED,
    }
)
_NUMBER_FACTS = {
    _O.NUMBER_INVALID: NumberFact.REACHES_NOBODY,
    _O.WRONG_PERSON: NumberFact.SOMEBODY_ELSE,
    _O.THIRD_PARTY_REFUSED: NumberFact.REFUSED,
}
