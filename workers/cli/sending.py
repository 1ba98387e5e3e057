"""`arrears sending`: stop sending at once, see what is stopped, and let it go on."""

from collections.abc import Iterable
from typing import Annotated

import typer

from domain.errors import ArrearsError
from domain.language.speak import speak
from domain.reasons import because
from domain.sending import EVERYTHING, WHAT_TO_DO, Scope, SendingScope, StoppedBecause
from workers.cli.common import AsJson, OfLender, Why
from workers.cli.context import open_context, read
from workers.cli.language import coded, language_of_environment, say
from workers.cli.render import Table, print_lines, show
from workers.db.sending_holds import SendingHold, read_sending_holds
from workers.operations.sending_holds import resume_sending, stop_sending

app = typer.Typer()


def _stopped(hold: SendingHold) -> str:
    kind = coded("sending_scope", hold.scope)
    return f"{kind} {hold.subject}" if hold.subject else kind


def _resumed(hold: SendingHold) -> str:
    if hold.resumed_at is None:
        return ""
    return say("{at:%Y-%m-%d %H:%M}, by {actor}", at=hold.resumed_at, actor=hold.resumed_by)


HOLDS = Table[SendingHold](
    "Sending holds",
    {
        "hold": lambda hold: hold.id,
        "stops": _stopped,
        "since": lambda hold: hold.set_at,
        "set by": lambda hold: hold.set_by,
        "why": lambda hold: hold.why,
        "resumed": _resumed,
    },
    if_none="Nothing is stopped.",
    one_line=("hold",),
)


@app.command()
def stop(
    why: Why,
    channel: Annotated[OfLender | None, typer.Option(help="Only this channel.")] = None,
    jurisdiction: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only loans of this law, as US or US-NY.")
    ] = None,
    ladder: Annotated[
        str | None, typer.Option(metavar="ID", help="Only what this ladder asks for.")
    ] = None,
) -> None:
    """Stop all contacts at once, or those of a channel, a jurisdiction or a ladder.

    Everything is still decided, and what is due waits. It needs no token: whoever has an account on
    the server may pull the brake. To let it go on needs two persons.
    """
    ctx = open_context()
    scope = _scope(channel, jurisdiction, ladder)
    stopped = stop_sending(ctx, scope, why)
    if not stopped.is_new:
        print_lines(say("That was stopped before, and stays so."))
        return
    print_lines(say("Sending is stopped. What is due waits, and is decided as before."))
    if stopped.on_the_way:
        print_lines(
            say(
                "{count} text(s) claimed before may still go out within seconds.",
                count=stopped.on_the_way,
            )
        )


@app.command("list")
def list_(
    all_of_them: Annotated[bool, typer.Option("--all", help="Also those that have ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is stopped now, since when, by whom and why."""
    holds = read(
        lambda connection, ctx: read_sending_holds(
            connection, ctx.settings.lender_zone, all_of_them=all_of_them, cipher=ctx.cipher
        )
    )
    show(HOLDS, holds, as_json=as_json)


@app.command()
def resume(
    hold: Annotated[int, typer.Argument(help="The number of the hold, as the list shows it.")],
) -> None:
    """End a sending hold: what it kept back is sent now, as far as it is still due."""
    resume_sending(open_context(), hold)
    print_lines(say("It goes on. What is due is claimed within minutes."))


def _scope(channel: str | None, jurisdiction: str | None, ladder: str | None) -> Scope:
    named = [
        Scope(kind, subject)
        for kind, subject in (
            (SendingScope.CHANNEL, channel),
            (SendingScope.JURISDICTION, jurisdiction),
            (SendingScope.LADDER, ladder),
        )
        if subject is not None
    ]
    if len(named) > 1:
        raise ArrearsError("Name one of --channel, --jurisdiction and --ladder, or none of them.")
    return named[0] if named else EVERYTHING


def hold_lines(holds: Iterable[SendingHold]) -> list[str]:
    """What is stopped, why, and what to do, for whatever shows how things stand."""
    language = language_of_environment()
    lines = []
    for hold in holds:
        what_to_do = because(WHAT_TO_DO[StoppedBecause(hold.cause)])
        lines += [
            say(
                "SENDING IS ON HOLD ({stopped}) since {since:%Y-%m-%d %H:%M}, set by {actor}.",
                stopped=_stopped(hold),
                since=hold.set_at,
                actor=hold.set_by,
            ),
            f"  {speak(hold.why, language)}",
            f"  {speak(what_to_do, language)}",
            say("  Then `arrears sending resume {hold}` lets it go on.", hold=hold.id),
        ]
    return lines
