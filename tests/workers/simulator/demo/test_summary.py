"""The summary counts in the log of the provider too, not only in the database."""

import json
from pathlib import Path

from sqlalchemy import Engine

from domain.reasons import ReasonCode, because
from tests.support.loans import Book
from workers.db.problems import note_problem
from workers.escalation.quarantine import ESCALATION_FAILED
from workers.simulator.demo.summary import Summary, most_eventful_loan, read_summary


def a_text(to: str, body: str, reference: str) -> str:
    return json.dumps({"to": to, "body": body, "reference": reference}) + "\n"


def summary(engine: Engine, book: Book, log: Path) -> Summary:
    with engine.connect() as connection:
        return read_summary(connection, book.ctx, log, due=0, agreement=1.0, seconds=0.0)


def test_a_text_that_went_out_twice_is_found_in_the_provider_s_log(
    engine: Engine, tmp_path: Path
) -> None:
    log = tmp_path / "texts.jsonl"
    log.write_text(
        a_text("+12125550100", "Please pay.", "one")
        + a_text("+12125550101", "Please pay.", "two")
        + a_text("+12125550100", "Please pay.", "three")  # the same body again
        + a_text("+12125550102", "Please pay now.", "two")  # another text under the same reference
    )
    found = summary(engine, Book(engine), log)
    assert (found.sms_sent, found.duplicates, found.succeeded) == (4, 2, False)


def test_a_loan_that_nobody_could_decide_counts_as_failed(engine: Engine, tmp_path: Path) -> None:
    log = tmp_path / "texts.jsonl"
    log.write_text(a_text("+12125550100", "Please pay.", "one"))
    book = Book(engine, "2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    assert summary(engine, book, log).succeeded

    with engine.begin() as connection:
        reason = because(ReasonCode.FAILED, error="ValueError")
        note_problem(connection, book.loan_id("L-1"), ESCALATION_FAILED, reason, book.clock.at)

    found = summary(engine, book, log)
    assert (found.failed, found.succeeded) == (1, False)


def test_a_day_on_which_nothing_was_done_is_not_a_success(engine: Engine, tmp_path: Path) -> None:
    log = tmp_path / "texts.jsonl"
    log.touch()

    assert not summary(engine, Book(engine), log).succeeded


def test_the_history_shown_is_that_of_the_loan_with_the_most_events(engine: Engine) -> None:
    book = Book(engine, "2026-03-02 10:00")
    book.loan("L-1", due_on="2026-03-01")
    book.loan("L-2", due_on="2026-03-01")
    with engine.connect() as connection:
        assert most_eventful_loan(connection) is None
    book.escalate("L-1", "L-2")
    book.send("L-2", "text_day_1")
    with engine.connect() as connection:
        assert most_eventful_loan(connection) == "L-2"
