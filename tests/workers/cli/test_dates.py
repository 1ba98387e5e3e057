"""Days are typed in one way, whatever the command."""

import pytest

from tests.support.commands import arrears


@pytest.mark.parametrize(
    "command",
    [
        ("tape", "import", "tape.csv", "--as-of=1 March"),
        ("roster", "load", "roster.yaml", "--starts-on=2026-03-1"),
        ("worklist", "--on=20260301"),
        ("payment", "record", "L-1", "10", "CNY", "--id=1", "--by", "c-1", "--paid-on=2026-02-30"),
        ("payment", "reverse", "P-1", "--by", "c-1", "--reversed-on=2026-02-30"),
        ("promise", "record", "L-1", "10", "CNY", "01/03/2026", "--id=1", "--by=c-1"),
        ("write-off", "L-1", "--by", "c-1", "--why", "sold", "--on=yesterday"),
        ("hold", "place", "L-1", "hardship", "--id=1", "--by=c-1", "--why=x", "--until=2026-13-01"),
        ("dispute", "open", "L-1", "--id=1", "--by=c-1", "--why=x", "--from="),
        ("hold", "release", "H-1", "--by", "c-1", "--on=2026-3-1"),
    ],
    ids=lambda command: command[0],
)
def test_a_day_that_is_none_is_answered_with_how_to_write_one(command: tuple[str, ...]) -> None:
    done = arrears({}, *command)

    assert done.returncode == 2
    assert "write it as 2026-03-01" in " ".join(done.stderr.split())
