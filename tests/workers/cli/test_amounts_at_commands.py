"""At the command line a collector reads what a loan owes as at the desk: once they have confirmed
the person. Who works with amounts reads them always."""

import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from domain.actors import Role
from domain.permissions import PERMISSIONS
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.events import tell
from tests.support.loans import Book
from tests.support.signed_in import sign_in
from workers.calls.amounts import CONTACT
from workers.calls.assign import assign_call
from workers.cli import main
from workers.cli.permission_of import PERMISSION_OF

COMMANDS = Path(main.__file__).parent
AMOUNTS_IN = re.compile(r"decimal_string|format_money|quote_lines|loan_history")
AMOUNT = re.compile(r"\d{3,}[.,]\d\d|\d{3,} (CNY|元)")


@pytest.fixture
def book(engine: Engine) -> Book:
    book = Book(engine, now="2026-03-02 10:00")
    book.staff("c-9", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    promised = {"promise": "P-1", "loan": "L-1", "amount": "1000.00", "currency": "CNY"}
    told = tell(book, "promise", **promised, due_on="2026-03-05", actor="c-9")
    assert told.status == "applied"
    return book


def test_what_a_loan_owes_is_hidden_from_a_collector_until_the_person_is_confirmed(
    book: Book, database_url: str, engine: Engine
) -> None:
    environment = an_environment(database_url)
    with engine.begin() as connection:
        file = sign_in(connection, "c-9", Role.CALLER)
    collector = {**environment, "ARREARS_TOKEN_FILE": str(file)}
    explained = [("explain", "L-1"), ("explain", "L-1", "--language", "zh")]
    explained += [("explain", "L-1", "--json"), ("worklist",), ("arrangement", "list")]
    about_amounts = [("promise", "list", "L-1"), ("promise", "limits", "L-1")]
    about_amounts += [("quote", "L-1", "--instalments", "3")]
    for command in explained:
        shown = arrears(collector, *command)
        assert shown.returncode == 0, shown.stderr
        assert not AMOUNT.search(shown.stdout), command
    for command in about_amounts:
        refused = arrears(collector, *command)
        assert refused.returncode != 0
        assert "once the right person is confirmed" in refused.stderr
    too_little = ("promise", "record", "L-1", "1", "CNY", "2026-03-04", "--id", "P-2")
    assert not re.search(r"\d+\.\d\d", arrears(collector, *too_little).stderr)

    assert AMOUNT.search(arrears(environment, "explain", "L-1").stdout), "not of others"
    assert arrears(environment, "promise", "list", "L-1").returncode == 0


def test_every_command_of_theirs_that_can_show_an_amount_asks_whether_it_may() -> None:
    theirs = {
        command.split()[0].replace("-", "_")
        for command, permission in PERMISSION_OF.items()
        if not CONTACT.isdisjoint(PERMISSIONS[permission].roles)
    }
    texts = {file.stem: file.read_text() for file in COMMANDS.glob("*.py") if file.stem in theirs}
    showing = {name for name, text in texts.items() if AMOUNTS_IN.search(text)}
    assert showing, "the pattern finds none any more"
    assert {name for name in showing if "commands_show_amounts" not in texts[name]} == set()
