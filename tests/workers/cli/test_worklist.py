"""What waits for people, as they read it: `worklist`, `roster`, `letter`, `problems`."""

import json

import pytest
from sqlalchemy import Engine

from domain.reasons import ReasonCode, because
from tests.support.commands import arrears, arrears_process
from tests.support.encrypted import opened
from tests.support.environment import an_environment
from tests.support.events import tell
from tests.support.loans import NAME, Book
from workers.db.problems import note_problem
from workers.db.schema import document
from workers.visits.schedule import schedule_visit


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return an_environment(database_url)


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1 has a visit and its letter; L-2 is a legal file that waits for approval."""
    book = Book(engine, now="2026-03-31 10:00")
    for number in (1, 2):
        book.staff(f"v-{number}", "visitor")
    book.loan("L-1", due_on="2026-03-01")
    book.loan("L-2", due_on="2026-01-01", steps_tried=("remind", "enquire", "visit"))
    book.escalate("L-1", "L-2")
    schedule_visit(book.ctx, book.action_id("L-1", "field_visit"))
    return book


def test_the_work_list_is_there_for_people_and_for_programs(
    environment: dict[str, str], book: Book
) -> None:
    read = arrears(environment, "worklist", "--on", "2026-03-31")
    assert read.returncode == 0
    assert "There are no calls to make." in read.stdout
    assert "v-1" in read.stdout
    assert "v-2" in read.stdout
    assert max(map(len, read.stdout.splitlines())) <= 80, "it fits an ordinary terminal"
    assert "supervisor" in read.stdout
    assert NAME not in read.stdout

    worklist = json.loads(arrears(environment, "worklist", "--on", "2026-03-31", "--json").stdout)
    assert list(worklist) == ["calls", "visits", "files", "approvals", "replies"]
    assert worklist["visits"]["rows"][0]["starts_at"] == "2026-04-03 09:00:00+08:00"
    assert worklist["visits"]["rows"][0]["notice_printed_at"] is None
    assert [waiting["loan"] for waiting in worklist["approvals"]["rows"]] == ["L-2"]


def test_the_work_of_one_kind_or_one_person_is_shown_alone(
    environment: dict[str, str], book: Book
) -> None:
    of_kind = arrears(environment, "worklist", "--kind", "approvals", "--json")
    assert list(json.loads(of_kind.stdout)) == ["approvals"]
    of_person = arrears(environment, "worklist", "--staff", "v-1", "--on", "2026-03-31", "--json")
    assert [row["loan"] for row in json.loads(of_person.stdout)["visits"]["rows"]] == ["L-1"]

    refused = arrears(environment, "worklist", "--kind", "files", "--staff", "v-1")
    assert (refused.returncode, "nobody's in particular" in refused.stderr) == (2, True)


def test_the_roster_is_listed_for_people_and_for_programs(
    environment: dict[str, str], book: Book
) -> None:
    assert "v-1" in arrears(environment, "roster", "list", by="v-1").stdout
    done = arrears(environment, "roster", "list", "--json", by="v-1")
    listed = json.loads(done.stdout)["rows"]
    assert [(row["staff"], row["roles"]) for row in listed] == [
        ("v-1", ["visitor"]),
        ("v-2", ["visitor"]),
    ]


def test_a_letter_goes_to_stdout_alone_and_the_look_to_the_log(
    environment: dict[str, str], book: Book
) -> None:
    done = arrears_process(environment, "letter", "print", "L-1", by="sup-1")
    letter = opened(book, document.c.body_encrypted)[0]
    assert (done.returncode, done.stdout) == (0, letter + "\n")
    assert "loan L-1: document 1 was opened by sup-1 for print_and_post" in done.stderr
    assert NAME not in done.stderr

    tell(book, "write_off", loan="L-1", written_off_on="2026-03-31")
    stopped = arrears(environment, "letter", "print", "L-1", by="sup-1")
    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert "Do not post this letter" in stopped.stderr
    assert "was opened" not in stopped.stderr
    read = arrears(environment, "letter", "print", "L-1", "--preview", by="sup-1")
    mark = "*** PREVIEW. Do not post: the letter is not due any more, or must not go out. ***"
    assert (read.returncode, read.stdout) == (0, f"{mark}\n\n{letter}\n\n{mark}\n")

    none = arrears(environment, "letter", "print", "L-2", by="sup-1")
    assert (none.returncode, none.stdout) == (2, "")
    assert "No letter has been written for loan L-2" in none.stderr


def test_open_problems_are_listed_with_what_is_wrong(
    environment: dict[str, str], book: Book
) -> None:
    arrears(environment, "payment", "record", "L-9", "10", "USD", "--id", "P-1", by="c-1")
    with book.ctx.engine.begin() as connection:
        odd = because(ReasonCode.FAILED_SAYING, error="E", message="Not [red]markup[/].")
        note_problem(connection, book.loan_id("L-1"), "odd", odd, book.clock.at)

    read = arrears(environment, "problems", "list").stdout
    assert "[red]markup[/]" in read.replace("\n", "")
    found = json.loads(arrears(environment, "problems", "list", "--json").stdout)
    assert [row["detail"][0]["code"] for row in found["loans"]["rows"]] == ["failed_saying"]
    assert [row["sentence"] for row in found["loans"]["rows"]] == [
        'It could not be done: "Not [red]markup[/]."'
    ]
    assert [row["status"] for row in found["events"]["rows"]] == ["received"]


def test_what_a_person_saw_to_is_closed(environment: dict[str, str], book: Book) -> None:
    with book.ctx.engine.begin() as connection:
        loan_id = book.loan_id("L-1")
        twice = because(ReasonCode.TEXTED_TWICE)
        note_problem(connection, loan_id, "texted_twice", twice, book.ctx.now())
    typed = ("problems", "resolve", "L-1", "texted_twice", "--why", "rang up")
    tried = arrears(environment, *typed, "--dry-run")
    assert "Nothing was changed" in tried.stdout
    settled = arrears(environment, *typed)
    assert settled.returncode == 0, settled.stderr
    assert arrears(environment, *typed).returncode == 2
    unknown = arrears(environment, "events", "discard", "X-9", "--why", "rang up", by="v-1")
    assert unknown.returncode == 2
    assert "There is no event X-9" in unknown.stderr
