"""What is said of alarms."""

from datetime import tzinfo

from workers.calls.pace import NumberAlarm
from workers.cli.language import say


def too_many_numbers(alarm: NumberAlarm, zone: tzinfo | None) -> str:
    """What an alarm about telephone numbers says."""
    return say(
        "{at:%Y-%m-%d %H:%M}: {actor} asked for more telephone numbers than anybody dials, after "
        "{numbers} within a minute. If nobody knows why: `arrears token revoke {actor}`, or "
        "`arrears machine revoke {actor}`.",
        at=alarm.at.astimezone(zone),
        actor=alarm.actor,
        numbers=alarm.numbers,
    )
