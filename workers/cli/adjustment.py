"""`arrears adjustment`: what the lender changes in what is owed, and takes back."""

from datetime import date
from typing import Annotated, Any

import typer

from domain.loans import Component
from workers.cli.common import Loan, WhoseId, Why, day, own_id
from workers.cli.context import event_of, open_context, submit, whose
from workers.cli.dates import refuse_future_day
from workers.cli.payment import Amount, Currency, parse_amount

app = typer.Typer()

Id = Annotated[str, own_id("adjustment")]
BookedOn = Annotated[date | None, day("When the lender booked it; today if left out.")]


@app.command()
def charge(
    loan: Loan,
    amount: Amount,
    currency: Currency,
    due_on: Annotated[
        date, day("The due day of the instalment that it is added to, or a day of its own.")
    ],
    adjustment_id: Id,
    why: Why,
    component: Annotated[
        Component, typer.Option(help="The part of the debt that is charged.")
    ] = Component.FEES,
    booked_on: BookedOn = None,
) -> None:
    """Record a charge: a fee or interest that is owed besides."""
    _submit(
        "charge",
        adjustment_id,
        booked_on,
        loan=loan,
        amount=str(parse_amount(amount)),
        currency=currency.upper(),
        component=component,
        due_on=due_on.isoformat(),
        why=why,
    )


@app.command()
def waive(
    loan: Loan,
    currency: Currency,
    adjustment_id: Id,
    why: Why,
    amount: Annotated[
        str | None, typer.Option(help="How much; all that is unpaid if left out.")
    ] = None,
    component: Annotated[
        Component | None, typer.Option(help="The only part of the debt that is waived.")
    ] = None,
    instalment: Annotated[
        date | None, day("The due day of the only instalment that is waived.")
    ] = None,
    booked_on: BookedOn = None,
) -> None:
    """Record a waiver: what is unpaid is not owed any more. What was paid stays."""
    _submit(
        "waiver",
        adjustment_id,
        booked_on,
        loan=loan,
        amount=str(parse_amount(amount)) if amount else None,
        currency=currency.upper(),
        component=component,
        instalment=instalment.isoformat() if instalment else None,
        why=why,
    )


@app.command()
def leave_out(
    loan: Loan,
    instalment: Annotated[date, day("The due day of the instalment.")],
    adjustment_id: Id,
    why: Why,
    due_on: Annotated[
        date | None, day("When it is due now; a month after the last one if left out.")
    ] = None,
    booked_on: BookedOn = None,
) -> None:
    """Record that an instalment is left out: what is unpaid of it is due later."""
    _submit(
        "instalment_left_out",
        adjustment_id,
        booked_on,
        loan=loan,
        instalment=instalment.isoformat(),
        due_on=due_on.isoformat() if due_on else None,
        why=why,
    )


@app.command()
def accelerate(
    loan: Loan,
    due_on: Annotated[date, day("When all that is due later is due now.")],
    adjustment_id: Id,
    why: Why,
    booked_on: BookedOn = None,
) -> None:
    """Record that all that is to come falls due on one day."""
    _submit(
        "acceleration",
        adjustment_id,
        booked_on,
        loan=loan,
        due_on=due_on.isoformat(),
        why=why,
    )


@app.command()
def reverse(
    loan: Loan,
    adjustment_id: Annotated[str, typer.Argument(help="The lender's id of the adjustment.")],
    reversed_on: Annotated[date | None, day("When it was taken back; today if left out.")] = None,
    sender: WhoseId = None,
) -> None:
    """Take an adjustment back: it was a mistake, or does not hold any more."""
    ctx = open_context()
    reversed_on = reversed_on or ctx.today()
    refuse_future_day(reversed_on, ctx.today(), "--reversed-on")
    payload = {
        "adjustment": adjustment_id,
        "loan": loan,
        "reversed_on": reversed_on.isoformat(),
        **whose(sender),
    }
    submit(ctx, "adjustment_reversal", event_of(adjustment_id, sender), payload)


def _submit(kind: str, adjustment_id: str, booked_on: date | None, **given: Any) -> None:
    ctx = open_context()
    if booked_on:
        refuse_future_day(booked_on, ctx.today(), "--booked-on")
    said = {name: value for name, value in given.items() if value is not None}
    day = (booked_on or ctx.today()).isoformat()
    submit(ctx, kind, adjustment_id, {"adjustment": adjustment_id, "booked_on": day, **said})
