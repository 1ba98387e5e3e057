"""`arrears request`: what somebody asked for that needs a second person."""

from typing import Annotated

import typer

from domain.second_person import RequestStatus
from workers.access import second_person
from workers.access.second_person import Request
from workers.cli.common import AsJson
from workers.cli.context import open_context
from workers.cli.language import say
from workers.cli.render import Table, print_lines, show

app = typer.Typer()

Id = Annotated[int, typer.Argument(help="The number of the request.")]

REQUESTS = Table[Request](
    "Requests that wait for a second person",
    {
        "request": lambda asked: asked.id,
        "permission": lambda asked: asked.permission,
        "what it will do": lambda asked: asked.shown,
        "asked by": lambda asked: asked.asked_by,
        "since": lambda asked: asked.asked_at,
    },
    if_none="No request waits.",
    one_line=("request", "permission"),
)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the requests that wait, with what each will do."""
    ctx = open_context()
    with ctx.engine.connect() as connection:
        waiting = second_person.waiting_requests(connection, ctx)
    show(REQUESTS, waiting, as_json=as_json)


@app.command()
def grant(id: Id) -> None:
    """Grant what somebody else asked for. Whoever asked repeats the command then."""
    granted = second_person.decide(open_context(), id, RequestStatus.GRANTED)
    print_lines(granted.shown)
    print_lines(
        say("Granted. {asked_by} repeats the command now.", asked_by=granted.asked_by),
    )


@app.command()
def refuse(id: Id) -> None:
    """Refuse a request, or take your own back."""
    refused = second_person.decide(open_context(), id, RequestStatus.REFUSED)
    if refused.status == RequestStatus.WITHDRAWN:
        print_lines(say("Request {id} is taken back.", id=id))
    else:
        print_lines(say("Request {id} of {asked_by} is refused.", id=id, asked_by=refused.asked_by))
