"""A loan: a schedule of instalments, and what has been paid of them.

Money is `Decimal` in the loan's currency; dates are business dates in the lender's zone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from domain.reasons import Reasons

ZERO = Decimal(0)


class Component(StrEnum):
    """The parts of a debt. Payments and claims account for each of them separately."""

    FEES = "fees"
    INTEREST = "interest"
    PRINCIPAL = "principal"


AS_WRITTEN = date.min
"""Stands for the due date itself where an instalment is made."""


@dataclass(frozen=True, slots=True)
class Instalment:
    """One amount that falls due on one day. A lump-sum loan has exactly one."""

    due_on: date
    """The due date as the contract has it."""
    principal: Decimal
    interest: Decimal = ZERO
    fees: Decimal = ZERO
    paid_principal: Decimal = ZERO
    paid_interest: Decimal = ZERO
    paid_fees: Decimal = ZERO
    counts_from: date | None = AS_WRITTEN
    """The day on which it really falls due, and from which days past due count: `due_on`, or the
    next working day if that is a day of rest and the ladder says so. None: the calendar does not
    go that far yet. The instalment is then not past due."""

    def __post_init__(self) -> None:
        if self.counts_from == AS_WRITTEN:
            object.__setattr__(self, "counts_from", self.due_on)

    @property
    def amount(self) -> Decimal:
        return self.principal + self.interest + self.fees

    @property
    def paid(self) -> Decimal:
        return self.paid_principal + self.paid_interest + self.paid_fees

    @property
    def unpaid(self) -> Decimal:
        # Not by way of `amount` and `paid`: it is asked of millions.
        return (
            self.principal
            + self.interest
            + self.fees
            - self.paid_principal
            - self.paid_interest
            - self.paid_fees
        )

    def paid_of(self, component: Component) -> Decimal:
        paid: Decimal = getattr(self, f"paid_{component}")
        return paid

    def owed_of(self, component: Component) -> Decimal:
        owed: Decimal = getattr(self, component)
        return owed

    def unpaid_of(self, component: Component) -> Decimal:
        return self.owed_of(component) - self.paid_of(component)

    def falling_due(self, day: date | None) -> Instalment:
        """The instalment with the day on which it really falls due."""
        # Not `replace`, which takes several times as long: a tape has millions of them.
        return Instalment(
            *(self.due_on, self.principal, self.interest, self.fees),
            *(self.paid_principal, self.paid_interest, self.paid_fees, day),
        )

    def with_paid(self, component: Component, amount: Decimal) -> Instalment:
        """The instalment with `amount` more, or less if it is negative, paid of a component."""
        paid = f"paid_{component}"
        return replace(self, **{paid: getattr(self, paid) + amount})

    def with_owed(self, component: Component, amount: Decimal) -> Instalment:
        """The instalment with `amount` more, or less if it is negative, owed of a component."""
        return replace(self, **{component.value: getattr(self, component) + amount})


@dataclass(frozen=True, slots=True)
class Borrower:
    """A borrower as a loan tape describes them. Personal data: never write one to a log."""

    external_id: str
    name: str
    phone: str | None
    """E.164, with `;ext=` before an extension; None where the number was missing or not usable (see
    `LoanOnTape.problems`)."""
    address: str | None
    zones: tuple[str, ...]
    """IANA zones of the address and, where it differs, of the number. A contact must be lawful in
    all of them. Empty: not known, and then the borrower may not be contacted."""
    locale: str
    """BCP 47, such as `zh-Hans` or `en`: the language of texts, notices and calls."""
    region: str | None = None
    """The part of the country, such as `CA` or `440000`: decides who can make a visit."""
    phone_2: str | None = None
    phone_3: str | None = None
    """Further numbers, in the order in which they are tried."""

    @property
    def numbers(self) -> tuple[tuple[int, str], ...]:
        """All numbers in order, each with the field of the tape that it comes from, 1 to 3."""
        fields = enumerate((self.phone, self.phone_2, self.phone_3), start=1)
        return tuple((field, number) for field, number in fields if number is not None)


@dataclass(frozen=True, slots=True)
class PartyOnTape:
    """A co-borrower or a guarantor as a loan tape describes them."""

    slot: str
    """Which columns of the tape have them, such as `guarantor_1`."""
    role: str
    record: Borrower
    said: frozenset[str] = frozenset({"name", "phone", "address", "zones"})
    """The fields of the record for which the party has columns of their own. The cells say nothing
    about the others."""


@dataclass(frozen=True, slots=True)
class LoanOnTape:
    """One loan as the lender's tape gives it."""

    external_id: str
    borrower: Borrower
    jurisdiction: str
    """ISO 3166-1 alpha-2 country, with a subdivision where its law differs: `CN`, `US`, `US-MA`."""
    product: str
    currency: str
    """ISO 4217."""
    instalments: tuple[Instalment, ...]
    """In due order, with what has been paid of each already."""
    steps_tried: tuple[str, ...] = ()
    """Ladder steps that the lender already tried for today's arrears, before the first import."""
    problems: tuple[Problem, ...] = field(default=())
    parties: tuple[PartyOnTape, ...] | None = None
    """None: the tape says nothing about other parties."""
    original_principal: Decimal | None = None
    """What was lent. None: the tape does not say."""
    disbursed_on: date | None = None
    """The day on which it was paid out. None: the tape does not say."""
    annual_rate_percent: Decimal | None = None
    """The rate of its contract, in percent a year. None: the tape does not say."""
    restructured_on: date | None = None
    """From when its schedule counts. None: the tape does not say that it replaced another one."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A defect of a loan. The loan is imported, and some actions on it are not possible."""

    kind: str
    """Stable word, such as `phone_invalid` or `zone_missing`."""
    detail: Reasons
    """What is wrong; values in it are masked."""
