"""What is said of alarms."""

from datetime import tzinfo

from domain.actors import ActorKind
from workers.calls.pace import NumberAlarm
from workers.cli.language import say


def too_many_numbers(alarm: NumberAlarm, zone: tzinfo | None) -> str:
    """What an alarm about telephone numbers says."""
    what = "machine" if alarm.actor_kind is ActorKind.MACHINE else "token"
    return say(
        "{at:%Y-%m-%d %H:%M}: {actor} asked for more telephone numbers than anybody dials, after "
        "{numbers} within a minute. If nobody knows why: {command}.",
        at=alarm.at.astimezone(zone),
        actor=alarm.actor,
        numbers=alarm.numbers,
        command=f"`arrears {what} revoke {alarm.actor}`",
    )
