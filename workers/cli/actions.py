"""`arrears actions`: actions that were given up after failing, and a person's decision on them."""

from typing import Annotated

import typer

from workers.actions import dead_letters
from workers.actions.dead_letters import DeadAction, Moved, Tried
from workers.cli.common import ROWS_OF_A_PAGE, After, AsJson, DryRun, Limit, OfLoan
from workers.cli.context import open_context, read
from workers.cli.language import coded, say
from workers.cli.render import Table, print_done, print_json, print_lines, show_page
from workers.db.pages import Asked

app = typer.Typer()

Action = Annotated[int, typer.Argument(help="The action's number, as `dead-letters` shows it.")]

DEAD_LETTERS = Table[DeadAction](
    "Actions that were given up",
    {
        "action": lambda action: action.action,
        "loan": lambda action: action.loan,
        "item": lambda action: action.item,
        "type": lambda action: coded("action_type", action.action_type),
        "failed attempts": lambda action: action.attempts,
        "why": lambda action: action.reason,
        "since": lambda action: action.since,
    },
    if_none="No action was given up.",
    one_line=("action",),
)
MOVES = Table[Moved](
    "Moves",
    {
        "at": lambda move: f"{move.at:%Y-%m-%d %H:%M:%S}",
        "from": lambda move: coded("status", move.was),
        "to": lambda move: coded("status", move.became),
        "why": lambda move: move.reason,
    },
    if_none="It has not moved since it was planned.",
)
TEXTS = Table[Tried](
    "Texts",
    {
        "at": lambda text: f"{text.at:%Y-%m-%d %H:%M:%S}",
        "text": lambda text: text.message,
        "provider": lambda text: text.provider,
        "is": lambda text: coded("message_status", text.status),
        "code": lambda text: text.code,
        "provider's id": lambda text: text.sid,
    },
    if_none="No text was written for it.",
)


@app.command("dead-letters")
def list_dead_letters(
    kind: Annotated[str | None, typer.Option(help="Only this ladder item.")] = None,
    loan: OfLoan = None,
    limit: Limit = ROWS_OF_A_PAGE,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """List every action that was given up, and why."""
    asked = Asked(limit, after, kind, loan)
    found = read(lambda connection, ctx: dead_letters.read_dead(connection, ctx, asked))
    show_page(DEAD_LETTERS, found, as_json=as_json)


@app.command("show")
def show_action(action: Action, as_json: AsJson = False) -> None:
    """Show everything that happened to an action: its moves and its texts."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        found = dead_letters.read_history(connection, action, ctx)
    if as_json:
        print_json(found)
        return
    was = found.action
    print_lines(
        say(
            "Action {action}: {was} ({action_type}) is {status}.",
            action=was.action,
            was=_named(was),
            action_type=coded("action_type", was.action_type),
            status=coded("status", was.status),
        )
    )
    MOVES.print(found.moves)
    TEXTS.print(found.texts)


@app.command()
def retry(action: Action, dry_run: DryRun = False) -> None:
    """Try an action again; earlier attempts are not counted. The contact gate is asked again."""
    ctx = open_context()
    was = dead_letters.retry(ctx, action, dry_run=dry_run)
    print_done(say("{was} is planned again, and due now.", was=_named(was)), dry_run=dry_run)


@app.command()
def discard(action: Action, dry_run: DryRun = False) -> None:
    """Discard an action: it is never done."""
    ctx = open_context()
    was = dead_letters.discard(ctx, action, dry_run=dry_run)
    print_done(say("{was} is discarded.", was=_named(was)), dry_run=dry_run)
    if items := dead_letters.items_requiring(ctx, action):
        print_lines(
            say(
                "These wait for its step, which must be tried another way now: {items}.",
                items=", ".join(items),
            )
        )


def _named(action: DeadAction) -> str:
    return say("{item} for loan {loan}", item=action.item, loan=action.loan)
