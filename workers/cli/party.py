"""`arrears party`: who is party to a loan besides its borrower."""

from typing import Annotated, Literal

import typer

from domain.compliance.vocabulary import Party
from workers.cli.common import AsJson, Loan
from workers.cli.context import open_context, read, submit
from workers.cli.language import coded, said_by
from workers.cli.personal import encrypted_payload
from workers.cli.render import Table, print_json
from workers.inbox.event_data.persons import LoanPartyFacts
from workers.operations.loan_parties import PartyOfLoan, read_parties

app = typer.Typer()

Borrower = Annotated[str, typer.Argument(help="The lender's id of the party's own record.")]
Role = Annotated[
    Literal["co_borrower", "guarantor"],
    typer.Option(help="What they are to the loan."),
]
PARTIES = Table[PartyOfLoan](
    "Parties of the loan",
    {
        "borrower": lambda party: party.borrower,
        "role": lambda party: coded("party", party.role),
        "since": lambda party: party.since,
        "source": lambda party: said_by(party.source),
    },
    if_none="The loan has no party besides its borrower.",
)


@app.command("list")
def list_(loan: Loan, as_json: AsJson = False) -> None:
    """List who is party to a loan besides its borrower. No personal data."""
    found = read(lambda connection, ctx: read_parties(connection, loan, ctx))
    if as_json:
        print_json(found)
        return
    PARTIES.print(found)


@app.command()
def add(
    loan: Loan,
    borrower: Borrower,
    role: Role,
    name: Annotated[
        str | None, typer.Option(help="Makes the record, if it is not known yet.")
    ] = None,
    phone: Annotated[str | None, typer.Option(help="The number, as +8613800138000.")] = None,
    address: Annotated[str | None, typer.Option(help="The address, in one line.")] = None,
    zone: Annotated[
        list[str] | None, typer.Option("--zones", help="An IANA zone of the address.")
    ] = None,
    locale: Annotated[str | None, typer.Option(help="The language, such as zh-Hans.")] = None,
) -> None:
    """Record that somebody is a co-borrower or a guarantor of a loan.

    With a name, the record is made if it is not known. One that is known keeps its own details.
    """
    ctx = open_context()
    payload = encrypted_payload(
        LoanPartyFacts,
        ctx.cipher,
        loan=loan,
        borrower=borrower,
        role=Party(role),
        name=name,
        phone=phone,
        address=address,
        zones=tuple(zone or ()),
        locale=locale,
        actor=ctx.actor.reference,
    )
    submit(
        ctx,
        "loan_party",
        _id(loan, borrower, role, ctx.now().isoformat()),
        payload,
        if_unknown="If the customer is new, --name makes the record at once.",
    )


@app.command()
def end(loan: Loan, borrower: Borrower, role: Role) -> None:
    """Record that somebody is no longer party to a loan."""
    ctx = open_context()
    payload = {"loan": loan, "borrower": borrower, "role": role}
    submit(ctx, "loan_party_end", _id(loan, borrower, role, ctx.now().isoformat()), payload)


def _id(*parts: str) -> str:
    return ":".join(parts)
