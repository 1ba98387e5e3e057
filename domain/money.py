"""Checks an amount from outside before it is used."""

from decimal import Decimal

from domain.currencies import digits_of, smallest_of
from domain.events import RejectedError
from domain.loans import ZERO
from domain.reasons import ReasonCode

TOO_LARGE = Decimal(10**11)


def check_amount(amount: Decimal, currency: str, loan: str, loan_currency: str) -> None:
    """Check that an amount can be paid, or promised, for a loan.

    Raises:
        RejectedError: the currency is not the loan's, or the amount is not one that can be paid.
    """
    if currency != loan_currency:
        raise RejectedError(
            ReasonCode.WRONG_CURRENCY,
            given_currency=currency,
            loan=loan,
            loan_currency=loan_currency,
        )
    if not ZERO < amount < TOO_LARGE:
        raise RejectedError(ReasonCode.AMOUNT_NOT_PAYABLE, amount=str(amount))
    if amount % smallest_of(currency) != ZERO:
        raise RejectedError(
            ReasonCode.AMOUNT_TOO_FINE,
            amount=str(amount),
            currency=currency,
            count=digits_of(currency),
        )
