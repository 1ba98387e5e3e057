"""`arrears request`: what somebody asked for that needs a second person."""

from typing import Annotated

import typer

from domain.errors import text_of
from domain.second_person import RequestStatus
from workers.access import requests
from workers.access.requests import Request
from workers.cli.common import AsJson
from workers.cli.context import open_context
from workers.cli.language import language_of_environment, said_text, say
from workers.cli.render import Table, print_lines, show

app = typer.Typer()

Id = Annotated[int, typer.Argument(help="The number of the request.")]

STATUSES = {
    RequestStatus.ASKED: text_of("waits for a decision"),
    RequestStatus.GRANTED: text_of("granted"),
    RequestStatus.REFUSED: text_of("refused"),
    RequestStatus.WITHDRAWN: text_of("taken back"),
    RequestStatus.DONE: text_of("carried out"),
}
REPEAT = text_of("granted: repeat the command now")

ALL_REQUESTS = Table[Request](
    "All requests for a second person",
    {
        "request": lambda asked: asked.id,
        "permission": lambda asked: asked.permission,
        "what it will do": lambda asked: tuple(map(said_text, asked.lines())),
        "asked by": lambda asked: asked.asked_by,
        "since": lambda asked: asked.asked_at,
        "status": lambda asked: said_text(STATUSES[asked.status]),
        "decided by": lambda asked: asked.decided_by,
        "decided at": lambda asked: asked.decided_at,
    },
    if_none="No request is on record.",
    one_line=("request", "permission"),
)
REQUESTS = Table[Request](
    "Requests that wait for a second person, and your own",
    {
        **{
            name: read
            for name, read in ALL_REQUESTS.columns.items()
            if not name.startswith("decided")
        },
        # Those that are granted are one's own.
        "status": lambda asked: said_text(
            REPEAT if asked.status == RequestStatus.GRANTED else STATUSES[asked.status]
        ),
    },
    if_none="No request waits.",
    one_line=("request", "permission"),
)


@app.command("list")
def list_(
    show_all: Annotated[
        bool,
        typer.Option("--all", help="All that are on record, with who decided about each."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the requests that you may decide, and your own, with what each will do."""
    ctx = open_context()
    if show_all:
        with ctx.engine.connect() as connection:
            show(ALL_REQUESTS, requests.all_requests(connection, ctx).rows, as_json=as_json)
    else:
        show(REQUESTS, requests.waiting_requests(ctx).rows, as_json=as_json)


@app.command()
def grant(id: Id) -> None:
    """Grant what somebody else asked for. Whoever asked repeats the command then."""
    granted = requests.decide(
        open_context(), id, RequestStatus.GRANTED, language=language_of_environment()
    )
    print_lines(*map(said_text, granted.lines()))
    print_lines(
        say("Granted. {asked_by} repeats the command now.", asked_by=granted.asked_by),
    )


@app.command()
def refuse(id: Id) -> None:
    """Refuse a request, or take your own back."""
    refused = requests.decide(
        open_context(), id, RequestStatus.REFUSED, language=language_of_environment()
    )
    if refused.status == RequestStatus.WITHDRAWN:
        print_lines(say("Request {id} is taken back.", id=id))
    else:
        print_lines(say("Request {id} of {asked_by} is refused.", id=id, asked_by=refused.asked_by))
