"""`arrears pay`, `reverse`, `promise`, `withdraw` and `write-off`: what becomes of the money."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from domain.actors import Actor
from domain.errors import ArrearsError
from workers.cli.common import Loan, by, open_context, submit
from workers.cli.dates import a_day, refuse_a_day_to_come
from workers.inbox import process
from workers.payments.payments import Payment

Amount = Annotated[str, typer.Argument(help="How much, such as 120.50.")]
Currency = Annotated[str, typer.Argument(help="ISO 4217, such as CNY.")]
PromiseId = Annotated[str, typer.Argument(help="The lender's id of the promise.")]


def pay(
    loan: Loan,
    amount: Amount,
    currency: Currency,
    payment_id: Annotated[
        str, typer.Option("--id", help="The lender's id of the payment: the same id counts once.")
    ],
    paid_on: Annotated[
        date | None,
        typer.Option(
            parser=a_day, metavar="DAY", help="When the lender booked it; today if left out."
        ),
    ] = None,
) -> None:
    """Record a payment: lay it against the schedule and call off what it makes needless.

    Exit code 3: the loan is not known yet, and the payment is kept until it is.
    """
    if not payment_id.strip():
        raise ArrearsError("The payment has no id. Give the lender's own with --id.")
    ctx = open_context()
    if paid_on:
        refuse_a_day_to_come(paid_on, ctx.today(), "--paid-on")
    paid = Payment(
        external_id=payment_id.strip(),
        loan=loan,
        amount=_amount(amount),
        currency=currency.upper(),
        paid_on=paid_on or ctx.today(),
    )
    payload = process.payment_payload(paid)
    submit(ctx, "payment", paid.external_id, payload)


def reverse(
    payment_id: Annotated[str, typer.Argument(help="The lender's id of the payment.")],
    reversed_on: Annotated[
        date | None,
        typer.Option(parser=a_day, metavar="DAY", help="When it bounced; today if left out."),
    ] = None,
) -> None:
    """Take back a payment that bounced: what it had paid is owed again."""
    ctx = open_context()
    day = reversed_on or ctx.today()
    payload = {"payment": payment_id, "reversed_on": day.isoformat()}
    submit(ctx, "reversal", payment_id, payload)


def promise(
    loan: Loan,
    amount: Amount,
    currency: Currency,
    due_on: Annotated[
        date,
        typer.Argument(parser=a_day, metavar="DAY", help="Paid on this day, it is still kept."),
    ],
    promise_id: Annotated[
        str, typer.Option("--id", help="The lender's id of the promise: the same id counts once.")
    ],
    actor: Annotated[Actor, by("The staff reference of whoever took it down.")],
) -> None:
    """Record a promise to pay: the ladder pauses up to and on its day."""
    ctx = open_context()
    payload = {
        "promise": promise_id,
        "loan": loan,
        "amount": str(_amount(amount)),
        "currency": currency.upper(),
        "due_on": due_on.isoformat(),
        "actor": actor.reference,
    }
    submit(ctx, "promise", promise_id, payload)


def withdraw(promise_id: PromiseId) -> None:
    """Take back a promise to pay: the ladder goes on where it stood."""
    ctx = open_context()
    submit(ctx, "promise_withdrawal", promise_id, {"promise": promise_id})


def write_off(
    loan: Loan,
    on: Annotated[
        date | None,
        typer.Option(parser=a_day, metavar="DAY", help="When it was done; today if left out."),
    ] = None,
) -> None:
    """Stop collecting a loan that the lender wrote off. There is no way back."""
    ctx = open_context()
    day = on or ctx.today()
    payload = {"loan": loan, "written_off_on": day.isoformat()}
    submit(ctx, "write_off", loan, payload)


def _amount(written: str) -> Decimal:
    try:
        amount = Decimal(written)
    except InvalidOperation:
        raise ArrearsError(f"{written!r} is not an amount. Write it like 120.50.") from None
    if not amount.is_finite() or amount <= 0:
        raise ArrearsError(f"{written!r} is not an amount. It must be more than zero.")
    return amount
