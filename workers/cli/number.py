"""`arrears number`: the numbers of a borrower in order, and what is true of one."""

from typing import Annotated, Literal

import typer

from domain.errors import ArrearsError
from workers.cli.common import AsJson, lender_id
from workers.cli.context import open_context, read, submit
from workers.cli.language import coded, say, words
from workers.cli.personal import encrypted_payload
from workers.cli.render import Table, print_json
from workers.context import Context
from workers.inbox.event_data.contact_points import ContactChangeFacts
from workers.operations.contact_points import NumberOfBorrower, places_of_numbers, read_numbers

app = typer.Typer()

Fact = Annotated[
    Literal[
        "reaches_nobody",
        "somebody_else",
        "refused",
        "no_texts",
        "opted_out",
        "at_work",
        "shared",
    ],
    typer.Argument(help="What is true of the number."),
]
Which = Annotated[
    int | None,
    typer.Option("--which", min=1, help="Its place among the borrower's numbers, if several."),
]
Whose = Annotated[str, lender_id("WHOSE", "The lender's id of the borrower.")]
NUMBERS = Table[NumberOfBorrower](
    "Numbers of the borrower, in the order in which they are tried",
    {
        "place": lambda number: number.place,
        "kind": lambda number: coded("point", number.kind),
        "known": lambda number: [coded("number_fact", fact) for fact in number.facts],
        "closed to": lambda number: words("channel", number.closed_to),
    },
    right=("place",),
    if_none="The borrower has no number.",
)
Borrower = Annotated[
    str | None, typer.Option("--borrower", help="Whose number it is: the lender's id.")
]
Reply = Annotated[
    int | None, typer.Option("--reply", help="Or the reply that came from it, as in the worklist.")
]


OfRepresentative = Annotated[
    bool,
    typer.Option("--of-representative", help="It is the number of who acts for the borrower."),
]


@app.command()
def note(
    fact: Fact,
    borrower: Borrower = None,
    reply: Reply = None,
    which: Which = None,
    of_representative: OfRepresentative = False,
) -> None:
    """Record what is true of a number: it holds for everybody who has it."""
    _report("number_fact", fact, borrower, reply, which, of_representative)


@app.command()
def end(
    fact: Fact,
    borrower: Borrower = None,
    reply: Reply = None,
    which: Which = None,
    of_representative: OfRepresentative = False,
) -> None:
    """Record that something is not true of a number any more: what waited for it is due again."""
    _report("number_fact_end", fact, borrower, reply, which, of_representative)


@app.command("list")
def list_(borrower: Whose, as_json: AsJson = False) -> None:
    """List the numbers of a borrower in order, with what is known of them; never a number."""
    found = read(lambda connection, ctx: read_numbers(connection, ctx, borrower))
    if as_json:
        print_json(found)
        return
    NUMBERS.print(found)


@app.command()
def add(
    borrower: Whose,
    phone: Annotated[
        str, typer.Option(help="The number, as +8613800138000; ;ext= before an extension.")
    ],
) -> None:
    """Give a borrower one more number, tried after the others."""
    ctx = open_context()
    payload = encrypted_payload(
        ContactChangeFacts,
        ctx.cipher,
        borrower=borrower,
        another_phone=phone,
        actor=ctx.actor.reference,
    )
    submit(ctx, "contact_change", f"{borrower}:{ctx.now().isoformat()}", payload)


@app.command()
def order(
    borrower: Whose,
    places: Annotated[
        list[int], typer.Argument(min=1, help="The places of all numbers, in their new order.")
    ],
) -> None:
    """Try the numbers of a borrower in another order."""
    ctx = open_context()
    known = places_of_numbers(ctx, borrower)
    if sorted(places) != known:
        raise ArrearsError(
            say(
                "Borrower {borrower} has {known} numbers. Name the place of each once; "
                "`arrears number remove` removes one.",
                borrower=borrower,
                known=len(known),
            )
        )
    _submit_order(ctx, borrower, places)


@app.command()
def remove(
    borrower: Whose,
    place: Annotated[int, typer.Argument(min=1, help="The place of the number.")],
) -> None:
    """Remove a number of a borrower. What is known of it stays, for whoever has it."""
    ctx = open_context()
    known = places_of_numbers(ctx, borrower)
    if place not in known:
        raise ArrearsError(
            say(
                "Borrower {borrower} has no number {place}, but {known} in all.",
                borrower=borrower,
                place=place,
                known=len(known),
            )
        )
    _submit_order(ctx, borrower, [other for other in known if other != place])


def _submit_order(ctx: Context, borrower: str, places: list[int]) -> None:
    payload = {"borrower": borrower, "order": places}
    submit(ctx, "number_order", f"{borrower}:{ctx.now().isoformat()}", payload)


def _report(
    kind: str,
    fact: str,
    borrower: str | None,
    reply: int | None,
    which: int | None,
    of_representative: bool,
) -> None:
    if (borrower is None) == (reply is None):
        raise ArrearsError(say("Name the number by --borrower or by --reply, and not by both."))
    if reply is not None and which is not None:
        raise ArrearsError(say("A reply came from one number: leave out --which."))
    if of_representative and (borrower is None or which is not None):
        raise ArrearsError(
            say("--of-representative goes with --borrower, and without --which and --reply.")
        )
    ctx = open_context()
    payload: dict[str, str | int | list[str] | None] = {
        "borrower": borrower,
        "reply": reply,
        "fact": fact,
    }
    if which is not None:
        payload["which_number"] = which
    if of_representative:
        payload["of_representative"] = True
    # Each report is an event of its own: the same may become true again after it ended.
    named = borrower or f"reply-{reply}"
    submit(ctx, kind, f"{named}:{fact}:{ctx.now().isoformat()}", payload)
