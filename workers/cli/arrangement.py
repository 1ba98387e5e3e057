"""`arrears arrangement`: deferrals and instalment plans, from the request to the acceptance."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

import typer

from domain.arranged import Wish
from domain.arrangements import AcceptanceProof, ArrangementStatus, AskedBy, Refusal
from domain.currencies import decimal_string
from domain.language.speak import speak
from domain.loans import ZERO
from domain.permissions import Permission
from domain.quote_json import quote_from_json
from domain.reasons import ReasonCode, because
from workers.calls.amounts import assert_commands_show_amounts, commands_show_amounts
from workers.cli.common import (
    KNOWN_ALREADY,
    AsJson,
    Limit,
    Loan,
    OfLoan,
    WhoSaidIt,
    WhoseId,
    day,
    lender_id,
    own_id,
    parse_id,
)
from workers.cli.context import open_context
from workers.cli.language import coded, language_of_environment, say
from workers.cli.payment import parse_amount
from workers.cli.quote import Deferral, Instalments, Monthly, Until, quote_lines
from workers.cli.render import Table, print_json, print_lines, show
from workers.hardship.arrangement_acceptances import Acceptance, accept_arrangement
from workers.hardship.arrangement_endings import Ending, end_arrangement
from workers.hardship.arrangement_offers import offer_arrangement
from workers.hardship.arrangement_reads import (
    MOST_ROWS,
    ListedArrangement,
    ShownArrangement,
    list_arrangements,
    read_arrangement,
)
from workers.hardship.arrangements import NewRequest, Recorded, request_arrangement

app = typer.Typer()

Name = Annotated[str, lender_id("ARRANGEMENT", "The lender's id of the arrangement.")]
Because = Annotated[str | None, typer.Option("--why", help="Why, in words that identify nobody.")]

LIST = Table[ListedArrangement](
    None,
    {
        "arrangement": lambda row: row.arrangement,
        "loan": lambda row: row.loan,
        "status": lambda row: coded("arrangement_status", row.status),
        "kind": lambda row: coded("arrangement", row.kind) if row.kind else None,
        "since": lambda row: row.requested_at,
        "answer by": lambda row: row.answer_by,
        "valid until": lambda row: row.valid_until,
        "to pay": lambda row: _amount(row),
        "missed": lambda row: row.missed,
        "next look": lambda row: row.review_on,
    },
    if_none="No arrangement is open.",
    one_line=("arrangement",),
    right=("to pay", "missed"),
)


def _amount(row: ListedArrangement) -> str | None:
    return None if row.to_pay_after is None else decimal_string(row.to_pay_after, row.currency)


@app.command()
def request(
    loan: Loan,
    name: Annotated[str, own_id("arrangement")],
    deferral: Deferral = None,
    instalments: Instalments = None,
    until: Until = None,
    monthly: Monthly = None,
    asked_by: Annotated[AskedBy, typer.Option(help="How it was asked for.")] = AskedBy.CALL,
    asked_in: Annotated[
        str | None,
        typer.Option(
            parser=parse_id,
            metavar="TEXT",
            help="The id of the text, the attempt, the letter or the form.",
        ),
    ] = None,
    borrower: WhoSaidIt = None,
) -> None:
    """Record that the borrower asks for a deferral or an instalment plan."""
    new = NewRequest(
        arrangement=name,
        loan=loan,
        asked_by=asked_by,
        asked_in=asked_in,
        borrower=borrower,
        days=deferral,
        instalments=instalments,
        until=until,
        monthly=parse_amount(monthly) if monthly else None,
    )
    _tell(request_arrangement(open_context(), new))


@app.command()
def offer(
    name: Name,
    deferral: Deferral = None,
    instalments: Instalments = None,
    until: Until = None,
    monthly: Monthly = None,
    sender: WhoseId = None,
) -> None:
    """Quote it, keep the quote as the offer, and show what the borrower is told.

    Without an option, what was asked for is quoted.
    """
    wish = Wish(deferral, instalments, until, parse_amount(monthly) if monthly else None)
    ctx = open_context()
    offering = Permission.OFFER_ARRANGEMENTS
    assert_commands_show_amounts(ctx, arrangement=name, sender=sender, permission=offering)
    offered = offer_arrangement(ctx, name, None if wish == Wish() else wish, sender=sender)
    with ctx.engine.connect() as connection:
        shown = read_arrangement(connection, ctx, name, sender=sender)
    print_lines(*_quoted(shown))
    _tell(offered)


@app.command()
def accept(
    name: Name,
    proof: Annotated[AcceptanceProof, typer.Option(help="What shows that the borrower agreed.")],
    reference: Annotated[
        str,
        typer.Option(
            parser=parse_id,
            metavar="TEXT",
            help="The id of the recording, the text, the letter or the form.",
        ),
    ],
    offer: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="The number of the offer that the borrower was shown, if there were several.",
        ),
    ] = None,
    on: Annotated[date | None, day("On which day; today if left out.", "--on")] = None,
    sender: WhoseId = None,
) -> None:
    """Record that the borrower accepts the offer; the schedule is proposed to the ledger."""
    new = Acceptance(
        arrangement=name,
        offer=offer,
        accepted_on=on,
        proof=proof,
        proof_reference=reference,
        sender=sender,
    )
    _tell(accept_arrangement(open_context(), new))


@app.command()
def decline(
    name: Name,
    refusal: Annotated[Refusal, typer.Option("--reason", help="Why nothing is offered.")],
    why: Because = None,
    sender: WhoseId = None,
) -> None:
    """Decline it: nothing is offered, or the borrower says no to the offer."""
    _end(name, ArrangementStatus.DECLINED, why, sender, refusal)


@app.command()
def withdraw(name: Name, why: Because = None, sender: WhoseId = None) -> None:
    """Record that the borrower does not ask for it any more."""
    _end(name, ArrangementStatus.WITHDRAWN, why, sender)


def _end(
    name: str,
    status: ArrangementStatus,
    why: str | None,
    sender: str | None,
    refusal: Refusal | None = None,
) -> None:
    ending = Ending(arrangement=name, status=status, refusal=refusal, why=why, sender=sender)
    _tell(end_arrangement(open_context(), ending))


@app.command("show")
def show_(name: Name, sender: WhoseId = None, as_json: AsJson = False) -> None:
    """Show where an arrangement stands: its quote, and what is paid of it."""
    ctx = open_context()
    assert_commands_show_amounts(ctx, arrangement=name, sender=sender)
    with ctx.engine.connect() as connection:
        shown = read_arrangement(connection, ctx, name, sender=sender)
    if as_json:
        print_json(_as_json(shown))
        return
    status = {"arrangement": name, "arrangement_status": shown.arrangement.status}
    _say(ReasonCode.ARRANGEMENT_HAS_ENDED, **status)
    print_lines(*_quoted(shown), *_paid(shown))


@app.command("list")
def list_(of_loan: OfLoan = None, limit: Limit = MOST_ROWS, as_json: AsJson = False) -> None:
    """List the arrangements that are open, or with --loan all of one loan."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        rows = list_arrangements(connection, ctx, of_loan=of_loan, limit=limit)
        if not commands_show_amounts(connection, ctx, of_loan):
            rows = [row._replace(to_pay_after=None) for row in rows]
    show(LIST, rows, as_json=as_json)


def _tell(recorded: Recorded) -> None:
    """Say what came of it. Exits with `KNOWN_ALREADY` where nothing changed."""
    for reason in recorded.came:
        print_lines(speak((reason,), language_of_environment()))
    if recorded.known:
        raise typer.Exit(KNOWN_ALREADY)


def _say(code: ReasonCode, **params: object) -> None:
    print_lines(speak(because(code, **params), language_of_environment()))


def _quoted(shown: ShownArrangement) -> list[str]:
    if shown.arrangement.quote is None:
        return []
    quoted = quote_from_json(shown.arrangement.quote)
    lines = quote_lines(shown.loan, quoted, language_of_environment())
    return [say("Offer {number}.", number=shown.arrangement.offers), *lines]


def _paid(shown: ShownArrangement) -> Iterator[str]:
    for each in shown.paid:
        if each.unpaid > ZERO:
            yield say(
                "Due on {due_on}: {unpaid} of {amount} is unpaid.",
                due_on=each.due_on,
                unpaid=decimal_string(each.unpaid),
                amount=decimal_string(each.amount),
            )
        else:
            yield say("Due on {due_on}: paid.", due_on=each.due_on)


def _as_json(shown: ShownArrangement) -> dict[str, object]:
    hidden = {"id", "loan_id", "hold_id", "request_hold_id", "why_id", "quote_digest"}
    fields = shown.arrangement._asdict()
    return {
        "loan": shown.loan,
        **{name: value for name, value in fields.items() if name not in hidden},
        "paid": [
            {"due_on": each.due_on, "amount": each.amount, "unpaid": each.unpaid}
            for each in shown.paid
        ],
    }
