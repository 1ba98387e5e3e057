"""`arrears machine`: what each of the lender's systems may do."""

from datetime import date, datetime, time
from typing import Annotated

import typer

from domain.permissions import PERMISSIONS, Permission
from workers.access import machines
from workers.access.machines import CALLS_A_MINUTE, Machine
from workers.cli.common import AsJson, day
from workers.cli.context import open_context, read
from workers.cli.language import say
from workers.cli.render import Table, print_lines, show

app = typer.Typer()

MACHINES = Table[Machine](
    "Machines",
    {
        "machine": lambda machine: machine.name,
        "scopes": lambda machine: machine.scopes,
        "calls a minute": lambda machine: machine.calls_a_minute,
        "until": lambda machine: machine.expires_at or say("revoked or changed"),
        "revoked": lambda machine: machine.revoked_at or "",
        "last use": lambda machine: machine.last_used_at or say("never"),
    },
    if_none="No machine is allowed anything.",
    one_line=("machine",),
)


def _scope(written: str) -> Permission:
    allowed = [str(each) for each in Permission if PERMISSIONS[each].machines]
    if written not in allowed:
        raise typer.BadParameter(
            say("{written!r} is no scope of machines.", written=written) + " " + ", ".join(allowed)
        )
    return Permission(written)


@app.command()
def allow(
    name: Annotated[str, typer.Argument(help="The name under which it sends events.")],
    scopes: Annotated[
        list[str],
        typer.Argument(
            parser=_scope,
            metavar="SCOPE",
            help="Such as events:payment; `arrears permissions --machines` shows all.",
        ),
    ],
    calls_a_minute: Annotated[
        int,
        typer.Option(min=1, max=100_000, help="How often it may call each process in a minute."),
    ] = CALLS_A_MINUTE,
    until: Annotated[date | None, day("The last day on which it may.")] = None,
) -> None:
    """Let a machine do what its scopes say, and nothing else. A second person grants it."""
    ctx = open_context()
    named = sorted(map(Permission, scopes))
    ends = datetime.combine(until, time.max, ctx.settings.lender_zone) if until else None
    machines.allow_machine(ctx, name, named, calls_a_minute=calls_a_minute, expires_at=ends)
    print_lines(say("{name} may do: {scopes}.", name=name, scopes=", ".join(named)))


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="The name of the machine.")]) -> None:
    """Let a machine do nothing any more. It needs no second person."""
    machines.revoke_machine(open_context(), name)
    print_lines(say("{name} may do nothing any more.", name=name))


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the machines: their scopes, and when each was used last."""
    show(MACHINES, read(machines.read_machines), as_json=as_json)
