"""Days are typed in one way, whatever the command."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from domain.errors import ArrearsError
from tests.support.commands import arrears
from workers.cli.dates import parse_day, parse_moment


@pytest.mark.parametrize(
    "command",
    [
        ("tape", "import", "tape.csv", "--as-of=1 March"),
        ("roster", "load", "roster.yaml", "--starts-on=2026-03-1"),
        ("worklist", "--on=20260301"),
        ("payment", "record", "L-1", "10", "CNY", "--id=1", "--paid-on=2026-02-30"),
        ("payment", "reverse", "P-1", "--reversed-on=2026-02-30"),
        ("promise", "record", "L-1", "10", "CNY", "01/03/2026", "--id=1"),
        ("write-off", "L-1", "--why", "sold", "--on=yesterday"),
        ("hold", "place", "L-1", "hardship", "--id=1", "--why=x", "--until=2026-13-01"),
        ("dispute", "open", "L-1", "--id=1", "--why=x", "--from="),
        ("hold", "release", "H-1", "--on=2026-3-1"),
    ],
    ids=lambda command: command[0],
)
def test_a_day_that_is_none_is_answered_with_how_to_write_one(command: tuple[str, ...]) -> None:
    done = arrears({}, *command)

    assert done.returncode == 2
    assert "write it as 2026-03-01" in " ".join(done.stderr.split())


@pytest.mark.parametrize("day", ["9999-12-31", "2200-01-01", "1969-12-31", "0001-01-01"])
@pytest.mark.parametrize(
    "command",
    [
        ("tape", "import", "tape.csv", "--as-of"),
        ("roster", "load", "roster.yaml", "--starts-on"),
        ("promise", "record", "L-1", "10", "CNY", "--id=1"),
    ],
    ids=lambda command: command[0],
)
def test_days_are_from_1970_to_2199(command: tuple[str, ...], day: str) -> None:
    done = arrears({}, *command, day)

    assert done.returncode == 2
    assert "from 1970-01-01 to 2199-12-31" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("moment", ["9999-12-31", "0001-01-01", "9999-12-31T23:59:59-12:00"])
def test_moments_are_from_1970_to_2199(moment: str) -> None:
    with pytest.raises(ArrearsError, match="from 1970-01-01 to 2199-12-31"):
        parse_moment(moment, ZoneInfo("Asia/Shanghai"), whole_day=True)


def test_digits_of_another_width_are_read() -> None:
    assert parse_day("２０２６－０３－０１") == date(2026, 3, 1)
