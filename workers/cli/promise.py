"""`arrears promise`: record a promise to pay, or cancel one; list them, and what would be taken."""

from datetime import date
from typing import Annotated, Any, NamedTuple

import typer

from domain.currencies import decimal_string
from domain.promise_terms import Accepted
from workers.calls.amounts import assert_commands_show_amounts
from workers.cli.common import Loan, WhoSaidIt, WhoseId, own_id
from workers.cli.context import event_of, open_context, submit, whose
from workers.cli.dates import parse_day
from workers.cli.language import coded, say, unit
from workers.cli.payment import Amount, Currency, parse_amount
from workers.cli.render import Table, print_lines
from workers.hardship.read_promises import promise_policy_of, read_promises
from workers.inbox.event_data.promises import PromiseFacts

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
    parts: Annotated[
        list[str] | None,
        typer.Option(
            "--part",
            metavar="AMOUNT:DAY",
            help="One part of several, such as 100.00:2026-03-05; once for each. They add up to "
            "AMOUNT, and the last one falls due on DAY.",
        ),
    ] = None,
    can_pay: Annotated[
        str | None,
        typer.Option(
            "--can-pay-monthly",
            metavar="AMOUNT",
            help="What the borrower said to be able to pay a month. Above it a supervisor must "
            "agree.",
        ),
    ] = None,
    borrower: WhoSaidIt = None,
) -> None:
    """Record a promise to pay: the ladder pauses up to and including its day.

    What goes beyond the lender's limits is refused, or a supervisor must agree first.
    """
    payload: dict[str, Any] = {
        "promise": promise_id,
        "loan": loan,
        "amount": str(parse_amount(amount)),
        "currency": currency.upper(),
        "due_on": due_on.isoformat(),
    }
    if borrower:
        payload["borrower"] = borrower
    if parts:
        payload["parts"] = [_part(written) for written in parts]
    ctx = open_context()
    if can_pay:
        # It is personal data, which the event's own model encrypts.
        given = {
            **payload,
            "can_pay_monthly": str(parse_amount(can_pay)),
            "actor": ctx.actor.reference,
        }
        payload = PromiseFacts.model_validate(given, strict=False).payload(ctx.cipher)
        del payload["actor"]
    submit(ctx, "promise", promise_id, payload)


def _part(written: str) -> dict[str, str]:
    amount, _, day = written.partition(":")
    return {"amount": str(parse_amount(amount)), "due_on": parse_day(day).isoformat()}


class _Row(NamedTuple):
    promise: str
    status: str
    amount: str
    paid: str
    parts: str


PROMISES = Table[_Row](
    None,
    {
        "promise": lambda row: row.promise,
        "status": lambda row: row.status,
        "amount": lambda row: row.amount,
        "paid in time": lambda row: row.paid,
        "by which day": lambda row: row.parts,
    },
    one_line=("promise", "status"),
)


@app.command("list")
def list_(loan: Loan) -> None:
    """List the promises of a loan, the newest first, with what was paid of each in time."""
    ctx = open_context()
    assert_commands_show_amounts(ctx, loan=loan)
    with ctx.engine.connect() as connection:
        found = read_promises(connection, ctx, loan)
    if not found:
        print_lines(say("Loan {loan} has no promise on record.", loan=loan))
        return
    PROMISES.print(
        _Row(
            each.promise,
            coded("promise_status", each.status),
            f"{decimal_string(each.amount, each.currency)} {unit(each.currency)}",
            decimal_string(each.paid, each.currency),
            ", ".join(
                f"{decimal_string(part.amount, each.currency)} {part.due_on}" for part in each.parts
            ),
        )
        for each in found
    )


@app.command()
def limits(loan: Loan) -> None:
    """Show which promise would be taken for a loan today."""
    ctx = open_context()
    assert_commands_show_amounts(ctx, loan=loan)
    with ctx.engine.connect() as connection:
        policy = promise_policy_of(connection, ctx, loan)
    currency = unit(policy.currency)
    lines = [
        say(
            "Of loan {loan}, {past_due} {currency} is past due.",
            loan=loan,
            past_due=decimal_string(policy.past_due, policy.currency),
            currency=currency,
        )
    ]
    if not policy.past_due:
        print_lines(*lines, say("So no promise is taken: it would pause nothing."))
        return
    taken = _taken(policy.without_agreement, policy.currency)
    if policy.terms is None:
        print_lines(*lines, say("The lender limits no promise of this loan: {taken}.", taken=taken))
        return
    lines += [
        say("Taken without asking anybody: {taken}.", taken=taken),
        say(
            "Once a supervisor agrees: {taken}.",
            taken=_taken(policy.with_agreement, policy.currency),
        ),
    ]
    if policy.always_agreed:
        lines.append(
            say(
                "So many promises went unkept ({count}) that a supervisor must agree to any other.",
                count=policy.unkept,
            )
        )
    print_lines(*lines, say("By {terms}.", terms=policy.terms))


def _taken(taken: Accepted, currency: str) -> str:
    first = say(
        "at least {amount} {currency}, from {first_day} at the latest, to {last_day} at the latest",
        amount=decimal_string(taken.least_amount, currency),
        currency=unit(currency),
        first_day=taken.first_day_at_most,
        last_day=taken.last_day_at_most,
    )
    if taken.most_parts is None:
        return first
    return say("; ").join([first, say("at most {parts} part(s)", parts=taken.most_parts)])


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
