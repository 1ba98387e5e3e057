"""Every English text that the command line says: found in the code, in tables and in helps."""

import ast
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import typer.main

import workers
from workers.cli.main import COMMANDS, app
from workers.cli.render import Table

ROOT = Path(workers.__file__).parent
CLI = ROOT / "cli"
NOT_AT_THE_COMMAND_LINE = ("simulator", "http", "providers")
"""Folders whose errors nobody meets who types a command; but the demo is in one of them."""
SAYS = {
    "say": 0,
    "ArrearsError": 0,
    "NotOnRosterError": 0,
    "NoOpenCallError": 0,
    "OutcomeMissingError": 0,
    "TapeError": 0,
    "BadCellError": 1,
    "refuse": 1,
    "_refuse": 1,
    "needed": 1,
    "matching": 2,
}
"""By the name of what is called, the place of the argument that is said."""


def texts_in_code() -> Iterator[str]:
    """The literal texts that are said, or that an error says."""
    for path in ROOT.rglob("*.py"):
        errors_too = not set(path.parts) & set(NOT_AT_THE_COMMAND_LINE)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from _said(node, SAYS if errors_too else {"say": 0})


def _said(call: ast.Call, says: Mapping[str, int]) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    place = says.get(name)
    if place is not None and len(call.args) > place:
        said = call.args[place]
        if isinstance(said, ast.Constant) and isinstance(said.value, str):
            yield said.value


def texts_of_tables() -> Iterator[str]:
    """Titles, headings and what stands where there are no rows."""
    modules = [f"workers.cli.{path.stem}" for path in CLI.glob("*.py")]
    for name in (*modules, "workers.simulator.demo.report"):
        module = import_module(name)
        for value in vars(module).values():
            for table in value.values() if isinstance(value, dict) else (value,):
                if isinstance(table, Table):
                    yield from filter(None, (table.title, table.if_none, *table.columns))


def texts_of_helps() -> Iterator[str]:
    """The help of each command, argument and option."""
    for summary in COMMANDS.values():
        yield summary[1]
    group = typer.main.get_command(app)
    yield from _helps(group)


def _helps(command: Any) -> Iterator[str]:
    if command.help:
        yield command.help
    for parameter in command.params:
        if getattr(parameter, "help", None):
            yield parameter.help
    for name in getattr(command, "commands", ()):
        yield from _helps(command.commands[name])
