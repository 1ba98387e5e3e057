"""`arrears ladder`: which rules count, since when, and what they say about every day."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from config.settings import Settings
from domain.ladder import AppliesTo, Ladder, find_ladder
from tests.support.commands import arrears
from tests.support.environment import an_environment
from tests.support.loans import shipped_policy
from workers.cli.ladder import day_ranges, standing

TODAY = date(2026, 6, 15)


def version(number: int, first: str, last: str | None = None) -> Ladder:
    return replace(
        find_ladder(shipped_policy().ladders, "consumer_loan_cn", 1),
        version=number,
        effective_from=date.fromisoformat(first),
        effective_to=date.fromisoformat(last) if last else None,
    )


@pytest.mark.parametrize(
    ("ladders", "said"),
    [
        ([version(1, "2026-01-01")], ["in force since 2026-01-01"]),
        ([version(1, "2026-06-15", "2026-06-15")], ["in force since 2026-06-15 up to and on"]),
        ([version(1, "2026-01-01", "2026-06-14")], ["past, from 2026-01-01 up to and on 2026-06"]),
        ([version(1, "2026-06-16")], ["to come, from 2026-06-16"]),
        (
            [version(1, "2026-01-01"), version(2, "2026-06-15")],
            ["past: consumer_loan_cn v2 took its place on 2026-06-15", "in force since 2026-06-15"],
        ),
        (
            [version(1, "2026-01-01"), version(2, "2026-07-01")],
            ["in force since 2026-01-01 up to and on 2026-06-30", "to come, from 2026-07-01"],
        ),
        (
            [version(1, "2026-01-01"), version(2, "2026-03-01", "2026-03-31")],
            ["in force since 2026-01-01", "past, from 2026-03-01 up to and on 2026-03-31"],
        ),
    ],
)
def test_a_version_says_from_when_to_when_it_counts(ladders: list[Ladder], said: list[str]) -> None:
    for ladder, words in zip(ladders, said, strict=True):
        assert standing(ladder, ladders, TODAY).startswith(words)


def test_a_version_for_other_loans_takes_nobodys_place() -> None:
    first = version(1, "2026-01-01")
    second = replace(version(2, "2026-06-01"), applies_to=AppliesTo(("CN",), ("card",)))

    assert standing(first, [first, second], TODAY) == "in force since 2026-01-01"


def test_no_day_of_the_ladder_goes_unsaid() -> None:
    said = [
        (str(days), step.id if step else None)
        for days, step in day_ranges(version(1, "2026-01-01"))
    ]

    assert said == [
        ("1-3", "remind"),
        ("4-6", None),
        ("7-29", "enquire"),
        ("30-59", "visit"),
        ("60-", "legal"),
    ]


def test_a_ladder_that_ends_rests_for_good() -> None:
    whole = version(1, "2026-01-01")
    short = replace(whole, steps=whole.steps[:1])

    assert [str(days) for days, step in day_ranges(short) if step is None] == ["4-"]


def test_it_is_read_in_a_terminal_of_80_columns_before_there_is_a_database() -> None:
    done = arrears(an_environment(), "ladder")
    assert done.returncode == 0
    shown = done.stdout

    folder: Path = Settings.model_fields["policy_dir"].default
    assert all(len(line) <= 80 for line in shown.splitlines() if str(folder) not in line)
    for words in (
        "consumer_loan_cn v4 — in force since 2026-01-04",
        "For consumer_loan in CN, in CNY.",
        "Acts from 10.00 CNY past due, without days of grace; missed steps are skipped.",
        "Due on a day of rest: next working day; CN is known to 2026-12-31.",
        "Due on a day of rest: as it is written.",
        "nobody is contacted",
        "reminder_first",
        "once a supervisor approves",
    ):
        assert words in shown
