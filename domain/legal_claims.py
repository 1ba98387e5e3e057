"""What a court needs: the breakdown of the claim, and the evidence on record."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.loans import ZERO, Component, Instalment

NOT_APPROVED = "lender.not_approved"
NO_CHECKLIST = "lender.no_checklist_known"


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """What is unpaid of one instalment past due, in the loan's currency."""

    due_on: date
    principal: Decimal
    interest: Decimal
    fees: Decimal


@dataclass(frozen=True, slots=True)
class Claim:
    """All that is past due on a day, by instalment and in due order."""

    lines: tuple[ClaimLine, ...]

    @property
    def principal(self) -> Decimal:
        return sum((line.principal for line in self.lines), ZERO)

    @property
    def interest(self) -> Decimal:
        return sum((line.interest for line in self.lines), ZERO)

    @property
    def fees(self) -> Decimal:
        return sum((line.fees for line in self.lines), ZERO)


def claim_breakdown(instalments: Iterable[Instalment], on: date) -> Claim:
    """The claim on business date `on`: all that fell due before that date and is unpaid."""
    return Claim(
        tuple(
            ClaimLine(
                instalment.due_on,
                instalment.unpaid_of(Component.PRINCIPAL),
                instalment.unpaid_of(Component.INTEREST),
                instalment.unpaid_of(Component.FEES),
            )
            for instalment in sorted(instalments, key=lambda instalment: instalment.due_on)
            if instalment.counts_from and instalment.counts_from < on and instalment.unpaid > ZERO
        )
    )
