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
FOLDERS = (ROOT, ROOT.parent / "config", ROOT.parent / "domain")
NOT_AT_THE_COMMAND_LINE = ("providers", "http", "faults")
"""Folders and modules whose errors nobody meets who types a command."""
Places = Mapping[str, tuple[int, ...]]
SAYS: Places = {
    "say": (0,),
    "text_of": (0,),
    "ArrearsError": (0,),
    "NotKnownError": (0,),
    "NotOnRosterError": (0,),
    "NotPermittedError": (0,),
    "WrongRoleError": (0,),
    "WithoutRoleError": (0,),
    "TooOftenError": (0,),
    "SecondPersonNeededError": (0,),
    "NoOpenCallError": (0,),
    "NotServedError": (0,),
    "JournalUnusableError": (0,),
    "OutcomeMissingError": (0,),
    "TapeError": (0,),
    "SettingsError": (0,),
    "PolicyError": (0,),
    "UnusableValueError": (0,),
    "BadCellError": (1,),
    "_refuse": (1,),
    "needed": (1,),
}
"""By the name of what is called, the places of the arguments that are said."""
IN_TAPES: Places = {"refuse": (1,), "matching": (2,)}
IN_POLICY: Places = {
    "refuse": (0, 1),
    "wrong": (0,),
    "matching": (1,),
    "days": (0,),
    "known": (1,),
    "unused": (2,),
}


def texts_in_code() -> Iterator[str]:
    """The literal texts that are said, or that an error says."""
    for _, said in _arguments():
        yield from _literals(said)


def texts_put_together() -> Iterator[str]:
    """Where a text is put together in the code, so that no other language can have it."""
    for path, said in _arguments():
        if isinstance(said, ast.JoinedStr):
            yield f"{path.relative_to(ROOT.parent)} line {said.lineno}: {ast.unparse(said)}"


def _arguments() -> Iterator[tuple[Path, ast.expr]]:
    """What is said, or what an error says: the argument of each call, and its module."""
    for path in (path for folder in FOLDERS for path in sorted(folder.rglob("*.py"))):
        module = ast.parse(path.read_text(encoding="utf-8"))
        constants = _constants(module)
        for node in ast.walk(module):
            if isinstance(node, ast.Call):
                for said in _said(node, _places(path)):
                    yield path, constants.get(getattr(said, "id", ""), said)


def _places(path: Path) -> Places:
    if {*path.parts, path.stem} & {*NOT_AT_THE_COMMAND_LINE}:
        return {"say": (0,)}
    return {**SAYS, **(IN_POLICY if "config" in path.parts else IN_TAPES)}


def _said(call: ast.Call, says: Places) -> Iterator[ast.expr]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    yield from (call.args[place] for place in says.get(name, ()) if len(call.args) > place)


def _constants(module: ast.Module) -> Mapping[str, ast.expr]:
    """What a name stands for in a module; the last one if it is given several."""
    return {
        target.id: node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _literals(said: ast.expr) -> Iterator[str]:
    """The text, or both texts of a choice."""
    if isinstance(said, ast.IfExp):
        yield from _literals(said.body)
        yield from _literals(said.orelse)
    elif isinstance(said, ast.Constant) and isinstance(said.value, str):
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
