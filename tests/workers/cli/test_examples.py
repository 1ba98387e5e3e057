"""Below the help of each command stand examples, and the parser takes each of them."""

import shlex

import pytest

from tests.support.commands import arrears
from workers.cli.examples import EXAMPLES
from workers.cli.main import COMMANDS, _built

LINES = [(name, line) for name, lines in EXAMPLES.items() for line in lines]


def test_every_command_has_one_to_three() -> None:
    assert set(EXAMPLES) == set(COMMANDS)
    assert {len(lines) for lines in EXAMPLES.values()} <= {1, 2, 3}


@pytest.mark.parametrize(("name", "line"), LINES, ids=[line for _, line in LINES])
def test_each_example_is_taken_by_the_parser(name: str, line: str) -> None:
    called, *arguments = shlex.split(line)
    assert called == name
    command = _built(name)
    if (verbs := getattr(command, "commands", None)) is not None:
        verb, *arguments = arguments
        command = verbs[verb]
    command.make_context(line, arguments)


@pytest.mark.parametrize(
    ("language", "heading"), [("en_US.UTF-8", "Examples:"), ("zh_CN.UTF-8", "示例：")]
)
@pytest.mark.parametrize("name", ["promise", "explain"])
def test_they_stand_below_the_help_each_on_its_line(name: str, language: str, heading: str) -> None:
    shown = arrears({"LANG": language, "PYTHONIOENCODING": "utf-8"}, name, "--help").stdout
    below = shown[shown.index(heading) :].splitlines()
    assert [line.strip() for line in below[1:]] == [f"arrears {line}" for line in EXAMPLES[name]]
