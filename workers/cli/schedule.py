"""`arrears schedule`: replace the schedule of a loan that was restructured."""

import re
from datetime import date
from typing import Annotated

import typer

from domain.errors import ArrearsError
from domain.written_numbers import plain_digits
from workers.cli.common import DryRun, Loan, Why, day, own_id, parse_id
from workers.cli.context import open_context, submit
from workers.cli.dates import parse_day, refuse_future_day
from workers.cli.language import say
from workers.cli.payment import parse_amount

app = typer.Typer()

PARTS = ("principal", "interest", "fees")
NOTHING = re.compile(r"0+(\.0+)?")


@app.command()
def replace(
    loan: Loan,
    instalments: Annotated[
        str,
        typer.Argument(
            help="The whole new schedule as on a tape: `2026-01-31 500.00 12.50; …`: date, "
            "principal, interest, fees."
        ),
    ],
    currency: Annotated[str, typer.Argument(help="ISO 4217, such as CNY.")],
    restructuring_id: Annotated[str, own_id("restructuring")],
    why: Why,
    on: Annotated[
        date | None, day("From when the new schedule counts; today if left out.", "--on")
    ] = None,
    paid: Annotated[
        str,
        typer.Option(help="What is paid of it by payments that were booked before that day."),
    ] = "0",
    arrangement: Annotated[
        str | None,
        typer.Option(
            parser=parse_id,
            metavar="TEXT",
            help="The lender's id of the arrangement that it confirms.",
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Replace the schedule of a loan by another one. The old one is kept as history.

    Payments booked on its day or later are added to what is paid of it.
    """
    ctx = open_context()
    if on:
        refuse_future_day(on, ctx.today(), "--on")
    payload = {
        "restructuring": restructuring_id,
        "loan": loan,
        "currency": currency.upper(),
        "restructured_on": (on or ctx.today()).isoformat(),
        "instalments": _read(instalments),
        "paid": _amount(paid),
        "why": why,
        **({"arrangement": arrangement} if arrangement else {}),
    }
    submit(ctx, "restructuring", restructuring_id, payload, dry_run=dry_run)


def _read(written: str) -> list[dict[str, str]]:
    """The instalments as they were typed, as an event has them.

    Raises:
        ArrearsError: one of them is none.
    """
    found: list[dict[str, str]] = []
    for one in filter(str.strip, plain_digits(written).split(";")):
        due_on, *amounts = one.split()
        if not 1 <= len(amounts) <= len(PARTS):
            raise ArrearsError(
                say(
                    "{written!r} is not an instalment. Write its due date, principal, interest and "
                    "fees, such as `2026-01-31 500.00 12.50`, and ; before the next one.",
                    written=one.strip(),
                )
            )
        parts = {part: _amount(text) for part, text in zip(PARTS, amounts, strict=False)}
        found.append({"due_on": parse_day(due_on).isoformat(), **parts})
    return found


def _amount(written: str) -> str:
    return "0" if NOTHING.fullmatch(written) else str(parse_amount(written))
