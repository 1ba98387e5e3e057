"""`arrears pay`: money that came in."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from domain.errors import ArrearsError
from workers import inbox
from workers.cli.common import console, open_house
from workers.payments import Payment


def pay(
    loan: Annotated[str, typer.Argument(help="The lender's id of the loan.")],
    amount: Annotated[str, typer.Argument(help="What was paid, such as 120.50.")],
    currency: Annotated[str, typer.Argument(help="ISO 4217, such as CNY.")],
    payment_id: Annotated[
        str, typer.Option("--id", help="The lender's id of the payment: the same id counts once.")
    ],
    paid_on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="When it was paid; today if left out."),
    ] = None,
) -> None:
    """Record a payment: lay it against the schedule and call off what it makes needless."""
    house = open_house()
    try:
        value = Decimal(amount)
    except InvalidOperation:
        raise ArrearsError(f"{amount!r} is not an amount. Write it like 120.50.") from None
    if not value.is_finite() or value <= 0:
        raise ArrearsError(f"{amount!r} is not an amount. A payment is more than zero.")
    paid = Payment(
        external_id=payment_id,
        loan=loan,
        amount=value,
        currency=currency.upper(),
        paid_on=paid_on.date() if paid_on else house.today(),
    )
    with house.engine.begin() as connection:
        event_id = inbox.receive(
            connection, f"payment:{payment_id}", "payment", inbox.payment_payload(paid), house.now()
        )
    settled = inbox.apply_event(house, event_id)
    if settled.status == "rejected":
        raise ArrearsError(settled.reason)
    console.print(settled.reason)
