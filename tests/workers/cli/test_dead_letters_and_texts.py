"""What a person decides about actions that were given up and texts that nobody can tell about."""

import json
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from domain.reasons import ReasonCode, because
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.loans import Book
from tests.support.sending import ANSWER_LOST, Scripted, route
from workers.db.schema import message
from workers.sms.providers.port import SendOutcome, SendResult

REFUSED = SendResult(
    SendOutcome.REFUSED,
    because(
        ReasonCode.FAILED_SAYING, error="E", message="The account may not text [this] country."
    ),
    code="21408",
)


@pytest.fixture
def environment(database_url: str) -> dict[str, str]:
    return an_environment(database_url)


def a_text(engine: Engine, answer: SendResult) -> Book:
    book = Book(engine)
    book.loan("L-1", due_on="2026-03-01")
    book.ctx = replace(book.ctx, sms=route(twilio=Scripted(answer)))
    book.escalate("L-1")
    book.send("L-1", "text_day_1")
    return book


def test_a_person_looks_at_what_was_given_up_resumes_it_and_is_told_once(
    environment: dict[str, str], engine: Engine
) -> None:
    book = a_text(engine, REFUSED)
    (listed,) = json.loads(arrears(environment, "actions", "dead-letters", "--json").stdout)["rows"]
    number = str(listed["action"])
    assert (listed["loan"], listed["item"]) == ("L-1", "text_day_1")
    assert "[this]" in arrears(environment, "actions", "dead-letters").stdout
    shown = arrears(environment, "actions", "show", number).stdout
    assert "claimed" in shown
    assert "21408" in shown

    tried = arrears(environment, "actions", "retry", number, "--dry-run", by="op-1")
    assert (tried.returncode, "dry run" in tried.stdout) == (0, True)
    assert book.actions("L-1")["text_day_1"] == "dead"

    done = arrears(environment, "actions", "retry", number, by="op-1")
    assert (done.returncode, "text_day_1 for loan L-1" in done.stdout) == (0, True)
    assert book.actions("L-1")["text_day_1"] == "planned"

    again = arrears(environment, "actions", "discard", number, by="op-1")
    assert (again.returncode, "is planned" in again.stderr) == (2, True)


def test_a_person_drops_what_was_given_up(environment: dict[str, str], engine: Engine) -> None:
    book = a_text(engine, REFUSED)
    number = str(book.action_id("L-1", "text_day_1"))
    arrears(environment, "actions", "discard", number, by="op-1")
    assert book.actions("L-1")["text_day_1"] == "discarded"
    assert "text_day_1 was discarded." in arrears(environment, "explain", "L-1").stdout


def test_a_person_says_what_became_of_a_text(environment: dict[str, str], engine: Engine) -> None:
    book = a_text(engine, ANSWER_LOST)
    (listed,) = json.loads(arrears(environment, "texts", "unconfirmed", "--json").stdout)["rows"]
    text = listed["message"]
    assert (listed["loan"], listed["status"]) == ("L-1", "unknown")
    assert text in arrears(environment, "texts", "unconfirmed").stdout

    tried = arrears(environment, "texts", "abandon", text, "--dry-run", by="op-1")
    assert (tried.returncode, book.one(message).status) == (0, "unknown")

    done = arrears(environment, "texts", "mark-sent", text, "--sid", "SM1", by="op-1")
    assert (done.returncode, book.one(message).sid) == (0, "SM1")
    assert book.actions("L-1")["text_day_1"] == "done"
    again = arrears(environment, "texts", "mark-unsent", text, by="op-1")
    assert (again.returncode, "There is nothing to decide" in again.stderr) == (2, True)


def test_what_a_person_mistypes_is_a_sentence(environment: dict[str, str]) -> None:
    for command in (("actions", "show", "7"), ("texts", "mark-sent", str(uuid4()))):
        said = arrears(environment, *command)
        assert (said.returncode, said.stderr.startswith("arrears: There is no")) == (2, True)
