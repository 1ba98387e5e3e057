"""What a court needs: the claim broken down, and the evidence on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.loans import ZERO, Component, Instalment

STEPS_NOT_TRIED = "lender.steps_not_tried"
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

    @property
    def total(self) -> Decimal:
        return self.principal + self.interest + self.fees


def claim_breakdown(instalments: Iterable[Instalment], on: date) -> Claim:
    """The claim on business date `on`: what fell due before it and is unpaid."""
    past_due = [
        instalment
        for instalment in instalments
        if instalment.due_on < on and instalment.unpaid > ZERO
    ]
    return Claim(
        tuple(
            ClaimLine(
                one.due_on,
                one.unpaid_of(Component.PRINCIPAL),
                one.unpaid_of(Component.INTEREST),
                one.unpaid_of(Component.FEES),
            )
            for one in sorted(past_due, key=lambda one: one.due_on)
        )
    )


def untried(requires: Sequence[str], tried: Iterable[str]) -> tuple[str, ...]:
    """The required steps that nobody tried, in the order of the ladder item."""
    done = set(tried)
    return tuple(step for step in requires if step not in done)


def needs_met(
    needs: Mapping[str, str], on_record: Mapping[str, Sequence[str]]
) -> dict[str, str | None]:
    """What meets each need of a checklist, or None where it is still missing.

    `needs` says by which kind of evidence each need is met; `on_record` names the evidence there is
    of each kind.
    """
    return {need: "; ".join(on_record.get(kind, ())) or None for need, kind in needs.items()}
