"""Below the help of each command stand examples, and the parser takes each of them."""

import re
import shlex
from pathlib import Path

import pytest

import workers
from tests.support.commands import arrears
from workers.cli.examples import EXAMPLES
from workers.cli.main import COMMANDS, _built, _suggested, _verbs
from workers.cli.other_words import OTHER_WORDS


def test_every_command_has_one_to_three() -> None:
    assert set(EXAMPLES) == set(COMMANDS)
    assert {len(lines) for lines in EXAMPLES.values()} <= {1, 2, 3}


def test_each_example_is_taken_by_the_parser() -> None:
    for name, line in ((name, line) for name, lines in EXAMPLES.items() for line in lines):
        called, *arguments = shlex.split(line)
        assert called == name
        command = _built(name)
        if (verbs := getattr(command, "commands", None)) is not None:
            verb, *arguments = arguments
            command = verbs[verb]
        command.make_context(line, arguments)


@pytest.mark.parametrize("page", ["README.md", "docs/zh/README.md"])
def test_the_front_page_lists_every_command(page: str) -> None:
    text = (Path(workers.__file__).parents[1] / page).read_text(encoding="utf-8")
    listed = {name.split()[0] for name in re.findall(r"`([a-z -]+)`[,、 ]", text)}
    assert set(COMMANDS) <= listed


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("inbound", "call inbound"),
        ("refund", "payment refund"),
        ("pay", "payment record"),
        ("explian", "explain"),
    ],
)
def test_what_somebody_types_instead_of_a_command_leads_to_it(word: str, meant: str) -> None:
    assert _suggested(word)[0] == meant


def test_what_is_suggested_exists() -> None:
    for word, found in OTHER_WORDS.items():
        assert word not in COMMANDS
        for noun, *verbs in map(str.split, found):
            assert set(verbs) <= {*_verbs(noun)}, found


def test_a_command_without_its_noun_is_refused_with_the_whole_command() -> None:
    said = [arrears({"LANG": of}, "inbound").stderr for of in ("C.UTF-8", "zh_CN.UTF-8")]
    assert "Did you mean 'call inbound'?" in said[0]
    assert "是否想写'call inbound'？" in said[1]


@pytest.mark.parametrize(
    ("language", "heading"), [("en_US.UTF-8", "Examples:"), ("zh_CN.UTF-8", "示例：")]
)
@pytest.mark.parametrize("name", ["promise", "explain"])
def test_they_stand_below_the_help_each_on_its_line(name: str, language: str, heading: str) -> None:
    shown = arrears({"LANG": language, "PYTHONIOENCODING": "utf-8"}, name, "--help").stdout
    below = shown[shown.index(heading) :].splitlines()
    assert [line.strip() for line in below[1:]] == [f"arrears {line}" for line in EXAMPLES[name]]
