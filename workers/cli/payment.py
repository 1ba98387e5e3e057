"""`arrears payment`: record a payment, reverse one that bounced, refund, take that back."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from domain.errors import ArrearsError
from workers.cli.common import Loan, WhoseId, day, own_id, parse_id
from workers.cli.context import event_of, open_context, submit, whose
from workers.cli.dates import refuse_future_day
from workers.cli.language import say
from workers.payments.payments import Payment, payment_payload

app = typer.Typer()

Amount = Annotated[str, typer.Argument(help="How much, such as 120.50.")]
Currency = Annotated[str, typer.Argument(help="ISO 4217, such as CNY.")]


# An amount below zero is an argument, which is refused in a sentence, and not an option named -5.
@app.command(context_settings={"ignore_unknown_options": True})
def record(
    loan: Loan,
    amount: Amount,
    currency: Currency,
    payment_id: Annotated[str, own_id("payment")],
    instalment: Annotated[
        date | None, day("The due day of the instalment that the payer named: it is paid first.")
    ] = None,
    paid_on: Annotated[date | None, day("When the lender booked it; today if left out.")] = None,
) -> None:
    """Record a payment: allocate it to the instalments, and cancel what is no longer needed.

    Exit code 3: the loan is not known yet, and the payment is stored until it is.
    """
    if not payment_id.strip():
        raise ArrearsError(say("The payment has no id. Give the lender's own with --id."))
    ctx = open_context()
    if paid_on:
        refuse_future_day(paid_on, ctx.today(), "--paid-on")
    paid = Payment(
        external_id=payment_id.strip(),
        loan=loan,
        amount=parse_amount(amount),
        currency=currency.upper(),
        paid_on=paid_on or ctx.today(),
        instalment=instalment,
    )
    payload = {**payment_payload(paid)}
    submit(ctx, "payment", paid.external_id, payload)


@app.command()
def reverse(
    payment_id: Annotated[str, typer.Argument(help="The lender's id of the payment.")],
    reversed_on: Annotated[date | None, day("When it bounced; today if left out.")] = None,
    sender: WhoseId = None,
    amount: Annotated[str | None, typer.Option(help="How much of it; all if left out.")] = None,
    reversal_id: Annotated[str | None, own_id("reversal, if it is one in part")] = None,
) -> None:
    """Reverse a payment that bounced: what it had paid is owed again."""
    if (amount is None) != (reversal_id is None):
        raise ArrearsError(say("A reversal in part has both an --amount and an --id."))
    ctx = open_context()
    reversed_on = reversed_on or ctx.today()
    refuse_future_day(reversed_on, ctx.today(), "--reversed-on")
    payload = {
        "payment": payment_id,
        "reversed_on": reversed_on.isoformat(),
        **whose(sender),
    }
    event = event_of(payment_id, sender)
    if amount is not None and reversal_id is not None:
        payload |= {"amount": str(parse_amount(amount)), "reversal": reversal_id}
        event = f"{event}:{reversal_id}"
    submit(ctx, "reversal", event, payload)


@app.command()
def restore(
    loan: Loan,
    payment_id: Annotated[str, typer.Argument(help="The lender's id of the payment.")],
    taken_back_on: Annotated[
        date | None, day("When it was taken back; today if left out.", "--on")
    ] = None,
    reversal_id: Annotated[
        str | None,
        typer.Option("--reversal", parser=parse_id, help="The id of a reversal in part."),
    ] = None,
    refund_id: Annotated[
        str | None,
        typer.Option(
            "--refund",
            parser=parse_id,
            help="The id of a refund: it is taken back, and no reversal.",
        ),
    ] = None,
    sender: WhoseId = None,
    id_sender: Annotated[
        str | None,
        typer.Option(
            help="Whose id of the reversal or refund it is, if several senders have given it."
        ),
    ] = None,
) -> None:
    """Take back the reversal of a payment, which counts again then, or a refund of it."""
    if reversal_id and refund_id:
        raise ArrearsError(say("Name a --reversal or a --refund, not both."))
    if id_sender and not (reversal_id or refund_id):
        raise ArrearsError(
            say("--id-sender says whose the id of a --reversal or a --refund is. Name one of them.")
        )
    ctx = open_context()
    taken_back_on = taken_back_on or ctx.today()
    refuse_future_day(taken_back_on, ctx.today(), "--on")
    on = taken_back_on.isoformat()
    payload = {
        "payment": payment_id,
        "loan": loan,
        "taken_back_on": on,
        **whose(sender),
    }
    part = "refund" if refund_id else "reversal"
    if id := reversal_id or refund_id:
        payload[part] = id
        if id_sender:
            payload[f"{part}_sender"] = id_sender
    named = event_of(id, id_sender) if id else on
    submit(ctx, f"{part}_taken_back", f"{event_of(payment_id, sender)}:{named}", payload)


@app.command()
def refund(
    payment_id: Annotated[str, typer.Argument(help="The lender's id of the payment.")],
    amount: Amount,
    refund_id: Annotated[str, own_id("refund")],
    refunded_on: Annotated[
        date | None, day("When it was given back; today if left out.", "--on")
    ] = None,
    sender: WhoseId = None,
) -> None:
    """Record that the lender gave back what a payment had left over."""
    ctx = open_context()
    payload = {
        "refund": refund_id,
        "payment": payment_id,
        "amount": str(parse_amount(amount)),
        "refunded_on": (refunded_on or ctx.today()).isoformat(),
        **whose(sender),
    }
    submit(ctx, "refund", f"{event_of(payment_id, sender)}:{refund_id}", payload)


def parse_amount(written: str) -> Decimal:
    """An amount of money as it was typed.

    Raises:
        ArrearsError: it is not a number above zero.
    """
    try:
        amount = Decimal(written)
    except InvalidOperation:
        raise ArrearsError(
            say("{written!r} is not an amount. Write it like 120.50.", written=written)
        ) from None
    if not amount.is_finite() or amount <= 0:
        raise ArrearsError(
            say("{written!r} is not an amount. It must be more than zero.", written=written)
        )
    return amount
