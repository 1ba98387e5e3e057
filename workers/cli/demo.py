"""`arrears demo`: one day of collections on servers made for it. Only a source checkout has it."""

from collections.abc import Mapping
from typing import Annotated, Literal

import typer

from domain.errors import ArrearsError
from workers.cli.language import language_of_environment

BOOK_OF_LANGUAGE: Mapping[str, str] = {"en": "us", "zh": "cn"}


def demo(
    book: Annotated[
        Literal["us", "cn"] | None,
        typer.Option(
            help="The loan book: 400 real loans of the US, or 400 made-up ones of China, which are "
            "shown in Chinese. cn if left out where the locale is Chinese, else us."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on stdout, all else on stderr.")
    ] = False,
    stay: Annotated[
        bool, typer.Option("--stay", help="Leave it running to look at, with Flower, until Ctrl-C.")
    ] = False,
    servers_only: Annotated[
        bool,
        typer.Option(
            "--servers-only",
            help="Only an empty database with its tables, and a broker, until Ctrl-C: to try a "
            "file of your own on the day of today.",
        ),
    ] = False,
) -> None:
    """Take 400 loans through one day of collections, and show what was done and why.

    Everything runs here, and nothing leaves this machine: real servers, a worker and beat,
    and a simulated text provider. Exit code 1 if anything failed, could not be explained or
    was done twice.
    """
    try:
        from workers.simulator.demo.command import run_demo, run_servers
    except ModuleNotFoundError as error:
        if error.name != "workers.simulator":
            raise
        raise ArrearsError(
            "The demo is not part of the installed package. Clone the source repository and type "
            "`make demo` in it."
        ) from None
    name = book or BOOK_OF_LANGUAGE[language_of_environment()]
    if servers_only:
        run_servers(name)
    else:
        run_demo(name, as_json=as_json, stay=stay)
