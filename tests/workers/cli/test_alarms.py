"""What an alarm says can be done by whoever reads it; codes are words in Chinese."""

from datetime import UTC, datetime

import pytest

from domain.actors import ActorKind
from domain.language.sentences import say_in
from workers.calls.pace import NumberAlarm
from workers.cli.alarms import too_many_numbers


@pytest.mark.parametrize(
    ("kind", "command"),
    [(ActorKind.STAFF, "`arrears token revoke c-5`"), (ActorKind.MACHINE, "machine revoke c-5")],
)
def test_an_alarm_names_the_command_for_whom_it_is_about(kind: ActorKind, command: str) -> None:
    said = too_many_numbers(NumberAlarm(datetime(2026, 3, 5, tzinfo=UTC), "c-5", kind, 30), UTC)
    assert command in said
    assert said.count("revoke") == 1


def test_a_channel_is_a_word_in_chinese() -> None:
    text = "No started {channel} of loan {loan} waits for its outcome."
    assert "电话" in say_in("zh", text, channel="call", loan="L-1")
