"""The outcome of a call or a visit: who was reached, and why the loan is overdue."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from domain.call_plan import Until
from domain.compliance.vocabulary import Channel
from domain.contact_points import NumberFact


class ContactOutcome(StrEnum):
    """The outcome as the collector or the visitor reports it.

    Some have a second name, by which they may be reported too: `SAME_AS`.
    """

    SPOKE = "spoke"  # with the borrower: a right-party contact 有效联系; nothing below says more
    PAID_NOW = "paid_now"  # the borrower paid during the conversation
    PROMISED = "promised"  # the borrower promised an amount for a day
    SAYS_PAID = "says_paid"  # the borrower says that they paid; the money is not seen yet
    ASKS_PLAN = "asks_plan"  # the borrower wants to pay in instalments
    ASKS_DEFERRAL = "asks_deferral"  # the borrower wants more time
    ASKS_SETTLEMENT = "asks_settlement"  # the borrower offers a lump sum for less
    HARDSHIP = "hardship"  # illness, lost work, a death in the family
    DISPUTES = "disputes"  # the amount, the debt, the service
    COMPLAINS = "complains"  # about conduct or the product
    REFUSES = "refuses"  # the borrower can pay and will not
    CALLBACK_REQUESTED = "callback_requested"  # the borrower named a moment for another call
    CANNOT_TALK = "cannot_talk"  # the wrong moment, and the borrower named no other
    REFUSED = "refused"  # the borrower was reached and would not talk
    HUNG_UP = "hung_up"  # whoever answered hung up before they said who they are
    HUNG_UP_AFTER = "hung_up_after"  # the borrower hung up, after they said who they are
    STOP_CHANNEL = "stop_channel"  # the borrower wants no contact by one channel any more
    STOP_ALL = "stop_all"  # the borrower wants no contact at all any more
    ADVISER = "adviser"  # a lawyer or a debt adviser acts for the borrower
    INSOLVENT = "insolvent"  # whoever answered says that insolvency proceedings are open
    PRISON = "prison"  # whoever answered says that the borrower is in prison
    DECEASED = "deceased"  # whoever answered says that the borrower has died
    SPOKE_WITH_OTHER = "spoke_with_other"
    WRONG_PERSON = "wrong_person"  # the number belongs to somebody who is not the borrower
    THIRD_PARTY_REFUSED = "third_party_refused"  # somebody else answered and wants no contact
    LANGUAGE = "language"  # whoever answered speaks a language that the caller does not
    NUMBER_INVALID = "number_invalid"  # or an address where nobody knows the borrower
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"  # nobody answered, or nobody was at home
    BUSY = "busy"
    SWITCHED_OFF = "switched_off"
    DROPPED = "dropped"  # the line was lost before anybody spoke
    WROTE = "wrote"  # only of a letter: the person wrote, and nothing above says more

    @classmethod
    def _missing_(cls, value: object) -> "ContactOutcome | None":
        return SAME_AS.get(value) if isinstance(value, str) else None

    @property
    def connected(self) -> bool:
        """Whether a person was reached, which is what laws that count conversations count."""
        return _MEANS[self].reached is not Reached.NOBODY

    @property
    def with_borrower(self) -> bool:
        """Whether the borrower was reached, at whatever number."""
        return _MEANS[self].reached is Reached.BORROWER

    @property
    def with_other(self) -> bool:
        """Whether somebody else answered: that is no conversation with the borrower."""
        return _MEANS[self].reached is Reached.OTHER

    @property
    def learns(self) -> bool:
        """Whether the borrower talked, so that what the call must learn has to be reported."""
        return self in LEARNS

    @property
    def talked(self) -> bool:
        """Whether the borrower talked of the loan, so that what they said before ends the call."""
        return self in TALKED

    def completes_action(
        self, must_learn: Collection[str], until: Until | None = None, *, learnt: bool = False
    ) -> bool:
        """Whether no further attempt at the same call is of any use.

        A call that has to learn something from the borrower stays open if somebody else answered.
        `until` is that of the call's plan: then it also stays open if the number was of no use. If
        the plan goes on until the reason is learnt, it stays open until that was `learnt`, whatever
        else the conversation came to, or until its tries are used up. What ends all calls ends it.
        """
        match _MEANS[self].ends:
            case Ends.ALWAYS:
                return True
            case Ends.UNLESS_LEARNING:
                return not must_learn and until is None
            case Ends.WITHOUT_PLAN:
                return until is None
            case Ends.UNLESS_TO_LEARN:
                return until is not Until.LEARNT or learnt
            case Ends.NEVER:
                return False

    @property
    def number_fact(self) -> NumberFact | None:
        """What is known of the number that was called, from then on; None: nothing."""
        return _NUMBER_FACTS.get(self)

    @property
    def refutes(self) -> frozenset[NumberFact]:
        """Facts of the number that was called that this outcome shows to be wrong."""
        if self.with_borrower:
            return frozenset({NumberFact.REACHES_NOBODY, NumberFact.SOMEBODY_ELSE})
        return frozenset({NumberFact.REACHES_NOBODY} if self.connected else ())


SAME_AS: "dict[str, ContactOutcome]" = {
    "callback": ContactOutcome.CALLBACK_REQUESTED,
    "other_person": ContactOutcome.SPOKE_WITH_OTHER,
    "other_refused": ContactOutcome.THIRD_PARTY_REFUSED,
    "wrong_number": ContactOutcome.WRONG_PERSON,
    "dead_number": ContactOutcome.NUMBER_INVALID,
    "hung_up_before": ContactOutcome.HUNG_UP,
}
"""Other names under which an outcome may be reported. The record has the first one."""


class Reached(StrEnum):
    """Whom an attempt reached."""

    BORROWER = "borrower"
    OTHER = "other"  # somebody else
    SOMEBODY = "somebody"  # a person, and it is not known who
    NOBODY = "nobody"


class Ends(StrEnum):
    """Whether a call is over with an outcome."""

    ALWAYS = "always"
    UNLESS_LEARNING = "unless_learning"  # unless it has to learn something, or has a plan
    UNLESS_TO_LEARN = "unless_to_learn"  # unless its plan goes on until that is learnt
    WITHOUT_PLAN = "without_plan"  # unless it has a plan
    NEVER = "never"


class _Means(NamedTuple):
    reached: Reached
    ends: Ends


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

CALLBACK_TAKES = timedelta(minutes=30)
"""For so long, from the moment that the person named, who calls back is on no visit."""

MOST_SHOWN = 15
"""How many outcomes are shown to a collector at a time, at most."""

_O, _R, _E = ContactOutcome, Reached, Ends

_MEANS = {
    _O.SPOKE: _Means(_R.BORROWER, _E.UNLESS_TO_LEARN),
    _O.PAID_NOW: _Means(_R.BORROWER, _E.UNLESS_TO_LEARN),
    _O.PROMISED: _Means(_R.BORROWER, _E.UNLESS_TO_LEARN),
    _O.SAYS_PAID: _Means(_R.BORROWER, _E.UNLESS_TO_LEARN),
    _O.ASKS_PLAN: _Means(_R.BORROWER, _E.UNLESS_TO_LEARN),
    _O.ASKS_DEFERRAL: _Means(_R.BORROWER, _E.UNLESS_TO_LEARN),
    _O.ASKS_SETTLEMENT: _Means(_R.BORROWER, _E.UNLESS_TO_LEARN),
    _O.HARDSHIP: _Means(_R.BORROWER, _E.UNLESS_TO_LEARN),
    _O.DISPUTES: _Means(_R.BORROWER, _E.UNLESS_TO_LEARN),
    _O.COMPLAINS: _Means(_R.BORROWER, _E.UNLESS_TO_LEARN),
    _O.REFUSES: _Means(_R.BORROWER, _E.UNLESS_TO_LEARN),
    _O.CALLBACK_REQUESTED: _Means(_R.BORROWER, _E.NEVER),
    _O.CANNOT_TALK: _Means(_R.BORROWER, _E.NEVER),
    _O.REFUSED: _Means(_R.BORROWER, _E.UNLESS_TO_LEARN),
    _O.HUNG_UP: _Means(_R.SOMEBODY, _E.NEVER),
    _O.HUNG_UP_AFTER: _Means(_R.BORROWER, _E.UNLESS_TO_LEARN),
    _O.STOP_CHANNEL: _Means(_R.BORROWER, _E.ALWAYS),
    _O.STOP_ALL: _Means(_R.BORROWER, _E.ALWAYS),
    _O.ADVISER: _Means(_R.BORROWER, _E.ALWAYS),
    _O.INSOLVENT: _Means(_R.SOMEBODY, _E.ALWAYS),
    _O.PRISON: _Means(_R.SOMEBODY, _E.ALWAYS),
    _O.DECEASED: _Means(_R.OTHER, _E.ALWAYS),
    _O.SPOKE_WITH_OTHER: _Means(_R.OTHER, _E.UNLESS_LEARNING),
    _O.WRONG_PERSON: _Means(_R.OTHER, _E.UNLESS_LEARNING),
    _O.THIRD_PARTY_REFUSED: _Means(_R.OTHER, _E.UNLESS_LEARNING),
    _O.LANGUAGE: _Means(_R.SOMEBODY, _E.NEVER),
    _O.NUMBER_INVALID: _Means(_R.NOBODY, _E.WITHOUT_PLAN),
    _O.VOICEMAIL: _Means(_R.NOBODY, _E.NEVER),
    _O.NO_ANSWER: _Means(_R.NOBODY, _E.NEVER),
    _O.BUSY: _Means(_R.NOBODY, _E.NEVER),
    _O.SWITCHED_OFF: _Means(_R.NOBODY, _E.NEVER),
    _O.DROPPED: _Means(_R.NOBODY, _E.NEVER),
    _O.WROTE: _Means(_R.BORROWER, _E.UNLESS_TO_LEARN),
}
SHOWN_BY_DEFAULT = (
    *(_O.SPOKE, _O.PROMISED, _O.SAYS_PAID, _O.ASKS_PLAN, _O.ASKS_DEFERRAL, _O.HARDSHIP),
    *(_O.DISPUTES, _O.REFUSES, _O.CALLBACK_REQUESTED, _O.CANNOT_TALK, _O.SPOKE_WITH_OTHER),
    *(_O.WRONG_PERSON, _O.NUMBER_INVALID, _O.NO_ANSWER, _O.VOICEMAIL),
)
"""What is shown where a ladder names no outcomes."""
ONLY_BY_TELEPHONE = frozenset(
    {_O.HUNG_UP, _O.HUNG_UP_AFTER, _O.VOICEMAIL, _O.BUSY, _O.SWITCHED_OFF, _O.DROPPED}
)
"""What no visit comes to, whoever goes to whom."""
LEARNS = frozenset(
    {
        _O.SPOKE,
        _O.PROMISED,
        _O.ASKS_PLAN,
        _O.ASKS_DEFERRAL,
        _O.ASKS_SETTLEMENT,
        _O.HARDSHIP,
        _O.REFUSES,
    }
)
"""In these the borrower talked of how to pay: a call that must learn the reason asks for it."""
SAYS_OF_DEBT = (LEARNS - {_O.HARDSHIP}) | {_O.PAID_NOW}
"""In these the borrower talked of the debt, so whoever reports it made sure that it was them. What
protects somebody, such as hardship or a dispute, is taken from anybody."""
TALKED = LEARNS | {_O.PAID_NOW, _O.SAYS_PAID, _O.DISPUTES, _O.COMPLAINS, _O.WROTE}
"""In these the borrower talked of the loan, or wrote."""
WITH_BORROWER = frozenset(outcome for outcome in ContactOutcome if outcome.with_borrower)
"""With any of these, the reason that is reported is theirs, whatever else came of it: who is ill
and wants to be called at three has said why. With any other it is no reason of theirs."""
TOLD_APART: Mapping[ContactOutcome, tuple[str, ...]] = {
    _O.STOP_CHANNEL: ("stopped_channel",),
    _O.DISPUTES: ("dispute_kind",),
    _O.COMPLAINS: ("complaint_kind", "about_staff", "about_attempt"),
}
"""By which fields of its report one stop, dispute or complaint differs from another of the same
conversation. Each of them counts."""
REPORT_IS_NAMED_BY = ("outcome", *(name for names in TOLD_APART.values() for name in names))
"""What names a report of a conversation, besides the conversation: what is learnt later, such as a
death or a second complaint, is another report."""
_NUMBER_FACTS = {
    _O.NUMBER_INVALID: NumberFact.REACHES_NOBODY,
    _O.WRONG_PERSON: NumberFact.SOMEBODY_ELSE,
    _O.THIRD_PARTY_REFUSED: NumberFact.REFUSED,
}

_OUTBOUND_ONLY = frozenset({_O.CANNOT_TALK, _O.REFUSED, *_NUMBER_FACTS})
"""In these somebody was called who did not want to talk, or who has nothing to do with it."""

OUTBOUND = tuple(outcome for outcome in ContactOutcome if outcome is not _O.WROTE)
"""What an attempt of the lender's may come to."""

INBOUND = tuple(
    outcome for outcome in OUTBOUND if outcome.connected and outcome not in _OUTBOUND_ONLY
)
"""What a call or a visit that the person began may come to. Somebody took it: a call that nobody
took is no contact."""

_ONLY_IN_TALK = frozenset(
    {
        *(_O.SPOKE, _O.SPOKE_WITH_OTHER, _O.LANGUAGE, _O.HUNG_UP, _O.HUNG_UP_AFTER),
        *(_O.PAID_NOW, _O.CALLBACK_REQUESTED),
    }
)
BY_LETTER = (*(outcome for outcome in INBOUND if outcome not in _ONLY_IN_TALK), _O.WROTE)
"""What a letter of the person may say. Whoever writes is not on the line: they pay by no letter,
and no hour is agreed with them at which somebody calls."""

NEEDS_LETTER = frozenset({_O.PROMISED, _O.ASKS_PLAN, _O.ASKS_DEFERRAL, _O.ASKS_SETTLEMENT})
"""What a letter says only with its reference: nobody was asked who they are, so what it promises or
asks for rests on the writing. What protects somebody is taken without it."""


def may_come_to(channel: Channel) -> tuple[ContactOutcome, ...]:
    """What a contact that the person began by a channel may come to."""
    if channel is Channel.LETTER:
        return BY_LETTER
    return INBOUND if channel is Channel.CALL else _without_telephone(INBOUND)


def _without_telephone(outcomes: tuple[ContactOutcome, ...]) -> tuple[ContactOutcome, ...]:
    return tuple(each for each in outcomes if each not in ONLY_BY_TELEPHONE)


OF_VISIT = _without_telephone(OUTBOUND)
"""What a visit to the person may come to."""
