"""Reads the plan of a call, `tries`, of an item in a ladder's file."""

from collections.abc import Collection
from datetime import timedelta

from config.readers.yaml_reader import Value
from domain.actions import ASSIGN_CALL, ActionType
from domain.call_plan import CallPlan, Hours, Until, WhenUsedUp

MOST_TRIES = 30
LONGEST_APART = 24 * 14


def read_call_plan(value: Value, do: ActionType, must_learn: Collection[str]) -> CallPlan:
    """How often a call is tried, how far apart, at which hours, and until what."""
    if do != ASSIGN_CALL:
        raise value.refuse(
            "An item that does {do} is no call, and has no plan of tries.",
            "Take the lines out.",
            do=do,
        )
    section = value.section("most hours_apart hours until then")
    until = section.need("until").word(Until)
    if until is Until.LEARNT and not must_learn:
        raise section.need("until").refuse(
            "The call has nothing to learn, so it cannot be tried until it is learnt.",
            "Write must_learn: [reason], or until: spoken.",
        )
    then = section.maybe("then", lambda given: given.word(WhenUsedUp))
    return CallPlan(
        most=_at_most(section.need("most"), MOST_TRIES),
        apart=timedelta(hours=_at_most(section.need("hours_apart"), LONGEST_APART)),
        until=until,
        hours=section.entries("hours", _read_hours),
        when_used_up=then or WhenUsedUp.NOT_REACHED,
    )


def _at_most(value: Value, most: int) -> int:
    number = value.whole(at_least=1)
    if number > most:
        raise value.refuse(
            "`{key}` is {shown}, which is more than {most}.",
            "Write a number from 1 to {most}.",
            key=value.key,
            shown=value.shown,
            most=most,
        )
    return number


def _read_hours(value: Value) -> Hours:
    instead = "Write whole hours of the day, such as 8-12 or 17-21."
    given = value.days(instead)
    if given.last is None or not given.first < given.last <= 24:
        raise value.refuse(
            "`{key}` is {shown}, which is no part of a day.",
            instead,
            key=value.key,
            shown=value.shown,
        )
    return Hours(given.first, given.last)
