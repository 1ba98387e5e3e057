"""Payments: why a part of one went back."""

from enum import StrEnum


class ReturnKind(StrEnum):
    """Why money of a payment is not the lender's any more."""

    REVERSAL = "reversal"  # it bounced, or was taken back
    REFUND = "refund"  # the lender gave back what nothing owed needs
