"""Checks an amount from outside before it is used."""

from __future__ import annotations

from decimal import Decimal

from domain.events import RejectedError
from domain.loans import ZERO

SMALLEST = Decimal("0.01")
TOO_LARGE = Decimal(10**11)


def check_amount(amount: Decimal, currency: str, loan: str, loan_currency: str) -> None:
    """Check that an amount can be paid, or promised, for a loan.

    Raises:
        RejectedError: the currency is not the loan's, or the amount is not one that can be paid.
    """
    if currency != loan_currency:
        raise RejectedError(
            f"The amount is in {currency} and loan {loan} in {loan_currency}. "
            "Convert it and record it under another id."
        )
    if not SMALLEST <= amount < TOO_LARGE or amount % SMALLEST != ZERO:
        raise RejectedError(
            f"{amount} is not an amount that can be paid: it must be more than zero, below "
            "a hundred thousand million, and in whole hundredths."
        )
