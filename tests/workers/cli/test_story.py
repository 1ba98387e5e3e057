"""A history is read by people: each day is headed by its date."""

from datetime import UTC, datetime

import pytest

from domain.language.render import Sentence
from workers.cli.story import print_story

LENT = Sentence(None, "A loan.")
TIMES = ["2026-03-03 07:30", "2026-03-03 09:00", "2026-03-05 09:00", "2026-03-02 23:59"]
STORY = [
    LENT,
    *(Sentence(datetime.fromisoformat(time).replace(tzinfo=UTC), "It was so.") for time in TIMES),
]


@pytest.mark.parametrize(
    ("language", "headings"),
    [
        ("en", ["2026-03-03, Tuesday", "2026-03-05, Thursday", "2026-03-02, Monday"]),
        ("zh", ["2026-03-03，星期二", "2026-03-05，星期四", "2026-03-02，星期一"]),
    ],
)
def test_each_day_of_a_history_is_headed_by_its_date(
    language: str, headings: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    print_story(STORY, language)

    first, second, third = headings
    assert capsys.readouterr().out.splitlines() == [
        "A loan.",
        first,
        "07:30  It was so.",
        "09:00  It was so.",
        second,
        "09:00  It was so.",
        third,
        "23:59  It was so.",
    ]
