"""A refusal names the option that it is about, also where its sentence is of a use case."""

from io import StringIO
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.loans import Book
from workers.cli.main import COMMANDS, _load
from workers.cli.options_meant import MISSING, WRONG

ASKED = ("--id", "A-1", "--asked-in", "R-1")
CALLED = ("call", "inbound", "L-1")


def options_of(command: Any) -> set[str]:
    own = {name for param in getattr(command, "params", ()) for name in param.opts}
    return own.union(*map(options_of, getattr(command, "commands", {}).values()))


def test_every_option_that_a_reason_is_said_to_mean_exists() -> None:
    known = set[str]().union(*(options_of(_load(name, "en")) for name in COMMANDS))
    named = {option for table in (MISSING, WRONG) for each in table.values() for option in each}
    assert named <= known


@pytest.fixture
def environment(database_url: str, engine: Engine) -> dict[str, str]:
    """L-1 is two days past due, and its borrower has asked for a plan."""
    book = Book(engine, now="2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    return an_environment(database_url)


def test_a_refusal_names_its_option(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO())
    request = ("arrangement", "request", "L-1", "--instalments", "3", *ASKED)
    assert arrears(environment, *request).returncode == 0
    wrong = {}
    for command, named in (
        (("explain", "L-1", "--at", "2026-13-01"), "--at"),
        (("may-contact", "L-1", "call", "--at", "noon"), "--at"),
        ((*CALLED, "--outcome", "callback_requested", "--at", "2026-03-05"), "--at"),
        ((*CALLED, "--outcome", "callback_requested"), "--at"),
        ((*CALLED, "--outcome", "spoke", "--at", "2199-03-05 10:00"), "--at"),
        ((*CALLED, "--outcome", "promised"), "--promised"),
        ((*CALLED, "--outcome", "promised", "--promised", "500:CNY"), "--promised"),
        ((*CALLED, "--outcome", "promised", "--promised", "x:CNY:2199-01-01"), "--promised"),
        ((*CALLED, "--outcome", "promised", "--promised", "5:CNY:2199-13-01"), "--promised"),
        ((*CALLED, "--outcome", "promised", "--promised", "0.01:CNY:2199-01-01"), "--promised"),
        ((*CALLED, "--outcome", "spoke", "--inconvenient-time", "noon"), "--inconvenient-time"),
        ((*CALLED, "--outcome", "spoke", "--speaks", "chinese!"), "--speaks"),
        (("quote", "L-1", "--monthly", "-5"), "--monthly"),
        (("arrangement", "decline", "A-1", "--reason", "other"), "--why"),
        (("hold", "place", "L-1", "manual", "--id=H", "--why=x", "--until=2020-01-01"), "--until"),
        (("recover", "--since", "noon"), "--since"),
        (("roster", "absent", "c-1", "--from", "noon"), "--from"),
        (
            ("quality", "sample", "--from=2026-03-01", "--to=2026-03-01", "--sheet=calls_xx"),
            "--sheet",
        ),
        (("promise", "record", "L-1", "-5", "CNY", "2199-01-01", "--id", "P"), "without a minus"),
        (("call", "locate", "L-1"), "--number"),
    ):
        done = arrears(environment, *command)
        if done.returncode != 2 or named not in done.stderr.splitlines()[-1]:
            wrong[" ".join(command)] = (done.returncode, done.stderr)
    assert not wrong, "\n".join(map(str, wrong.items()))


def test_a_refusal_names_nothing_that_it_is_not_about(environment: dict[str, str]) -> None:
    payment = ("payment", "record", "L-1", "10.005", "CNY", "--id", "P-1")
    assert "See --" not in arrears(environment, *payment).stderr
    chinese = environment | {"LANG": "zh_CN.UTF-8", "PYTHONIOENCODING": "utf-8"}
    said = arrears(chinese, "explain", "L-1", "--at", "noon").stderr
    assert said.endswith("见--at。\n")
