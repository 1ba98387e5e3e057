"""Arrangements: deferral (延期还款) and instalment plans (分期还款).

Their terms, statuses and moves.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.actors import Role
from domain.amortisation import Amortisation, DayCount, RestIn, Rounding
from domain.compliance.rules import Source
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
    EXPIRED = "expired"  # the quote was not accepted while it was valid


_S = ArrangementStatus
ARRANGEMENT_MOVES: dict[ArrangementStatus, frozenset[ArrangementStatus]] = {
    _S.REQUESTED: frozenset({_S.OFFERED, _S.DECLINED, _S.WITHDRAWN}),
    _S.OFFERED: frozenset({_S.ACCEPTED, _S.DECLINED, _S.WITHDRAWN, _S.EXPIRED}),
    _S.ACCEPTED: frozenset({_S.ACTIVE, _S.DECLINED, _S.WITHDRAWN}),
    _S.ACTIVE: frozenset({_S.COMPLETED, _S.DEFAULTED}),
    _S.COMPLETED: frozenset(),
    _S.DEFAULTED: frozenset(),
    _S.DECLINED: frozenset(),
    _S.WITHDRAWN: frozenset(),
    _S.EXPIRED: frozenset(),
}


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


class CapKind(StrEnum):
    """What a law, or the lender, limits whoever agrees."""

    YEARLY_COST_PERCENT = "yearly_cost_percent"
    MONTHS = "months"  # from the quote to the last day of the arrangement


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit that nobody may go beyond."""

    what: CapKind
    at_most: Decimal
    source: Source


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

    @property
    def name(self) -> str:
        return f"{self.id} v{self.version}"

    def of_kind(self, kind: ArrangementKind) -> KindTerms | None:
        return next((terms for terms in self.kinds if terms.kind is kind), None)


def terms_for(
    terms: Iterable[ArrangementTerms], jurisdiction: str, product: str, currency: str, on: date
) -> ArrangementTerms | None:
    """The terms for a loan on a day; the newest version in force counts."""
    found = [
        each
        for each in terms
        if each.applies_to.matches(jurisdiction, product)
        and each.currency == currency
        and each.effective_from <= on <= (each.effective_to or date.max)
    ]
    return max(found, key=lambda each: each.version, default=None)


def status_when_active(
    instalments: Sequence[Instalment], terms: KindTerms, on: date
) -> ArrangementStatus:
    """Where an active arrangement stands on business date `on`: active, completed or defaulted.

    `instalments` are those of the arrangement, with what is paid of them. The last day of grace is
    the due date plus `grace_days`; a payment on it is in time.
    """
    if all(instalment.unpaid <= ZERO for instalment in instalments):
        return ArrangementStatus.COMPLETED
    latest = on - timedelta(days=terms.grace_days)
    missed = sum(each.unpaid > ZERO and each.due_on < latest for each in instalments)
    # One that has fewer instalments ends with its last one.
    ends = min(terms.missed_ends_it, len(instalments))
    return ArrangementStatus.DEFAULTED if missed >= ends else ArrangementStatus.ACTIVE
