"""The payment that an event names, and what went back of it before."""

from decimal import Decimal

from sqlalchemy import Connection

from domain.events import NotYetError, RejectedError
from domain.reasons import ReasonCode, Reasons, because
from workers.db.loans import lock_loan_of
from workers.db.payments import PaymentReturn, RecordedPayment, read_payment
from workers.db.schema import payment as payment_table
from workers.db.sender_ids import whose_id


def lock_payment(connection: Connection, external_id: str, sender: str | None) -> RecordedPayment:
    """The payment that a sender means by this id, with its loan locked.

    Raises:
        NotYetError: it is not known.
    """
    whose = whose_id(connection, payment_table, external_id, sender)
    if lock_loan_of(connection, payment_table, external_id, whose) is None:
        raise NotYetError(ReasonCode.PAYMENT_NOT_KNOWN, payment=external_id)
    return read_payment(connection, external_id, whose)


def known_before(return_id: str, known: PaymentReturn, amount: Decimal, currency: str) -> Reasons:
    """The result of what went back that comes again.

    Raises:
        RejectedError: it is another amount.
    """
    if known.amount != amount:
        raise RejectedError(
            ReasonCode.RETURN_ID_TAKEN, return_id=return_id, amount=known.amount, currency=currency
        )
    if known.taken_back_on is not None:
        return because(ReasonCode.RETURN_TAKEN_BACK, return_id=return_id, on=known.taken_back_on)
    return because(ReasonCode.RETURN_KNOWN, return_id=return_id)


def refuse_other_loan(paid: RecordedPayment, payment: str, loan: str) -> None:
    """Refuse an event that names a payment of another loan than it says.

    Raises:
        RejectedError: it does.
    """
    if paid.loan != loan:
        raise RejectedError(
            ReasonCode.PAYMENT_ID_TAKEN,
            payment=payment,
            loan=paid.loan,
            amount=paid.amount,
            currency=paid.currency,
        )
