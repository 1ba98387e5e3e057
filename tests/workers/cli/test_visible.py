"""Nothing that came from outside steers a terminal, or begins a line of a log."""

import json
import logging
import re
from collections.abc import Callable

import pytest
from rich.text import Text

from domain.visible import visible, visible_line
from tests.support.commands import arrears
from tests.support.environment import an_environment
from workers.cli.render import Table, console, errors, print_json, print_lines
from workers.cli.streams import visible_streams
from workers.log_lines import VisibleRecord

CLEAR_SCREEN = "\x1b[2J"
STRANGE = f"Lin {CLEAR_SCREEN}\x07\x9b31m\u202egnp.exe\u2066\u200f\x7f\rdone\u2028\ufeff"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

WAYS: dict[str, Callable[[str], object]] = {
    "a cell": lambda text: Table[str]("Rows", {"who": str, "why": str}).print([text]),
    "lines": print_lines,
    "text": lambda text: console.print(text, markup=False),
    "styled": lambda text: console.print(Text.assemble(("at ", "dim"), text)),
    "an error": lambda text: errors.print(text, markup=False),
    "JSON": lambda text: print_json({"who": text}),
    "print": print,
}


@pytest.mark.parametrize("say", WAYS.values(), ids=WAYS)
@pytest.mark.attack("terminal")
def test_what_a_terminal_would_obey_is_shown_as_its_escape(
    say: Callable[[str], object], capsys: pytest.CaptureFixture[str]
) -> None:
    with visible_streams():
        say(STRANGE)
    said = "".join(capsys.readouterr())
    assert not OBEYED.search(said)
    assert r"\u001b[2J" in said
    assert r"\u202e" in said


def test_json_stays_json_and_has_the_character_again(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([{"who": STRANGE}])
    assert json.loads(capsys.readouterr().out) == [{"who": STRANGE}]


def test_words_of_every_language_stay_as_they_are() -> None:
    for text in ("林小明，您好", "naïve\tcafé\nline", "👩‍💻", "الو", "नमस्ते", "zero\u200bwidth"):
        assert visible(text) == text
    assert visible_line("one\ntwo") == r"one\ntwo"
    assert visible("\udcff") == r"\udcff"


@pytest.mark.parametrize(
    "command",
    [
        (f"no-such-{STRANGE}",),
        ("rules", STRANGE),
        ("ladder", f"--{STRANGE}"),
        ("explain", STRANGE),
        ("tape", "import", f"/nowhere/{STRANGE}", "--as-of", STRANGE),
    ],
)
@pytest.mark.parametrize("language", ["C.UTF-8", "zh_CN.UTF-8"])
@pytest.mark.attack("terminal")
def test_an_error_with_the_users_own_argument_does_not_steer_the_terminal(
    command: tuple[str, ...], language: str
) -> None:
    strange = tuple(part.replace("\x00", "") for part in command)
    done = arrears(an_environment() | {"LANG": language}, *strange)
    assert done.returncode != 0
    assert not OBEYED.search(done.stdout + done.stderr)


@pytest.mark.attack("terminal")
def test_a_line_of_the_log_is_one_line_and_a_traceback_cannot_look_like_one() -> None:
    formatter = logging.Formatter("%(levelname)s %(message)s")
    forged = "\nERROR paid in full " + CLEAR_SCREEN
    try:
        raise ValueError(forged)
    except ValueError as error:
        caught = (type(error), error, error.__traceback__)
    record = VisibleRecord("arrears", logging.WARNING, "x.py", 1, "by %s", (forged,), caught)
    lines = formatter.format(record).split("\n")
    assert lines[0] == r"WARNING by \nERROR paid in full \u001b[2J"
    assert all(line.startswith("  ") for line in lines[2:])
    assert not OBEYED.search("".join(lines))
