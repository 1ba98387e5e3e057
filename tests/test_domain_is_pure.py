"""The domain decides from what it is told: it reads no clock, no environment, no file, no dice."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

DOMAIN = Path(__file__).resolve().parents[1] / "domain"

PURE = {
    "__future__",
    "calendar",
    "collections",
    "dataclasses",
    "datetime",
    "decimal",
    "domain",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "string",
    "typing",
    "unicodedata",
    "zoneinfo",
}
"""What the domain may import. None of it knows where or when it runs, but for `CLOCKS`."""

OWN_DATA = {module: {"tomllib", "pathlib"} for module in ("sentences", "speak")}
"""By module, what it imports besides: the sentences of a language are files of the domain."""

CLOCKS = {"now", "utcnow", "today"}
"""What reads the clock of this machine, in `datetime` and `date`."""

OUTWARD = {"open", "input", "print", "exec", "eval", "compile", "breakpoint", "__import__"}


def impurities(source: str) -> Iterator[str]:
    """Everything in a module by which two calls with the same arguments could differ."""
    for node in ast.walk(ast.parse(source)):
        for module in _imported(node):
            if module.partition(".")[0] not in PURE:
                yield f"line {node.lineno}: imports {module}"  # type: ignore[attr-defined]
        match node:
            case ast.Attribute(attr=name) if name in CLOCKS and _is_a_class(node.value):
                yield f"line {node.lineno}: reads the clock with {name}"
            case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCKS:
                yield f"line {node.lineno}: reads the clock with {name}()"
            case ast.Call(func=ast.Attribute(attr="astimezone"), args=[], keywords=[]):
                yield f"line {node.lineno}: reads the zone of this machine"
            case ast.Name(id=name) if name in OUTWARD:
                yield f"line {node.lineno}: uses {name}"


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [name.name for name in names]
        case ast.ImportFrom(module=module, level=level):
            return ["." * level + (module or "")]
    return []


def _is_a_class(node: ast.expr) -> bool:
    match node:
        case ast.Name(id="date" | "datetime") | ast.Attribute(attr="date" | "datetime"):
            return True
    return False


def test_a_module_of_the_domain_knows_only_what_it_is_told() -> None:
    modules = sorted(DOMAIN.rglob("*.py"))
    assert len(modules) > 100
    wrong = [
        (module.name, line)
        for module in modules
        for line in impurities(module.read_text(encoding="utf-8"))
        if not line.endswith(tuple(f" {name}" for name in OWN_DATA.get(module.stem, ())))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime\ndatetime.now()",
        "from datetime import UTC, datetime\ndatetime.now(UTC)",
        "import datetime\ndatetime.datetime.utcnow()",
        "import datetime as dt\ndt.date.today()",
        "from datetime import date as Day\nDay.today()",
        "from dataclasses import field\nat = field(default_factory=datetime.now)",
        "moment.astimezone()",
        "import time\ntime.time()",
        "from time import monotonic",
        "import os\nos.environ",
        "from os import environ, getenv",
        "import random",
        "import secrets",
        "from uuid import uuid4",
        "from pathlib import Path",
        "open('rules.yaml')",
        "import sqlalchemy.orm",
        "from workers.context import House",
        "from . import loans",
    ],
)
def test_what_would_make_a_decision_depend_on_its_surroundings_is_found(source: str) -> None:
    assert list(impurities(source))


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import date, time\nfrom domain.loans import Loan",
        "def decide(now: datetime, today: date) -> bool:\n    return now.date() == today",
        "moment.astimezone(zone)",
        "snapshot.today",
    ],
)
def test_what_only_uses_what_it_was_told_is_left_alone(source: str) -> None:
    assert not list(impurities(source))
