"""`arrears promise`: record a promise to pay, or cancel one."""

from datetime import date
from typing import Annotated, Any

import typer

from workers.cli.common import Loan, WhoseId, own_id
from workers.cli.context import event_of, open_context, submit, whose
from workers.cli.dates import parse_day
from workers.cli.payment import Amount, Currency, parse_amount

app = typer.Typer()


@app.command()
def record(
    loan: Loan,
    amount: Amount,
    currency: Currency,
    due_on: Annotated[
        date,
        typer.Argument(
            parser=parse_day,
            metavar="DAY",
            help="The last day on which a payment keeps the promise.",
        ),
    ],
    promise_id: Annotated[str, own_id("promise")],
) -> None:
    """Record a promise to pay: the ladder pauses up to and including its day."""
    payload = {
        "promise": promise_id,
        "loan": loan,
        "amount": str(parse_amount(amount)),
        "currency": currency.upper(),
        "due_on": due_on.isoformat(),
    }
    submit(open_context(), "promise", promise_id, payload)


@app.command()
def cancel(
    promise_id: Annotated[str, typer.Argument(help="The lender's id of the promise.")],
    was_made: Annotated[
        bool | None,
        typer.Option(
            "--was-made/--by-mistake",
            help="Whether the borrower really made it. Only then it may interrupt the limitation "
            "period.",
        ),
    ] = None,
    sender: WhoseId = None,
) -> None:
    """Cancel a promise to pay: the ladder continues where it paused."""
    payload: dict[str, Any] = {"promise": promise_id, **whose(sender)}
    id = event_of(promise_id, sender)
    if was_made is not None:
        payload["was_made"] = was_made
        id += ":made" if was_made else ":by-mistake"
    submit(open_context(), "promise_withdrawal", id, payload)
