"""`arrears opt-out`, `validation-notice`, `acknowledgement`, `limitation-fact`: what a borrower
said or received, and what else counts for the limitation period."""

from datetime import date
from typing import Annotated, Literal

import typer

from domain.compliance.vocabulary import LimitationFact
from workers.cli.common import Loan, On, day
from workers.cli.context import open_context, submit

TakeBack = Annotated[
    bool,
    typer.Option("--take-back", help="It was recorded by mistake: it counts for nothing."),
]


def opt_out(
    borrower: Annotated[str, typer.Argument(help="The lender's id of the borrower.")],
    channel: Annotated[
        Literal["sms", "call", "visit"] | None,
        typer.Option(help="Only this channel; every channel if left out."),
    ] = None,
    loan: Annotated[
        str | None, typer.Option(help="The only loan that the request was about, if it named one.")
    ] = None,
) -> None:
    """Never contact a borrower again who asked for that: by one channel, or by any."""
    payload = {"borrower": borrower, "channel": channel}
    if loan is not None:
        payload["loan"] = loan
    ctx = open_context()
    # The moment: who wanted to be contacted again may ask anew to be left alone.
    said = (borrower, channel or "all", loan, ctx.now().isoformat())
    submit(ctx, "opt_out", ":".join(filter(None, said)), payload)


def validation_notice(loan: Loan, on: On = None) -> None:
    """Record that the borrower was informed in writing of the debt and of how to dispute it."""
    ctx = open_context()
    day = (on or ctx.today()).isoformat()
    payload = {"loan": loan, "given_on": day}
    submit(ctx, "validation_notice", f"{loan}:{day}", payload)


def acknowledgement(
    loan: Loan,
    on: On = None,
    proof: Annotated[
        Literal["signed", "written", "recorded"] | None,
        typer.Option(help="How it can be proved; some laws ask for a signed writing."),
    ] = None,
    document: Annotated[
        str | None, typer.Option(help="The lender's reference of the proof, such as a file number.")
    ] = None,
    borrower: Annotated[
        str | None,
        typer.Option(help="The lender's id of another party to the loan, if it was that one."),
    ] = None,
    take_back: TakeBack = False,
) -> None:
    """Record that the debt was acknowledged: the limitation period may start again."""
    ctx = open_context()
    acknowledged_on = (on or ctx.today()).isoformat()
    payload = {"loan": loan, "acknowledged_on": acknowledged_on}
    given = {"proof": proof, "document": document, "borrower": borrower}
    if take_back:
        del given["document"]
    payload |= {name: value for name, value in given.items() if value is not None}
    # The moment: what was taken back may be recorded anew.
    id = ":".join(filter(None, (loan, acknowledged_on, proof, borrower, ctx.now().isoformat())))
    submit(ctx, "acknowledgement_withdrawal" if take_back else "acknowledgement", id, payload)


def limitation_fact(
    loan: Loan,
    fact: Annotated[LimitationFact, typer.Argument(help="What it is.")],
    starts_on: Annotated[date | None, day("On which day; today if left out.", "--from")] = None,
    ends_on: Annotated[
        date | None,
        day(
            "The day on which proceedings ended; of what suspends, the first day without it. "
            "Left out: it lasts.",
            "--until",
        ),
    ] = None,
    document: Annotated[
        str | None, typer.Option(help="The lender's reference of the proof, such as a file number.")
    ] = None,
    take_back: TakeBack = False,
) -> None:
    """Record what interrupts or suspends the limitation period, or its end.

    Whether it counts, the rule pack says. To record the end, repeat the first day with --until.
    """
    ctx = open_context()
    first = (starts_on or ctx.today()).isoformat()
    last = ends_on.isoformat() if ends_on else None
    payload = {"loan": loan, "fact": fact.value, "starts_on": first}
    given = {"ends_on": last, "document": document}
    payload |= {name: value for name, value in given.items() if value is not None and not take_back}
    # The moment: what was taken back may be recorded anew.
    id = ":".join(filter(None, (loan, fact, first, last, ctx.now().isoformat())))
    submit(ctx, "limitation_fact_withdrawal" if take_back else "limitation_fact", id, payload)
