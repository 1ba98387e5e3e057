"""What starting a command imports, counted: no command loads packages that it does not use."""

import logging
from io import StringIO

import pytest

from tests.support.commands import arrears, arrears_process, python
from tests.support.environment import an_environment
from workers.cli.common import log_to_stderr

HEAVY = {
    *("alembic", "celery", "fastapi", "pydantic", "redis", "rich", "sqlalchemy", "twilio"),
    "holidays.countries",
}
NEEDED = {"pydantic", "rich"}
"""What settings and tables take: of commands that read only files."""

IMPORTED = """
import sys
from workers.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert ended.code == 0, ended.code
ours = [name for name in sys.modules if name.startswith("workers.")]
packages = {".".join(name.split(".")[:depth]) for name in sys.modules for depth in (1, 2)}
print(*sorted(packages), len(ours), file=sys.stderr)
"""


def imported(*command: str) -> tuple[set[str], int]:
    """The heavy packages that a command imports, and how many modules of ours."""
    done = python(an_environment(), "-c", IMPORTED, *command)
    assert done.stdout
    *packages, ours = done.stderr.split()
    return HEAVY.intersection(packages), int(ours)


def test_the_help_imports_nothing_but_the_commands_their_examples_and_how_they_speak() -> None:
    assert imported("--help") == (set(), 6)


@pytest.mark.parametrize("command", [["ladder"], ["rules", "CN"], ["keys", "new"]])
def test_a_command_that_reads_only_files_loads_no_database_and_no_provider(
    command: list[str],
) -> None:
    heavy, ours = imported(*command)
    assert heavy <= NEEDED
    assert ours < 15


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        (["--help"], 0, ""),
        ([], 2, ""),
        (["payment"], 2, ""),
        (["paymnt"], 2, "Did you mean 'payment'?"),
        (
            ["actions", "show", "x"],
            2,
            "'x' cannot be used: write a whole number.",
        ),
        (["reply", "read", "x"], 2, "'x' cannot be used: write a whole number."),
        (["worker", "--concurrency", "99"], 2, "cannot be used: write 64 or less."),
        (["worker", "--concurrency", "0"], 2, "cannot be used: write 1 or more."),
        (["status"], 2, "arrears: The database cannot be reached"),
        (["payment", "record", "L-1", "-5", "CNY", "--id", "P-1"], 2, "arrears: "),
    ],
)
def test_the_exit_code_says_how_it_went(command: list[str], code: int, says: str) -> None:
    done = arrears(an_environment(), *command)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr


def test_the_exit_code_is_that_of_the_process() -> None:
    done = arrears_process(an_environment(), "paymnt")
    assert (done.returncode, "Did you mean 'payment'?" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(("terminal", "level"), [(True, logging.NOTSET), (False, logging.INFO)])
def test_a_person_at_a_terminal_sees_no_log(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, level: int
) -> None:
    monkeypatch.setattr("sys.stderr", StringIO())
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    log_to_stderr(f"a_module_{terminal}")
    assert logging.getLogger(f"a_module_{terminal}").level == level
