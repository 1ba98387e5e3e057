"""The values that rules and facts share: channels, parties, what a message says."""

from enum import StrEnum


class Channel(StrEnum):
    """The ways to reach a person; the court's channel, which reaches nobody; and the letter, by
    which a person writes to the lender."""

    SMS = "sms"
    CALL = "call"
    VISIT = "visit"
    LEGAL = "legal"
    LETTER = "letter"


OF_LENDER = (Channel.SMS, Channel.CALL, Channel.VISIT, Channel.LEGAL)
"""The channels by which the lender acts: what the gate is asked about, and what can be stopped. The
lender's own letters are notices: they go where a visit would go."""


class Party(StrEnum):
    """Who is reached."""

    BORROWER = "borrower"
    CO_BORROWER = "co_borrower"  # owes the debt too
    GUARANTOR = "guarantor"  # owes it if the borrower does not pay
    REPRESENTATIVE = "representative"  # acts for one of them: an attorney, a debt adviser
    THIRD_PARTY = "third_party"  # a relative, a colleague, a referee


NOT_THE_PERSON = frozenset({Party.THIRD_PARTY, Party.REPRESENTATIVE})
"""Parties who owe nothing. What is done with them counts for none of those who do."""


class Place(StrEnum):
    """Where a contact reaches a person, as far as a law asks about it."""

    WORK = "work"
    ELSEWHERE = "elsewhere"  # neither at home nor on their own mobile: at work, or another's line

    def includes(self, *, at_work: bool, party: Party) -> bool:
        """Whether a contact with these facts is at this place."""
        return at_work or (self is Place.ELSEWHERE and party is Party.THIRD_PARTY)


class Purpose(StrEnum):
    """Why somebody is contacted. Some laws let one purpose through and stop the others."""

    COLLECT = "collect"
    LOCATE = "locate"  # to ask somebody else where the borrower can be reached
    ANSWER = "answer"  # to a question or a complaint of the person
    REQUESTED = "requested"  # the person asked to be contacted
    NOTICE = "notice"  # what a law obliges the lender to send


class AskedAgain(StrEnum):
    """Why somebody else may be asked once more where the borrower is."""

    REQUESTED = "requested"  # they asked to be called again
    ANSWER_WRONG = "answer_wrong"  # the answer was wrong or incomplete, and they know it by now


class ConsentTo(StrEnum):
    """What a person can agree to."""

    MORE_CONTACTS = "more_contacts"  # than a cap allows
    OTHER_HOURS = "other_hours"  # than those of the law


class Says(StrEnum):
    """What a message says, as far as a law asks about it."""

    IDENTITY = "identity"  # who is asking
    OPT_OUT = "opt_out"  # how to have no more of these
    REPLY = "reply"  # that the person may answer it
    DEBT = "debt"  # that there is a debt, which nobody else may learn
    LEGAL_CONSEQUENCES = "legal_consequences"  # that it may go to court


class Collects(StrEnum):
    """What those who collect are; a rule may bind only some of them."""

    FIRST_PARTY = "first_party"  # the lender whose loan it is
    THIRD_PARTY = "third_party"  # an agency, or the buyer of a debt
    BANK = "bank"
    CONSUMER_FINANCE = "consumer_finance"


class Proof(StrEnum):
    """How the lender can prove that the debt was acknowledged."""

    SIGNED = "signed"  # a writing that the borrower signed
    WRITTEN = "written"  # a writing without a signature, such as a message
    RECORDED = "recorded"  # spoken, and recorded
    NOT_SAID = "not_said"


class Interrupts(StrEnum):
    """What starts the time to sue again, each by the proof that is on record here."""

    PAYMENT = "payment"  # of a part, recorded and not reversed
    ACKNOWLEDGEMENT = "acknowledgement"  # by whichever proof
    SIGNED_ACKNOWLEDGEMENT = "signed_acknowledgement"  # a writing that the borrower signed
    PROMISE = "promise"  # to pay by a day
    WITHDRAWN_PROMISE = "withdrawn_promise"  # one that was really made, and withdrawn later
    DELIVERED_DEMAND = "delivered_demand"  # of which a receipt or a document says that it arrived
    SUIT = "suit"  # a suit, an arbitration, or an application for a payment order
    ASSIGNMENT_NOTICE = "assignment_notice"  # the borrower learned that the debt was assigned
    DEBIT_IN_VAIN = "debit_in_vain"  # a bank tried to take the money from the account, and got none


class Suspends(StrEnum):
    """What may keep the time to sue from running or from ending, where a law says so."""

    FORCE_MAJEURE = "force_majeure"
    NO_GUARDIAN = "no_guardian"  # the borrower lacks capacity, and nobody acts for them
    NO_SUCCESSOR = "no_successor"  # the borrower died; no heir or administrator is known yet
    MILITARY_SERVICE = "military_service"
    BREATHING_SPACE = "breathing_space"
    MENTAL_HEALTH_CRISIS = "mental_health_crisis"


class LimitationFact(StrEnum):
    """What somebody must tell, because no payment, text or hold on record shows it."""

    DELIVERED_DEMAND = Interrupts.DELIVERED_DEMAND
    SUIT = Interrupts.SUIT
    ASSIGNMENT_NOTICE = Interrupts.ASSIGNMENT_NOTICE
    DEBIT_IN_VAIN = Interrupts.DEBIT_IN_VAIN
    FORCE_MAJEURE = Suspends.FORCE_MAJEURE
    NO_GUARDIAN = Suspends.NO_GUARDIAN
    NO_SUCCESSOR = Suspends.NO_SUCCESSOR
    MILITARY_SERVICE = Suspends.MILITARY_SERVICE

    @property
    def suspends(self) -> bool:
        return str(self) in map(str, Suspends)

    @property
    def lasts(self) -> bool:
        """Whether it has an end of its own."""
        return self.suspends or self is LimitationFact.SUIT


def country_of(jurisdiction: str) -> str:
    """The country of a jurisdiction, which may be a part of it: `US` for `US-MA` and for `US`."""
    return jurisdiction.split("-", 1)[0]
