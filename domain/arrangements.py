"""Arrangements: deferral (延期还款) and instalment plans (分期还款).

Their terms, statuses and moves.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from domain.actors import Role
from domain.amortisation import Amortisation, DayCount, RestIn, Rounding
from domain.collectors import months_after
from domain.compliance.money_cap import Cap
from domain.holds import HoldKind
from domain.ladder import AppliesTo, Days
from domain.loans import ZERO, Instalment


class ArrangementKind(StrEnum):
    """What a borrower in difficulty can be offered."""

    DEFERRAL = "deferral"  # what is due is due later
    INSTALMENT_PLAN = "instalment_plan"  # it is paid in monthly parts


class ArrangementStatus(StrEnum):
    """The life of one arrangement."""

    REQUESTED = "requested"  # the borrower, or somebody for them, asked for one
    OFFERED = "offered"  # a quote was given, which is valid for some days
    ACCEPTED = "accepted"  # the borrower agreed, with proof; the lender's ledger is asked
    ACTIVE = "active"  # the ledger replaced the schedule
    COMPLETED = "completed"  # all of it was paid
    DEFAULTED = "defaulted"  # too much was missed; the ladder continues where it stood
    DECLINED = "declined"  # by the lender, its ledger, or the borrower
    WITHDRAWN = "withdrawn"  # the borrower does not ask for it any more
    EXPIRED = "expired"  # nobody answered the request, or accepted the quote, in time
    REPLACED = "replaced"  # the ledger replaced its schedule, or made one of what was not agreed


class Refusal(StrEnum):
    """Why the lender offers nothing, or takes an offer back. Its own words stand beside it."""

    NOT_ELIGIBLE = "not_eligible"  # the terms do not allow it
    BEYOND_MEANS = "beyond_means"  # the borrower could not keep any that may be offered
    PROOF_MISSING = "proof_missing"  # of the difficulty
    NOT_ANSWERED = "not_answered"  # the borrower did not answer what was asked
    SAID_NO = "said_no"  # the borrower does not want what was offered
    LEDGER = "ledger"  # the lender's ledger cannot keep it
    OTHER = "other"


SAID_BY_BORROWER = frozenset({Refusal.SAID_NO})
"""Reasons that the borrower gave: no text repeats them to the borrower."""

_S = ArrangementStatus
ARRANGEMENT_MOVES: dict[ArrangementStatus, frozenset[ArrangementStatus]] = {
    _S.REQUESTED: frozenset({_S.OFFERED, _S.DECLINED, _S.WITHDRAWN, _S.EXPIRED, _S.REPLACED}),
    # A new quote takes the place of the one before.
    _S.OFFERED: frozenset(
        {_S.OFFERED, _S.ACCEPTED, _S.DECLINED, _S.WITHDRAWN, _S.EXPIRED, _S.REPLACED}
    ),
    _S.ACCEPTED: frozenset({_S.ACTIVE, _S.DECLINED, _S.WITHDRAWN}),
    _S.ACTIVE: frozenset({_S.COMPLETED, _S.DEFAULTED, _S.REPLACED}),
    _S.COMPLETED: frozenset({_S.ACTIVE}),  # its money went back
    # Money came to light that was paid in time.
    _S.DEFAULTED: frozenset({_S.ACTIVE, _S.COMPLETED}),
    _S.DECLINED: frozenset(),
    _S.WITHDRAWN: frozenset(),
    _S.EXPIRED: frozenset({_S.ACCEPTED}),  # it was accepted in time, and reported later
    _S.REPLACED: frozenset(),
}

OPEN = (_S.REQUESTED, _S.OFFERED, _S.ACCEPTED, _S.ACTIVE)
"""A loan has at most one arrangement with one of these statuses."""

UNANSWERED = (_S.REQUESTED, _S.OFFERED)
"""It is over as soon as nothing is left to pay, or the ledger has made a schedule of it."""


class AskedBy(StrEnum):
    """How the borrower, or somebody for them, asked for an arrangement."""

    TEXT = "text"
    CALL = "call"
    VISIT = "visit"
    LETTER = "letter"
    FORM = "form"
    EVENT = "event"  # the lender's system says so, and not how


class AcceptanceProof(StrEnum):
    """What shows that the borrower agreed. Only its reference is kept here."""

    RECORDING = "recording"
    TEXT = "text"
    LETTER = "letter"
    FORM = "form"


class Effect(StrEnum):
    """What may stop while an arrangement is kept, and what goes on."""

    COLLECTION = "collection"
    LATE_FEES = "late_fees"
    CREDIT_REPORT = "credit_report"  # reports of the arrears to a credit bureau
    INTEREST = "interest"
    DAYS_PAST_DUE = "days_past_due"  # until the ledger confirms the new schedule


MAY_STOP = (Effect.COLLECTION, Effect.LATE_FEES, Effect.CREDIT_REPORT)
"""What the terms may stop. Interest follows from the rate; days past due never pause."""


class RateOf(StrEnum):
    """Where the rate of an arrangement comes from, if it is not fixed."""

    CONTRACT = "contract"
    NONE = "none"


class MovesTo(StrEnum):
    """Where a deferral moves the instalments that are due in it."""

    END_OF_DEFERRAL = "end_of_deferral"  # all to its last day
    END_OF_SCHEDULE = "end_of_schedule"  # behind the last instalment, one a month


class Spreads(StrEnum):
    """What an instalment plan spreads."""

    PAST_DUE = "past_due"  # what is to come stays as it is
    OUTSTANDING = "outstanding"  # all that is owed; its instalments are the only ones then


@dataclass(frozen=True, slots=True)
class Limit:
    """What a role may agree to alone."""

    role: Role
    instalments: int
    """Of a deferral, how many it moves; of a plan, how many it has."""
    days: int | None = None
    """Of a deferral: how long it is."""
    amount: Decimal | None = None
    """How much of the debt it may be about. None: any."""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Which loans may have an arrangement."""

    days_past_due: Days
    loan_age_months: int = 0
    """Since it was paid out; where that is not known, since its first instalment fell due."""
    earlier_at_most: int | None = None
    """How many arrangements it may have had before …"""
    earlier_within_months: int = 12
    """… in so many months. Without a number before: any."""
    not_during: frozenset[HoldKind] = frozenset()
    """The holds during which none is offered."""


@dataclass(frozen=True, slots=True)
class KindTerms:
    """The terms of one kind of arrangement."""

    kind: ArrangementKind
    eligibility: Eligibility
    rate: RateOf | Decimal
    """A number is a fixed rate, in percent a year."""
    fee: Decimal
    """Owed once, with the first instalment of the arrangement."""
    limits: tuple[Limit, ...]
    """From the lowest role to the highest."""
    stops: frozenset[Effect]
    grace_days: int
    """An instalment is missed if it is unpaid more than so many days after it fell due."""
    missed_ends_it: int
    """How many missed instalments end the arrangement."""
    moves_to: MovesTo = MovesTo.END_OF_DEFERRAL
    spreads: Spreads = Spreads.OUTSTANDING
    amortisation: Amortisation = Amortisation.EQUAL_INSTALMENTS
    least_instalment: Decimal = ZERO
    """No instalment of a plan is less."""
    default_notice_days: int = 0
    """For how many days after its letter a default does not count yet. 0: no letter comes first."""


@dataclass(frozen=True, slots=True)
class RequestTerms:
    """By when the lender answers a request, and what holds meanwhile.

    No law was found that sets a time for loans other than cards in China. In Australia it is 21
    days (National Credit Code 72(1)-(4)): a lender there writes no more.
    """

    answer_within_days: int = 7
    """Calendar days after the day of the request. After them an answer is late: a problem to
    resolve, and an event to the lender's systems."""
    lapses_after_days: int = 30
    """A request that is still not answered has lapsed after so many days."""
    pauses_once_in_months: int | None = None
    """The ladder pauses while a request waits, and while its offer can be accepted; not if it
    paused for another one in so many months before. None: it never does."""

    def answer_by(self, asked_on: date) -> date:
        """The last day on which an answer is in time."""
        return asked_on + timedelta(days=self.answer_within_days)

    def lapses_on(self, asked_on: date) -> date:
        """The first day on which the request has lapsed: never before its answer is late."""
        days = max(self.lapses_after_days, self.answer_within_days + 1)
        return asked_on + timedelta(days=days)

    def may_pause(self, paused_on: Sequence[date], on: date) -> bool:
        """Whether the ladder pauses for a request of a day; `paused_on` are the days of requests
        before it for which it did."""
        if self.pauses_once_in_months is None:
            return False
        since = months_after(on, -self.pauses_once_in_months)
        return all(day <= since for day in paused_on)


NOTICE_WITHIN_DAYS = 7
"""Of no law: a week is enough to find an address, or to hand the notice over."""


@dataclass(frozen=True, slots=True)
class ArrangementTerms:
    """One version of what the lender offers for some of its loans."""

    id: str
    version: int
    effective_from: date
    effective_to: date | None
    applies_to: AppliesTo
    currency: str
    day_count: DayCount
    rounding: Rounding
    rest_in: RestIn
    quote_valid_days: int
    caps: tuple[Cap, ...]
    kinds: tuple[KindTerms, ...]
    source: str
    confirm_within_days: int = 5
    """For how many days after its acceptance nobody is contacted while the ledger has not answered.
    """
    requests: RequestTerms = RequestTerms()
    notice_within_days: int = NOTICE_WITHIN_DAYS
    """By when somebody gives a notice of default that neither a letter nor a text can bring."""

    @property
    def name(self) -> str:
        return f"{self.id} v{self.version}"

    def of_kind(self, kind: ArrangementKind) -> KindTerms | None:
        return next((terms for terms in self.kinds if terms.kind is kind), None)


def who_agrees(roles: Collection[Role], limits: Sequence[Limit], lowest: Role) -> Role | None:
    """In which of their roles somebody may agree to an arrangement that `lowest` may agree to.

    None: in none of them.
    """
    in_order = [limit.role for limit in limits]
    enough = in_order[in_order.index(lowest) :] if lowest in in_order else []
    return next((role for role in enough if role in roles), None)


class Endings(Protocol):
    """How an arrangement ends. The terms say it, and each arrangement keeps it as it was quoted."""

    @property
    def grace_days(self) -> int: ...

    @property
    def missed_ends_it(self) -> int: ...


REPORTED_AFTER = timedelta(days=1)
"""A payment of a business day is reported here on the next one at the latest, as for promises."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an active arrangement stands."""

    status: ArrangementStatus
    missed: tuple[date, ...]
    """The due dates of the instalments that were missed and are still unpaid."""
    review_on: date | None
    """The next business date on which another instalment may be missed."""


def standing_of(
    instalments: Sequence[Instalment],
    ends: Endings,
    today: date,
    deferred_until: date | None = None,
) -> Standing:
    """Where an active arrangement stands at the beginning of business date `today`.

    What was paid on the day before is known by then. A deferral that only moved instalments behind
    the schedule is completed after `deferred_until`, its last day: nothing was to be paid in it.
    """
    on = today - REPORTED_AFTER
    if deferred_until is not None and any(each.unpaid > ZERO for each in instalments):
        over_on = deferred_until + timedelta(days=1)
        if today >= over_on:
            return Standing(ArrangementStatus.COMPLETED, (), None)
        return Standing(ArrangementStatus.ACTIVE, (), over_on)
    missed = _missed(instalments, ends, on)
    after = timedelta(days=ends.grace_days + 1) + REPORTED_AFTER
    looks = [
        (each.counts_from or each.due_on) + after for each in instalments if each.unpaid > ZERO
    ]
    return Standing(
        status_when_active(instalments, ends, on),
        tuple(each.due_on for each in missed),
        min((day for day in looks if day > today), default=None),
    )


def status_when_active(
    instalments: Sequence[Instalment], ends: Endings, on: date
) -> ArrangementStatus:
    """Where an active arrangement stands on business date `on`: active, completed or defaulted.

    `instalments` are those of the arrangement, with what is paid of them. The last day of grace is
    `grace_days` after the day on which one really falls due; a payment on it is in time. Where
    nothing is left to come, the last one ends it alone.
    """
    unpaid = sum(each.unpaid > ZERO for each in instalments)
    if not unpaid:
        return ArrangementStatus.COMPLETED
    missed = len(_missed(instalments, ends, on))
    is_over = missed >= min(ends.missed_ends_it, unpaid)
    return ArrangementStatus.DEFAULTED if is_over else ArrangementStatus.ACTIVE


def default_counts_from(printed_on: date, days: int) -> date:
    """The first business date on which a default counts, after its letter was printed on a day.

    The borrower has `days` full days after that day. A payment of the last of them may be reported
    here on the next day.
    """
    return printed_on + timedelta(days=days + 1) + REPORTED_AFTER


def _missed(instalments: Sequence[Instalment], ends: Endings, on: date) -> list[Instalment]:
    latest = on - timedelta(days=ends.grace_days)
    return [
        each
        for each in instalments
        if each.unpaid > ZERO and each.counts_from and each.counts_from < latest
    ]
