"""Disputes and complaints: their kinds, statuses and moves, and who may handle one.

A dispute says that something is not owed. A complaint says that somebody was treated wrongly. Both
are answered in time, by somebody who had no part in it, and in writing.
"""

from collections.abc import Collection
from enum import StrEnum


class Matter(StrEnum):
    """What somebody raised."""

    DISPUTE = "dispute"  # 异议
    COMPLAINT = "complaint"  # 投诉


class DisputeKind(StrEnum):
    """What a dispute says of the debt."""

    AMOUNT = "amount"  # less is owed than was asked for
    NOT_MINE = "not_mine"  # somebody else owes it
    ALREADY_PAID = "already_paid"
    FRAUD = "fraud"  # somebody else borrowed in this name
    SERVICE = "service"  # what was bought with the loan was not delivered, or has a fault
    TIME_BARRED = "time_barred"  # the time to sue for it is over
    OTHER = "other"  # or nobody said which


class ComplaintKind(StrEnum):
    """What a complaint is about."""

    CONDUCT = "conduct"  # how a person behaved
    HARASSMENT = "harassment"  # threats, insults, contact too often or at forbidden times
    PRIVACY = "privacy"  # somebody else learnt of the debt, or data was used wrongly
    PRODUCT = "product"  # the loan itself, and how it was sold
    FEES = "fees"  # fees and interest
    HARDSHIP = "hardship"  # how a request for help, or a default notice, was dealt with
    OTHER = "other"


ABOUT_PEOPLE = frozenset({ComplaintKind.CONDUCT, ComplaintKind.HARASSMENT, ComplaintKind.PRIVACY})
"""A complaint of these kinds about a contact is about whoever had it, unless it names somebody."""


def whom_it_is_about(kind: str, named: str | None, had_contact: Collection[str]) -> tuple[str, ...]:
    """The staff references of the people whom a complaint is about: the one it names, or whoever
    had the contact in question, which are two of a visit. They are kept away from the person."""
    if named is not None:
        return (named,)
    return tuple(sorted(had_contact)) if kind in ABOUT_PEOPLE else ()


def whom_it_is_about_then(
    before: str, after: str, about: Collection[str], had_contact: Collection[str]
) -> frozenset[str]:
    """Whom a complaint is about once its kind is corrected and nobody is named: as if it had come
    in with the right kind. `about` is whom it was about before."""
    if (before in ABOUT_PEOPLE) == (after in ABOUT_PEOPLE):
        return frozenset(about)
    return frozenset(about or had_contact) if after in ABOUT_PEOPLE else frozenset()


KINDS: dict[Matter, type[DisputeKind] | type[ComplaintKind]] = {
    Matter.DISPUTE: DisputeKind,
    Matter.COMPLAINT: ComplaintKind,
}


NOT_IN_WORDS = "told_without_words"
"""Kept in the place of the words, where a conversation told of a dispute or a complaint by its
outcome alone. People read a sentence instead: `ReasonCode.TOLD_WITHOUT_WORDS`."""


class RaisedBy(StrEnum):
    """How a dispute or a complaint came in."""

    CALL = "call"
    TEXT = "text"
    LETTER = "letter"
    EMAIL = "email"
    FORM = "form"
    VISIT = "visit"
    AUTHORITY = "authority"  # an ombudsman, a regulator or a court passed it on
    OTHER = "other"  # or nobody said how


class MatterStatus(StrEnum):
    """The life of a dispute or a complaint."""

    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"  # the person was told that it is being dealt with
    INVESTIGATING = "investigating"  # somebody handles it
    UPHELD = "upheld"  # the person was right
    PARTLY_UPHELD = "partly_upheld"
    REJECTED = "rejected"  # the person was not right
    WITHDRAWN = "withdrawn"  # the person took it back
    CLOSED = (
        "closed"  # of an earlier release: its hold was released, and nobody said what was found
    )


S = MatterStatus

RESOLVED = frozenset({S.UPHELD, S.PARTLY_UPHELD, S.REJECTED, S.WITHDRAWN})
"""What a person decides; each gets a letter."""

OPEN = frozenset({S.RECEIVED, S.ACKNOWLEDGED, S.INVESTIGATING})


def _moves(*ends: MatterStatus) -> dict[MatterStatus, frozenset[MatterStatus]]:
    over = frozenset(ends)
    none: frozenset[MatterStatus] = frozenset()
    return {
        # Who takes one at once may acknowledge it later, or answer it before anybody does.
        S.RECEIVED: frozenset({S.ACKNOWLEDGED, S.INVESTIGATING}) | over,
        S.ACKNOWLEDGED: frozenset({S.INVESTIGATING}) | over,
        S.INVESTIGATING: over,
        **dict.fromkeys((*RESOLVED, S.CLOSED), none),
    }


DISPUTE_MOVES = _moves(*RESOLVED)

COMPLAINT_MOVES = _moves(*RESOLVED)
"""Neither ends without an answer: not by the release of its hold, whoever releases it."""

MOVES: dict[Matter, dict[MatterStatus, frozenset[MatterStatus]]] = {
    Matter.DISPUTE: DISPUTE_MOVES,
    Matter.COMPLAINT: COMPLAINT_MOVES,
}


class MatterField(StrEnum):
    """What is changed of a dispute or a complaint while it is open, and each time on record."""

    KIND = "kind"
    ABOUT_STAFF = "about_staff"  # of a complaint
    HANDLER = "handler"


class Finding(StrEnum):
    """Why a dispute or a complaint was decided as it was. The letter says it in a sentence."""

    RECORDS_AGREE = "records_agree"  # the records say what the person says
    RECORDS_DIFFER = "records_differ"  # the records say otherwise
    PAYMENT_FOUND = "payment_found"
    PAYMENT_NOT_FOUND = "payment_not_found"
    NOT_THE_DEBTOR = "not_the_debtor"  # another person owes it
    RULE_BROKEN = "rule_broken"  # somebody broke a rule of conduct
    RULES_KEPT = "rules_kept"  # what was said and done was within the rules
    NO_PROOF = "no_proof"  # nothing shows it, either way
    GOODWILL = "goodwill"  # the lender gives way without a duty
    TAKEN_BACK = "taken_back"  # the person took it back


FINDINGS: dict[MatterStatus, frozenset[Finding]] = {
    S.UPHELD: frozenset(
        {
            *(Finding.RECORDS_AGREE, Finding.PAYMENT_FOUND, Finding.NOT_THE_DEBTOR),
            *(Finding.RULE_BROKEN, Finding.GOODWILL),
        }
    ),
    S.PARTLY_UPHELD: frozenset(Finding) - {Finding.TAKEN_BACK},
    S.REJECTED: frozenset(
        {
            *(Finding.RECORDS_DIFFER, Finding.PAYMENT_NOT_FOUND),
            *(Finding.RULES_KEPT, Finding.NO_PROOF),
        }
    ),
    S.WITHDRAWN: frozenset({Finding.TAKEN_BACK}),
}
"""The findings that go with each decision."""

ABOUT_CONDUCT = frozenset({Finding.RULE_BROKEN, Finding.RULES_KEPT})
ABOUT_MONEY = frozenset(
    {
        *(Finding.RECORDS_AGREE, Finding.RECORDS_DIFFER, Finding.NOT_THE_DEBTOR),
        *(Finding.PAYMENT_FOUND, Finding.PAYMENT_NOT_FOUND),
    }
)


def findings_for(matter: Matter, kind: str, status: MatterStatus) -> frozenset[Finding]:
    """The findings that the letter can say: a dispute is about what is owed and not about conduct,
    and a complaint about people is about conduct and not about what is owed. Of a status that is
    no decision there are none."""
    findings = FINDINGS.get(status, frozenset())
    if matter is Matter.DISPUTE:
        return findings - ABOUT_CONDUCT
    return findings - ABOUT_MONEY if kind in ABOUT_PEOPLE else findings


class Follows(StrEnum):
    """What follows from a decision. The letter says it in a sentence."""

    CORRECTED = "corrected"  # what is owed has been corrected
    TO_BE_CORRECTED = "to_be_corrected"  # nobody asks for it until it is
    STILL_OWED = "still_owed"
    SOMEBODY_ELSE = "somebody_else"  # the person complained of works for them no more
    PUT_RIGHT = "put_right"
    NOTHING = "nothing"


def what_follows(
    matter: Matter, status: MatterStatus, *, corrected: bool, about_staff: bool
) -> Follows:
    """What follows from a decision: `corrected` says that the ledger has corrected what is owed."""
    right = status in (MatterStatus.UPHELD, MatterStatus.PARTLY_UPHELD)
    if matter is Matter.DISPUTE:
        if not right:
            return Follows.STILL_OWED
        return Follows.CORRECTED if corrected else Follows.TO_BE_CORRECTED
    if not right:
        return Follows.NOTHING
    return Follows.SOMEBODY_ELSE if about_staff else Follows.PUT_RIGHT


BARS_FOR_GOOD = frozenset({S.UPHELD, S.PARTLY_UPHELD})
"""After these the person complained of never works for that person again."""


def bars(status: MatterStatus) -> bool:
    """Whether a complaint in this status keeps whom it is about from the person who made it."""
    return status in OPEN or status in BARS_FOR_GOOD


class Unfit(StrEnum):
    """Why somebody may not handle a dispute or a complaint."""

    COMPLAINED_OF = "complained_of"
    TOOK_PART = "took_part"  # they had the contact in question, or wrote it down
    MUST_NOT_HANDLE = "must_not_handle"  # they may not work for the person at all


def unfit_to_handle(
    person: str,
    *,
    about_staff: str | None,
    took_part: Collection[str],
    kept_away: Collection[str] = (),
) -> Unfit | None:
    """Why a member of staff, by reference, may not handle one; None: they may.

    `about_staff` is the person complained of, `took_part` whoever had the contact in question, and
    `kept_away` whoever may not work for the person, for whatever reason.
    """
    if person == about_staff:
        return Unfit.COMPLAINED_OF
    if person in took_part:
        return Unfit.TOOK_PART
    return Unfit.MUST_NOT_HANDLE if person in kept_away else None
