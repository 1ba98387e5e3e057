"""What a new schedule of the lender's ledger costs a year, above what was owed before it."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from domain.amortisation import DayCount, years_between
from domain.compliance.money_cap import yearly_percent
from domain.loans import ZERO, Instalment

TOLERANCE = Decimal(1)
"""Percent a year by which a schedule may be above a cap before it is a problem. The ledger's day
count and roundings are not known here: a month of thirty days may have thirty-one."""


def yearly_cost(
    before: Sequence[Instalment], after: Sequence[Instalment], on: date
) -> Decimal | None:
    """Interest and fees of what is unpaid of the schedule from day `on`, in percent a year of the
    principal for as long as it is owed.

    What was owed of interest and fees by the schedule before, for the time until then, is only
    carried over and no cost of the new one: all that was due, and of the first instalment to come
    the whole of it. None: no principal is owed for any time.
    """
    to_come = [each for each in after if each.unpaid > ZERO]
    charged = sum((_charges(each) for each in to_come), ZERO)
    carried = sum((_charges(each) for each in _begun(before, on)), ZERO)
    used = sum(
        (
            (each.principal - each.paid_principal)
            * years_between(on, each.due_on, DayCount.ACTUAL_365)
            for each in to_come
        ),
        ZERO,
    )
    return yearly_percent(max(charged - carried, ZERO), used) if used else None


def _begun(instalments: Sequence[Instalment], on: date) -> list[Instalment]:
    """The unpaid instalments for which interest runs already: all that are due, and the next."""
    unpaid = sorted((e for e in instalments if e.unpaid > ZERO), key=lambda e: e.due_on)
    due = [each for each in unpaid if each.due_on <= on]
    return unpaid[: len(due) + 1]


def _charges(instalment: Instalment) -> Decimal:
    return instalment.interest - instalment.paid_interest + instalment.fees - instalment.paid_fees
