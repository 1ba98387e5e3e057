"""What a collector does with a borrower's text: find it, read it, and be done with it."""

import json

import pytest
from sqlalchemy import Engine

from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.inbound import record_inbound_text
from tests.support.loans import PHONE, Book
from workers.borrowers.reply_queue import assign_replies
from workers.sms.providers.port import InboundText


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return an_environment(database_url)


@pytest.fixture
def book(engine: Engine) -> Book:
    """L-1's borrower wrote back, with something in it that a terminal would obey; c-1 has it."""
    book = Book(engine, now="2026-03-02 10:00")
    book.staff("c-1", "caller", shift=("2026-03-02 08:00", "2026-03-02 20:00"))
    book.loan("L-1", due_on="2026-03-01")
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    text = InboundText("twilio", "SM1", PHONE["CN"], "我失业了\x1b[2J", None)
    record_inbound_text(book.ctx, text, help_is_answered=True)
    assign_replies(book.ctx)
    return book


def test_a_collector_finds_a_reply_reads_it_and_is_done_with_it(
    environment: dict[str, str], book: Book
) -> None:
    worklist = json.loads(arrears(environment, "worklist", "--staff", "c-1", "--json").stdout)
    (found,) = worklist["replies"]["rows"]
    assert (found["staff"], found["loan"], found["language"]) == ("c-1", "L-1", "zh-Hans")
    number = str(found["reply"])

    shown = arrears(environment, "worklist", "--kind", "replies").stdout
    assert "c-1" in shown
    assert "失业" not in shown
    assert "Borrowers' replies to be read" in arrears(environment, "status").stdout

    read = arrears(environment, "reply", "read", number, by="c-1")
    assert read.stdout == "我失业了�[2J\n"
    assert f"reply {number} was opened by c-1 for read_and_handle" in read.stderr
    assert "失业" not in read.stderr

    due = json.loads(arrears(environment, "problems", "list", "--json").stdout)["replies"]["rows"]
    assert [(row["loan"], row["read_by"][:10]) for row in due] == [("L-1", "2026-03-04")]

    close = ("reply", "close", number, "--means", "harmless")
    done = arrears(environment, *close)
    assert (done.returncode, done.stdout) == (0, f"Reply {number} is closed: harmless.\n")
    again = arrears(environment, *close, by="c-2")
    assert (again.returncode, "c-1 has seen to reply" in again.stderr) == (2, True)
    assert "No reply waits" in arrears(environment, "worklist", "--kind", "replies").stdout


def test_a_reply_that_does_not_exist_is_said_in_a_sentence(
    environment: dict[str, str], book: Book
) -> None:
    for command in (["read", "99"], ["close", "99", "--means", "stop"]):
        refused = arrears(environment, "reply", *command, by="c-1")
        assert (refused.returncode, "There is no reply 99" in refused.stderr) == (2, True)
