"""`arrears duty`: what somebody owes, such as after a conversation, and that it is done."""

from typing import Annotated

import typer

from domain.language.speak import speak
from domain.outcome_follows import Owner
from workers.attempts.duties import Duty, end_duty, read_duties
from workers.cli.common import ROWS_OF_A_PAGE, After, AsJson, Limit, OfLoan
from workers.cli.context import open_context
from workers.cli.language import coded, language_of_environment, say
from workers.cli.render import Table, print_json, print_lines, print_pages
from workers.db.pages import Asked

app = typer.Typer()

DUTIES = Table[Duty](
    "Owed, by deadline",
    {
        "duty": lambda duty: duty.id,
        "loan": lambda duty: duty.loan,
        "what for": lambda duty: (
            coded("outcome", duty.outcome)
            if duty.outcome
            else say("tell them that {arrangement} ends", arrangement=duty.arrangement)
        ),
        "for whom": lambda duty: duty.staff or coded("owner", duty.owner),
        "until": lambda duty: f"{duty.due_at:%Y-%m-%d %H:%M}",
        "late": lambda duty: say("late") if duty.late else "",
    },
    if_none="Nobody owes anything.",
    one_line=("duty", "loan"),
)


@app.command("list")
def list_(
    owner: Annotated[list[Owner] | None, typer.Option(help="Only theirs.")] = None,
    loan: OfLoan = None,
    limit: Limit = ROWS_OF_A_PAGE,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """List what is owed and not done yet; the nearest deadline comes first."""
    ctx = open_context()
    asked = Asked(limit, after, loan=loan)
    with ctx.engine.connect() as connection:
        found = read_duties(connection, ctx, asked, owners=tuple(owner or Owner))
    if as_json:
        print_json(found)
    else:
        print_pages((DUTIES, found))


@app.command()
def done(
    duty: Annotated[int, typer.Argument(min=1, help="Its number in the list.")],
) -> None:
    """Record that what was owed is done. One of its owners says so, or a supervisor."""
    print_lines(speak(end_duty(open_context(), duty), language_of_environment()))
