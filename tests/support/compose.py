"""The compose file, read for tests as Docker would read it."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Service:
    """One service; `given` is what stands in the file, merges applied."""

    name: str
    given: dict[str, Any]
    options: dict[str, str] = field(default_factory=dict)
    """Of `arrears COMMAND --name=value …`; empty for other programs."""

    @property
    def arrears(self) -> str | None:
        """The command of `arrears` that it runs; None where it is another program's image."""
        return self.words[1] if self.words[:1] == ["arrears"] else None

    @property
    def words(self) -> list[str]:
        command = self.given.get("command", [])
        return shlex.split(command) if isinstance(command, str) else list(command)

    @property
    def one_shot(self) -> bool:
        return str(self.given["restart"]) == "no"

    @property
    def health(self) -> str:
        """The command that asks for its health; empty where there is none."""
        test = self.given.get("healthcheck", {}).get("test", "")
        return test if isinstance(test, str) else " ".join(test)

    def __str__(self) -> str:
        return self.name


def compose_file() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
    return loaded


def services() -> list[Service]:
    return [_service(name, given) for name, given in compose_file()["services"].items()]


def _service(name: str, given: dict[str, Any]) -> Service:
    words = Service(name, given).words
    if words[:1] != ["arrears"]:
        return Service(name, given)
    return Service(name, given, dict(word.removeprefix("--").split("=", 1) for word in words[2:]))


def seconds(duration: str) -> int:
    """`45s` and `2m` in seconds."""
    found = re.fullmatch(r"(\d+)([sm])", duration)
    assert found, f"{duration} is not written like 45s or 2m"
    return int(found[1]) * {"s": 1, "m": 60}[found[2]]
