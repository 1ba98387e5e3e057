"""A short chaotic day. The long one is `make chaos`."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.chaos.__main__ import figures
from tests.chaos.book import MOST_LOANS, OneLoan, make_book
from tests.chaos.day import Day, live_through
from tests.chaos.verdict import give_verdict, texts_by_number

A_SHORT_DAY = Day(loans=100, seed=151, every=(4.0, 8.0), within=240, workers=2)
"""Its first breakages are a worker, the broker and the other worker: the day need not go on for one
that is missing."""


@pytest.mark.timeout(300)
def test_a_short_day_on_which_everything_breaks_loses_nothing_and_repeats_nothing(
    tmp_path: Path,
) -> None:
    outcome = live_through(A_SHORT_DAY, tmp_path, print)

    found = figures(outcome)
    assert (found["sends_owed"], found["duplicates"], found["lost"]) == (100, 0, 0)
    assert outcome.kills >= 1
    assert outcome.broker_losses >= 1
    assert outcome.database_restarts == 1


@pytest.fixture
def book() -> list[OneLoan]:
    return [OneLoan("+12015550100", 1), OneLoan("+12015550101", 30), OneLoan("+12015550102", 5)]


def log_of(folder: Path, *numbers: str) -> Path:
    log = folder / "texts.jsonl"
    log.write_text("".join(f"{json.dumps({'to': number})}\n" for number in numbers))
    return log


def counted(
    engine: Engine, book: Sequence[OneLoan], folder: Path, *numbers: str
) -> tuple[int, int, int]:
    """Accepted, duplicates and lost."""
    with engine.connect() as connection:
        verdict = give_verdict(book, log_of(folder, *numbers), connection)
    assert verdict.good == (verdict.duplicates == verdict.lost == 0)
    return verdict.accepted_by_provider, verdict.duplicates, verdict.lost


def test_the_verdict_counts_a_text_that_came_twice(
    engine: Engine, book: list[OneLoan], tmp_path: Path
) -> None:
    texts = [book[0].number, book[1].number, book[0].number]
    assert counted(engine, book, tmp_path, *texts) == (3, 1, 0)


def test_the_verdict_counts_a_text_that_nobody_was_owed(
    engine: Engine, book: list[OneLoan], tmp_path: Path
) -> None:
    assert counted(engine, book, tmp_path, *(fake_loan.number for fake_loan in book)) == (3, 1, 0)


def test_the_verdict_counts_a_text_that_never_came(
    engine: Engine, book: list[OneLoan], tmp_path: Path
) -> None:
    assert counted(engine, book, tmp_path, book[0].number) == (1, 0, 1)


def test_the_same_seed_makes_the_same_book_and_every_number_is_fiction() -> None:
    book = make_book(200, seed=3)
    assert book == make_book(200, seed=3) != make_book(200, seed=4)
    assert sum(fake_loan.owed for fake_loan in book) == 200
    assert len({fake_loan.number for fake_loan in book}) == len(book) == 220
    assert all(fake_loan.number[5:10] == "55501" for fake_loan in book)
    assert MOST_LOANS > 60_000


def test_a_line_that_is_being_written_counts_when_it_is_finished(tmp_path: Path) -> None:
    log = tmp_path / "texts.jsonl"
    log.write_text('{"to": "+1"}\n{"to": "+2", "bo', encoding="utf-8")
    assert texts_by_number(log) == {"+1": 1}
