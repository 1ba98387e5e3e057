"""`arrears call`, `arrears visit`, and what borrowers asked for, as people type them.

The commands look at the machine's clock; what they say of a call depends on the hour in which the
test runs, so the gate is made sure of by a hold, and let go by a zone in which it is noon.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from domain.holds import HoldKind
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.loans import PHONE, Book
from workers.calls.assign import assign_call
from workers.db.schema import access, contact, contact_outcome, person_fact, sending_hold


def where_it_is_noon() -> str:
    """A zone in which it is about noon now, whatever the hour here."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return an_environment(database_url)


@pytest.fixture
def book(engine: Engine) -> Book:
    """A call that c-1 may begin at this very hour, where the borrower is."""
    zone = where_it_is_noon()
    today = datetime.now(ZoneInfo(zone))
    book = Book(engine, now=f"{today:%Y-%m-%d %H:%M}", zone=zone)
    book.staff(
        "c-1",
        *("caller", "visitor"),
        trained_on=f"{today:%Y-%m-%d}",
        shift=(f"{today:%Y-%m-%d} 00:00", f"{today:%Y-%m-%d} 23:59"),
    )
    due_on = today - timedelta(days=1)
    book.loan("L-1", due_on=f"{due_on:%Y-%m-%d}", zones=[zone], phone=PHONE["CN"])
    book.escalate("L-1")
    assert assign_call(book.ctx, book.action_id("L-1", "friendly_call")) == "assigned"
    return book


def test_a_command_that_may_not_write_the_counter_starts_no_call_and_stops_nobody(
    environment: dict[str, str], book: Book, tmp_path: Path
) -> None:
    """A collector's command ran as another user than the workers, and stopped all sending."""
    file = tmp_path / "counter"
    file.mkdir()  # nobody can write it, whoever runs the test
    environment["ARREARS_SENDING_COUNTER_FILE"] = str(file)

    refused = arrears(environment, "call", "start", "L-1", by="c-1")

    assert refused.returncode == 2
    assert "cannot be used by this command: Is a directory. Nobody was" in refused.stderr
    assert book.rows(contact) == book.rows(sending_hold) == []


def test_a_call_starts_and_its_outcome_is_reported(environment: dict[str, str], book: Book) -> None:
    tried = arrears(environment, "call", "start", "L-1", "--dry-run", by="c-1")
    assert tried.returncode == 0, tried.stderr
    assert "Allowed now: the call may start." in tried.stdout
    assert "Nothing was changed" in tried.stdout
    assert book.rows(contact) == []

    served = arrears(environment, "call", "next", by="c-1")
    assert "`arrears call start L-1` shows the number." in served.stdout, served.stderr
    started = arrears(environment, "call", "start", "L-1", by="c-1")
    assert started.returncode == 0, started.stderr
    assert PHONE["CN"] in started.stdout
    outcomes = started.stdout.split("It may come to: ")[1].split("; or another outcome.")[0]
    assert len(outcomes.split(",")) == 15
    assert book.one(access).what == "number"
    again = arrears(environment, "call", "start", "L-1", by="c-1")
    assert again.returncode == 2
    assert "its outcome is not recorded" in again.stderr
    assert "`arrears call outcome`" in again.stderr

    answer = arrears(environment, "call", "outcome", "L-1", "--outcome", "no_answer", by="c-1")
    assert answer.returncode == 0, answer.stderr
    assert "may be tried again" in answer.stdout
    assert book.one(contact_outcome).outcome == "no_answer"
    none = arrears(environment, "call", "outcome", "L-1", "--outcome", "spoke", by="c-1")
    assert none.returncode == 2
    assert "No started call of loan L-1 waits" in none.stderr


def test_a_call_that_is_barred_says_why_and_shows_no_number(
    environment: dict[str, str], book: Book
) -> None:
    book.hold("L-1", HoldKind.DISPUTE, "2020-01-01", None)
    refused = arrears(environment, "call", "start", "L-1", by="c-1")
    assert refused.returncode == 1
    assert "lender.on_hold" in refused.stderr
    assert PHONE["CN"] not in refused.stdout + refused.stderr
    assert book.rows(contact) == []


def test_what_begins_is_there_for_programs(environment: dict[str, str], book: Book) -> None:
    arrears(environment, "call", "next", by="c-1")
    started = arrears(environment, "call", "start", "L-1", "--json", by="c-1")
    answer = json.loads(started.stdout)
    assert answer["reach"] == PHONE["CN"]
    assert answer["attempt"] == book.one(contact).attempt
    assert len(answer["outcomes"]) == 15


def test_a_visit_that_is_not_assigned_cannot_begin(environment: dict[str, str], book: Book) -> None:
    for command in (("start",), ("cancel", "--why", "rain"), ("outcome", "--outcome", "spoke")):
        refused = arrears(environment, "visit", command[0], "L-1", *command[1:], by="c-1")
        assert refused.returncode == 2
        assert "L-1" in refused.stderr


def test_wishes_notices_and_acknowledgements_are_recorded(
    environment: dict[str, str], book: Book
) -> None:
    asked = arrears(environment, "opt-out", "B-L-1", by="c-1")
    assert asked.returncode == 0, asked.stderr
    assert "Nobody contacts borrower B-L-1 any more." in asked.stdout
    assert book.one(person_fact).kind == "ceased"
    for command in ("validation-notice", "acknowledgement"):
        noted = arrears(environment, command, "L-1", by="c-1")
        assert noted.returncode == 0, noted.stderr
    kept = arrears(environment, "acknowledgement", "L-9", by="c-1")
    assert kept.returncode == 3
    assert "arrears events discard acknowledgement:L-9:" in kept.stderr
